/**
 * The **rules of secrets**: what a secret looks like, and what looks like one and is none. They are data in the form of
 * gitleaks' configuration: those that come with this package, and what a house adds to them.
 */
import * as Fault from "@millwright/core/Fault"
import * as Effect from "effect/Effect"
import * as Toml from "effect/encoding/Toml"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import * as Re2Script from "./internal/Re2Script.ts"
import * as Re2Syntax from "./internal/Re2Syntax.ts"

/** Rules can not be used. The message names each of them. */
export class SecretRulesError extends Fault.Class<SecretRulesError>()("SecretRulesError", {
  /** No TOML, or none that holds rules. */
  NotRules: false,
  /** An expression that can not be used, a rule twice, a rule that looks at nothing. */
  BadRule: false
}) {}

const Texts = Schema.optionalKey(Schema.Array(Schema.String))

/** What is allowed although it looks like a secret. */
export const Allowlist = Schema.Struct({
  description: Schema.optionalKey(Schema.String),
  /** Whether one of its kinds of conditions is enough, or all that it has have to hold. Default: one. */
  condition: Schema.optionalKey(Schema.Literals(["OR", "AND", "or", "and", "||", "&&"])),
  /** Full ids. */
  commits: Texts,
  paths: Texts,
  regexes: Texts,
  /** What `regexes` are asked of: by default the secret, else all that matched, or the lines that it is on. */
  regexTarget: Schema.optionalKey(Schema.Literals(["secret", "match", "line"])),
  /** Parts of secrets, whatever their case. */
  stopwords: Texts,
  /** Of an allowlist of all rules: the only ones that it is about. */
  targetRules: Texts
})
/** What is allowed although it looks like a secret. */
export type Allowlist = typeof Allowlist.Type

/** What one kind of secret looks like. Expressions are in the syntax of RE2. */
export const Rule = Schema.Struct({
  id: Schema.NonEmptyString,
  description: Schema.optionalKey(Schema.String),
  regex: Schema.optionalKey(Schema.String),
  /** The only paths that it is looked for in. Without a `regex`, a file of such a path is the secret. */
  path: Schema.optionalKey(Schema.String),
  /** The group that is the secret. Without one, the first group that is not empty, or all that matched. */
  secretGroup: Schema.optionalKey(Schema.Natural),
  /** The secret has to have more than so many bits of entropy a character. */
  entropy: Schema.optionalKey(Schema.Finite),
  /** One of them, whatever its case, has to be in the same text. */
  keywords: Texts,
  allowlist: Schema.optionalKey(Allowlist),
  allowlists: Schema.optionalKey(Schema.Array(Allowlist))
})
/** What one kind of secret looks like. */
export type Rule = typeof Rule.Type

const Config = Schema.Struct({
  rules: Schema.optionalKey(Schema.Array(Rule)),
  allowlist: Schema.optionalKey(Allowlist),
  allowlists: Schema.optionalKey(Schema.Array(Allowlist)),
  extend: Schema.optionalKey(Schema.Struct({ useDefault: Schema.optionalKey(Schema.Boolean), disabledRules: Texts }))
})

/** Rules, and what is allowed in all of them. */
export interface SecretRules {
  readonly rules: ReadonlyArray<Rule>
  readonly allowlists: ReadonlyArray<Allowlist>
}

/** Every expression of a rule or an allowlist. */
const expressions = (
  rule: Pick<Rule, "regex" | "path">,
  allowlists: ReadonlyArray<Allowlist>
): ReadonlyArray<string> => [
  ...[rule.regex, rule.path].filter((source) => source !== undefined),
  ...allowlists.flatMap(({ paths = [], regexes = [] }) => [...paths, ...regexes])
]

/** What is allowed in one rule. */
export const allowlistsOf = ({ allowlist, allowlists = [] }: Rule): ReadonlyArray<Allowlist> =>
  allowlist === undefined ? allowlists : [allowlist, ...allowlists]

/** Why an expression can not be used, or nothing. */
const problemOf = (source: string): string | undefined => {
  try {
    const node = Re2Syntax.parse(source)
    if (Re2Script.isNested(node)) {
      return "has repetitions without an end within each other, which can take for ever. Give the outer or the inner one an end: {0,20}"
    }
    void new RegExp(Re2Script.emit(node))
    return undefined
  } catch (error) {
    return `is no expression of RE2: ${error instanceof Error ? error.message : String(error)}`
  }
}

const problems = ({ allowlists, rules }: SecretRules): ReadonlyArray<string> => {
  const ids = rules.map(({ id }) => id)
  const about = (name: string, sources: ReadonlyArray<string>) =>
    sources.flatMap((source) => {
      const problem = problemOf(source)
      return problem === undefined ? [] : [`${name}: \`${source.slice(0, 100)}\` ${problem}`]
    })
  return [
    ...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `${id}: there are two rules of this name`),
    ...rules.flatMap((rule) => [
      ...(rule.regex === undefined && rule.path === undefined ? [`${rule.id}: has neither a regex nor a path`] : []),
      ...about(rule.id, expressions(rule, allowlistsOf(rule)))
    ]),
    ...about("an allowlist of all rules", expressions({}, allowlists))
  ]
}

const read = Effect.fnUntraced(function* (toml: string) {
  const unusable = (cause: { readonly message: string }) =>
    new SecretRulesError({
      reason: "NotRules",
      message: `This is no configuration of gitleaks: ${cause.message.slice(0, 1_000)}. Write it in TOML, with [[rules]] that have an id and a regex.`
    })
  const value = yield* Effect.mapError(Effect.fromResult(Toml.parse(toml.replace(/^\u{feff}/u, ""))), unusable)
  const config = yield* Effect.mapError(Schema.decodeUnknownEffect(Config)(value), unusable)
  const { allowlist, allowlists = [], rules = [] } = config
  const found = { rules, allowlists: allowlist === undefined ? allowlists : [allowlist, ...allowlists] }
  const wrong = problems(found)
  if (wrong.length === 0) return { ...found, extend: config.extend }
  return yield* new SecretRulesError({
    reason: "BadRule",
    message: `${wrong.length} of these rules can not be used:\n${wrong.join("\n")}\nMend them, or leave them out.`
  })
})

// From `src` and from `dist` it is the same way.
const packaged = (name: string) =>
  Effect.suspend(() => read(readFileSync(new URL(`../rules/${name}.toml`, import.meta.url), "utf8")))

/** The rules of gitleaks as they are published. */
export const gitleaks: Effect.Effect<SecretRules, SecretRulesError> = packaged("gitleaks")

/** Rules with others: of two of the same name the later one stands, and what either allows is allowed. */
export const merge = (rules: SecretRules, more: SecretRules): SecretRules => ({
  rules: [...new Map([...rules.rules, ...more.rules].map((rule) => [rule.id, rule])).values()],
  allowlists: [...rules.allowlists, ...more.allowlists]
})

/** The rules of gitleaks, with what this package allows beside: `rules/house.toml`. */
export const usual: Effect.Effect<SecretRules, SecretRulesError> = Effect.zipWith(gitleaks, packaged("house"), merge)

/**
 * Reads rules. With `[extend]` and `useDefault = true` they are added to those of this package, without `disabledRules`.
 *
 * Fails with `NotRules` or `BadRule`: no rule is left out in silence.
 */
export const parse = Effect.fnUntraced(function* (toml: string): Effect.fn.Return<SecretRules, SecretRulesError> {
  const { extend, ...own } = yield* read(toml)
  if (extend?.useDefault !== true) return own
  const base = yield* usual
  const without = new Set(extend.disabledRules)
  return merge({ ...base, rules: base.rules.filter(({ id }) => !without.has(id)) }, own)
})
