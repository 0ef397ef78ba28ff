/** Holds that a skill names what its outcome is made of, down to the last field: a model answers with what it was told of. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Dedupe from "../src/roles/Dedupe.ts"
import * as Implement from "../src/roles/Implement.ts"
import * as Respond from "../src/roles/Respond.ts"
import * as Spec from "../src/roles/Spec.ts"
import * as Triage from "../src/roles/Triage.ts"
import * as Skill from "../src/Skill.ts"

const roles = [
  { name: "dedupe", outcome: Dedupe.Outcome },
  { name: "implement", outcome: Implement.Outcome },
  { name: "respond", outcome: Respond.Outcome },
  { name: "spec", outcome: Spec.Outcome },
  { name: "triage", outcome: Triage.Outcome }
] as const

/** Every field and every closed value of a JSON Schema. */
const namesIn = (schema: unknown): ReadonlyArray<string> => {
  if (Array.isArray(schema)) return schema.flatMap(namesIn)
  if (!Predicate.isObject(schema)) return []
  return Object.entries(schema).flatMap(([key, value]) => {
    if (key === "properties" && Predicate.isObject(value)) {
      return [...Object.keys(value).filter((name) => name !== "_tag"), ...namesIn(Object.values(value))]
    }
    if (key === "enum" && Array.isArray(value)) return value.map(String)
    return namesIn(value)
  })
}

describe.each(roles)("the skill of $name", ({ name, outcome }) => {
  it.effect("names every case, field and closed value of its outcome, however deep", () =>
    Effect.gen(function* () {
      const { instructions } = yield* Skill.bundled(name)
      const { definitions, schema } = Schema.toJsonSchemaDocument(outcome)
      const names = [...new Set(namesIn([schema, Object.values(definitions)]))]
      assert.isAtLeast(names.length, 8, "the outcome was not read")
      const unsaid = names.filter((one) => !instructions.includes(`\`${one}\``))
      assert.deepStrictEqual(unsaid, [], "the skill does not speak of these")
    })
  )
})

describe("the gates of triage", () => {
  it.effect("are those that its skill explains, in the same order", () =>
    Effect.gen(function* () {
      const { instructions } = yield* Skill.bundled("triage")
      const [, section = ""] = instructions.split("## Gates for work without a human")
      const said = [...(section.split("\n## ")[0] ?? "").matchAll(/^- `([\w-]+)`:/gm)].map(([, gate]) => gate)
      assert.deepStrictEqual(
        said,
        Triage.gates.map(({ name }) => name)
      )
    })
  )
})
