/** Whether every assertion of a contract is claimed by exactly one feature or stage, and nothing else is. */
import * as Result from "effect/Result"

/** The assertions that one feature, or one stage, says it will make true. */
export interface Claim {
  readonly by: string
  readonly assertions: ReadonlyArray<string>
}

/** What is wrong with claims. One of the lists is not empty. */
export interface Misclaimed {
  /** Nobody makes them true. */
  readonly unclaimed: ReadonlyArray<string>
  /** Several say that they will, or one of them says so twice. */
  readonly twice: ReadonlyArray<{ readonly assertion: string; readonly by: ReadonlyArray<string> }>
  /** The contract has no such assertion. */
  readonly unknown: ReadonlyArray<{ readonly assertion: string; readonly by: string }>
  /** All of it, for whoever made the claims. */
  readonly message: string
}

/** Who claims which id, or what is wrong. */
export const check = (
  ids: ReadonlyArray<string>,
  claims: ReadonlyArray<Claim>
): Result.Result<ReadonlyMap<string, string>, Misclaimed> => {
  const claimants = new Map(ids.map((id) => [id, new Array<string>()]))
  const unknown: Array<Misclaimed["unknown"][number]> = []
  for (const { assertions, by } of claims) {
    for (const assertion of assertions) {
      const known = claimants.get(assertion)
      if (known === undefined) unknown.push({ assertion, by })
      else known.push(by)
    }
  }
  const all = [...claimants]
  const unclaimed = all.filter(([, by]) => by.length === 0).map(([id]) => id)
  const twice = all.filter(([, by]) => by.length > 1).map(([assertion, by]) => ({ assertion, by }))
  return unclaimed.length + twice.length + unknown.length === 0
    ? Result.succeed(new Map(all.map(([id, [by = ""]]) => [id, by])))
    : Result.fail({ unclaimed, twice, unknown, message: told({ unclaimed, twice, unknown }) })
}

const told = ({ twice, unclaimed, unknown }: Omit<Misclaimed, "message">): string =>
  [
    ...unclaimed.map((id) => `${id} is claimed by nobody. Give it to one feature.`),
    ...twice.map(({ assertion, by }) => `${assertion} is claimed by ${by.join(" and ")}. Leave it to one of them.`),
    ...unknown.map(({ assertion, by }) => `${by} claims ${assertion}, which the contract does not have. Take it out.`)
  ].join("\n")
