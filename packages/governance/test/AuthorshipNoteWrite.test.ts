import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AuthorshipNote from "../src/AuthorshipNote.ts"
import * as LineOwners from "../src/LineOwners.ts"

const base = "7734793b756b3921c88db5375a8c156e9532447b"
const session: AuthorshipNote.Session = {
  tool: "cursor",
  id: "6ef2299e",
  model: "gpt-5",
  directedBy: "ada@example.org",
  attributes: { team: "backend" }
}
const prompt: AuthorshipNote.Prompt = {
  ...session,
  messagesUrl: "https://example.org/1",
  additions: 3,
  deletions: 2,
  accepted: 1,
  overridden: 0
}
const key = `${AuthorshipNote.sessionKey(session)}::${AuthorshipNote.traceKey("one")}`
const old = AuthorshipNote.promptKey(session)
const ada = AuthorshipNote.humanKey("Ada <ada@example.org>")
const note: AuthorshipNote.AuthorshipNote = {
  base,
  version: "millwright 1",
  sessions: new Map([[AuthorshipNote.sessionKey(session), session]]),
  prompts: new Map([[old, prompt]]),
  humans: new Map([[ada, "Ada <ada@example.org>"]]),
  files: [
    { path: "my file.ts", entries: [{ key: old, ranges: [{ first: 1, last: 1 }] }] },
    {
      path: "a.ts",
      entries: [
        {
          key,
          ranges: [
            { first: 9, last: 9 },
            { first: 1, last: 2 },
            { first: 3, last: 4 }
          ]
        },
        { key: ada, ranges: [{ first: 20, last: 21 }] }
      ]
    },
    { path: "empty.ts", entries: [] }
  ]
}
const claim = (path: string, key: string, first: number, last: number): AuthorshipNote.AuthorshipNote => ({
  ...note,
  files: [{ path, entries: [{ key, ranges: [{ first, last }] }] }]
})
const reasonOf = (note: AuthorshipNote.AuthorshipNote) =>
  Result.match(AuthorshipNote.write(note), { onSuccess: (text) => text, onFailure: ({ reason }) => reason })

const small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))
const Claim = Schema.Struct({
  path: Schema.Literals(["a.ts", "my file.ts", "---", "c\td", "é.ts"]),
  first: small(30),
  size: small(10),
  owner: Schema.Union([
    Schema.Struct({
      _tag: Schema.Literal("Agent"),
      tool: Schema.Literals(["codex", "claude"]),
      session: Schema.Literals(["one", "two", "three"]),
      model: Schema.Null
    }),
    Schema.Struct({ _tag: Schema.Literal("Human"), identity: Schema.Literals(["Ada <a@b>", "Bob"]) }),
    Schema.Struct({ _tag: Schema.Literals(["Mixed", "Unknown"]) })
  ])
})
const ownersOf = (claims: ReadonlyArray<typeof Claim.Type>) =>
  LineOwners.make(
    claims.map(({ first, owner, path, size }) => ({ path, ranges: [{ first, last: first + size - 1, owner }] }))
  )
const tellable = ({ files }: LineOwners.LineOwners) =>
  LineOwners.make(
    files.map(({ path, ranges }) => ({
      path,
      ranges: ranges.filter(({ owner }) => owner._tag === "Agent" || owner._tag === "Human")
    }))
  )

describe("AuthorshipNote.write", () => {
  it("writes the standard's form, in one order", () => {
    const text = Result.getOrThrow(AuthorshipNote.write(note))
    assert.deepStrictEqual(
      text.split("\n").slice(0, 6),
      ["a.ts", `  ${ada} 20-21`, `  ${key} 1-4,9`, '"my file.ts"', `  ${old} 1`, "---"],
      "the claims"
    )
    assert.strictEqual(
      reasonOf({ ...note, files: note.files.toReversed() }),
      text,
      "whatever order the files are given in"
    )
    const { note: again, problems } = AuthorshipNote.read(text)
    assert.deepStrictEqual(problems, [], "it follows the standard")
    assert.deepStrictEqual(
      [again.sessions, again.prompts, again.humans, again.base, again.version],
      [note.sessions, note.prompts, note.humans, base, "millwright 1"],
      "all that is known of the keys is read again"
    )
    assert.strictEqual(reasonOf(again), text, "what was read is written as the same text")
  })

  it("says why it can not write", () => {
    assert.strictEqual(reasonOf({ ...note, base: null }), "BadBase", "no commit")
    assert.strictEqual(reasonOf({ ...note, base: "HEAD" }), "BadBase", "a name of a commit")
    for (const path of ["", 'a"b', "a\nb", "a\rb", "a\0b", "a b\\c", "\ud800"]) {
      assert.strictEqual(reasonOf(claim(path, key, 1, 1)), "BadPath", `the path ${JSON.stringify(path)}`)
    }
    const [first] = claim("a.ts", key, 1, 1).files
    assert.strictEqual(reasonOf({ ...note, files: first ? [first, first] : [] }), "BadPath", "a path twice")
    assert.strictEqual(reasonOf(claim("a.ts", "s_x", 1, 1)), "BadKey", "a key that is none")
    assert.strictEqual(reasonOf({ ...note, humans: new Map([["ada", "Ada"]]) }), "BadKey", "a record under none")
    assert.strictEqual(reasonOf(claim("a.ts", AuthorshipNote.humanKey("Bob"), 1, 1)), "DanglingKey", "no record")
    for (const [from, to] of [
      [0, 1],
      [2, 1],
      [1.5, 2],
      [1, NaN],
      [1, 2 ** 31]
    ] as const) {
      assert.strictEqual(reasonOf(claim("a.ts", key, from, to)), "BadRange", `lines ${from} to ${to}`)
    }
    const twice = [
      { key, ranges: [{ first: 1, last: 5 }] },
      { key: ada, ranges: [{ first: 5, last: 6 }] }
    ]
    assert.strictEqual(reasonOf({ ...note, files: [{ path: "a.ts", entries: twice }] }), "Overlap", "a line of two")
  })

  it("writes a note without claims", () => {
    const { note: again, problems } = AuthorshipNote.read(reasonOf({ ...note, files: [] }))
    assert.deepStrictEqual([again.files, problems], [[], []], "it is read as one")
  })

  it.prop("tells owners that are read as they were", { claims: Schema.Array(Claim) }, ({ claims }) => {
    const owners = ownersOf(claims)
    const text = Result.getOrThrow(AuthorshipNote.write(AuthorshipNote.make(owners, { base })))
    const { note: again, problems } = AuthorshipNote.read(text)
    assert.deepStrictEqual(problems, [], "it follows the standard")
    assert.deepStrictEqual(AuthorshipNote.owners(again), tellable(owners), "owners, mixed and unknown ones apart")
    assert.strictEqual(reasonOf(again), text, "one text for one note")
  })

  it.prop("reads any text without failing", { text: Schema.String }, ({ text }) => {
    AuthorshipNote.read(text)
    AuthorshipNote.read(`a.ts\n  ${text}\n---\n${text}`)
  })
})
