/** What a rule is proved on: two changes of one repository, each in fresh checkouts. */
import type * as Change from "@millwright/core/Change"
import * as Contract from "@millwright/core/Contract"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Checkout from "../src/Checkout.ts"
import type * as Rule from "../src/Rule.ts"
import * as RuleTest from "../src/testing/RuleTest.ts"
import * as Lab from "./ScrutinyLab.ts"

/** Two changes of some files. */
export interface Changes {
  readonly before: Lab.Files
  readonly holds: Lab.Files
  readonly fails: Lab.Files
}

/** What a rule is given about a change. Its checkouts are open as long as the scope. */
export const context = Effect.fnUntraced(function* ({ repository }: Lab.Lab, change: Change.Change) {
  const services = yield* Effect.context<Checkout.Services | Scope.Scope>()
  const opened = (commit: string) => Effect.cached(Effect.provide(Checkout.open({ repository, commit }), services))
  const contract = Contract.freeze("item", [{ statement: "It does what it shall." }])
  const [head, base] = [yield* opened(change.head), yield* opened(change.base)]
  return { contract, change, repository, head, base } satisfies Rule.Context
})

/** The fixture of a rule. */
export const fixture = (rule: Rule.Rule<ChildProcessSpawner>, { before, fails, holds }: Changes) =>
  Layer.effect(
    RuleTest.Fixture,
    Effect.gen(function* () {
      const services = yield* Effect.context<ChildProcessSpawner>()
      const of = Effect.fnUntraced(function* (files: Lab.Files) {
        const lab = yield* Lab.make(before)
        return yield* context(lab, lab.change(files))
      })
      return {
        rule: { ...rule, judge: (one: Rule.Context) => Effect.provide(rule.judge(one), services) },
        holds: yield* of(holds),
        fails: yield* of(fails)
      }
    })
  ).pipe(Layer.provide(Lab.layer))
