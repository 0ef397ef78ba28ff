import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import * as AgentTrace from "../src/AgentTrace.ts"
import * as LineOwners from "../src/LineOwners.ts"

const example = Fs.readFileSync(new URL("fixtures/agent-trace/record.json", import.meta.url), "utf8")
const minimal = {
  version: "0.1.0",
  id: "550e8400-e29b-41d4-a716-446655440000",
  timestamp: "2026-01-25T10:00:00Z",
  files: [{ path: "a.ts", conversations: [{ contributor: { type: "ai" }, ranges: [{ start_line: 1, end_line: 50 }] }] }]
}
const at = Date.UTC(2026, 0, 25)
const revision = "a".repeat(40)

const reasonOf = (value: unknown) =>
  Result.match(AgentTrace.read(typeof value === "string" ? value : JSON.stringify(value)), {
    onSuccess: () => "read",
    onFailure: ({ reason }): string => reason
  })
const messageOf = (value: unknown) =>
  Result.match(AgentTrace.read(JSON.stringify(value)), { onSuccess: () => "", onFailure: ({ message }) => message })
const file = (conversation: unknown) => ({ ...minimal, files: [{ path: "a.ts", conversations: [conversation] }] })
const ranged = (range: unknown) => file({ ranges: [range] })
const ownersOf = (value: unknown) => AgentTrace.owners(Result.getOrThrow(AgentTrace.read(JSON.stringify(value))))

const some = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))
// An address is UTF-8, which has no half characters.
const Text = Schema.NonEmptyString.check(Schema.makeFilter((text) => text.isWellFormed()))
const Claim = Schema.Struct({
  path: Schema.Literals(["a.ts", "my file.ts"]),
  first: some(30),
  size: some(10),
  owner: Schema.Union([
    Schema.Struct({
      _tag: Schema.Literal("Agent"),
      tool: Schema.Union([Text, Schema.Literal("codex"), Schema.Null]),
      session: Schema.Union([Text, Schema.Literal("https://example.org/s/1"), Schema.Null]),
      model: Schema.Union([Schema.Literal("openai/gpt-5"), Schema.Null])
    }),
    Schema.Struct({ _tag: Schema.Literal("Human"), identity: Schema.Union([Text, Schema.Null]) }),
    Schema.Struct({ _tag: Schema.Literals(["Mixed", "Unknown"]) })
  ])
})

describe("AgentTrace", () => {
  it("reads the example of the specification", () => {
    const trace = Result.getOrThrow(AgentTrace.read(example))
    assert.deepStrictEqual(JSON.parse(AgentTrace.write(trace)), JSON.parse(example), "nothing of it is lost")
    const session = "https://api.cursor.com/v1/conversations/12345"
    const agent = (model: string): LineOwners.Owner => ({ _tag: "Agent", tool: "cursor", session, model })
    assert.deepStrictEqual(
      AgentTrace.owners(trace).files,
      [
        {
          path: "src/utils/helpers.ts",
          ranges: [{ first: 10, last: 25, owner: agent("openai/gpt-4o") }]
        },
        {
          path: "src/utils/parser.ts",
          ranges: [{ first: 42, last: 67, owner: agent("anthropic/claude-opus-4-5-20251101") }]
        }
      ],
      "who wrote what"
    )
  })

  it("tells the contributors of ranges, of conversations, and those that nobody names", () => {
    const { files } = ownersOf({
      ...minimal,
      files: [
        {
          path: "a.ts",
          conversations: [
            {
              contributor: { type: "ai", model_id: "x/y" },
              ranges: [
                { start_line: 1, end_line: 2 },
                { start_line: 3, end_line: 3, contributor: { type: "human" } },
                { start_line: 4, end_line: 4, contributor: { type: "mixed" } },
                { start_line: 5, end_line: 5, contributor: { type: "unknown" } }
              ]
            },
            { ranges: [{ start_line: 6, end_line: 6 }] }
          ]
        }
      ]
    })
    assert.deepStrictEqual(
      files[0]?.ranges.map(({ first, last, owner }) => `${first}-${last} ${owner._tag}`),
      ["1-2 Agent", "3-3 Human", "4-4 Mixed", "5-6 Unknown"],
      "a range's own contributor counts, and where there is none, nobody knows"
    )
  })

  it("says what does not follow the specification", () => {
    const cases: ReadonlyArray<readonly [string, unknown, string]> = [
      ["no JSON", "{", "Malformed"],
      ["no object", "[]", "Malformed"],
      ["deep JSON", "[".repeat(100_000), "Malformed"],
      [
        "deep metadata",
        JSON.stringify(minimal).replace("{", `{"metadata":{"a":${"[".repeat(1e5)}${"]".repeat(1e5)}},`),
        "Malformed"
      ],
      ["no version", { ...minimal, version: undefined }, "Malformed"],
      ["a version that is none", { ...minimal, version: "1" }, "Malformed"],
      ["a later version", { ...minimal, version: "2.0.0", files: {} }, "UnknownVersion"],
      ["an id that is none", { ...minimal, id: "1" }, "Malformed"],
      ["a time that is none", { ...minimal, timestamp: "yesterday" }, "Malformed"],
      ["no files", { ...minimal, files: undefined }, "Malformed"],
      ["a path that is empty", { ...minimal, files: [{ path: "", conversations: [] }] }, "Malformed"],
      ["line 0", ranged({ start_line: 0, end_line: 1 }), "Malformed"],
      ["half a line", ranged({ start_line: 1, end_line: 1.5 }), "Malformed"],
      ["lines backwards", ranged({ start_line: 3, end_line: 2 }), "Malformed"],
      ["a line that no file has", ranged({ start_line: 1, end_line: 2 ** 53 }), "Malformed"],
      ["a contributor that is none", file({ contributor: { type: "robot" }, ranges: [] }), "Malformed"],
      [
        "a model of 251 characters",
        file({ contributor: { type: "ai", model_id: "m".repeat(251) }, ranges: [] }),
        "Malformed"
      ],
      ["an address that is none", file({ url: "not an address", ranges: [] }), "Malformed"],
      ["a system that is none", { ...minimal, vcs: { type: "cvs", revision: "1" } }, "Malformed"],
      ["more than is read", `${" ".repeat(17 * 1024 * 1024)}`, "TooLarge"],
      [
        "fields that it does not name",
        { ...minimal, more: 1, files: [{ path: "a", conversations: [], more: 1 }] },
        "read"
      ]
    ]
    for (const [name, value, reason] of cases) assert.strictEqual(reasonOf(value), reason, name)
    assert.include(messageOf(ranged({ start_line: 3, end_line: 2 })), "files.0.conversations.0.ranges.0", "where")
    const worst = { ...minimal, files: Array.from({ length: 10_000 }, () => ({ path: "" })) }
    assert.isBelow(messageOf(worst).length, 2_000, "a message is for people, however much is wrong")
  })

  it("keeps metadata, and lets no name in it do anything", () => {
    const hostile = JSON.stringify(minimal).replace(
      "{",
      '{"metadata":{"__proto__":{"polluted":1},"dev.cursor":{"a":[1]}},'
    )
    const trace = Result.getOrThrow(AgentTrace.read(hostile))
    assert.deepStrictEqual(trace.metadata?.["dev.cursor"], { a: [1] }, "what a vendor wrote")
    assert.strictEqual(({} as Record<string, unknown>)["polluted"], undefined, "no prototype was touched")
  })

  it.prop(
    "tells owners that are read as they were",
    { claims: Schema.Array(Claim), tool: Schema.Union([Text, Schema.Literal("codex"), Schema.Undefined]) },
    ({ claims, tool }) => {
      const owners = LineOwners.make(
        claims.map(({ first, owner, path, size }) => ({ path, ranges: [{ first, last: first + size - 1, owner }] }))
      )
      const made = AgentTrace.make(owners, { at, revision, ...(tool !== undefined && { tool: { name: tool } }) })
      const text = AgentTrace.write(Result.getOrThrow(made))
      const read = Result.getOrThrow(AgentTrace.read(text))
      assert.deepStrictEqual(AgentTrace.owners(read), owners, "owners")
      assert.strictEqual(AgentTrace.write(read), text, "one text for one record")
    }
  )

  it("makes one record of one content, with hashes of the lines", () => {
    const owner: LineOwners.Owner = { _tag: "Agent", tool: "codex", session: "1", model: null }
    const owners = LineOwners.make([
      { path: "a.ts", ranges: [2, 9].map((first) => ({ first, last: first + 1, owner })) },
      { path: "b.ts", ranges: [{ first: 1, last: 1, owner }] }
    ])
    const options = { at, revision, texts: new Map([["a.ts", "one\ntwo\nthree\nfour"]]) }
    const trace = Result.getOrThrow(AgentTrace.make(owners, options))
    assert.deepStrictEqual(Result.getOrThrow(AgentTrace.make(owners, options)), trace, "made again, it is the same")
    assert.match(trace.id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/, "its id is a UUID")
    assert.deepStrictEqual(
      trace.files.map(({ conversations }) => conversations[0]?.ranges.map(({ content_hash }) => content_hash)),
      [[`sha256:${createHash("sha256").update("two\nthree").digest("hex")}`, undefined], [undefined]],
      "lines that the text has not, and those without a text, have no hash"
    )
  })

  it("says what it can not make", () => {
    const long = { _tag: "Agent" as const, tool: null, session: null, model: "m".repeat(251) }
    for (const [owners, options] of [
      [{ files: [{ path: "a", ranges: [{ first: 1, last: 1, owner: long }] }] }, { at, revision }],
      [{ files: [] }, { at: NaN, revision }],
      [{ files: [] }, { at, revision: "" }]
    ] as const) {
      const made = AgentTrace.make(owners, options)
      assert.strictEqual(Result.isFailure(made) && made.failure.reason, "Malformed", JSON.stringify(options))
    }
  })
})
