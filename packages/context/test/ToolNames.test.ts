import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Definition from "../src/internal/Definition.ts"
import * as EntryName from "../src/internal/EntryName.ts"
import * as ToolArguments from "../src/internal/ToolArguments.ts"
import { entry } from "./tools.ts"

const forModels = (server: string, name: string, isTaken: (name: string) => boolean = () => false) =>
  EntryName.forModels({ id: `${server}/${name}`, kind: "tool", name, server }, isTaken)

describe("a name for models", () => {
  it("is as written where that can be", () => {
    assert.strictEqual(forModels("github", "create_issue"), "mcp__github__create_issue")
  })

  it.prop(
    "is one that providers take, is told apart from others, and does not depend on who came first",
    [Schema.String, Schema.String],
    ([a, b]) => {
      const [one, two] = [forModels("s", a), forModels("s", b)]
      assert.match(one, /^[a-zA-Z0-9_-]{1,64}$/)
      assert.strictEqual(forModels("s", a), one)
      if (a.toWellFormed() !== b.toWellFormed()) assert.notStrictEqual(one, two)
      const other = forModels("s", a, (name) => name === one)
      assert.notStrictEqual(other, one, "A name that is taken should not be given again")
      assert.match(other, /^[a-zA-Z0-9_-]{1,64}$/)
    }
  )
})

describe("the line of an entry", () => {
  it.each([
    ["Creates an issue. It needs a title.", "Creates an issue."],
    ["Version 1.2 of it works with e.g. files! And more.", "Version 1.2 of it works with e.g."],
    ["  Two\n\n  lines  ", "Two lines"],
    ["搜索新闻。返回列表。", "搜索新闻。"],
    ["hidden\u202etext\u200b.", "hidden\ufffdtext\ufffd."],
    ["", "(path, mode)"]
  ])("of %j is %j", (description, expected) => {
    assert.strictEqual(EntryName.line(description, ["path", "mode"]), expected)
  })

  it.prop("is short, and in one line, whatever is said", [Schema.String], ([description]) => {
    const line = EntryName.line(description, [])
    assert.isAtMost(line.length, 100)
    assert.notMatch(line, /[\n\r\t]/)
    assert.isNotEmpty(line)
  })
})

describe("a definition", () => {
  const of = (schema: object) => Definition.of(entry("s/t", { schema: Buffer.from(JSON.stringify(schema)) }))

  it("is of an object, and has no choice at its top, which providers refuse", () => {
    const { description, schema } = of({
      $schema: "http://json-schema.org/draft-07/schema#",
      type: "object",
      properties: { a: { anyOf: [{ type: "string" }] } },
      oneOf: [{ required: ["a"] }]
    })
    assert.deepStrictEqual(schema, { type: "object", properties: { a: { anyOf: [{ type: "string" }] } } })
    assert.include(description, '"oneOf":[{"required":["a"]}]')
  })

  it("says in words what names of arguments no provider takes", () => {
    const { description, schema } = of({ type: "object", properties: { "a b": { type: "string" } } })
    assert.deepStrictEqual(schema, { type: "object", properties: {} })
    assert.include(description, '"a b"')
  })
})

describe("arguments", () => {
  const schema = {
    type: "object",
    properties: {
      path: { type: "string", pattern: "^(a+)+$", format: "uri" },
      pattern: { type: "string" },
      again: { $ref: "#" },
      mode: { enum: ["r", "w"] }
    },
    required: ["path"],
    additionalProperties: false
  }

  it("are told what is wrong with them, by name", () => {
    assert.deepStrictEqual(
      ToolArguments.problems(schema, { path: "x", again: { path: "y", again: { path: "z" } } }),
      []
    )
    const said = ToolArguments.problems(schema, { again: { path: 3 }, mode: "x", other: 1 }).join("\n")
    for (const part of ["path", "again/path", "mode", "other"]) assert.include(said, part)
  })

  it("are not matched against expressions of strangers, and one may be called so", () => {
    assert.deepStrictEqual(ToolArguments.problems(schema, { path: `${"a".repeat(50_000)}!`, pattern: "x" }), [])
    assert.lengthOf(ToolArguments.problems(schema, { path: "x", pattern: 3 }), 1)
  })

  it("are left to the source where a schema can not be understood", () => {
    for (const broken of [{ $ref: "#/nowhere" }, { $ref: "https://example.com/x" }, { required: 3 }]) {
      assert.deepStrictEqual(ToolArguments.problems(broken, { a: 1 }), [], JSON.stringify(broken))
    }
  })
})
