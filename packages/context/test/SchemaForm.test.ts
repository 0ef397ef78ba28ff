import { assert, describe, it } from "@effect/vitest"
import * as Definition from "../src/internal/Definition.ts"
import * as SchemaForm from "../src/internal/SchemaForm.ts"
import * as ToolArguments from "../src/internal/ToolArguments.ts"
import { entry } from "./tools.ts"

const property = (x: unknown, more: object = {}) =>
  SchemaForm.of({ type: "object", properties: { x }, ...more })["properties"]

describe("a schema of a stranger", () => {
  it.each([
    ["a type that is none", { type: "any", description: "x" }, { description: "x" }],
    [
      "a limit that is a flag",
      { type: "number", minimum: 0, exclusiveMinimum: true },
      { type: "number", exclusiveMinimum: 0 }
    ],
    ["a flag alone", { type: "number", exclusiveMaximum: false }, { type: "number" }],
    [
      "items by place",
      { type: "array", items: [{ type: "string" }], additionalItems: false },
      { type: "array", items: false, prefixItems: [{ type: "string" }] }
    ],
    ["a list of anything", { type: "array" }, { type: "array", items: {} }],
    ["a list of anything or nothing", { type: ["array", "null"] }, { type: ["array", "null"], items: {} }],
    ["needed, said of itself", { type: "string", required: true }, { type: "string" }],
    ["no description", { type: "string", description: null }, { type: "string" }],
    ["no choice", { enum: [], anyOf: [] }, {}],
    ["what is no schema", "string", {}],
    ["whatever", true, {}],
    ["nothing", false, { not: {} }],
    ["a reference to nowhere", { $ref: "#/$defs/nobody" }, {}],
    ["a reference to elsewhere", { $ref: "Person.json" }, {}],
    [
      "a name of its own",
      { $id: "#x", $schema: "http://json-schema.org/draft-04/schema#", type: "string" },
      { type: "string" }
    ],
    ["a length below nothing", { minLength: -1, maxLength: 1.5, multipleOf: 0 }, {}],
    [
      "values that look like schemas",
      { const: { type: "any" }, default: { required: true } },
      { const: { type: "any" }, default: { required: true } }
    ]
  ])("that has %s is in the form that everybody takes", (_, given, expected) => {
    assert.deepStrictEqual(property(given), { x: expected })
  })

  it("is as it was, byte by byte, when there is nothing to mend", () => {
    const schema = {
      type: "object",
      $defs: { node: { type: "object", properties: { next: { $ref: "#/$defs/node" }, "a/b": { type: "null" } } } },
      properties: { a: { anyOf: [{ type: "string", minLength: 1 }, { $ref: "#/$defs/node/properties/a~1b" }] } },
      required: ["a"],
      additionalProperties: false,
      "x-own": { required: 1 }
    }
    assert.strictEqual(JSON.stringify(SchemaForm.of(schema)), JSON.stringify(schema))
  })

  it("shows its properties, when they stand behind a reference at its top", () => {
    const Args = { type: "object", properties: { a: { type: "string" } }, required: ["a"] }
    const { schema } = Definition.of(
      entry("s/t", {
        schema: Buffer.from(JSON.stringify({ type: "object", $ref: "#/definitions/Args", definitions: { Args } }))
      })
    )
    assert.deepStrictEqual(schema, { ...Args, definitions: { Args } })
    const itself = Definition.of(entry("s/t", { schema: Buffer.from('{"type":"object","$ref":"#"}') }))
    assert.deepStrictEqual(itself.schema["properties"], {})
  })

  it("has no reference into what was taken from its top", () => {
    const { schema } = Definition.of(
      entry("s/t", {
        schema: Buffer.from(
          JSON.stringify({ type: "object", anyOf: [{ type: "object" }], properties: { a: { $ref: "#/anyOf/0" } } })
        )
      })
    )
    assert.deepStrictEqual(schema["properties"], { a: {} })
  })

  it("keeps a definition in bounds, however large it is", () => {
    const properties = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, n) => [`p${n}`, { description: "x".repeat(80) }])
    )
    for (const schema of [
      { type: "object", properties },
      { type: "object", properties: { "a b": {} }, $defs: properties },
      { type: "object", oneOf: [{ properties }] }
    ]) {
      const definition = Definition.of(entry("s/t", { schema: Buffer.from(JSON.stringify(schema)) }))
      assert.isBelow(
        JSON.stringify(definition).length,
        50_000,
        "What is loaded can not be taken out of a conversation again"
      )
      assert.include(definition.description, "characters more")
    }
  })
})

describe("arguments", () => {
  it("fit a schema that speaks an older draft", () => {
    const schema = {
      type: "object",
      properties: {
        any: { type: "any" },
        pair: { items: [{ type: "string" }] },
        over: { minimum: 0, exclusiveMinimum: true }
      }
    }
    assert.deepStrictEqual(ToolArguments.problems(schema, { any: 1, pair: ["a"], over: 1 }), [])
    assert.isNotEmpty(ToolArguments.problems(schema, { over: 0 }))
    assert.isNotEmpty(ToolArguments.problems(schema, { pair: [1] }))
  })

  it("are left to the source where a schema refers to itself a million times", () => {
    const levels = 60
    const $defs = Object.fromEntries(
      Array.from({ length: levels }, (_, n) => {
        const next = { $ref: `#/$defs/d${n + 1}` }
        return [`d${n}`, { anyOf: [next, next] }]
      })
    )
    const schema = {
      type: "object",
      properties: { a: { $ref: "#/$defs/d0" } },
      $defs: { ...$defs, [`d${levels}`]: {} }
    }
    // It would not come back otherwise.
    assert.deepStrictEqual(ToolArguments.problems(schema, { a: "x" }), [])
  })
})
