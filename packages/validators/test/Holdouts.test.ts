import { assert, describe, it } from "@effect/vitest"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as EvidenceStore from "../src/EvidenceStore.ts"
import * as Holdouts from "../src/Holdouts.ts"
import * as Judge from "../src/Judge.ts"
import * as LeakBudget from "../src/internal/LeakBudget.ts"
import * as Satisfaction from "../src/Satisfaction.ts"
import * as Scenario from "../src/Scenario.ts"
import * as Symptom from "../src/internal/Symptom.ts"
import * as Vault from "../src/Vault.ts"
import { drafts, failed, held, judging, sayings, scenarios, services, subject, vault } from "./vaultFixture.ts"

const budget: LeakBudget.Limits = { bits: 100 }
const seed = 7

const test = (name: string, body: Effect.Effect<void, unknown, Holdouts.Services | EvidenceStore.EvidenceStore>) =>
  it.live(name, () => Effect.provide(body, services), 30_000)

const facts = Effect.flatMap(Journal.Journal, (journal) =>
  Effect.map(Stream.runCollect(journal.read()), (events) => events.map(({ fact }) => fact))
)
const looked = Effect.map(facts, (all) => all.filter(({ _tag }) => _tag === "HoldoutLooked"))

describe("a look", () => {
  test(
    "accepts what satisfies every scenario",
    Effect.gen(function* () {
      const options = { vault: yield* vault(), judge: judging(held), budget, seed, trials: 2, k: 2 }
      const { glimpse, report } = yield* Holdouts.look(options, subject)
      assert.deepStrictEqual(glimpse, { _tag: "Seen", look: 1, ended: "accepted", symptoms: [] })
      assert.deepInclude(report.satisfaction, { satisfied: 4, observed: 4, errored: 0, rate: 1, seed })
      assert.deepStrictEqual(report.satisfaction?.passAll, { k: 2, rate: 1 })
    })
  )

  test(
    "refuses with the symptom of the people who weigh most, and nothing else crosses",
    Effect.gen(function* () {
      const opened = yield* vault()
      const { glimpse, report } = yield* Holdouts.look({ vault: opened, judge: judging(failed), budget, seed }, subject)
      assert.deepStrictEqual(glimpse, {
        _tag: "Seen",
        look: 1,
        ended: "refused",
        symptoms: [{ persona: "shop-keeper", kind: "wrong-result" }]
      })
      assert.include(Holdouts.say(glimpse), "A shop keeper came to an end with a result that is wrong.")
      assert.strictEqual(report.satisfaction?.rate, 0)
    })
  )

  test(
    "says of two symptoms nothing by their order",
    Effect.gen(function* () {
      const [buyer, keeper] = drafts
      if (buyer === undefined || keeper === undefined) return assert.fail("there are two")
      const order = Effect.fnUntraced(function* (first: number, second: number) {
        const opened = yield* vault([
          { ...buyer, weight: first },
          { ...keeper, weight: second }
        ])
        const { glimpse } = yield* Holdouts.look(
          { vault: opened, judge: judging(failed), budget, seed, symptoms: 2 },
          subject
        )
        return glimpse._tag === "Seen" ? glimpse.symptoms.map(({ persona }) => persona) : glimpse._tag
      })
      assert.deepStrictEqual(yield* order(1, 9), yield* order(9, 1))
    })
  )

  test(
    "says no symptom where none may cross, whatever number says so",
    Effect.gen(function* () {
      const opened = yield* vault()
      for (const symptoms of [0, -1, -5, Number.NaN]) {
        const { glimpse } = yield* Holdouts.look(
          { vault: opened, judge: judging(failed), budget: { bits: 1_000 }, seed, symptoms },
          subject
        )
        assert.deepInclude(glimpse, { ended: "refused", symptoms: [] }, String(symptoms))
      }
    })
  )

  test(
    "is written for as long as scenarios are used: not among the facts of a run, which are pruned with it",
    Effect.gen(function* () {
      const opened = yield* vault()
      yield* Holdouts.look({ vault: opened, judge: judging(held), budget, seed }, subject).pipe(
        Effect.updateService(Journal.Origin, (origin) => ({ ...origin, line: "L", run: "issue-7.1", item: "issue-7" }))
      )
      const journal = yield* Journal.Journal
      const events = yield* Stream.runCollect(journal.read())
      assert.deepStrictEqual(
        events.map(({ fact, item, run }) => [fact._tag, fact._tag === "HoldoutLooked" && fact.run, item, run]),
        [["HoldoutLooked", "issue-7.1", "issue-7", null]]
      )
    })
  )

  test(
    "takes no word of a judge across, not even as a kind of symptom",
    Effect.gen(function* () {
      const opened = yield* vault()
      const talkative = judging((trial) => ({ ...failed(trial), symptom: trial.scenario.story }))
      const { glimpse, report } = yield* Holdouts.look({ vault: opened, judge: talkative, budget, seed }, subject)
      assert.deepInclude(glimpse, { ended: "undecided", symptoms: [] })
      assert.deepStrictEqual(report.satisfaction?.troubles, { malformed: 2 })
    })
  )

  const wrong: ReadonlyArray<readonly [string, Judge.Trouble, (trial: Judge.Trial) => unknown]> = [
    ["prose", "prose", () => "It mostly works, I would say pass."],
    ["JSON in prose", "prose", (trial) => `Sure! ${JSON.stringify(held(trial))}`],
    ["JSON with another key", "malformed", (trial) => JSON.stringify({ ...held(trial), confidence: 1 })],
    [
      "both verdicts in two fields of one name",
      "twice",
      () => '{"criteria":[false],"criteria":[true],"antiPatterns":[]}'
    ],
    [
      "both verdicts, one spelt with an escape",
      "twice",
      () => '{"criteria":[false],"crit\\u0065ria":[true],"antiPatterns":[]}'
    ],
    [
      "both verdicts in two documents",
      "prose",
      (trial) => `${JSON.stringify(held(trial))}\n${JSON.stringify(failed(trial))}`
    ],
    ["both verdicts as pass and fail", "malformed", () => ({ pass: true, fail: true })],
    ["too few answers", "incomplete", (trial) => ({ ...held(trial), criteria: [] })],
    ["too many answers", "incomplete", (trial) => ({ ...held(trial), antiPatterns: [false, false, false] })],
    ["words in the place of answers", "malformed", () => ({ criteria: ["yes", "yes"], antiPatterns: ["no"] })],
    ["nothing", "malformed", () => undefined],
    [
      "a judge that dies",
      "failed",
      () => {
        throw new Error("gone")
      }
    ]
  ]
  for (const [what, trouble, answer] of wrong) {
    test(
      `${what} is an error of the judge, reported, and neither a pass nor a fail`,
      Effect.gen(function* () {
        const { glimpse, report } = yield* Holdouts.look(
          { vault: yield* vault(drafts.slice(1)), judge: judging(answer), budget, seed, trials: 3 },
          subject
        )
        assert.deepInclude(glimpse, { _tag: "Seen", ended: "undecided" })
        assert.deepInclude(report.satisfaction, { satisfied: 0, observed: 0, errored: 3, troubles: { [trouble]: 3 } })
        assert.notProperty(report.satisfaction, "rate", "of nothing there is no rate")
        assert.notProperty(report.satisfaction, "interval")
        assert.notProperty(report.satisfaction, "passAll")
        assert.lengthOf(report.satisfaction?.unobserved ?? [], 1)
      })
    )
  }

  test(
    "a judge that never ends, and one that fails, have errored",
    Effect.gen(function* () {
      const judge: Judge.Judge = {
        name: "slow",
        observe: ({ number }) =>
          number === 0
            ? Effect.never
            : Effect.fail(new Judge.JudgeError({ reason: "Broken", message: "The browser is gone. Start it again." }))
      }
      const options = { vault: yield* vault(drafts.slice(1)), judge, budget, seed, trials: 2, timeout: 20 }
      const { report } = yield* Holdouts.look(options, subject)
      assert.deepStrictEqual(report.satisfaction?.troubles, { timeout: 1, failed: 1 })
    })
  )

  test(
    "what holds and shows an anti-pattern all the same is not satisfied, and named",
    Effect.gen(function* () {
      const both = judging((trial) => ({ ...held(trial), antiPatterns: [true] }))
      const opened = yield* vault(drafts.slice(0, 1))
      const { glimpse, report } = yield* Holdouts.look({ vault: opened, judge: both, budget, seed }, subject)
      assert.deepInclude(glimpse, { ended: "refused", symptoms: [{ persona: "first-time-buyer", kind: "forbidden" }] })
      const [tally] = report.satisfaction?.scenarios ?? []
      assert.deepInclude(tally, { scenario: opened.label.scenarios[0], conflicts: 1, satisfied: 0 })
    })
  )

  test(
    "tries the same scenarios with the same seeds for two heads, and others with another seed",
    Effect.gen(function* () {
      const opened = yield* vault()
      const trialsOf = Effect.fnUntraced(function* (
        seed: number,
        stop?: { readonly bad: number; readonly good: number }
      ) {
        const seen: Array<string> = []
        const judge = judging((trial) => {
          seen.push(`${trial.scenario.id} ${trial.seed}`)
          return held(trial)
        })
        yield* Holdouts.look(
          { vault: opened, judge, budget, seed, trials: 20, ...(stop !== undefined && { stop }) },
          subject
        )
        return seen
      })
      assert.deepStrictEqual(yield* trialsOf(1), yield* trialsOf(1))
      assert.notDeepEqual(yield* trialsOf(1), yield* trialsOf(2))
      assert.strictEqual(new Set(yield* trialsOf(1)).size, 40, "every trial has a seed of its own")
      const stop = { bad: 0.5, good: 0.9 }
      const early = yield* trialsOf(1, stop)
      assert.deepStrictEqual(early, yield* trialsOf(1, stop))
      assert.isBelow(early.length, 10, "it stops when it is sure")
      const common = (yield* trialsOf(1)).filter((each) => early.includes(each))
      assert.lengthOf(common, early.length, "what early stopping tries is of the same trials")
    })
  )

  test(
    "compares two heads by scenario",
    Effect.gen(function* () {
      const many = Array.from({ length: 6 }, () => drafts).flat()
      const opened = yield* vault(many)
      const observe = (answer: (trial: Judge.Trial) => unknown) =>
        Effect.map(Holdouts.look({ vault: opened, judge: judging(answer), budget, seed }, subject), ({ report }) =>
          report.satisfaction === undefined ? new Map() : Satisfaction.observed(report.satisfaction)
        )
      const compared = Satisfaction.compare(yield* observe(failed), yield* observe(held))
      assert.deepInclude(compared, { answer: "better", better: 12, worse: 0, missing: [] })
    })
  )

  test(
    "stopping early accepts what is good, refuses what is bad, and is undecided where errors leave it open",
    Effect.gen(function* () {
      const opened = yield* vault()
      const ended = (answer: (trial: Judge.Trial) => unknown) =>
        Effect.map(
          Holdouts.look(
            { vault: opened, judge: judging(answer), budget, seed, trials: 50, stop: { bad: 0.5, good: 0.9 } },
            subject
          ),
          ({ glimpse, report }) => [glimpse._tag === "Seen" && glimpse.ended, report.decision]
        )
      assert.deepStrictEqual(yield* ended(held), ["accepted", "good"])
      assert.deepStrictEqual(yield* ended(failed), ["refused", "bad"])
      assert.deepStrictEqual(yield* ended(() => "prose"), ["undecided", "go on"])
    })
  )
})

describe("the leak budget", () => {
  it("counts every answer that could cross", () => {
    for (const personas of [1, 2, 3]) {
      for (const symptoms of [0, 1, 2]) {
        const all = Array.from({ length: personas }, (_, at) => at).flatMap((at) =>
          Symptom.Kind.literals.map((kind) => `${at} ${kind}`)
        )
        const sets = new Set<string>([""])
        for (let size = 0; size < symptoms; size++)
          for (const set of [...sets])
            for (const each of all) sets.add([...new Set([...set.split("|").filter(Boolean), each])].sort().join("|"))
        assert.strictEqual(LeakBudget.answers({ personas, symptoms }), 2 + sets.size, `${personas}, ${symptoms}`)
      }
    }
    assert.strictEqual(LeakBudget.bits({ personas: 5, symptoms: 0 }), Math.log2(3))
  })

  test(
    "lets nothing cross beyond it but the number of looks, and tries nothing either",
    Effect.gen(function* () {
      const opened = yield* vault()
      let trials = 0
      const judge = judging((trial) => {
        trials++
        return failed(trial)
      })
      const cost = LeakBudget.bits({ personas: 2, symptoms: 1 })
      const options = { vault: opened, judge, budget: { bits: cost * 2.5 }, seed }
      const tags: Array<string> = []
      for (let look = 0; look < 4; look++) tags.push((yield* Holdouts.look(options, subject)).glimpse._tag)
      assert.deepStrictEqual(tags, ["Seen", "Seen", "Spent", "Spent"])
      assert.strictEqual(trials, 4, "the two last looks cost nothing")
      const last = yield* Holdouts.look(options, subject)
      assert.deepStrictEqual(last.glimpse, { _tag: "Spent", looks: 2 })
      assert.deepStrictEqual(last.report.exhausted, opened.label.scenarios)
      const spent = (yield* looked).reduce((sum, fact) => sum + (fact._tag === "HoldoutLooked" ? fact.bits : 0), 0)
      assert.isAtMost(spent, options.budget.bits)
    })
  )

  test(
    "is held by looks at once",
    Effect.gen(function* () {
      const opened = yield* vault()
      const options = { vault: opened, judge: judging(failed), budget: { bits: 1_000, looks: 3 }, seed }
      const journal = yield* Journal.Journal
      // One that takes its time: everybody has read what was spent before anybody writes.
      const slow = Journal.Journal.of({
        ...journal,
        append: (entries) =>
          Effect.andThen(
            Effect.forEach(Array.from({ length: 200 }), () => Effect.yieldNow),
            journal.append(entries)
          )
      })
      const all = yield* Effect.forEach(Array.from({ length: 10 }), () => Holdouts.look(options, subject), {
        concurrency: "unbounded"
      }).pipe(Effect.provideService(Journal.Journal, slow))
      const seen = all.flatMap(({ glimpse }) => (glimpse._tag === "Seen" ? [glimpse.look] : []))
      assert.deepStrictEqual(seen.sort(), [1, 2, 3])
      assert.lengthOf(yield* looked, 3)
    })
  )

  test(
    "is not renewed by sealing the same scenarios again, and is by others in their place",
    Effect.gen(function* () {
      const key = yield* Vault.newKey
      const old = yield* scenarios()
      const sealed = (some: ReadonlyArray<Scenario.Scenario>, name = "shop") =>
        Effect.flatMap(Vault.seal({ name, scenarios: some, key }), (file) => Vault.open(file, key))
      const looking = (opened: Vault.Vault) =>
        Effect.map(
          Holdouts.look({ vault: opened, judge: judging(held), budget: { bits: 100, looks: 1 }, seed }, subject),
          ({ glimpse }) => glimpse._tag
        )
      assert.strictEqual(yield* looking(yield* sealed(old)), "Seen")
      assert.strictEqual(yield* looking(yield* sealed(old)), "Spent", "the same scenarios, another file")
      assert.strictEqual(yield* looking(yield* sealed(old, "other")), "Spent", "the same scenarios, another name")
      assert.strictEqual(yield* looking(yield* sealed(yield* scenarios())), "Seen", "other scenarios")
    })
  )

  test(
    "that is no number lets nothing cross",
    Effect.gen(function* () {
      const opened = yield* vault()
      for (const bits of [Number.NaN, 0, -1]) {
        const { glimpse } = yield* Holdouts.look(
          { vault: opened, judge: judging(held), budget: { bits }, seed },
          subject
        )
        assert.deepStrictEqual(glimpse, { _tag: "Spent", looks: 0 })
      }
    })
  )
})

describe("Scenario.checked and Satisfaction", () => {
  test(
    "refuses none, ids twice, and weights that are no number above 0, by name",
    Effect.gen(function* () {
      const [first, second] = yield* scenarios()
      if (first === undefined || second === undefined) return assert.fail("two were made")
      const reason = (some: ReadonlyArray<Scenario.Scenario>) =>
        Result.match(Scenario.checked(some), {
          onFailure: (error) => {
            for (const saying of sayings(some).filter((each) => each !== ""))
              assert.notInclude(error.message, saying, "the message tells what it holds")
            return error.reason
          },
          onSuccess: () => "taken"
        })
      assert.strictEqual(reason([first, second]), "taken")
      assert.strictEqual(reason([]), "Empty")
      assert.strictEqual(reason([first, second, first]), "Duplicate")
      for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
        assert.strictEqual(reason([first, { ...second, weight }]), "Weight", String(weight))
      assert.strictEqual(reason([{ ...first, story: "" }]), "Malformed")
    })
  )

  test(
    "weighs scenarios and not trials, and leaves out what errored",
    Effect.gen(function* () {
      const [first, second] = yield* scenarios()
      if (first === undefined || second === undefined) return assert.fail("two were made")
      const satisfied = (scenario: Scenario.Scenario): Satisfaction.Tried => ({
        scenario: scenario.id,
        outcome: { _tag: "Satisfied" }
      })
      const refused = (scenario: Scenario.Scenario): Satisfaction.Tried => ({
        scenario: scenario.id,
        outcome: { _tag: "Unsatisfied", symptom: "saw-error", conflict: false }
      })
      const errored = (scenario: Scenario.Scenario): Satisfaction.Tried => ({
        scenario: scenario.id,
        outcome: { _tag: "Errored", trouble: "timeout" }
      })
      // Nine trials of the first, of weight 1, all good; one of the second, of weight 3, bad.
      const tried = [...Array.from({ length: 9 }, () => satisfied(first)), refused(second), errored(second)]
      const all = Result.getOrThrow(Satisfaction.of([first, second], tried, { seed, k: 1 }))
      assert.deepInclude(all, { satisfied: 9, observed: 10, errored: 1, rate: 0.25, troubles: { timeout: 1 } })
      assert.deepStrictEqual(all.passAll, { k: 1, rate: 0.25 })
      const { high = 0, low = 0 } = all.interval ?? {}
      assert.isTrue(
        low < 0.25 && high > 0.25 && high - low > 0.5,
        "it is worth little more than the one trial that weighs most"
      )
      assert.notProperty(Result.getOrThrow(Satisfaction.of([first, second], tried, { seed, k: 2 })), "passAll")
      const even = { ...second, weight: 1 }
      const equal = Result.getOrThrow(
        Satisfaction.of([first, even], [satisfied(first), refused(even), satisfied(first), refused(even)], { seed })
      )
      assert.closeTo(equal.interval?.low ?? 0, 0.15003898915214947, 1e-9, "Wilson's interval of 2 of 4")
      assert.isTrue(Schema.is(Satisfaction.Satisfaction)(all))
    })
  )
})
