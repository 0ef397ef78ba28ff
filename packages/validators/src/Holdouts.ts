/**
 * **Holdouts** judge a change by scenarios that its author can not see. A {@link look} tries them, and answers twice: with a
 * {@link Report} for the house, and with a {@link Glimpse}, which is all that may cross to where authors are: how it ended,
 * and what kind of person met what kind of thing. It has no field for anything that a scenario or a judge says.
 *
 * Before a look it is made sure that authors have not seen the scenarios: those that leaked are burnt, and the look is void.
 * Before an answer crosses, what it can tell is charged to the leak budget, as a fact; beyond it nothing crosses.
 */
import * as Contract from "@millwright/core/Contract"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import type * as Validator from "@millwright/core/Validator"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import type * as TrialPlan from "./TrialPlan.ts"
import * as Trials from "./internal/Trials.ts"
import type * as Judge from "./Judge.ts"
import * as LeakBudget from "./internal/LeakBudget.ts"
import * as LeakScan from "./LeakScan.ts"
import * as Satisfaction from "./Satisfaction.ts"
import * as Scenario from "./Scenario.ts"
import * as Symptom from "./internal/Symptom.ts"
import * as Vault from "./Vault.ts"

/** How something ended. `undecided`: too many trials errored, or too few were tried, to say more. */
export const Ended = Schema.Literals(["accepted", "refused", "undecided"])
/** How something ended. */
export type Ended = typeof Ended.Type

/** What may cross to where authors are. */
export const Glimpse = Schema.TaggedUnion({
  Seen: {
    look: Schema.Natural,
    ended: Ended,
    symptoms: Schema.Array(Symptom.Symptom),
    /** Of the assertions of the contract that name a holdout of this vault, how it ended. Left out where none does. */
    named: Schema.optionalKey(Schema.Array(Schema.Struct({ assertion: Contract.AssertionId, ended: Ended })))
  },
  /** The leak budget is used up: only how often somebody looked. */
  Spent: { looks: Schema.Natural },
  /** Scenarios leaked, so this run can not be judged by them. */
  Void: {},
  /** It can not be made sure that no scenario leaked, so nothing was judged. */
  Unsure: {}
})
/** What may cross to where authors are. */
export type Glimpse = typeof Glimpse.Type

/** What stays with the house. */
export interface Report {
  readonly vault: string
  /** Left out where nothing was tried. */
  readonly satisfaction?: Satisfaction.Satisfaction
  /** What early stopping decided. */
  readonly decision?: TrialPlan.Decision
  readonly scan?: LeakScan.Report
  /** Scenarios that have to be replaced before there is another look. */
  readonly exhausted: ReadonlyArray<string>
}

/** How much may cross of a scenario, in bits and in looks. */
export type Limits = LeakBudget.Limits

/** What one look costs, in bits: the logarithm of how many different answers there are. */
export const bits: (shape: LeakBudget.Shape) => number = LeakBudget.bits

/** How a change is looked at. */
export interface Options<R> {
  readonly vault: Vault.Vault
  readonly judge: Judge.Judge<R>
  readonly budget: Limits
  /** A whole number. The same one tries the same scenarios with the same seeds, so that two heads can be compared. */
  readonly seed: number
  /** All that authors can see. Looked through before every look; left out, the host answers for it. */
  readonly visible?: ReadonlyArray<LeakScan.Visible>
  /** Texts that authors were given on purpose, such as contracts. The contract of the subject is among them. */
  readonly known?: ReadonlyArray<string>
  /** How often each scenario is tried. Default 1. */
  readonly trials?: number
  /** The least satisfaction that is accepted, from 0 to 1, without `stop`. Default 1. */
  readonly acceptAt?: number
  /** Stops as soon as it is sure enough, and accepts what is `good`. */
  readonly stop?: TrialPlan.Stop
  /** The k of pass^k in the report. Default 1. */
  readonly k?: number
  /** How many symptoms may cross at most. Each makes a look dearer. Default 1. */
  readonly symptoms?: number
  /** How long one trial may take. Default 10 minutes. */
  readonly timeout?: Duration.Input
  /** How many trials run at once. Default 1. With `stop` always 1. */
  readonly concurrency?: number
}

/** What a look answers with. */
export interface Look {
  readonly glimpse: Glimpse
  readonly report: Report
}

/** What was looked at before, and what leaked. */
export const ledger: Effect.Effect<LeakBudget.Ledger, Journal.JournalError, Journal.Journal> = Journal.fold(
  LeakBudget.empty,
  LeakBudget.step
)

/** Records what has to be known for as long as scenarios are used: as a fact of no run, since runs are pruned. */
const record = (fact: FactoryEvent.Fact, key?: string) =>
  Effect.flatMap(Journal.Origin, (origin) =>
    Effect.provideService(Journal.record(fact, key), Journal.Origin, { ...origin, line: null, run: null, stage: null })
  )

/** What a scan needs. */
export type Services = Journal.Journal | FileSystem.FileSystem | Path.Path | ChildProcessSpawner

/**
 * Makes sure that authors have not seen holdouts. Those that they have seen are burnt: it is a fact, and they are never looked
 * at again. To take them out of the vault's file as well, seal what `Vault.burn` gives.
 */
export const guard = Effect.fnUntraced(function* (options: {
  readonly vault: Vault.Vault
  readonly visible: ReadonlyArray<LeakScan.Visible>
  readonly known?: ReadonlyArray<string>
}): Effect.fn.Return<
  { readonly isClean: boolean; readonly isWhole: boolean; readonly scan: LeakScan.Report },
  Journal.JournalError,
  Services
> {
  const { burnt } = yield* ledger
  // Those that are not secret any more are not looked for.
  const scenarios = Vault.scenarios(options.vault).filter(({ id, part }) => part === "holdout" && !burnt.has(id))
  const scan = yield* LeakScan.scan({ ...options, scenarios })
  const leaked = [...new Set(scan.leaks.map(({ scenario }) => scenario))].sort()
  if (leaked.length > 0) {
    yield* record({
      _tag: "ScenarioBurnt",
      vault: options.vault.label.name,
      run: (yield* Journal.Origin).run,
      scenarios: leaked,
      places: [...new Set(scan.leaks.map(({ place }) => place))].slice(0, 20)
    })
  }
  return { isClean: leaked.length === 0, isWhole: scan.unread.length === 0, scan }
})

/** What a change comes to, as far as authors may know. */
const endOf = (
  { acceptAt = 1, stop }: Pick<Options<never>, "acceptAt" | "stop">,
  { rate, unobserved }: Satisfaction.Satisfaction,
  decision: TrialPlan.Decision
): Ended => {
  if (stop !== undefined) return decision === "good" ? "accepted" : decision === "bad" ? "refused" : "undecided"
  // Of a scenario that could not be observed nobody knows, so it is in nobody's favour.
  return rate === undefined || unobserved.length > 0 ? "undecided" : rate >= acceptAt ? "accepted" : "refused"
}

/** The scenarios that assertions of a contract name, by the assertion. */
export const named = ({ assertions }: Pick<Contract.Contract, "assertions">): ReadonlyMap<string, string> =>
  new Map(assertions.flatMap(({ check, id }) => (check?._tag === "Scenario" ? [[id, check.scenario] as const] : [])))

/** What one scenario comes to by itself. */
const endOfOne = (
  { acceptAt = 1, stop }: Pick<Options<never>, "acceptAt" | "stop">,
  { scenarios }: Satisfaction.Satisfaction,
  id: string
): Ended => {
  const { observed = 0, satisfied = 0 } = scenarios.find(({ scenario }) => scenario === id) ?? {}
  if (observed === 0) return "undecided"
  return satisfied / observed >= (stop?.good ?? acceptAt) ? "accepted" : "refused"
}

/** The symptoms of what was not satisfied that may cross: what weighs most, each once. */
const symptomsOf = (
  scenarios: ReadonlyArray<Scenario.Scenario>,
  tried: ReadonlyArray<Satisfaction.Tried>,
  most: number
): ReadonlyArray<Symptom.Symptom> => {
  const met = new Map<string, { readonly symptom: Symptom.Symptom; readonly weight: number }>()
  for (const { outcome, scenario } of tried) {
    const of = scenarios.find(({ id }) => id === scenario)
    if (of === undefined || outcome._tag !== "Unsatisfied") continue
    const key = `${of.persona} ${outcome.symptom}`
    const weight = (met.get(key)?.weight ?? 0) + of.weight
    met.set(key, { symptom: { persona: of.persona, kind: outcome.symptom }, weight })
  }
  const byName = (a: readonly [string, unknown], b: readonly [string, unknown]) => (a[0] < b[0] ? -1 : 1)
  return (
    [...met]
      .sort((a, b) => b[1].weight - a[1].weight || byName(a, b))
      .slice(0, most)
      // What is charged for is a set: an order by weight would tell more.
      .sort(byName)
      .map(([, { symptom }]) => symptom)
  )
}

/**
 * Charges a look, unless it would go beyond a limit. Two that look at once are charged one after the other: the key of the fact
 * is the number of the look, and who finds it taken counts again.
 */
const charge = Effect.fnUntraced(function* (
  vault: string,
  scenarios: ReadonlyArray<string>,
  limits: LeakBudget.Limits & { readonly cost: number }
): Effect.fn.Return<
  { readonly looks: number; readonly exhausted: ReadonlyArray<string> },
  Journal.JournalError,
  Journal.Journal
> {
  const mark = randomUUID()
  for (;;) {
    const before = yield* ledger
    const looks = before.looks.get(vault) ?? 0
    const exhausted = LeakBudget.exhausted(before, scenarios, limits)
    if (exhausted.length > 0) return { looks, exhausted }
    const look = looks + 1
    const { run } = yield* Journal.Origin
    const fact = { _tag: "HoldoutLooked", vault, run, look, mark, bits: limits.cost, scenarios } as const
    const { fact: standing } = yield* record(fact, `holdout/${vault}/${look}`)
    if (standing._tag === "HoldoutLooked" && standing.mark === mark) return { looks: look, exhausted: [] }
  }
})

/** Looks at a change with the holdouts of a vault. */
export const look = <R>(
  options: Options<R>,
  subject: Validator.Subject
): Effect.Effect<Look, Journal.JournalError | Scenario.ScenarioError, R | Services> =>
  Effect.gen(function* () {
    const { budget, judge, seed, vault, visible } = options
    const symptoms = Math.max(0, Math.floor(options.symptoms ?? 1))
    const { name, personas } = vault.label
    const known = [...subject.contract.assertions.map(({ statement }) => statement), ...(options.known ?? [])]
    const guarded = visible === undefined ? undefined : yield* guard({ vault, visible, known })
    const told = { vault: name, exhausted: [], ...(guarded !== undefined && { scan: guarded.scan }) }
    if (guarded?.isClean === false) return { glimpse: { _tag: "Void" }, report: told }
    if (guarded?.isWhole === false) return { glimpse: { _tag: "Unsure" }, report: told }
    const before = yield* ledger
    const { run } = yield* Journal.Origin
    if (run !== null && before.voided.has(run)) return { glimpse: { _tag: "Void" }, report: told }
    const holdouts = Vault.scenarios(vault).filter(({ id, part }) => part === "holdout" && !before.burnt.has(id))
    const spent = (looks: number, report: Report): Look => ({ glimpse: { _tag: "Spent", looks }, report })
    // All leaked, or none ever was one: to try again would change nothing.
    if (holdouts.length === 0) {
      return spent(before.looks.get(name) ?? 0, { ...told, exhausted: vault.label.scenarios })
    }
    const scenarios = yield* Effect.fromResult(Scenario.checked(holdouts))
    const ids = scenarios.map(({ id }) => id).sort()
    const asked = [...named(subject.contract)].filter(([, scenario]) => ids.includes(scenario))
    // Each scenario that is named by itself has one answer more, however many assertions name it.
    const answers = new Set(asked.map(([, scenario]) => scenario)).size
    const shape = { personas: personas.length, symptoms }
    const limits = { ...budget, cost: LeakBudget.bits(shape) + answers * Math.log2(Ended.literals.length) }
    // Before anything is paid for, and once more before anything crosses.
    const early = LeakBudget.exhausted(before, ids, limits)
    if (early.length > 0) return spent(before.looks.get(name) ?? 0, { ...told, exhausted: early })
    const plan = {
      judge,
      seed,
      trials: Math.max(1, Math.floor(options.trials ?? 1)),
      timeout: options.timeout ?? "10 minutes",
      concurrency: options.concurrency ?? 1
    }
    const drawn = yield* Trials.run({ ...plan, stop: options.stop }, subject, scenarios)
    const { decision } = drawn
    // What was drawn until it was sure may have left out a scenario that an assertion asks for.
    const observed = new Set(
      drawn.tried.flatMap(({ outcome, scenario }) => (outcome._tag === "Errored" ? [] : [scenario]))
    )
    const [left, ...rest] = scenarios.filter(
      ({ id }) => options.stop !== undefined && !observed.has(id) && asked.some(([, scenario]) => scenario === id)
    )
    const added = left === undefined ? [] : (yield* Trials.run(plan, subject, [left, ...rest])).tried
    const tried = [...drawn.tried, ...added]
    const satisfaction = yield* Effect.fromResult(Satisfaction.of(scenarios, tried, { seed, k: options.k ?? 1 }))
    const report: Report = { ...told, satisfaction, ...(options.stop !== undefined && { decision }) }
    const { exhausted, looks } = yield* charge(name, ids, limits)
    if (exhausted.length > 0) return spent(looks, { ...report, exhausted })
    const ended = endOf(options, satisfaction, decision)
    const crossing = ended === "refused" ? symptomsOf(scenarios, tried, symptoms) : []
    const each = asked.map(([assertion, id]) => ({ assertion, ended: endOfOne(options, satisfaction, id) }))
    const seen = { _tag: "Seen", look: looks, ended, symptoms: crossing } as const
    return { glimpse: each.length === 0 ? seen : { ...seen, named: each }, report }
  })

/** A glimpse in words, all of which are the house's. */
export const say = (glimpse: Glimpse): string => {
  switch (glimpse._tag) {
    case "Spent":
      return `${glimpse.looks} looks at the holdouts are used. Nothing more is said of them until they are replaced.`
    case "Void":
      return "Holdouts were found where authors can see them. They are burnt, and this run can not be judged by them."
    case "Unsure":
      return "Nobody could make sure that no holdout leaked, so the change was not judged by them."
    case "Seen":
      return glimpse.ended === "accepted"
        ? "The people of the holdouts got what they came for."
        : glimpse.ended === "undecided"
          ? "The holdouts could not be tried often enough to say whether people get what they came for."
          : ["People of the holdouts did not get what they came for.", ...glimpse.symptoms.map(Symptom.say)].join(" ")
  }
}
