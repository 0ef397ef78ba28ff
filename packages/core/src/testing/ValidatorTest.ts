/**
 * What every validator holds to. An adapter proves itself with one line and a {@link Fixture}, which names clauses that
 * the adapter can judge, and a change to judge them on:
 *
 * ```text
 * import * as ValidatorTest from "@millwright/core/testing/ValidatorTest"
 * import type * as Layer from "effect/Layer"
 *
 * declare const fixture: Layer.Layer<ValidatorTest.Fixture>
 *
 * ValidatorTest.suite("MyValidator", fixture)
 * ```
 *
 * Every test builds the layer anew.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Change from "../Change.ts"
import * as Contract from "../Contract.ts"
import type * as Validator from "../Validator.ts"
import * as Verdict from "../Verdict.ts"

/** What is judged in the suite. */
export class Fixture extends Context.Service<
  Fixture,
  {
    /** The validator, with everything that it needs. */
    readonly validator: Validator.Validator
    readonly change: Change.Change
    /** It can judge this, and it holds. */
    readonly holds: Contract.Clause
    /** It can judge this, and it does not hold. */
    readonly fails: Contract.Clause
    /** It has no way to judge this. `undefined` for a validator that can judge anything. */
    readonly beyond: Contract.Clause | undefined
    /** Judging this does not end by itself. `begun` and `ended` complete when the work itself did, as seen from outside. */
    readonly endless: {
      readonly clause: Contract.Clause
      readonly begun: Effect.Effect<void, unknown>
      readonly ended: Effect.Effect<void, unknown>
    }
  }
>()("@millwright/core/testing/ValidatorTest/Fixture") {}

/** A promise of the port: it is kept when the effect succeeds. */
export interface Claim {
  readonly name: string
  readonly holds: Effect.Effect<void, unknown, Fixture>
}

/** Registers the tests of a validator with vitest. */
export const suite = (name: string, layer: Layer.Layer<Fixture, unknown>): void => {
  describe(name, () => {
    for (const claim of claims) {
      it.live(claim.name, () => Effect.provide(claim.holds, layer, { local: true }), 60_000)
    }
  })
}

/** The longest text that a piece of evidence may carry, in UTF-16 code units: a verdict is read by people. */
const longestExcerpt = 20_000

const judge = Effect.fnUntraced(function* (clauses: readonly [Contract.Clause, ...ReadonlyArray<Contract.Clause>]) {
  const { change, validator } = yield* Fixture
  const contract = Contract.freeze("item", clauses)
  return { contract, verdict: yield* validator.judge({ contract, change }) }
})

const statuses = (verdict: Verdict.Verdict) => verdict.findings.map(({ status }) => status)

const once = Effect.gen(function* () {
  const { beyond, fails, holds } = yield* Fixture
  const { contract, verdict } = yield* judge([holds, fails, holds, ...(beyond === undefined ? [] : [beyond])])
  assert.deepStrictEqual(
    verdict.findings.map(({ assertion }) => assertion),
    contract.assertions.map(({ id }) => id),
    "each assertion has exactly one finding, in the order of the contract"
  )
})

const sealed = Effect.gen(function* () {
  const { fails, holds, validator } = yield* Fixture
  const { contract, verdict } = yield* judge([holds, fails])
  assert.isTrue(Schema.is(Verdict.Verdict)(verdict), `a verdict as its schema has it, not ${JSON.stringify(verdict)}`)
  assert.strictEqual(verdict.contract, contract.digest, "the verdict does not name the contract that it was judged by")
  assert.strictEqual(verdict.validator, validator.name, "the verdict does not name who judged")
})

const accepting = Effect.gen(function* () {
  const { holds } = yield* Fixture
  const { verdict } = yield* judge([holds, holds])
  assert.deepStrictEqual(statuses(verdict), ["pass", "pass"], Verdict.complaint(verdict))
  assert.isTrue(verdict.accepted, "all passed, and the verdict does not accept")
  for (const { assertion, evidence, reason } of verdict.findings) {
    assert.isNotEmpty(reason, `${assertion} passed without a reason`)
    assert.isNotEmpty(evidence, `${assertion} passed without evidence`)
    for (const { excerpt, summary } of evidence) {
      assert.isNotEmpty(summary, `the evidence of ${assertion} does not say what it is`)
      assert.isAtMost(excerpt.length, longestExcerpt, `the excerpt of ${assertion} is too long to be read`)
    }
  }
})

const refusing = Effect.gen(function* () {
  const { fails, holds } = yield* Fixture
  const { verdict } = yield* judge([holds, fails])
  assert.deepStrictEqual(
    statuses(verdict),
    ["pass", "fail"],
    "what does not hold fails, and takes nothing else with it"
  )
  assert.isFalse(verdict.accepted, "an assertion failed, and the verdict accepts")
  assert.isNotEmpty(verdict.findings[1]?.reason, "it failed without a reason")
})

const silent = Effect.gen(function* () {
  const { beyond, holds } = yield* Fixture
  if (beyond === undefined) return
  const { verdict } = yield* judge([beyond, holds])
  assert.deepStrictEqual(statuses(verdict), ["blocked", "pass"], "what it can not judge is blocked")
  assert.isFalse(verdict.accepted, "nobody judged an assertion, and the verdict accepts")
  assert.isNotEmpty(verdict.findings[0]?.reason, "it is blocked without a reason")
  const { verdict: alone } = yield* judge([beyond])
  assert.deepStrictEqual([statuses(alone), alone.accepted], [["blocked"], false], "nothing was judged at all")
})

const altered = Effect.gen(function* () {
  const { change, fails, holds, validator } = yield* Fixture
  const frozen = Contract.freeze("item", [holds, fails])
  const [first, second] = frozen.assertions
  if (second === undefined) return assert.fail("a contract of two clauses has two assertions")
  const contracts: Record<string, Contract.Contract> = {
    "a statement was changed": { ...frozen, assertions: [first, { ...second, statement: "something easier" }] },
    "an assertion was taken out": { ...frozen, assertions: [first] },
    "an assertion was put in": { ...frozen, assertions: [first, second, { ...first, id: "VAL-003" }] },
    "a clause was replaced": { ...frozen, assertions: [first, { ...first, id: second.id }] },
    "the order was changed": { ...frozen, assertions: [second, first] },
    "it belongs to another item": { ...frozen, item: "other" },
    "the digest is another contract's": { ...frozen, digest: Contract.freeze("item", [holds]).digest }
  }
  for (const [what, contract] of Object.entries(contracts)) {
    const error = yield* Effect.flip(validator.judge({ contract, change })).pipe(
      Effect.orElseSucceed(() => assert.fail(`It gave a verdict, although ${what}`))
    )
    assert.strictEqual(error.reason, "ContractAltered", `${what}: ${error.message}`)
    assert.isAbove(error.message.length, 20, "the message says what and how to mend it")
  }
})

const apart = Effect.gen(function* () {
  const { fails, holds } = yield* Fixture
  const contracts = [[holds], [fails], [fails, holds], [holds, fails]] as const
  const judged = yield* Effect.forEach(contracts, (clauses) => judge(clauses), { concurrency: "unbounded" })
  assert.deepStrictEqual(
    judged.map(({ verdict }) => statuses(verdict)),
    contracts.map((clauses) => clauses.map((clause) => (clause === holds ? "pass" : "fail"))),
    "each contract gets its own findings"
  )
  for (const { contract, verdict } of judged)
    assert.strictEqual(verdict.contract, contract.digest, "and its own digest")
})

const interrupting = Effect.gen(function* () {
  const { endless } = yield* Fixture
  const within = (what: string) =>
    Effect.timeoutOrElse({
      duration: "20 seconds",
      orElse: () => Effect.die(new Error(`${what} did not happen within 20 seconds`))
    })
  const judging = yield* Effect.forkChild(judge([endless.clause]), { startImmediately: true })
  yield* endless.begun.pipe(within("The work"))
  yield* Fiber.interrupt(judging).pipe(within("The interruption of judging"))
  yield* endless.ended.pipe(within("The end of the work, after judging was interrupted,"))
})

/** Every promise, as an effect that fails where it is broken. */
export const claims: ReadonlyArray<Claim> = [
  { name: "gives every assertion exactly one finding", holds: once },
  { name: "gives a verdict that names the contract's digest and who judged", holds: sealed },
  { name: "passes what holds, with evidence, and accepts when all passed", holds: accepting },
  { name: "fails what does not hold, and does not accept", holds: refusing },
  { name: "blocks what it can not judge, and does not accept", holds: silent },
  { name: "refuses a contract that was altered", holds: altered },
  { name: "keeps contracts apart that are judged at once", holds: apart },
  { name: "stops its work when it is interrupted", holds: interrupting }
]
