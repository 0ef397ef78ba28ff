/** The **history** of the contract of a run: which one is in force, and who changed it after the work began. A fold over its journal. */
import type * as Digest from "@millwright/core/Digest"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"

/** An amendment as the journal knows it. `at` is in milliseconds since 1970, UTC. */
export interface Amended extends Omit<Extract<FactoryEvent.Fact, { readonly _tag: "ContractAmended" }>, "_tag"> {
  readonly at: number
}

/** The contracts of a run: which is in force, and how it came to be. */
export interface ContractHistory {
  readonly inForce: Digest.Digest | null
  readonly amendments: ReadonlyArray<Amended>
}

/** Nothing was frozen yet. */
export const none: ContractHistory = { inForce: null, amendments: [] }

/** The history after one more event of the run. */
export const see = (known: ContractHistory, { at, fact }: FactoryEvent.FactoryEvent): ContractHistory => {
  if (fact._tag === "ContractFrozen") return { ...known, inForce: fact.contract }
  if (fact._tag !== "ContractAmended") return known
  const { _tag, ...amended } = fact
  return { inForce: fact.contract, amendments: [...known.amendments, { ...amended, at }] }
}
