/**
 * Secrets never reach the journal. Types keep them out first (`Redacted`); this is the net below: values that are known
 * to be secret, and patterns of the usual tokens, are taken out of every text before it is written.
 */
import * as Context from "effect/Context"
import * as Redacted from "effect/Redacted"

/** What stands where a secret stood. */
export const mark = "[redacted]"

/** Known secrets of this process, such as the API key that a model adapter was given. */
export const Secrets = Context.Reference<ReadonlyArray<Redacted.Redacted<string>>>("@millwright/core/Redaction/Secrets", {
  defaultValue: () => []
})

const patterns: ReadonlyArray<RegExp> = [
  /\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,}/g,
  /\bgh[pousr]_[A-Za-z0-9]{36,}\b/g,
  /\bgithub_pat_[A-Za-z0-9_]{40,}\b/g,
  /\bglpat-[A-Za-z0-9_-]{20,}\b/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /\bAIza[0-9A-Za-z_-]{35}\b/g,
  /\bxox[abposr]-[A-Za-z0-9-]{10,}/g,
  /\bnpm_[A-Za-z0-9]{36}\b/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g
]

/** Takes known secrets (8 characters or more) and the usual tokens out of a text. */
export const scrub = (text: string, secrets: ReadonlyArray<Redacted.Redacted<string>> = []): string => {
  let clean = text
  for (const secret of secrets) {
    const value = Redacted.value(secret)
    if (value.length >= 8) clean = clean.replaceAll(value, mark)
  }
  return patterns.reduce((rest, pattern) => rest.replace(pattern, mark), clean)
}

/** The names of environment variables that hold secrets more often than not. */
export const secretName = /(?:^|_)(?:API_?KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|PRIVATE_KEY|ACCESS_KEY)(?:_|$)/i

/** The secrets of an environment, by the names of its variables. */
export const fromEnvironment = (environment: Readonly<Record<string, string | undefined>>): ReadonlyArray<Redacted.Redacted<string>> =>
  Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && value.length >= 8 && secretName.test(name) ? [Redacted.make(value, { label: name })] : []
  )

/** Takes secrets out of every text of a JSON value. Keys stay. */
export const scrubJson = <A>(value: A, secrets: ReadonlyArray<Redacted.Redacted<string>> = []): A =>
  // The shape is kept: only strings are replaced, and only by strings.
  walk(value, (text) => scrub(text, secrets)) as A

const walk = (value: unknown, clean: (text: string) => string): unknown => {
  if (typeof value === "string") return clean(value)
  if (Array.isArray(value)) return value.map((each) => walk(each, clean))
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, walk(each, clean)]))
  }
  return value
}
