/** How large a text may be that is stored, and whether a value would become one that is larger. */
import * as Journal from "../Journal.ts"

/**
 * The longest text that is stored, in UTF-16 units. It stands in memory several times over while it is written and read;
 * what is larger belongs into a file, with its digest as the result.
 */
export const limit = 67_108_864

/** How a text that is too large is mended. */
export const mend =
  `A store takes at most ${limit / 1_048_576} million characters of JSON. Write it to a file and let the result be ` +
  `its path and digest; then resume the run.`

/** Fails for a text that is too large to be stored. */
export const refuseTooLarge = (text: string, what: string): void => {
  if (text.length <= limit) return
  throw new Journal.JournalError({
    reason: "TooLarge",
    message: `${what} has ${Math.ceil(text.length / 1_048_576)} million characters. ${mend}`
  })
}

/** Whether the texts of a JSON value alone are too large. It looks at no more of them than it has to. */
export const isTooLarge = (value: unknown): boolean => {
  let left = limit
  const take = (part: unknown): boolean => {
    left -= typeof part === "string" ? part.length : 1
    if (left < 0) return true
    if (Array.isArray(part)) return part.some(take)
    return typeof part === "object" && part !== null && Object.values(part).some(take)
  }
  return take(value)
}
