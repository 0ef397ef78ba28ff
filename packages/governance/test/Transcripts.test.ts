import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { join } from "node:path"
import * as Transcripts from "../src/Transcripts.ts"
import * as Lab from "./TranscriptLab.ts"

const { answer, lines, said, tally, usage } = Lab

const once = { input: 10, cacheRead: 100, cacheWrite: 20, output: 7 }

describe("Transcripts", () => {
  it.effect("finds the format by what stands in a file, one after the other in one file too", () =>
    Effect.gen(function* () {
      const all = ["claude.jsonl", "gemini.json", "codex.jsonl", "pi.jsonl"].map(Lab.fixture)
      const apart = yield* tally(...all)
      assert.strictEqual(apart.unparsed.total, 0)
      assert.deepStrictEqual((yield* tally(all.join("\n"))).total, apart.total, "one file of four programs")
      assert.deepStrictEqual(
        apart.byModel.map(({ provider }) => provider),
        ["anthropic", "google", "twin", "twin"]
      )
    })
  )

  it.effect("says what it saw where no program is known, and takes an empty file for what it is", () =>
    Effect.gen(function* () {
      for (const [text, saw] of [
        ['{"name":"package","version":"1"}', "objects with the fields name, version"],
        ["# A heading\n\ntext", "what is no JSON object"],
        ["[1,2,3]", "what is no JSON object"],
        ['{"a key with a password in it":1}', "objects with the fields #"],
        ["\uFFFDPNG\r\n\u001A", "what is no JSON object"]
      ] as const) {
        const error = yield* Effect.flip(Lab.read(text, { source: "a.json" }))
        assert.strictEqual(error.reason, "UnknownFormat")
        assert.include(error.message, `a.json begins with ${saw}`)
        assert.include(error.message, "codex")
        assert.notInclude(error.message, "password")
      }
      const long = yield* Effect.flip(Lab.read("x".repeat(1_000), { maxBytes: 100 }))
      assert.include(long.message, "a line of 1000 bytes")
      for (const empty of ["", "\n\n", "\uFEFF", "  "]) assert.deepStrictEqual(yield* Lab.read(empty), [])
    })
  )

  it.effect("reads a line of each object, one object over many lines, two of them, and both together", () =>
    Effect.gen(function* () {
      const one = JSON.parse(lines(answer()))
      const two = JSON.parse(lines(answer({ id: "msg_000000000002" })))
      const [small, pretty] = [JSON.stringify(one), JSON.stringify(two, null, 2)]
      for (const text of [
        `${small}\n${JSON.stringify(two)}`,
        `${small}${JSON.stringify(two)}`,
        `${JSON.stringify(one, null, 2)}\n${pretty}`,
        `${JSON.stringify(one, null, 2)}${pretty}`,
        `${small}\n${pretty}\n`,
        `${pretty}\n${small}`,
        `${pretty} ${small}`,
        `${JSON.stringify(one, null, "\t")}\r\n${small}\r\n${pretty.replaceAll("\n", "\r\n")}`
      ]) {
        const found = yield* tally(text)
        assert.strictEqual(found.total.answers, 2, text.slice(0, 60))
        assert.strictEqual(found.unparsed.total, 0, text.slice(0, 60))
      }
    })
  )

  it.effect("goes on behind a line that broke off, wherever that was", () =>
    Effect.gen(function* () {
      const whole = lines(answer())
      const next = lines(answer({ id: "msg_000000000002" }))
      for (let cut = 1; cut < whole.length; cut++) {
        const found = yield* tally(`${whole.slice(0, cut)}\n${next}\n${next}`)
        assert.deepStrictEqual(
          [found.total.answers, found.unparsed.total],
          [1, 1],
          `behind ${JSON.stringify(whole.slice(Math.max(0, cut - 20), cut))}`
        )
      }
      const last = yield* tally(`${next}\n${whole.slice(0, 200)}`)
      assert.deepStrictEqual([last.total.answers, last.unparsed.NotJson], [1, 1], "the last line broke off")
    })
  )

  it.effect("tells where a piece is that is no entry, and never what stood in it", () =>
    Effect.gen(function* () {
      const text = lines(answer(), "broken", { type: "a-new-type" }, "[1]", answer())
      const unparsed = Lab.only(yield* Lab.read(text, { source: "a.jsonl" }), "Unparsed")
      assert.deepStrictEqual(
        unparsed.map(({ bytes, line, source, why }) => [source, line, why, bytes > 0]),
        [
          ["a.jsonl", 2, "NotJson", true],
          ["a.jsonl", 3, "Unknown", true],
          ["a.jsonl", 4, "Unknown", true]
        ]
      )
    })
  )

  it.effect("skips a line of 100 MB, counts it, and never holds it", () =>
    Effect.gen(function* () {
      const mega = Buffer.alloc(1_000_000, "x")
      const before = process.memoryUsage().arrayBuffers
      let most = 0
      const bytes = Stream.concat(
        Stream.concat(Stream.make(Buffer.from(`${lines(answer())}\n{"type":"user","text":"`)), line(mega, 100)),
        Stream.make(Buffer.from(`"}\n${lines(answer({ id: "msg_000000000002" }))}`))
      ).pipe(
        Stream.tap(() =>
          Effect.sync(() => {
            most = Math.max(most, process.memoryUsage().arrayBuffers - before)
          })
        )
      )
      const entries = yield* Stream.runCollect(Transcripts.read(bytes, { maxBytes: 4_000_000 }))
      assert.strictEqual(Lab.only(entries, "Answered").length, 2)
      assert.deepStrictEqual(
        Lab.only(entries, "Unparsed").map(({ line, why }) => [line, why]),
        [[2, "TooLong"]]
      )
      assert.strictEqual(Lab.only(entries, "Unparsed")[0]?.bytes, 100_000_025)
      assert.isBelow(most, 60_000_000, "the line was kept in memory")
    })
  )

  it.effect("does not take thousands of open brackets for one object, and is done with them", () =>
    Effect.gen(function* () {
      const found = yield* tally(lines(answer(), ...Array.from({ length: 5_000 }, () => '{"a":'), answer()))
      assert.deepStrictEqual([found.total.answers, found.unparsed.total], [1, 1])
    })
  )

  it.effect("reads a document with more messages than a call can take arguments", () =>
    Effect.gen(function* () {
      const message = (_: unknown, at: number) => ({
        id: `m-${at}`,
        timestamp: "2026-02-03T00:00:00Z",
        type: "user",
        content: ""
      })
      const head = { sessionId: "s", projectHash: "p" }
      const text = JSON.stringify({ ...head, messages: Array.from({ length: 200_000 }, message) })
      assert.strictEqual((yield* Lab.read(text)).length, 200_001)
    })
  )

  it.effect("begins anew each time that it is run, also at the same time", () =>
    Effect.gen(function* () {
      const bytes = Stream.fromIterable(
        Buffer.from(Lab.fixture("codex.jsonl"))
          .toString()
          .match(/[^]{1,500}/g) ?? []
      )
      const entries = Stream.runCollect(Transcripts.read(Stream.map(bytes, (text) => Buffer.from(text))))
      const [first, ...others] = yield* Effect.all([entries, entries, entries], { concurrency: "unbounded" })
      assert.isAbove(first?.length ?? 0, 10)
      for (const other of others) assert.deepStrictEqual(other, first)
    })
  )

  it.effect("hands an error of the stream on, with what was read before it", () =>
    Effect.gen(function* () {
      // What broke off does not keep back what is behind it.
      const text = `{"type":"user",\n${lines(answer())}\n`
      const broken = Stream.concat(Stream.make(Buffer.from(text)), Stream.fail("the disk is gone"))
      const seen: Array<string> = []
      const error = yield* Transcripts.read(broken).pipe(
        Stream.runForEach(({ _tag }) => Effect.sync(() => void seen.push(_tag))),
        Effect.flip
      )
      assert.strictEqual(error, "the disk is gone")
      assert.deepStrictEqual(seen, ["Unparsed", "Session", "Answered"])
    })
  )

  it.effect("reads a file like its bytes, also several at the same time, and fails where there is none", () =>
    Effect.gen(function* () {
      const names = ["claude.jsonl", "codex.jsonl", "claude-fork.jsonl", "pi.jsonl", "gemini.json"]
      const at = (name: string) => join(import.meta.dirname, "fixtures", "transcripts", name)
      const found = yield* Effect.forEach(
        [...names, ...names],
        (name) => Stream.runCollect(Transcripts.readFile(at(name))),
        {
          concurrency: "unbounded"
        }
      )
      for (const [place, name] of [...names, ...names].entries()) {
        assert.deepStrictEqual(found[place], yield* Lab.read(Lab.fixture(name), { source: at(name) }), name)
      }
      // Whoever takes no more than the first entries leaves the file, and the next reader has memory of its own.
      const [first] = yield* Stream.runCollect(Stream.take(Transcripts.readFile(at("codex.jsonl")), 1))
      assert.strictEqual(first?._tag, "Session")
      const error = yield* Effect.flip(Stream.runCollect(Transcripts.readFile(at("none.jsonl"))))
      assert.strictEqual(error._tag, "PlatformError")
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.effect("reads only what the programs write that it was given", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Lab.read(Lab.fixture("pi.jsonl"), { readers: [Transcripts.codex] }))
      assert.include(error.message, "no transcript of codex.")
    })
  )

  it.effect("tells a path where that was asked for, without a secret in it", () =>
    Effect.gen(function* () {
      const path = `/home/dev/sk-${"a1b2c3d4".repeat(4)}/a.ts`
      const text = lines(
        answer({ content: [{ type: "tool_use", id: "toolu_0000000001", name: "Read", input: { file_path: path } }] }),
        said("x")
      )
      const [without] = Lab.only(yield* Lab.read(text), "Called")
      const [call] = Lab.only(yield* Lab.read(text, { paths: true }), "Called")
      assert.isFalse("path" in (without ?? {}))
      assert.strictEqual(call?.path, "/home/dev/[redacted]/a.ts")
      assert.strictEqual(call?.file, without?.file)
    })
  )

  it.effect("counts each answer once, with the most that any of its lines says", () =>
    Effect.gen(function* () {
      for (const outputs of [
        [1, 1, 7],
        [7, 1, 1],
        [1, 7, 1]
      ]) {
        const found = yield* tally(lines(...outputs.map((output) => answer({ usage: usage(output) }))))
        assert.deepStrictEqual([found.total.answers, found.total.usage], [1, once])
      }
    })
  )

  it.prop(
    "reads the same bytes however they come",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 400 })))],
    ([lengths]) =>
      Effect.runSync(
        Effect.gen(function* () {
          const bytes = Buffer.from(lines("", answer(), said("grüße 🙂"), "broken", answer({ id: "msg_000000000002" })))
          const chunks: Array<Uint8Array> = []
          let from = 0
          for (const length of [...lengths, bytes.length]) {
            chunks.push(bytes.subarray(from, from + length))
            from += length
          }
          const read = (chunks: ReadonlyArray<Uint8Array>) =>
            Stream.runCollect(Transcripts.read(Stream.fromIterable(chunks)))
          assert.deepStrictEqual(yield* read(chunks), yield* read([bytes]))
        })
      )
  )
})

const line = (mega: Uint8Array, times: number): Stream.Stream<Uint8Array> =>
  Stream.map(Stream.rechunk(Stream.range(1, times), 1), () => mega)
