/**
 * An **amendment** changes what done means after the work began. Only a human does it: {@link apply} takes the approval of exactly this
 * amendment, which a gate alone can make, and looks who gave it. A time-out and an agent are nobody.
 *
 * ```ts
 * import * as Amendment from "@millwright/validators/Amendment"
 * import * as Contract from "@millwright/core/Contract"
 * import * as Stage from "@millwright/core/Stage"
 * import * as Effect from "effect/Effect"
 *
 * // In the code of a line, between its stages.
 * export const amended = (frozen: Contract.Contract, draft: Contract.Draft) =>
 *   Effect.gen(function* () {
 *     const proposed = yield* Effect.fromResult(Amendment.propose(frozen, draft, "the API has no such field"))
 *     const approved = yield* Amendment.request(frozen, proposed)
 *     return yield* Stage.run({ name: "amend", success: Contract.Contract }, Amendment.apply(frozen, approved))
 *   })
 * ```
 */
import * as Contract from "@millwright/core/Contract"
import * as Actor from "@millwright/core/Actor"
import * as Digest from "@millwright/core/Digest"
import * as Markup from "@millwright/core/Markup"
import * as Fault from "@millwright/core/Fault"
import * as Gate from "@millwright/core/Gate"
import type * as GatePlan from "@millwright/core/GatePlan"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AssertionText from "./internal/AssertionText.ts"

/** A contract in the place of another. */
export const Amendment = Schema.Struct({
  /** The contract that it replaces. */
  amends: Digest.Digest,
  contract: Contract.Contract,
  why: Schema.NonEmptyString,
  added: Schema.Array(Contract.AssertionId),
  removed: Schema.Array(Contract.AssertionId),
  altered: Schema.Array(Contract.AssertionId)
})
/** A contract in the place of another. */
export type Amendment = typeof Amendment.Type

/** A contract stays what it was. */
export class AmendmentError extends Fault.Class<AmendmentError>()("AmendmentError", {
  /** What is to replace it can not be a contract. */
  Malformed: false,
  /** Nothing of it would be another. */
  Unchanged: false,
  /** No gate made the approval, or it is that of something else. */
  NotApproved: false,
  /** Somebody said yes who is no person: a time-out, or an agent. */
  NotHuman: false,
  /** It amends another contract than the one in force. */
  OtherContract: false
}) {}

const idsOf = ({ assertions }: Pick<Contract.Draft, "assertions">) => new Map(assertions.map((one) => [one.id, one]))

/** Says what would be another, and why. The item and the commit that the contract was frozen at stay. */
export const propose = (
  frozen: Contract.Contract,
  { acceptAt, assertions }: Pick<Contract.Draft, "assertions" | "acceptAt">,
  why: string
): Result.Result<Amendment, AmendmentError> => {
  const { base, item } = frozen
  const draft = {
    item,
    ...(base !== undefined && { base }),
    ...(acceptAt !== undefined && { acceptAt }),
    assertions
  }
  const problems = Contract.problems(draft).map(({ at, message }) => `${at}: ${message}`)
  if (why.trim() === "") problems.push("Nobody says why")
  if (problems.length > 0) {
    const message = `The contract of ${item} can not be amended like this. ${problems.slice(0, 10).join(". ")}.`
    return Result.fail(new AmendmentError({ reason: "Malformed", message }))
  }
  const contract = Contract.seal(draft)
  if (contract.digest === frozen.digest) {
    const message = `The contract of ${item} would be what it is. Change something, or leave it.`
    return Result.fail(new AmendmentError({ reason: "Unchanged", message }))
  }
  return Result.succeed({ amends: frozen.digest, contract, why: why.trim(), ...difference(frozen, contract) })
}

const difference = (
  frozen: Contract.Contract,
  contract: Contract.Contract
): Pick<Amendment, "added" | "removed" | "altered"> => {
  const [before, after] = [idsOf(frozen), idsOf(contract)]
  return {
    added: [...after.keys()].filter((id) => !before.has(id)),
    removed: [...before.keys()].filter((id) => !after.has(id)),
    altered: [...after].flatMap(([id, one]) => {
      const old = before.get(id)
      return old !== undefined && Digest.ofJson(old) !== Digest.ofJson(one) ? [id] : []
    })
  }
}

/** What a person reads before they say yes, as Markdown: each assertion as it is and as it would be. */
export const text = (frozen: Contract.Contract, proposed: Amendment): string => {
  // What would be another is looked for here: whoever proposes could have left something out.
  const amendment = { ...proposed, ...difference(frozen, proposed.contract) }
  const [before, after] = [idsOf(frozen), idsOf(amendment.contract)]
  const told = (id: string, from: ReadonlyMap<string, Contract.Assertion>) => {
    const { id: _id, ...rest } = from.get(id) ?? { id, statement: "" }
    return Markup.line(AssertionText.assertion(rest))
  }
  const terms = ({ acceptAt }: Contract.Draft) =>
    acceptAt === undefined ? "every assertion passes" : `${acceptAt} of the weight passes`
  return [
    `The contract ${Digest.short(amendment.amends)} of ${Markup.line(frozen.item)} would become ${Digest.short(amendment.contract.digest)}.`,
    `Why: ${Markup.line(amendment.why)}`,
    // First in short: a gate keeps 16,000 characters.
    `In short: ${count(amendment.removed, "would go")}; ${count(amendment.altered, "would be another")}; ${count(amendment.added, "would be new")}.`,
    ...(frozen.acceptAt === amendment.contract.acceptAt
      ? []
      : [`It would be accepted when ${terms(amendment.contract)}; until now, when ${terms(frozen)}.`]),
    ...amendment.removed.map((id) => `- **${id} would go**: ${told(id, before)}`),
    ...amendment.altered.map((id) => `- **${id} would be**: ${told(id, after)}\n  - until now: ${told(id, before)}`),
    ...amendment.added.map((id) => `- **${id} would be new**: ${told(id, after)}`)
  ].join("\n\n")
}

const count = (ids: ReadonlyArray<string>, what: string): string =>
  `${ids.length} ${what}${ids.length === 0 ? "" : ` (${ids.slice(0, 50).join(", ")}${ids.length > 50 ? ", …" : ""})`}`

/** Asks a human, at a gate with the amendment as its subject. It stands in the code of a line, between its stages. */
export const request = (frozen: Contract.Contract, amendment: Amendment, patience: GatePlan.Patience = {}) =>
  Gate.approve("amend-contract", {
    ...patience,
    question: `Shall the contract of ${frozen.item} be changed after the work began?`,
    context: text(frozen, amendment),
    cause: "contract amendment",
    subject: amendment
  })

/**
 * The amended contract, which is in force from here on. A fact `ContractAmended` says which contract it replaces, who said yes and
 * why. The same approval again changes nothing. Belongs into a stage.
 */
export const apply = Effect.fnUntraced(function* (
  frozen: Contract.Contract,
  approved: Gate.Approved<Amendment>
): Effect.fn.Return<Contract.Contract, AmendmentError | Journal.JournalError, Journal.Journal> {
  const { amendment, by } = yield* Effect.fromResult(held(frozen, approved))
  const { added, altered, amends, contract, removed, why } = amendment
  const { run } = yield* Journal.Origin
  yield* Journal.record(
    { _tag: "ContractAmended", amends, contract: contract.digest, by, why, added, removed, altered },
    `amended/${run ?? ""}/${amends}/${contract.digest}`
  )
  return contract
})

/** What was approved, and by whom, if it is an amendment of this contract and a human approved it. */
const held = (
  frozen: Contract.Contract,
  approved: Gate.Approved<Amendment>
): Result.Result<{ readonly amendment: Amendment; readonly by: string }, AmendmentError> => {
  const refuse = (reason: (typeof AmendmentError.Type)["reason"], why: string) =>
    Result.fail(new AmendmentError({ reason, message: `The contract of ${frozen.item} stays what it is: ${why}.` }))
  // For code that no compiler has seen.
  if (!Gate.isApproved(approved)) return refuse("NotApproved", "no gate made this approval. Ask with Amendment.request")
  const amendment = approved.subject
  if (!Schema.is(Amendment)(amendment)) {
    return refuse("NotApproved", "what was approved is no amendment. Ask with Amendment.request")
  }
  if (approved.by._tag !== "Human") {
    return refuse("NotHuman", `${Actor.label(approved.by)} said yes, and only a human may`)
  }
  if (amendment.amends !== frozen.digest || !Contract.isIntact(frozen) || amendment.contract.item !== frozen.item) {
    return refuse(
      "OtherContract",
      `the amendment is of ${Digest.short(amendment.amends)}, and in force is ${Digest.short(frozen.digest)}`
    )
  }
  if (!Contract.isIntact(amendment.contract) || amendment.contract.base !== frozen.base) {
    return refuse("NotApproved", "the amendment was changed after it was proposed. Propose it anew")
  }
  const again = propose(frozen, amendment.contract, amendment.why)
  if (Result.isFailure(again) || Digest.ofJson(again.success) !== Digest.ofJson(amendment)) {
    return refuse("NotApproved", "the amendment says something else than what would be another. Propose it anew")
  }
  return Result.succeed({ amendment, by: approved.by.name })
}
