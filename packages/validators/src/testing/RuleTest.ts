/**
 * What every rule of the house holds to. A rule proves itself with one line and a {@link Fixture}: two changes, one that it has
 * nothing against and one that it has, each with what it is judged in.
 *
 * ```text
 * import * as RuleTest from "@millwright/validators/testing/RuleTest"
 * import type * as Layer from "effect/Layer"
 *
 * declare const fixture: Layer.Layer<RuleTest.Fixture>
 *
 * RuleTest.suite("MyRule", fixture)
 * ```
 *
 * Every test builds the layer anew.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Contract from "@millwright/core/Contract"
import * as Verdict from "@millwright/core/Verdict"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Rule from "../Rule.ts"

/** What is judged in the suite. */
export class Fixture extends Context.Service<
  Fixture,
  {
    /** The rule, with everything that it needs. */
    readonly rule: Rule.Rule
    /** A change that it has nothing against. */
    readonly holds: Rule.Context
    /** A change that it has something against. */
    readonly fails: Rule.Context
  }
>()("@millwright/validators/testing/RuleTest/Fixture") {}

/** A promise of the port: it is kept when the effect succeeds. */
export interface Claim {
  readonly name: string
  readonly holds: Effect.Effect<void, unknown, Fixture>
}

/** Registers the tests of a rule with vitest. */
export const suite = (name: string, layer: Layer.Layer<Fixture, unknown>): void => {
  describe(name, () => {
    for (const claim of claims) {
      it.live(claim.name, () => Effect.provide(claim.holds, layer, { local: true }), 120_000)
    }
  })
}

const judge = Effect.fnUntraced(function* (which: "holds" | "fails") {
  const fixture = yield* Fixture
  const judgement = yield* fixture.rule.judge(fixture[which])
  return { ...judgement, assertion: fixture.rule.id } satisfies Verdict.Finding
})

/** What of a finding has to be the same each time: all but evidence, which is by digest. */
const said = ({ evidence: _, ...finding }: Verdict.Finding) => finding

const named = Effect.gen(function* () {
  const { rule } = yield* Fixture
  assert.isTrue(Schema.is(Contract.RuleId)(rule.id), `${rule.id} is no name of a rule, as RULE-TESTS is one`)
  assert.isNotEmpty(rule.statement, "it does not say what it holds a change to")
})

const passing = Effect.gen(function* () {
  const finding = yield* judge("holds")
  assert.strictEqual(finding.status, "pass", finding.reason)
  assert.isNotEmpty(finding.evidence, "it passed without evidence")
  assert.isNotEmpty(finding.reason, "it passed without a reason")
})

const failing = Effect.gen(function* () {
  const { fails } = yield* Fixture
  const finding = yield* judge("fails")
  assert.include(["fail", "blocked"], finding.status, finding.reason)
  assert.isTrue(Schema.is(Verdict.Finding)(finding), "a finding as its schema has it")
  assert.isNotEmpty(finding.problems, "it says that something is wrong, and not what")
  for (const { message, path, rule } of finding.problems ?? []) {
    assert.isNotEmpty(message, `a ${rule} without a message`)
    assert.isFalse(path?.startsWith("/") ?? false, `${path} is no path of the repository`)
    assert.notInclude(message, fails.repository, "a message names a folder of this machine")
  }
})

const same = Effect.gen(function* () {
  const [first, second] = [yield* judge("fails"), yield* judge("fails")]
  assert.deepStrictEqual(said(second), said(first), "the same change was judged in two ways")
})

const apart = Effect.gen(function* () {
  yield* judge("fails")
  assert.strictEqual((yield* judge("holds")).status, "pass", "what it found before has a say in what comes after it")
})

/** All promises of the port. */
export const claims: ReadonlyArray<Claim> = [
  { name: "has a name and says what it holds a change to", holds: named },
  { name: "passes with a reason and with evidence", holds: passing },
  { name: "says what is wrong, and where in the repository", holds: failing },
  { name: "says the same of the same change", holds: same },
  { name: "judges each change by itself", holds: apart }
]
