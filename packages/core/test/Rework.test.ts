/** Going back: when it ends, what the next attempt is told, and what of it is kept. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Budget from "../src/Budget.ts"
import * as Contract from "../src/Contract.ts"
import * as Digest from "../src/Digest.ts"
import * as Line from "../src/Line.ts"
import * as Redaction from "../src/Redaction.ts"
import * as Stage from "../src/Stage.ts"
import * as Tainted from "../src/Tainted.ts"
import * as Usage from "../src/Usage.ts"
import * as Verdict from "../src/Verdict.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { events, item, live, test } from "./FactoryStore.ts"

const contract = Contract.freeze("item", [{ statement: "a" }, { statement: "b" }])

const evidence = (excerpt: string): Verdict.Evidence => ({
  kind: "command",
  summary: "ran",
  digest: Digest.of(excerpt),
  bytes: excerpt.length,
  excerpt
})

/** A verdict in which each of these texts stands against an assertion. */
const against = (...excerpts: ReadonlyArray<string>): Verdict.Verdict =>
  Verdict.make(
    "v",
    contract,
    contract.assertions.map(({ id }, at) => {
      const excerpt = excerpts[at]
      return excerpt === undefined
        ? { assertion: id, status: "pass", reason: "good", evidence: [evidence("fine")] }
        : { assertion: id, status: "fail", reason: "`pnpm test` ended with exit code 1", evidence: [evidence(excerpt)] }
    })
  )

const failing = <Feedback>(
  limits: Parameters<typeof Line.rework<never, Feedback, never, never>>[0],
  each: (attempt: number) => Feedback
) =>
  Effect.gen(function* () {
    const contexts: Array<string> = []
    let attempts = 0
    const parked = yield* Effect.flip(
      Line.rework(limits, (_feedback: Feedback | undefined, attempt, context) => {
        attempts = attempt
        if (context !== undefined) contexts.push(Tainted.reveal(context, "measured"))
        return Line.again(each(attempt))
      })
    )
    return { attempts, contexts, parked: parked._tag === "Parked" ? parked : assert.fail(parked.message) }
  })

describe("the breaker", () => {
  const noisy = (attempt: number, what = "expected 200, got 500") =>
    `\u001b[31mError\u001b[0m: ${what} in /tmp/run-${attempt}/a.test.ts:${attempt}:7 at 2026-01-0${attempt}T10:00:0${attempt}Z (${attempt}2 ms, ${Digest.of(String(attempt))}, port ${attempt}000)`

  it.effect("stops a verdict with the same failures at the second time, whatever differs by itself", () =>
    Effect.gen(function* () {
      const { attempts, parked } = yield* failing({ attempts: 9 }, (attempt) => against(noisy(attempt)))
      assert.strictEqual(attempts, 2)
      assert.deepStrictEqual(parked.exhausted, { repeated: true, attempts: 2 })
      assert.include(parked.reason, "2 times in the same way")
    })
  )

  it.effect("goes on where a failure is another one, or another number", () =>
    Effect.gen(function* () {
      const other = yield* failing({ attempts: 4 }, (attempt) => against(noisy(1, `expected 200, got 50${attempt}`)))
      assert.deepStrictEqual(other.parked.exhausted, { repeated: false, attempts: 4 })
      const fewer = yield* failing({ attempts: 2 }, (attempt) =>
        attempt === 1 ? against("Error: a", "Error: b") : against("Error: a")
      )
      assert.deepStrictEqual(fewer.parked.exhausted, { repeated: false, attempts: 2 }, "a set that shrinks is progress")
    })
  )

  it.effect("sees that two failures take turns", () =>
    Effect.gen(function* () {
      const { attempts } = yield* failing({ attempts: 9 }, (attempt) =>
        against(attempt % 2 === 0 ? "Error: a" : "Error: b")
      )
      assert.strictEqual(attempts, 3)
    })
  )

  it.effect("gives texts, which are only alike, one attempt more; and does what it is told", () =>
    Effect.gen(function* () {
      const count = (limits: { readonly identical?: number; readonly fingerprint?: (text: string) => string }) =>
        Effect.map(
          failing({ attempts: 9, ...limits }, (attempt) => `Error in a.ts:${attempt}:1`),
          ({ attempts }) => attempts
        )
      assert.strictEqual(yield* count({}), 3)
      assert.strictEqual(yield* count({ identical: 5 }), 5)
      assert.strictEqual(yield* count({ fingerprint: (text) => text }), 9)
    })
  )
})

describe("Verdict.fingerprints", () => {
  const problem = (changes: Partial<Verdict.Problem>): Verdict.Problem => ({
    rule: "no-skip",
    message: "a test is skipped",
    path: "a.test.ts",
    line: 3,
    ...changes
  })
  const prints = (problems: ReadonlyArray<Verdict.Problem>, reason = "2 problems") =>
    Verdict.fingerprints(
      Verdict.make("v", contract, [{ assertion: "RULE-CHEATS", status: "fail", reason, evidence: [], problems }])
    )

  it("are of each problem: its rule, path and message, and not its line or the words around it", () => {
    const one = prints([problem({})])
    assert.deepStrictEqual(prints([problem({ line: 99 })], "another sentence"), one)
    assert.deepStrictEqual(prints([problem({}), problem({ line: 5 })]), one, "a set")
    for (const other of [{ rule: "no-only" }, { path: "b.test.ts" }, { message: "a test is deleted" }])
      assert.notDeepEqual(prints([problem(other)]), one, JSON.stringify(other))
  })

  it("say nothing of what passed, and do not depend on the order", () => {
    assert.deepStrictEqual(Verdict.fingerprints(against()), [])
    const { findings, ...rest } = against("Error: a", "Error: b")
    assert.deepStrictEqual(
      Verdict.fingerprints({ ...rest, findings: findings.toReversed() }),
      Verdict.fingerprints({ ...rest, findings })
    )
  })
})

describe("what the next attempt is told", () => {
  it.effect("says of what failed before since when, once, and gives the evidence of what is new", () =>
    Effect.gen(function* () {
      const { contexts } = yield* failing({ attempts: 4 }, (attempt) =>
        against(
          "Error: the old one",
          attempt === 1 ? (undefined as never) : `Error: the one of attempt ${"abc"[attempt - 2]}`
        )
      )
      assert.notInclude(contexts[0], "still failing")
      assert.include(contexts[0], "Error: the old one")
      assert.include(contexts[1], "VAL-001 fail (still failing since attempt 1)")
      assert.notInclude(contexts[1], "Error: the old one", "its evidence was told before")
      assert.include(contexts[1], "Error: the one of attempt a")
      assert.include(contexts[2], "VAL-001 fail (still failing since attempt 1)")
    })
  )

  it.effect("is tainted, bounded and without secrets, also where the feedback is a text", () =>
    Effect.gen(function* () {
      const secret = "a-secret-of-this-house"
      const token = `ghp_${"a1B2".repeat(9)}`
      const { contexts } = yield* failing(
        { attempts: 2 },
        () => `Error: ${secret} ${token}\n${"x".repeat(100_000)}`
      ).pipe(Effect.provideService(Redaction.Secrets, [Redacted.make(secret)]))
      assert.isAtMost(contexts[0]?.length ?? 0, 16_000)
      assert.notInclude(contexts[0], secret)
      assert.notInclude(contexts[0], token)
      assert.isTrue(contexts[0]?.startsWith("Error: "))
    })
  )
})

describe("in a line", () => {
  const Rework = Line.make("Rework", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
  const called = (usd: number) =>
    Effect.andThen(
      Budget.check,
      Budget.spend({
        _tag: "ModelCalled",
        model: "m",
        provider: "p",
        usage: { ...Usage.zero, output: 10 },
        cost: Usage.known(usd),
        latency: 1,
        rehearsed: true
      })
    )
  const attemptsOf = Effect.map(events, (all) =>
    all.flatMap(({ fact, run }) =>
      fact._tag === "AttemptBegun" || fact._tag === "AttemptRefused" ? [{ ...fact, run }] : []
    )
  )

  test("every attempt is a fact, written once over restarts, with what was spent by then", (path) => {
    let lives = 0
    const code = (breaks: boolean) =>
      Rework.toLayer(() =>
        Line.rework({ attempts: 3 }, (_feedback: Verdict.Verdict | undefined, attempt) =>
          Effect.gen(function* () {
            yield* Stage.run({ name: "build", success: Schema.Void }, called(1))
            yield* Stage.run(
              { name: "check", success: Schema.Void },
              Effect.suspend(() => {
                lives++
                return breaks && attempt === 2 ? Effect.die("the machine is gone") : Effect.void
              })
            )
            return attempt < 3 ? yield* Line.again(against(`Error: ${"abc"[attempt]}`)) : "good"
          })
        )
      )
    return Effect.gen(function* () {
      const run = yield* live(path, code(true), Effect.tap(Rework.start({ item }), Line.settled))
      const before = yield* live(path, code(true), attemptsOf)
      assert.deepStrictEqual(
        before.map(({ _tag, attempt, spent }) => [_tag, attempt, spent.usd]),
        [
          ["AttemptBegun", 1, 0],
          ["AttemptRefused", 1, 1],
          ["AttemptBegun", 2, 1]
        ]
      )
      const status = yield* live(path, code(false), Effect.andThen(Line.resume(run), Line.settled(run)))
      assert.include(status, { _tag: "Finished", result: "good" })
      const after = yield* live(path, code(false), attemptsOf)
      assert.deepStrictEqual(after.slice(0, 3), before, "what was written stands")
      assert.deepStrictEqual(
        after.map(({ _tag, attempt, spent }) => [_tag, attempt, spent.usd]),
        [
          ["AttemptBegun", 1, 0],
          ["AttemptRefused", 1, 1],
          ["AttemptBegun", 2, 1],
          ["AttemptRefused", 2, 2],
          ["AttemptBegun", 3, 2]
        ]
      )
      assert.deepStrictEqual(
        after.flatMap((fact) => (fact._tag === "AttemptRefused" ? [fact.failures] : [])),
        [Verdict.fingerprints(against("Error: b")), Verdict.fingerprints(against("Error: c"))]
      )
      assert.isAbove(lives, 3, "the run was really taken up again")
    })
  })

  test("no attempt begins where the money of the part is used up; the item is parked with what was spent", (path) => {
    let ended: unknown
    const code = Rework.toLayer(() =>
      Effect.gen(function* () {
        // What the run spent before is not the part's.
        yield* Stage.run({ name: "plan", success: Schema.Void }, called(5))
        return yield* Line.rework({ attempts: 9, budget: { usd: 2.5 } }, (_feedback: string | undefined, attempt) =>
          Effect.as(
            Stage.run({ name: "build", success: Schema.Void }, called(1)),
            attempt > 8 ? "good" : new Line.Again(`Error: ${"abcdefghi"[attempt]}`)
          )
        ).pipe(Effect.tapError((error) => Effect.sync(() => void (ended = error))))
      })
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        const status = yield* Line.settled(yield* Rework.start({ item }))
        assert.strictEqual(status._tag, "Parked")
        assert.instanceOf(ended, Line.Parked)
        assert.deepStrictEqual(ended instanceof Line.Parked && ended.exhausted, {
          repeated: false,
          attempts: 3,
          spent: { usd: 3, tokens: 30, unpriced: 0 }
        })
      })
    )
  })

  test("a restart does not give money back", (path) => {
    let ended: unknown
    const code = (breaks: boolean) =>
      Rework.toLayer(() =>
        Line.rework({ attempts: 9, budget: { usd: 2.5 } }, (_feedback: string | undefined, attempt) =>
          Effect.gen(function* () {
            yield* Stage.run({ name: "build", success: Schema.Void }, called(1))
            const check = breaks && attempt === 2 ? Effect.die("the machine is gone") : Effect.void
            yield* Stage.run({ name: "check", success: Schema.Void }, check)
            return attempt > 8 ? "good" : yield* Line.again(`Error: ${"abcdefghi"[attempt]}`)
          })
        ).pipe(Effect.tapError((error) => Effect.sync(() => void (ended = error))))
      )
    return Effect.gen(function* () {
      const run = yield* live(path, code(true), Effect.tap(Rework.start({ item }), Line.settled))
      yield* live(path, code(false), Effect.andThen(Line.resume(run), Line.settled(run)))
      assert.deepInclude(ended instanceof Line.Parked && ended.exhausted, {
        attempts: 3,
        spent: { usd: 3, tokens: 30, unpriced: 0 }
      })
    })
  })

  test("within an attempt the money is a hard stop", (path) => {
    const code = Rework.toLayer(() =>
      Line.rework({ attempts: 2, budget: { usd: 1 }, name: "repair" }, () =>
        Effect.as(
          Effect.forEach([1, 2, 3], () => Stage.run({ name: "build", success: Schema.Void }, called(1))),
          "never"
        )
      )
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        const status = yield* Line.settled(yield* Rework.start({ item }))
        assert.strictEqual(status._tag === "Stalled" && status.fault.reason, "MoneySpent")
        assert.include(status._tag === "Stalled" ? status.fault.message : "", '"repair"')
      })
    )
  })

  test("two parts of one run are told apart, and no stage is numbered after them", (path) => {
    const code = Rework.toLayer(() =>
      Effect.gen(function* () {
        const part = Line.rework({ attempts: 2 }, (_feedback: string | undefined, attempt) =>
          Effect.as(
            Stage.run({ name: "rework", success: Schema.Void }, Effect.void),
            attempt === 1 ? new Line.Again("Error") : "good"
          )
        )
        yield* part
        return yield* part
      })
    )
    return live(
      path,
      code,
      Effect.gen(function* () {
        assert.strictEqual((yield* Line.settled(yield* Rework.start({ item })))._tag, "Finished")
        assert.deepStrictEqual([...new Set((yield* attemptsOf).map(({ part }) => part))], ["rework", "rework#2"])
        const stages = (yield* events).flatMap(({ fact, stage }) => (fact._tag === "StageFinished" ? [stage] : []))
        assert.deepStrictEqual(stages, ["rework", "rework#2", "rework#3", "rework#4"])
      })
    )
  })
})
