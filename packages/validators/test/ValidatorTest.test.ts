/** Validators that are wrong on purpose: the suite has to say so. */
import { assert, describe, it } from "@effect/vitest"
import * as Contract from "@millwright/core/Contract"
import * as Digest from "@millwright/core/Digest"
import * as ValidatorTest from "@millwright/core/testing/ValidatorTest"
import * as Validator from "@millwright/core/Validator"
import type * as Verdict from "@millwright/core/Verdict"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"

const clause = (statement: string): Contract.Clause => ({ statement })

const finding = ({ id, statement }: Contract.Assertion): ReadonlyArray<Verdict.Finding> =>
  statement === "beyond"
    ? []
    : [
        {
          assertion: id,
          status: statement === "holds" ? "pass" : "fail",
          reason: `it is said to be ${statement}`,
          evidence: [{ kind: "review", summary: "read", digest: Digest.of(statement), bytes: 1, excerpt: statement }]
        }
      ]

type Spoil = (right: Validator.Validator) => Validator.Validator["judge"]

/** A right validator of clauses that say themselves what they are, with something spoilt in how it judges. */
const spoilt = (spoil: Spoil) =>
  Layer.effect(
    ValidatorTest.Fixture,
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const ended = yield* Deferred.make<void>()
      const right = Validator.make({
        name: "right",
        findings: Effect.fnUntraced(function* ({ contract }) {
          if (!Contract.isIntact(contract)) {
            return yield* new Validator.ValidatorError({
              reason: "ContractAltered",
              message: "The contract was altered. Judge against the frozen one."
            })
          }
          if (contract.assertions.some(({ statement }) => statement === "endless")) {
            yield* Deferred.succeed(begun, undefined)
            yield* Effect.onInterrupt(Effect.never, () => Deferred.succeed(ended, undefined))
          }
          return contract.assertions.flatMap(finding)
        })
      })
      return {
        validator: { ...right, judge: spoil(right) },
        change: { branch: "b", base: "0", head: "1", files: [] },
        holds: clause("holds"),
        fails: clause("fails"),
        beyond: clause("beyond"),
        endless: {
          clause: clause("endless"),
          begun: Deferred.await(begun),
          // The suite waits 20 s for it; nothing here takes longer than a turn of the event loop.
          ended: Effect.flatMap(Deferred.isDone(ended), (isDone) => (isDone ? Effect.void : Effect.fail("it goes on")))
        }
      }
    })
  )

/** Spoils the verdict that the right one gives. */
const verdictOf =
  (change: (verdict: Verdict.Verdict) => Verdict.Verdict): Spoil =>
  (right) =>
  (subject) =>
    Effect.map(right.judge(subject), change)

const findingsOf = (change: (findings: ReadonlyArray<Verdict.Finding>) => ReadonlyArray<Verdict.Finding>) =>
  verdictOf((verdict) => ({ ...verdict, findings: change(verdict.findings) }))

const wrong: Record<string, { readonly spoil: Spoil; readonly breaks: RegExp }> = {
  "says nothing about what it can not judge": {
    spoil: findingsOf((findings) => findings.filter(({ status }) => status !== "blocked")),
    breaks: /exactly one/
  },
  "gives two findings about one assertion": {
    spoil: findingsOf((findings) => [...findings, ...findings.slice(0, 1)]),
    breaks: /exactly one/
  },
  "names another contract": {
    spoil: verdictOf((verdict) => ({ ...verdict, contract: Digest.of("other") })),
    breaks: /names the contract/
  },
  "calls itself something else": { spoil: verdictOf((v) => ({ ...v, validator: "other" })), breaks: /who judged/ },
  "passes without evidence": {
    spoil: findingsOf((findings) => findings.map((each) => ({ ...each, evidence: [] }))),
    breaks: /with evidence/
  },
  "accepts everything": {
    spoil: verdictOf((verdict) => ({ ...verdict, accepted: true })),
    breaks: /does not hold/
  },
  "takes silence for a pass": {
    spoil: verdictOf((verdict) => ({
      ...verdict,
      accepted: !verdict.findings.some(({ status }) => status === "fail")
    })),
    breaks: /can not judge/
  },
  "does not look whether the contract is the frozen one": {
    spoil:
      (right) =>
      ({ change, contract: { assertions, item } }) =>
        right.judge({ change, contract: { item, assertions, digest: Digest.ofJson({ item, assertions }) } }),
    breaks: /altered/
  },
  "takes every contract for the first one": {
    spoil: (right) => {
      let first: Effect.Effect<Verdict.Verdict, Validator.ValidatorError> | undefined
      return (subject) => (first ??= right.judge(subject))
    },
    breaks: /apart/
  },
  "goes on working when it is interrupted": {
    spoil: (right) => (subject) => Effect.andThen(Effect.forkDetach(right.judge(subject)), Effect.never),
    breaks: /interrupted/
  }
}

describe("the suite", () => {
  for (const { holds, name } of ValidatorTest.claims) {
    it.live(`holds for a right validator: ${name}`, () =>
      Effect.provide(
        holds,
        spoilt((right) => right.judge)
      )
    )
  }
  for (const [what, { breaks, spoil }] of Object.entries(wrong)) {
    it.live(`fails on a validator that ${what}`, () =>
      Effect.gen(function* () {
        const found = ValidatorTest.claims.filter(({ name }) => breaks.test(name))
        assert.strictEqual(found.length, 1, `${breaks} should name one claim`)
        for (const { holds, name } of found) {
          const exit = yield* Effect.exit(Effect.provide(holds, spoilt(spoil)))
          assert.isTrue(Exit.isFailure(exit), `"${name}" should fail on a validator that ${what}`)
        }
      })
    )
  }
})
