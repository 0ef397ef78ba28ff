import { assert, describe, it } from "@effect/vitest"
import * as SkillSource from "@millwright/context/adapters/SkillSource"
import * as ToolSourceTest from "@millwright/context/testing/ToolSourceTest"
import * as ToolListing from "@millwright/context/ToolListing"
import * as Effect from "effect/Effect"

const skills = [
  { name: "review", description: "Reviews a change.", instructions: "Read the diff first." },
  { name: "triage", description: "Sorts issues.", instructions: "Ask what is missing." }
]

ToolSourceTest.suite(
  "SkillSource",
  Effect.succeed({
    source: SkillSource.make({ name: "skills", skills }),
    sound: { name: "review", args: {}, says: "Read the diff first." }
  })
)

describe("SkillSource", () => {
  it.effect("lists skills as entries without arguments that change nothing", () =>
    Effect.gen(function* () {
      const source = SkillSource.make({ name: "skills", skills })
      const { tools } = ToolListing.parse((yield* source.list).tools)
      assert.strictEqual(source.kind, "skill")
      assert.deepStrictEqual(
        tools.map(({ description, hints, name, schema }) => [name, description, String(schema), hints.readOnly]),
        [
          ["review", "Reviews a change.", '{"type":"object","properties":{}}', true],
          ["triage", "Sorts issues.", '{"type":"object","properties":{}}', true]
        ]
      )
    })
  )
})
