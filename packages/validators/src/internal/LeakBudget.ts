/**
 * A **leak budget**: how much authors may learn of a scenario by being judged with it. Every answer that crosses is one of so
 * many that could have crossed, and costs the logarithm of that many to the base 2, in bits, whichever it was. What was spent
 * is a fold over the journal, and belongs to the scenarios that were looked at: to seal them anew gives nothing back, to put
 * others in their place does.
 */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Symptom from "./Symptom.ts"

/** How much may cross. */
export interface Limits {
  /** Bits, for each scenario. */
  readonly bits: number
  /** After so many looks at a scenario it has to be replaced, whatever they cost. Default: no limit. */
  readonly looks?: number
}

/** What one look at a scenario may say: how it ended, and at most so many symptoms of so many kinds of people. */
export interface Shape {
  readonly personas: number
  readonly symptoms: number
}

/** How many different answers there are to one look: accepted, undecided, and refused with each set of symptoms. */
export const answers = ({ personas, symptoms }: Shape): number => {
  const kinds = personas * Symptom.kinds
  let sets = 1
  let all = 1
  for (let size = 1; size <= Math.min(symptoms, kinds); size++) {
    sets = (sets * (kinds - size + 1)) / size
    all += sets
  }
  return 2 + all
}

/** What one look costs, in bits. */
export const bits = (shape: Shape): number => Math.log2(answers(shape))

/** What is known of all vaults. */
export interface Ledger {
  /** Looks at each vault, by its name. */
  readonly looks: ReadonlyMap<string, number>
  /** What crossed of each scenario. */
  readonly spent: ReadonlyMap<string, { readonly looks: number; readonly bits: number }>
  /** Scenarios that leaked. */
  readonly burnt: ReadonlySet<string>
  /** Runs in which one leaked: nothing that they come to is judged by holdouts. */
  readonly voided: ReadonlySet<string>
}

/** Nothing crossed. */
export const empty: Ledger = { looks: new Map(), spent: new Map(), burnt: new Set(), voided: new Set() }

/** What a fact adds. */
export const step = (ledger: Ledger, { fact }: Pick<FactoryEvent.FactoryEvent, "fact">): Ledger => {
  if (fact._tag === "ScenarioBurnt") {
    const voided = fact.run === null ? ledger.voided : new Set([...ledger.voided, fact.run])
    return { ...ledger, voided, burnt: new Set([...ledger.burnt, ...fact.scenarios]) }
  }
  if (fact._tag !== "HoldoutLooked") return ledger
  const spent = new Map(ledger.spent)
  for (const scenario of fact.scenarios) {
    const before = spent.get(scenario) ?? { looks: 0, bits: 0 }
    spent.set(scenario, { looks: before.looks + 1, bits: before.bits + fact.bits })
  }
  const looks = new Map(ledger.looks).set(fact.vault, Math.max(fact.look, ledger.looks.get(fact.vault) ?? 0))
  return { ...ledger, looks, spent }
}

/** The scenarios that one more look of this cost would take beyond a limit. They have to be replaced. */
export const exhausted = (
  { spent }: Pick<Ledger, "spent">,
  scenarios: ReadonlyArray<string>,
  { bits: limit, cost, looks = Infinity }: Limits & { readonly cost: number }
): ReadonlyArray<string> =>
  scenarios.filter((scenario) => {
    const before = spent.get(scenario) ?? { looks: 0, bits: 0 }
    // What can not be compared, such as a limit that is no number, lets nothing cross.
    return !(before.bits + cost <= limit && before.looks + 1 <= looks)
  })
