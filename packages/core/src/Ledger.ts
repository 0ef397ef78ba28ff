/**
 * The **ledger**: what the calls of models used and cost, and whose they were. A pure fold over the journal, so it is the
 * same for whoever reads it, whenever.
 *
 * - A call belongs to the item, run, stage and agent of its origin. A child's calls are those of its own run and item. What
 *   was done outside of any item belongs to none, and is not spread over others: no fact names more than one.
 * - One answer counts once, however often it was recorded: in another life, another run, another journal.
 * - What was spent stays spent: stages that were tried again, rewound, or taken over by a fork cost what they did, once.
 * - Known and unknown stand apart. A call without a price is counted as one, and not as free. An answer that broke off was
 *   billed, and only the least of it is known.
 *
 * Calls that nothing was heard of are in no ledger: those that a killed process waited for, and those of programs that call
 * models by themselves and do not say what.
 */
import type * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as FactoryEvent from "./FactoryEvent.ts"
import type * as Kind from "./internal/Charge.ts"
import * as Journal from "./Journal.ts"
import * as Pricing from "./Pricing.ts"
import * as Usage from "./Usage.ts"

/** A call, or all calls of one kind of a run that was pruned. `at` is in milliseconds since 1970, UTC. */
export interface Charge extends Kind.Charge, Pick<FactoryEvent.FactoryEvent, "item" | "line" | "run" | "at" | "seq"> {}

/** What the ledger knows of a run. */
export interface Run extends Pick<FactoryEvent.FactoryEvent, "item" | "line"> {
  readonly run: string
  readonly title: string
  /** The run that started it as its child. */
  readonly parent: string | null
  /** The run that it was forked from, and the stages that it took over: they were paid for there. */
  readonly forkOf: { readonly run: string; readonly took: ReadonlyArray<string> } | null
  /** Its facts were taken out of the journal. `null`: and nobody wrote down what it had cost. */
  readonly pruned: ReadonlyArray<Charge> | null | undefined
}

/** What is known of all calls, as single charges. {@link total} and {@link by} add them up. */
export interface Ledger {
  readonly charges: HashMap.HashMap<string, Charge>
  readonly runs: HashMap.HashMap<string, Run>
}

/** US dollars of the calls whose price is known, and how many calls have none. */
export interface Sum {
  readonly usd: number
  readonly unpriced: number
}

/** What a number of calls used and cost together. */
export interface Account {
  /** Calls that were answered. */
  readonly calls: number
  /** Their tokens, exactly as their providers reported them. */
  readonly usage: Usage.Usage
  /** What they cost at list price. */
  readonly list: Sum
  /** What was really paid for them: nothing more for what a subscription pays. */
  readonly paid: Sum
  /** How many of them a loopback server answered in the place of the provider. Nobody is charged for these. */
  readonly rehearsed: number
  /** Answers that broke off, at least so many tokens, and at least so many US dollars to pay. */
  readonly broken: { readonly calls: number; readonly usage: Usage.Usage; readonly usd: number }
}

/** What charges are told apart by. `agent` is a role with those it works for before it, `role` the first of them. */
export type Dimension = "item" | "line" | "run" | "stage" | "role" | "agent" | "provider" | "model" | "paidBy"

/** No calls. */
export const empty: Ledger = { charges: HashMap.empty(), runs: HashMap.empty() }

const nothing: Account = {
  calls: 0,
  usage: Usage.zero,
  list: { usd: 0, unpriced: 0 },
  paid: { usd: 0, unpriced: 0 },
  rehearsed: 0,
  broken: { calls: 0, usage: Usage.zero, usd: 0 }
}

/** What tells an answer from every other one, where its provider gave it a name. In a rehearsal the same may come again. */
export const keyOf = ({ message, provider, rehearsed }: Named): string | undefined =>
  message === undefined || rehearsed ? undefined : JSON.stringify(["model", provider, message])

type Named = Pick<Charge, "provider" | "rehearsed"> & { readonly message?: string }

/** The ledger after one more event. The same event again changes nothing, and neither does the order of events. */
export const step = (ledger: Ledger, event: FactoryEvent.FactoryEvent): Ledger => {
  const { fact, item, line, run } = event
  switch (fact._tag) {
    case "ModelCalled":
      return enter(ledger, keyAt(event, fact), chargeOf(event, { ...fact, broken: false }))
    case "ModelFailed": {
      const { billed, model } = fact
      if (billed === undefined) return ledger
      return enter(ledger, keyAt(event, billed), chargeOf(event, { ...billed, model, broken: true }))
    }
    case "LineStarted": {
      const { forkOf, parent, title } = fact
      const fork = forkOf === undefined ? null : { run: forkOf.run, took: forkOf.took ?? [] }
      return note(ledger, {
        run: run ?? "",
        line,
        item,
        title,
        parent: parent?.run ?? null,
        forkOf: fork,
        pruned: undefined
      })
    }
    case "RunPruned": {
      const { at, seq } = event
      const pruned = fact.spent?.map((charge) => ({ ...charge, item, line, run, at, seq })) ?? null
      const { parent = null, title } = fact
      return note(ledger, { run: run ?? "", line, item, title, parent, forkOf: null, pruned })
    }
    default:
      return ledger
  }
}

const keyAt = ({ at, run, seq }: FactoryEvent.FactoryEvent, call: Named): string => keyOf(call) ?? `${run}@${at}#${seq}`

type Call = Pick<Charge, "broken" | "model" | "provider" | "rehearsed" | "usage"> & {
  readonly cost: Usage.Cost
  readonly paidBy?: Usage.PaidBy
}

const chargeOf = (event: FactoryEvent.FactoryEvent, call: Call): Charge => {
  const { actor, at, item, line, run, seq, stage } = event
  const { broken, model, paidBy = "key", provider, rehearsed, usage } = call
  const cost = Pricing.sane(call.cost, model)
  return {
    ...{ at, seq, item, line, run, stage, agent: actor._tag === "Agent" ? actor.role : null },
    ...{ provider, model, paidBy, rehearsed, broken, calls: 1, usage },
    ...(cost._tag === "Known" ? { usd: Usage.plus(cost.usd, 0), unpriced: 0 } : { usd: 0, unpriced: 1 })
  }
}

const enter = ({ charges, runs }: Ledger, key: string, charge: Charge): Ledger => ({
  runs,
  charges: HashMap.modifyAt(charges, key, (known) =>
    Option.some(Option.isSome(known) && isBetter(known.value, charge) ? known.value : charge)
  )
})

/** Of two records of one answer, the one that tells more of it stands; of two that tell the same, the older one. */
const isBetter = (a: Charge, b: Charge): boolean => {
  const differences = [
    Number(a.broken) - Number(b.broken),
    Usage.total(b.usage) - Usage.total(a.usage),
    a.at - b.at,
    a.run === b.run ? 0 : (a.run ?? "") < (b.run ?? "") ? -1 : 1,
    a.seq - b.seq
  ]
  return (differences.find((difference) => difference !== 0) ?? 0) <= 0
}

const note = ({ charges, runs }: Ledger, run: Run): Ledger => ({
  charges,
  runs: HashMap.modifyAt(runs, run.run, (known) =>
    Option.some(Option.isSome(known) && told(known.value) >= told(run) ? known.value : run)
  )
})

/** How much is known of a run: while it is pruned, what was written down of it stands beside facts that are left. */
const told = ({ pruned }: Run): number => (pruned === undefined ? 1 : pruned === null ? 0 : 2)

/** What two ledgers know together. Runs of one name are one run: they are those of one factory, or of copies of its journal. */
export const merge = (a: Ledger, b: Ledger): Ledger =>
  HashMap.reduce(
    b.runs,
    HashMap.reduce(b.charges, a, (all, charge, key) => enter(all, key, charge)),
    note
  )

/** The ledger of one run alone, without its children, or of all that the journal holds. */
export const of = (run?: string): Effect.Effect<Ledger, Journal.JournalError, Journal.Journal> =>
  Journal.fold(empty, step, run)

/** Every charge. Those of a run that was pruned are added up: one for each kind of call. */
export const charges = (ledger: Ledger): ReadonlyArray<Charge> => {
  const pruned = [...HashMap.values(ledger.runs)].filter(({ pruned }) => Array.isArray(pruned))
  const gone = new Set<string | null>(pruned.map(({ run }) => run))
  const single = [...HashMap.values(ledger.charges)].filter(({ run }) => !gone.has(run))
  return [...single, ...pruned.flatMap(({ pruned }) => pruned ?? [])]
}

/** Runs that were pruned when nobody wrote down yet what they had cost. It is in no sum. */
export const unknownRuns = (ledger: Ledger): ReadonlyArray<Run> =>
  [...HashMap.values(ledger.runs)].filter(({ pruned }) => pruned === null)

/** A run, its children, and theirs. */
export const family = (ledger: Ledger, run: string): ReadonlySet<string> => {
  const names = new Set([run])
  const children = Map.groupBy(HashMap.values(ledger.runs), ({ parent }) => parent)
  for (const name of names) for (const child of children.get(name) ?? []) names.add(child.run)
  return names
}

/** What a fork took over and did not pay for again: it stands with the runs that did, and is no part of its own account. */
export const takenOver = (ledger: Ledger, run: string): ReadonlyArray<Charge> => {
  const fork = Option.getOrUndefined(HashMap.get(ledger.runs, run))?.forkOf
  if (fork === null || fork === undefined) return []
  const own = charges(ledger).filter((charge) => charge.run === fork.run)
  return [...own, ...takenOver(ledger, fork.run)].filter(({ stage }) => stage !== null && fork.took.includes(stage))
}

/** The sum of charges. */
export const total = (charges: Iterable<Charge>): Account => {
  let sum = nothing
  for (const charge of charges) sum = post(sum, charge)
  return sum
}

const post = (account: Account, { broken, calls, paidBy, rehearsed, unpriced, usage, usd }: Charge): Account => {
  const isPaid = paidBy === "key"
  if (broken) {
    const { broken } = account
    return {
      ...account,
      broken: {
        calls: broken.calls + calls,
        usage: Usage.add(broken.usage, usage),
        usd: Usage.plus(broken.usd, isPaid ? usd : 0)
      }
    }
  }
  const grown = (sum: Sum, isIn: boolean): Sum =>
    isIn ? { usd: Usage.plus(sum.usd, usd), unpriced: sum.unpriced + unpriced } : sum
  return {
    ...account,
    calls: account.calls + calls,
    usage: Usage.add(account.usage, usage),
    list: grown(account.list, true),
    paid: grown(account.paid, isPaid),
    rehearsed: account.rehearsed + (rehearsed ? calls : 0)
  }
}

/** One account for each item, run, model, …: the one that cost most first. `null` are the calls that belong to none. */
export const by = (
  charges: Iterable<Charge>,
  dimension: Dimension
): ReadonlyArray<{ readonly name: string | null; readonly account: Account }> =>
  [...Map.groupBy(charges, (charge) => nameOf(charge, dimension))]
    .map(([name, own]) => ({ name, account: total(own) }))
    .sort(
      ({ account: a, name: first }, { account: b, name: second }) =>
        b.paid.usd - a.paid.usd ||
        b.list.usd - a.list.usd ||
        Usage.total(b.usage) - Usage.total(a.usage) ||
        ((first ?? "") < (second ?? "") ? -1 : 1)
    )

const nameOf = (charge: Charge, dimension: Dimension): string | null => {
  if (dimension === "role") return charge.agent === null ? null : (charge.agent.split("/", 1)[0] ?? null)
  return dimension === "model" ? `${charge.provider}/${charge.model}` : charge[dimension]
}

/** Whether all is known: every call had a price, and no answer broke off. */
export const isWhole = ({ broken, list }: Account): boolean => list.unpriced === 0 && broken.calls === 0

/** The share of the prompts' tokens that came from the provider's cache, from 0 to 1; none where there were none. */
export const cacheShare = ({ usage }: Pick<Account, "usage">): number | undefined => {
  const prompts = usage.input + usage.cacheRead + usage.cacheWrite
  return prompts === 0 ? undefined : usage.cacheRead / prompts
}

/** What an account comes to as a bill, as budgets and progress count: what was paid, and broken answers at their least. */
export const bill = ({ broken, calls, paid, usage }: Account): Usage.Bill => ({
  usd: Usage.plus(paid.usd, broken.usd),
  calls,
  unpriced: paid.unpriced,
  usage: Usage.add(usage, broken.usage)
})
