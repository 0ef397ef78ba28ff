/**
 * The **secret scan**: looks for secrets in texts, by rules. What it tells of one is its rule, its place and its
 * fingerprint, and never more of it than its first three characters.
 */
import * as Digest from "@millwright/core/Digest"
import * as Schema from "effect/Schema"
import * as SecretAllowance from "./internal/SecretAllowance.ts"
import * as SecretDecoding from "./internal/SecretDecoding.ts"
import * as SecretMatcher from "./internal/SecretMatcher.ts"
import * as TextSearch from "./internal/TextSearch.ts"
import * as SecretRules from "./SecretRules.ts"

/** A secret, and where it is. */
export const SecretFinding = Schema.Struct({
  rule: Schema.NonEmptyString,
  description: Schema.String,
  /** The path of its file; what is a secret in the path itself is masked. Empty of a text that is no file. */
  path: Schema.String,
  /** From 1; `null` of a path. */
  line: Schema.NullOr(Schema.Natural),
  /** Its first characters, at most three and at most a quarter of it. */
  masked: Schema.String,
  /** The same for the same secret under the same rule. */
  fingerprint: Digest.Digest,
  /** How it was written, from the outside in. */
  encodings: Schema.Array(Schema.Literals(["base64", "hex", "percent"]))
})
/** A secret, and where it is. */
export type SecretFinding = typeof SecretFinding.Type

/** A text to look at. */
export interface Source {
  /** From the root of what is looked at, with `/`. Empty of a text that is no file. */
  readonly path: string
  readonly text: string
  /** The commit that it comes from. */
  readonly commit?: string
}

/** What was found in a text. */
export interface Scanned {
  readonly findings: ReadonlyArray<SecretFinding>
  /** How many were left alone because their line says `gitleaks:allow`. */
  readonly allowedByComment: number
}

/** Looks for secrets. */
export interface SecretScan {
  readonly scan: (source: Source) => Scanned
  /** Why nothing of a path is looked at, where an allowlist says so. */
  readonly isAllowedPath: (path: string) => boolean
  /** A path with the secrets in it masked. */
  readonly mask: (path: string) => string
}

/** How to look. */
export interface Options {
  /** Whether a line that says `gitleaks:allow` may hold secrets. Default: no. */
  readonly allowComments?: boolean
  /** How many times what was decoded is decoded again. Default: 2. */
  readonly depth?: number
}

interface Prepared {
  readonly rule: SecretRules.Rule
  readonly path: RegExp | undefined
  readonly branches: ReadonlyArray<SecretMatcher.Branch>
  /** Whether its anchors tell it by themselves, so that none of its keywords has to be there too. */
  readonly isTold: boolean
  readonly allowances: ReadonlyArray<SecretAllowance.Allowance>
}

interface Found extends SecretMatcher.Match {
  readonly prepared: Prepared
}

/** The part of its line that is looked at around a match: lines can be as long as a file. */
const lineReach = 1_000

const commentMark = "gitleaks:allow"

/** Prepares rules for looking. That takes some tenths of a second; what it makes can be used for any number of texts. */
export const make = ({ allowlists, rules }: SecretRules.SecretRules, options: Options = {}): SecretScan => {
  const prepared = rules.map((rule): Prepared => {
    const branches = SecretMatcher.branches(rule)
    return {
      rule,
      path: rule.path === undefined ? undefined : SecretAllowance.expression(rule.path),
      branches,
      isTold: branches.every(({ texts = [] }) => texts.length > 0 && texts.every((text) => text.length >= 3)),
      allowances: SecretRules.allowlistsOf(rule).map(SecretAllowance.of)
    }
  })
  const global = allowlists.map(SecretAllowance.of)
  const ofPaths = allowlists.filter(SecretAllowance.isOfPaths).map(({ paths = [] }) => SecretAllowance.of({ paths }))
  const index = indexOf(prepared)

  const isAllowed = (found: Found, source: Source): boolean => {
    const { prepared, secret, text } = found
    if (prepared.rule.entropy !== undefined && SecretAllowance.entropy(secret) <= prepared.rule.entropy) return true
    const suspect: SecretAllowance.Suspect = {
      rule: prepared.rule.id,
      path: source.path,
      commit: source.commit,
      secret,
      match: text,
      line: lineAround(source.text, found)
    }
    return [...global, ...prepared.allowances].some((allows) => allows(suspect))
  }

  /** What is found in a text, that which is allowed left out, in order. */
  const look = (source: Source): ReadonlyArray<Found> => {
    const found = index.search(source).filter((one) => one.secret !== "" && !isAllowed(one, source))
    return withoutGeneric(found).toSorted((a, b) => a.secretAt - b.secretAt)
  }

  const finding = (path: string, found: Found): Omit<SecretFinding, "line" | "encodings"> => ({
    rule: found.prepared.rule.id,
    description: found.prepared.rule.description ?? found.prepared.rule.id,
    path,
    masked: masked(found.secret),
    fingerprint: Digest.ofJson({ rule: found.prepared.rule.id, secret: found.secret })
  })

  const inText = (source: Source, path: string): Scanned => {
    const lines = lineCounter(source.text)
    const all = look(source)
    const commented =
      options.allowComments === true ? all.filter((one) => lineAround(source.text, one).includes(commentMark)) : []
    const plain = all
      .filter((one) => !commented.includes(one))
      .map((one): SecretFinding => ({ ...finding(path, one), line: lines(one.secretAt), encodings: [] }))
    return { findings: plain, allowedByComment: commented.length }
  }

  const decode = (source: Source, path: string, depth: number): ReadonlyArray<SecretFinding> => {
    if (depth === 0) return []
    const lines = lineCounter(source.text)
    return SecretDecoding.find(source.text).flatMap(({ at, encoding, text }) => {
      if (options.allowComments === true && lineAround(source.text, { at, text: "" }).includes(commentMark)) return []
      const inner = { ...source, text }
      const direct = look(inner).map((one) => ({ ...finding(path, one), encodings: [] }))
      return [...direct, ...decode(inner, path, depth - 1)].map((one): SecretFinding => ({
        ...one,
        line: lines(at),
        encodings: [encoding, ...one.encodings]
      }))
    })
  }

  const inPath = (path: string): ReadonlyArray<Found> =>
    path === ""
      ? []
      : look({
          path,
          text: path
            .split("/")
            .flatMap((part) => [part, part.replace(/\.\w{1,10}$/, "")])
            .join("\n")
        })

  const mask = (path: string): string =>
    inPath(path).reduce((rest, { secret }) => rest.replaceAll(secret, masked(secret)), path)

  return {
    isAllowedPath: (path) => ofPaths.some((allows) => allows({ ...nothing, path })),
    mask,
    scan: (source) => {
      const path = mask(source.path)
      const named = inPath(source.path).map((found) => ({ ...finding(path, found), line: null, encodings: [] }))
      const whole = prepared
        .filter((each) => each.rule.regex === undefined && each.path?.test(source.path) === true)
        .map(({ rule }): SecretFinding => ({
          rule: rule.id,
          description: rule.description ?? rule.id,
          path,
          line: null,
          masked: "…",
          fingerprint: Digest.ofJson({ rule: rule.id, path: source.path }),
          encodings: []
        }))
      const { allowedByComment, findings } = inText(source, path)
      const decoded = decode(source, path, options.depth ?? 2)
      return { findings: distinct([...whole, ...named, ...findings, ...decoded]), allowedByComment }
    }
  }
}

const nothing: SecretAllowance.Suspect = { rule: "", path: "", commit: undefined, secret: "", match: "", line: "" }

/** At most three characters, and at most a quarter of all. */
const masked = (secret: string): string => `${secret.slice(0, Math.min(3, Math.floor(secret.length / 4)))}…`

const distinct = (findings: ReadonlyArray<SecretFinding>): ReadonlyArray<SecretFinding> => [
  ...new Map(findings.map((one) => [`${one.rule} ${one.line} ${one.fingerprint}`, one])).values()
]

/** What a rule for nothing in particular found, only where no other rule found the same. */
const withoutGeneric = (found: ReadonlyArray<Found>): ReadonlyArray<Found> => {
  const isGeneric = ({ prepared }: Found) => prepared.rule.id.startsWith("generic")
  const others = found.filter((one) => !isGeneric(one))
  return found.filter(
    (one) =>
      !isGeneric(one) ||
      !others.some(
        ({ secret, secretAt }) => secretAt < one.secretAt + one.secret.length && one.secretAt < secretAt + secret.length
      )
  )
}

const lineAround = (text: string, { at, text: match }: Pick<SecretMatcher.Match, "at" | "text">): string => {
  const before = text.slice(Math.max(0, at - lineReach), at)
  const end = at + match.length
  const after = text.slice(end, end + lineReach)
  const next = after.indexOf("\n")
  return before.slice(before.lastIndexOf("\n") + 1) + match + (next === -1 ? after : after.slice(0, next))
}

/** Numbers of lines for places that do not go backwards. */
const lineCounter = (text: string): ((at: number) => number) => {
  let line = 1
  let seen = 0
  return (at) => {
    for (let end = text.indexOf("\n", seen); end !== -1 && end < at; end = text.indexOf("\n", seen)) {
      line++
      seen = end + 1
    }
    return line
  }
}

/** All anchors and keywords in one search. */
const indexOf = (prepared: ReadonlyArray<Prepared>) => {
  const entries = new Map<
    string,
    { isKeyword: boolean; readonly near: Array<readonly [Prepared, SecretMatcher.Branch]> }
  >()
  const entry = (text: string) => {
    const known = entries.get(text) ?? { isKeyword: false, near: [] }
    entries.set(text, known)
    return known
  }
  for (const each of prepared) {
    for (const keyword of each.rule.keywords ?? []) if (keyword !== "") entry(keyword.toLowerCase()).isKeyword = true
    for (const branch of each.branches) for (const text of branch.texts ?? []) entry(text).near.push([each, branch])
  }
  const all = [...entries.values()]
  const texts = [...entries.keys()]
  const search = TextSearch.make(texts)
  const everywhere = prepared.filter(({ branches }) => branches.some(({ texts }) => texts === undefined))
  return {
    search: ({ path, text }: Source): ReadonlyArray<Found> => {
      const seen = new Set<number>()
      const found = new Map<string, Found>()
      // A rule goes on behind what it found, as a search for all of them does.
      const ends = new Map<SecretMatcher.Branch, number>()
      const keep = (prepared: Prepared, match: SecretMatcher.Match) =>
        found.set(`${prepared.rule.id} ${match.secretAt} ${match.secret.length}`, { ...match, prepared })
      search.run(text, (index, at) => {
        const here = all[index]
        if (here === undefined) return
        if (here.isKeyword) seen.add(index)
        for (const [prepared, branch] of here.near) {
          if (at < (ends.get(branch) ?? 0)) continue
          const match = branch.near(text, at)
          if (match === undefined) continue
          ends.set(branch, match.at + match.text.length)
          keep(prepared, match)
        }
      })
      const words = new Set([...seen].map((index) => texts[index]))
      const isAsked = ({ isTold, path: wanted, rule: { keywords = [] } }: Prepared) =>
        (isTold || keywords.length === 0 || keywords.some((word) => words.has(word.toLowerCase()))) &&
        (wanted === undefined || wanted.test(path))
      for (const each of everywhere.filter(isAsked)) {
        for (const branch of each.branches) for (const match of branch.all(text)) keep(each, match)
      }
      return [...found.values()].filter(({ prepared }) => isAsked(prepared))
    }
  }
}
