/** What does not compile around an approved specification. `tsc` checks this file; an error that is expected and does not come is one. */
import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@millwright/core/Actor"
import * as Gate from "@millwright/core/Gate"
import * as Tainted from "@millwright/core/Tainted"
import * as Effect from "effect/Effect"
import * as Implement from "../src/roles/Implement.ts"
import * as Spec from "../src/roles/Spec.ts"
import * as Lab from "./RoleLab.ts"
import * as Specs from "./Specs.ts"

const item = Lab.item("It drops a row.")
const spec = Spec.sealed(item, Specs.specified())
const task = { item, contract: Lab.contract, repository: Tainted.of("r", ""), feedback: null }
const question = { question: "Build this?", cause: "spec approval" }

describe("Implement compiles", () => {
  it("with what a gate approved, and with nothing else", () => {
    const careful = Implement.make({ spec: "approved" })
    const approved = Gate.approve("spec", { ...question, subject: spec })
    assert.isDefined(Effect.flatMap(approved, (spec) => careful.run({ ...task, spec })))
    assert.isDefined(Effect.flatMap(approved, (spec) => Implement.Implement.run({ ...task, spec })))
    assert.isDefined(() => Implement.Implement.run({ ...task, spec: null }))
    const coloured = Gate.approve("colour", { ...question, subject: { colour: "blue" } })
    const refused = (given: Spec.Approved) => [
      // @ts-expect-error: a specification that nobody approved
      careful.run({ ...task, spec }),
      // @ts-expect-error: nobody approved this one
      careful.run({ ...task, spec: { subject: spec, by: Actor.human("ada"), note: "" } }),
      // @ts-expect-error: a copy of an approval is none
      careful.run({ ...task, spec: { ...given } }),
      // @ts-expect-error: without a specification nothing is built
      careful.run({ ...task, spec: null }),
      // @ts-expect-error: where there is one, it is approved
      Implement.Implement.run({ ...task, spec }),
      // @ts-expect-error: something else was approved
      Effect.flatMap(coloured, (spec) => careful.run({ ...task, spec })),
      // @ts-expect-error: a yes to nothing is no approval of a specification
      Effect.flatMap(Gate.approve("go", question), (spec) => careful.run({ ...task, spec })),
      // @ts-expect-error: what came from outside is no string
      careful.run({ ...task, repository: "", spec: given })
    ]
    assert.isDefined(refused)
  })
})
