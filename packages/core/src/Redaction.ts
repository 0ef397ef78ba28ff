/**
 * Secrets never reach the journal. Types keep them out first (`Redacted`); this is the net below: values that are known
 * to be secret, and patterns of the usual tokens, are taken out of every text before it is written.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"
import * as Tainted from "./Tainted.ts"

/** What stands where a secret stood. */
export const mark = "[redacted]"

/** Known secrets of this process, such as the API key that a model adapter was given. */
export const Secrets = Context.Reference<ReadonlyArray<Redacted.Redacted<string>>>(
  "@millwright/core/Redaction/Secrets",
  {
    defaultValue: () => []
  }
)

/**
 * Shapes of the usual tokens. No word boundary stands before those that are told by their first letters alone: in JSON
 * within a text, a token can follow an escaped line break, `\\nghp_…`, and `n` is a letter.
 */
const patterns: ReadonlyArray<readonly [RegExp, replacement: string]> = [
  [
    /-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g,
    mark
  ],
  [/(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))sk-[A-Za-z0-9_-]{20,}/g, mark],
  [/[rs]k_(?:live|test)_[A-Za-z0-9]{16,}/g, mark],
  [/gh[pousr]_[A-Za-z0-9]{36,}/g, mark],
  [/github_pat_[A-Za-z0-9_]{40,}/g, mark],
  [/glpat-[A-Za-z0-9_-]{20,}/g, mark],
  [/A[KS]IA[0-9A-Z]{16}/g, mark],
  [/AIza[0-9A-Za-z_-]{35}/g, mark],
  [/xox[abposr]-[A-Za-z0-9-]{10,}/g, mark],
  [/npm_[A-Za-z0-9]{36,}/g, mark],
  [/hf_[A-Za-z0-9]{30,}/g, mark],
  // The first part begins at the last `eyJ` before the point, so that a text of very many of them is read once.
  [/eyJ(?:(?!eyJ)[A-Za-z0-9_-]){8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g, mark],
  [
    /((?:\bBearer\s{1,4}|Authorization["']?\s{0,3}[:=]\s{0,3}["']?(?:\w{1,20}\s{1,4})?))[A-Za-z0-9._~+/-]{16,}=*/gi,
    `$1${mark}`
  ]
]

/** A password in an address. It looks at each word from each of its letters on, so it is asked only of texts that hold an address. */
const inAddress = /([a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{0,100}:)[^\s/@]{3,200}(?=@)/gi

const spelled = new WeakMap<Redacted.Redacted<string>, ReadonlyArray<string>>()

/** A secret as it is, and as it stands inside JSON, a URL or base64. They are looked for in every text, and made once. */
const spellings = (secret: Redacted.Redacted<string>): ReadonlyArray<string> => {
  const known = spelled.get(secret) ?? spell(secret)
  spelled.set(secret, known)
  return known
}

const spell = (secret: Redacted.Redacted<string>): ReadonlyArray<string> => {
  const value = Redacted.value(secret).trim()
  if (value.length < 8) return []
  const inUrl = /\p{Surrogate}/u.test(value) ? [] : [encodeURIComponent(value)]
  return [value, JSON.stringify(value).slice(1, -1), Buffer.from(value).toString("base64").replace(/=+$/, ""), ...inUrl]
}

/** Marks every place where a text stands, also where two of them overlap. */
const blot = (text: string, hidden: ReadonlyArray<string>): string => {
  const places = hidden
    .flatMap((each) => {
      const found: Array<readonly [from: number, to: number]> = []
      for (let at = text.indexOf(each); at !== -1; at = text.indexOf(each, at + 1)) found.push([at, at + each.length])
      return found
    })
    .sort(([a], [b]) => a - b)
  let clean = ""
  let end = 0
  for (const [from, to] of places) {
    if (from >= end) clean += text.slice(end, from) + mark
    end = Math.max(end, to)
  }
  return clean + text.slice(end)
}

/** Takes known secrets (8 characters or more, space around them apart) and the usual tokens out of a text. */
export const scrub = (text: string, secrets: ReadonlyArray<Redacted.Redacted<string>> = []): string => {
  const clean = patterns.reduce(
    (rest, [pattern, replacement]) => rest.replace(pattern, replacement),
    secrets.length === 0 ? text : blot(text, secrets.flatMap(spellings))
  )
  return clean.includes("://") ? clean.replace(inAddress, `$1${mark}`) : clean
}

/** The names of environment variables that hold secrets more often than not. */
export const secretName =
  /(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|COOKIE|PAT)(?:_|$)/i

/** The secrets of an environment, by the names of its variables. */
export const fromEnvironment = (
  environment: Readonly<Record<string, string | undefined>>
): ReadonlyArray<Redacted.Redacted<string>> =>
  Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && value.length >= 8 && secretName.test(name) ? [Redacted.make(value, { label: name })] : []
  )

/** Takes secrets out of every text of a JSON value, tainted ones too, and of the names of its fields unless they are plain words. */
export const scrubJson = <A>(value: A, secrets: ReadonlyArray<Redacted.Redacted<string>> = []): A =>
  // The shape is kept: only strings are replaced, and only by strings.
  walk(value, (text) => scrub(text, secrets)) as A

/** A word of the vocabulary: a secret that is one too (`password`) must not make a fact unreadable. */
const word = /^_?[A-Za-z]{1,40}$/

const walk = (value: unknown, clean: (text: string) => string): unknown => {
  if (typeof value === "string") return clean(value)
  if (value instanceof Tainted.Tainted) {
    return Tainted.of(clean(value.origin), clean(Tainted.reveal(value, "stored")))
  }
  if (Array.isArray(value)) return value.map((each) => walk(each, clean))
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        word.test(key) ? key : clean(key),
        key === "_tag" && typeof each === "string" && word.test(each) ? each : walk(each, clean)
      ])
    )
  }
  return value
}

/**
 * Runs an effect that can not write to the span around it. A toolkit of Effect would: it notes the arguments of each call
 * in the span that is current.
 */
export const sealed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.option(Effect.currentParentSpan), (span) =>
    Option.isNone(span)
      ? effect
      : Effect.withParentSpan(effect, Tracer.externalSpan(span.value), { captureStackTrace: false })
  )
