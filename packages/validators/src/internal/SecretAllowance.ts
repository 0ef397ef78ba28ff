/** What is allowed although it looks like a secret. */
import type * as SecretRules from "../SecretRules.ts"
import * as Re2Script from "./Re2Script.ts"
import * as Re2Syntax from "./Re2Syntax.ts"

/** What looks like a secret, and where. */
export interface Suspect {
  readonly rule: string
  readonly path: string
  readonly commit: string | undefined
  readonly secret: string
  readonly match: string
  readonly line: string
}

/** Says whether something is allowed. */
export type Allowance = (suspect: Suspect) => boolean

/** An expression that is looked for anywhere in a text. */
export const expression = (source: string): RegExp => new RegExp(Re2Script.emit(Re2Syntax.parse(source)))

/** An allowlist, ready to be asked. */
export const of = (list: SecretRules.Allowlist): Allowance => {
  const { commits = [], condition = "OR", regexTarget = "secret", targetRules } = list
  const paths = (list.paths ?? []).map(expression)
  const regexes = (list.regexes ?? []).map(expression)
  const stopwords = (list.stopwords ?? []).map((word) => word.toLowerCase())
  const conditions = [
    commits.length > 0 && (({ commit }: Suspect) => commit !== undefined && commits.includes(commit)),
    paths.length > 0 && (({ path }: Suspect) => paths.some((each) => each.test(path))),
    regexes.length > 0 && ((suspect: Suspect) => regexes.some((each) => each.test(suspect[regexTarget]))),
    stopwords.length > 0 &&
      (({ secret }: Suspect) => {
        const lower = secret.toLowerCase()
        return stopwords.some((word) => lower.includes(word))
      })
  ].filter((each) => each !== false)
  const isAll = condition === "AND" || condition === "and" || condition === "&&"
  return (suspect) =>
    conditions.length > 0 &&
    (targetRules === undefined || targetRules.length === 0 || targetRules.includes(suspect.rule)) &&
    (isAll ? conditions.every((holds) => holds(suspect)) : conditions.some((holds) => holds(suspect)))
}

/** Whether an allowlist allows all of some paths, so that nothing in them has to be read. */
export const isOfPaths = ({
  condition,
  commits,
  paths = [],
  regexes = [],
  stopwords = [],
  targetRules
}: SecretRules.Allowlist): boolean =>
  targetRules === undefined &&
  paths.length > 0 &&
  ((condition ?? "OR").toLowerCase() !== "and" && condition !== "&&"
    ? true
    : regexes.length === 0 && stopwords.length === 0 && (commits ?? []).length === 0)

/** Bits of entropy a character. */
export const entropy = (text: string): number => {
  const counts = new Map<string, number>()
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1)
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return [...counts.values()].reduce((sum, count) => sum - (count / total) * Math.log2(count / total), 0)
}
