/** Who judges: scrutiny of what was written, what git alone decides, and a tester who uses what was built and sees no source. */
import type * as Change from "@millwright/core/Change"
import type * as Contract from "@millwright/core/Contract"
import * as Validator from "@millwright/core/Validator"
import * as BrowserSurface from "@millwright/validators/adapters/BrowserSurface"
import * as HandoverValidator from "@millwright/validators/adapters/HandoverValidator"
import * as HttpSurface from "@millwright/validators/adapters/HttpSurface"
import * as CheatsRule from "@millwright/validators/CheatsRule"
import * as DependenciesRule from "@millwright/validators/DependenciesRule"
import * as ProofRules from "@millwright/validators/ProofRules"
import * as Scrutiny from "@millwright/validators/Scrutiny"
import * as SecretRules from "@millwright/validators/SecretRules"
import * as SecretScan from "@millwright/validators/SecretScan"
import * as SecretsRule from "@millwright/validators/SecretsRule"
import type { Surface } from "@millwright/validators/Surface"
import * as TestedApp from "@millwright/validators/TestedApp"
import * as UserTesting from "@millwright/validators/UserTesting"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Done from "./contract.ts"

/** What is judged, and with what. */
export interface Case {
  readonly repository: string
  readonly browser: Option.Option<Surface["Service"]>
  readonly contract: Contract.Contract
  readonly change: Change.Change
}

/** The browser of this machine; where it has none, it is said why. */
export const browser = BrowserSurface.make().pipe(
  Effect.tapError(({ message }) => Console.log(message)),
  Effect.option
)

const tests = { run: "node --test --test-reporter=tap", report: "output" } as const

/** Reads the change and runs its tests, in fresh checkouts. */
const scrutiny = Effect.fnUntraced(function* (repository: string) {
  const scan = SecretScan.make(yield* SecretRules.usual)
  const { breakFix, redGreen } = ProofRules.make({ tests, demand: true })
  return Scrutiny.make({
    repository,
    checks: { tests: { ...tests, compare: true } },
    rules: [SecretsRule.make(scan), DependenciesRule.make(), CheatsRule.make(), redGreen, breakFix]
  })
})

/** Uses the shop, which runs in a sandbox of its own. */
const testing = ({ browser, change, repository }: Case) => {
  const app = TestedApp.command({
    spec: {
      id: `shop-${change.branch}`,
      workspace: { _tag: "Checkout", repository, base: change.head, branch: `running/${change.branch}` }
    },
    run: "exec node src/server.js",
    // It keeps nothing of anybody.
    reset: null
  })
  return Effect.map(HttpSurface.make(), (http) =>
    UserTesting.make({
      apps: [{ surface: http, app }, ...(browser._tag === "Some" ? [{ surface: browser.value, app }] : [])],
      planner: Done.planner,
      unenforced: "the browser of this machine runs the page of this example, and reads no file."
    })
  )
}

/** The verdict of all of them together. */
export const judge = Effect.fnUntraced(function* (one: Case) {
  const validators = [
    yield* scrutiny(one.repository),
    HandoverValidator.make({ dir: one.repository }),
    yield* testing(one)
  ] as const
  return yield* Validator.all(validators, one)
})
