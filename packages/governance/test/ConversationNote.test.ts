import * as Digest from "@millwright/core/Digest"
import * as Redaction from "@millwright/core/Redaction"
import * as Tainted from "@millwright/core/Tainted"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { gzipSync } from "node:zlib"
import * as ConversationNote from "../src/ConversationNote.ts"
import * as ConversationText from "../src/internal/ConversationText.ts"
import * as NoteLookup from "../src/NoteLookup.ts"
import * as Notes from "../src/Notes.ts"
import { commit, git, gitBytes, repository, test, write } from "./NoteRepository.ts"

const { ref } = ConversationNote
const about = { session: "s-1", agent: "Implement", model: "anthropic/claude" }
const read = Effect.fnUntraced(function* (dir: string, id: string) {
  const [first] = yield* ConversationNote.find(dir, id)
  return first ?? { conversations: [], unread: 0 }
})
const said = (conversation: ConversationNote.Conversation | undefined) =>
  conversation === undefined
    ? Effect.succeed("")
    : Effect.map(ConversationNote.messages(conversation), (text) => Tainted.reveal(text, "measured"))

// Without brackets: of pieces of the mark itself, any text could be put together again.
const secret = Arbitrary.map(Arbitrary.schema(Schema.String), (text) => `s3cr3t${text.replaceAll(/[[\]]/g, "")}-0xK9`)

describe("ConversationNote", () => {
  it.prop(
    "no planted secret is in what is stored, whatever the text around it",
    [
      secret,
      Schema.String,
      Schema.String,
      Schema.Number.check(Schema.isBetween({ minimum: 10 ** 9, maximum: 10 ** 12 }))
    ],
    ([value, before, after, number]) => {
      const text = `${before}${value}${after}`
      const pin = String(Math.trunc(number))
      const messages: ReadonlyArray<Schema.Json> = [
        text,
        { role: "user", content: [{ type: "text", text }, { input: { [text]: text, pin: Number(pin) } }] },
        [JSON.stringify({ nested: JSON.stringify({ text }) }), encodeURIComponent(value.toWellFormed())],
        Number(pin)
      ]
      const secrets = [value, pin].map((each) => Redacted.make(each))
      const packed = ConversationText.pack(messages, { secrets, maxBytes: 1_000_000 })
      const stored = ConversationText.unpack(packed) ?? ""
      const lines = stored.split("\n").slice(0, -1)
      assert.strictEqual(lines.length, messages.length, "one line a message")
      for (const line of lines) JSON.parse(line)
      for (const each of [value.trim(), JSON.stringify(value.trim()).slice(1, -1), pin]) {
        assert.notInclude(stored, each, "the secret is not in what is stored")
      }
    },
    { arbitrary: { runs: 300 } }
  )

  test("keeps a conversation with its commit, once a session, and reads it back", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      const known = ["ghp", "Zk3vQ9wLx7RtB2nYc5HsJ8mKd4PfGa6Ue1To"].join("_")
      const messages = [
        { role: "user", content: `do it, with ${known}` },
        { role: "assistant", content: "häuser and correct horse battery" }
      ]
      const writing = { commit: base, about, messages, secrets: [Redacted.make("correct horse battery")] }
      assert.isTrue(yield* ConversationNote.write(dir, writing), "the first time")
      assert.isFalse(yield* ConversationNote.write(dir, writing), "the same again is nothing new")
      const first = yield* read(dir, base)
      assert.strictEqual(
        yield* said(first.conversations[0]),
        '{"role":"user","content":"do it, with [redacted]"}\n{"role":"assistant","content":"häuser and [redacted]"}\n',
        "what was said, without secrets"
      )
      const longer = [...messages, { role: "user", content: "more" }]
      yield* ConversationNote.write(dir, { ...writing, messages: longer, about: { ...about, run: "42.1" } })
      yield* ConversationNote.write(dir, { ...writing, about: { ...about, session: "s-2" } })
      const { conversations, unread } = yield* read(dir, base)
      assert.deepStrictEqual(
        conversations.map(({ messages, run, session }) => [session, run, messages]),
        [
          ["s-1", "42.1", 3],
          ["s-2", undefined, 2]
        ],
        "one line for each session, the later in the place of the earlier"
      )
      assert.strictEqual(unread, 0, "every line is one")
      for (const id of git(dir, "rev-list", ref).split("\n")) {
        assert.notInclude(git(dir, "show", `${id}:${base}`), known, "no version of the note ever had it")
      }
      yield* ConversationNote.write(dir, { ...writing, secrets: [] }).pipe(
        Effect.provideService(Redaction.Secrets, [Redacted.make("correct horse battery")])
      )
      assert.include(yield* said((yield* read(dir, base)).conversations[1]), "[redacted]", "known to the process")
    }))

  test("leaves out the middle of what is too long, and says so", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      const messages = Array.from({ length: 100 }, (_, index) => ({
        index,
        text: "x".repeat(91 - String(index).length)
      }))
      yield* ConversationNote.write(dir, { commit: base, about, messages, maxBytes: 2_000 })
      const [kept] = (yield* read(dir, base)).conversations
      const indexes = (yield* said(kept)).split("\n").flatMap((line) => /"index":(\d+)/.exec(line)?.[1] ?? [])
      assert.deepStrictEqual(indexes.slice(0, 5), ["0", "1", "2", "3", "87"], "a quarter from the beginning")
      assert.strictEqual(indexes.at(-1), "99", "and the end")
      assert.strictEqual(kept?.messages, indexes.length, "how many are there is said")
      assert.strictEqual(kept?.leftOut.messages, 100 - indexes.length, "and how many are not")
      const big = yield* ConversationNote.write(dir, {
        commit: base,
        about,
        messages: ["x".repeat(5_000)],
        maxBytes: 2_000
      })
      assert.isTrue(big, "one message alone that is too long")
      const [none] = (yield* read(dir, base)).conversations
      assert.deepStrictEqual([none?.messages, none?.leftOut.messages], [0, 1], "is left out")
      yield* ConversationNote.write(dir, { commit: base, about, messages: [] })
      assert.strictEqual(yield* said((yield* read(dir, base)).conversations[0]), "", "no message is a conversation too")
    }))

  test("is found on a squash, each conversation once", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      git(dir, "switch", "-q", "-c", "work")
      for (const name of ["one", "two"]) {
        write(dir, name, name)
        yield* ConversationNote.write(dir, {
          commit: commit(dir, name),
          about: { ...about, session: name },
          messages: [name]
        })
      }
      yield* NoteLookup.bind(dir, { ref, base, head: "work" })
      git(dir, "switch", "-q", "main")
      git(dir, "merge", "-q", "--squash", "work")
      const found = yield* ConversationNote.find(dir, commit(dir, "squashed"))
      assert.deepStrictEqual(
        found.map(({ conversations, note }) => [note.by, conversations[0]?.session]).sort(),
        [
          ["squash", "one"],
          ["squash", "two"]
        ],
        "both conversations are those of the squash"
      )
    }))

  it.prop(
    "the union of two notes has each line of both once, whoever is first",
    [Schema.Array(Schema.String), Schema.Array(Schema.String)],
    ([ours, theirs]) => {
      const note = (lines: ReadonlyArray<string>) => new TextEncoder().encode(lines.join("\n"))
      const lines = (bytes: Uint8Array) =>
        new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes).split("\n").slice(0, -1)
      const wanted = new Set(
        [...lines(note([...ours, ""])), ...lines(note([...theirs, ""]))].filter((line) => /\S/.test(line))
      )
      const [a, b] = [note(ours), note(theirs)]
      const both = lines(ConversationNote.union(a, b))
      assert.strictEqual(both.length, new Set(both).size, "no line twice")
      for (const line of wanted) assert.include(both, line, "each line of both")
      assert.deepStrictEqual(
        new Set(lines(ConversationNote.union(b, a))),
        new Set(both),
        "the same from the other side"
      )
      assert.deepStrictEqual(
        lines(ConversationNote.union(Buffer.from(`${both.join("\n")}\n`), a)),
        both,
        "and once more is the same"
      )
    }
  )

  test("reads what somebody else wrote there, believes none of it, and loses none of it", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      yield* ConversationNote.write(dir, { commit: base, about, messages: ["hello"] })
      const line = git(dir, "notes", `--ref=${ref}`, "show", base)
      const good: Record<string, unknown> = JSON.parse(line)
      const bomb = gzipSync(Buffer.alloc(ConversationText.largest + 1)).toString("base64")
      const foreign = Buffer.concat([
        Buffer.from(
          [
            "not JSON",
            `${line}\r`,
            JSON.stringify({ ...good, session: "two\nlines" }),
            JSON.stringify({ ...good, session: "x\u202ey" }),
            JSON.stringify({ ...good, messages: -1 }),
            JSON.stringify({ ...good, usage: { input: 2 ** 60 } }),
            JSON.stringify({ ...good, version: 2 }),
            JSON.stringify({ ...good, session: "bomb", transcript: bomb }),
            JSON.stringify({ ...good, session: "other", digest: Digest.of("other") }),
            ""
          ].join("\n")
        ),
        Buffer.from([0xff, 0xfe, 10])
      ])
      yield* Notes.update(dir, { ref, commit: base, merge: () => foreign })
      const { conversations, unread } = yield* read(dir, base)
      assert.deepStrictEqual(
        conversations.map(({ session }) => session),
        ["s-1", "bomb", "other"],
        "what is a conversation, with CRLF too"
      )
      assert.strictEqual(unread, 7, "the others are counted")
      for (const conversation of conversations.slice(1)) {
        const error = yield* Effect.flip(ConversationNote.messages(conversation))
        assert.strictEqual(error.reason, "Unreadable", `${conversation.session} is not unpacked`)
      }
      yield* ConversationNote.write(dir, { commit: base, about: { ...about, session: "new" }, messages: ["x"] })
      const bytes = gitBytes(dir, "cat-file", "blob", `${ref}:${base}`)
      assert.isTrue(bytes.includes(Buffer.from([10, 0xff, 0xfe, 10])), "bytes that are no UTF-8 stay what they are")
      const bad = yield* Effect.flip(
        ConversationNote.write(dir, { commit: base, about: { ...about, agent: "a\nb" }, messages: [] })
      )
      assert.strictEqual(bad.reason, "BadConversation", "what would not be read is not written")
    }))
})
