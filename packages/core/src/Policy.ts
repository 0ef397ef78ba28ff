/**
 * **Policy**: pure rules from facts about a change to one of three decisions. No model and no description is asked.
 *
 * - Total: every change gets a decision, and the deciding rule is named.
 * - Careful: a path that no rule knows is a matter for a human, and so is a file whose lines can not be counted, a file
 *   that is not a plain one, and a path that may be another one on somebody's disk.
 * - Monotone: one more file or one more line never lowers the decision (of a change that has any; an empty one is odd).
 * - Without an order: files and rules may come in any; the answer is the same, to the letter.
 */
import * as Glob from "effect/Glob"
import * as Schema from "effect/Schema"
import * as Change from "./Change.ts"

/**
 * What may be done with a change. `rule` names what decided it (of several, the first by name), `paths` the paths (at
 * most 20, sorted) that it decided over; none where the whole change decided.
 */
export const Decision = Schema.TaggedUnion({
  AutoShip: { rule: Schema.String, paths: Schema.Array(Schema.String) },
  HumanReview: { rule: Schema.String, paths: Schema.Array(Schema.String) },
  HardStop: { rule: Schema.String, paths: Schema.Array(Schema.String) }
})
/** What may be done with a change. */
export type Decision = typeof Decision.Type

/** A decision without its reason, from the lowest class to the highest. */
export const Class = Schema.Literals(["AutoShip", "HumanReview", "HardStop"])
/** A decision without its reason. */
export type Class = typeof Class.Type

/**
 * Paths (globs, dot files included, from the root of the repository) and the class that they put a change in.
 *
 * A rule that ships takes a path letter by letter. A rule that stops or asks also takes what a disk that is not exact
 * about names would take for it: `.GitHub/`, `docs/../.github/`, `.github./`.
 */
export const Rule = Schema.Struct({
  name: Schema.NonEmptyString,
  paths: Schema.NonEmptyArray(Schema.NonEmptyString),
  class: Class
})
/** Paths and the class that they put a change in. */
export type Rule = typeof Rule.Type

/** Rules over paths, and the size above which a change is a matter for a human whatever its paths. */
export const Policy = Schema.Struct({
  rules: Schema.Array(Rule),
  maxLines: Schema.Natural,
  maxFiles: Schema.Natural
})
/** Rules over paths, and the size above which a change is a matter for a human. */
export type Policy = typeof Policy.Type

/**
 * Documents and tests ship, source is reviewed, what runs with the repository's credentials and the factory itself are
 * never touched. What agents read as instructions is reviewed, although it is a document.
 */
export const careful: Policy = {
  rules: [
    { name: "documents", paths: ["**/*.md", "docs/**"], class: "AutoShip" },
    {
      name: "tests",
      paths: ["test/**", "tests/**", "**/*.test.*", "**/*.spec.*", "**/__tests__/**"],
      class: "AutoShip"
    },
    {
      name: "automation and secrets",
      paths: [".github/**", ".gitlab-ci.yml", ".circleci/**", ".husky/**", "**/.env*", "**/*.pem", "**/CODEOWNERS"],
      class: "HardStop"
    },
    { name: "the factory", paths: [".millwright/**"], class: "HardStop" },
    {
      name: "instructions for agents",
      paths: ["**/{AGENTS,CLAUDE,GEMINI,SKILL}*.md", "**/.{claude,codex,cursor,gemini}/**", "**/.mcp.json"],
      class: "HumanReview"
    },
    {
      name: "settings of the repository",
      paths: ["**/.git*", "**/.npmrc", "**/.yarnrc*", "**/.pnpmfile*"],
      class: "HumanReview"
    },
    {
      name: "dependencies",
      paths: [
        "**/package.json",
        "**/*lock*",
        "**/Cargo.toml",
        "**/go.mod",
        "**/go.sum",
        "**/requirements*.txt",
        "**/pyproject.toml"
      ],
      class: "HumanReview"
    }
  ],
  maxLines: 200,
  maxFiles: 10
}

/** Decides. The highest class of any path, the size and the kinds of files wins. */
export const classify = (policy: Policy, change: Pick<Change.Change, "files">): Decision => {
  const rules = policy.rules.map(compile)
  const candidates = change.files.flatMap((file) => ofFile(rules, file))
  if (change.files.length === 0) candidates.push(ofWhole("an empty change"))
  if (Change.lines(change) > policy.maxLines) candidates.push(ofWhole(`more than ${policy.maxLines} lines`))
  if (change.files.length > policy.maxFiles) candidates.push(ofWhole(`more than ${policy.maxFiles} files`))
  const highest = candidates.reduce((most, candidate) => Math.max(most, rank(candidate)), 0)
  const deciding = candidates.filter((candidate) => rank(candidate) === highest)
  const rule = deciding.map((candidate) => candidate.rule).reduce((first, next) => (next < first ? next : first))
  const paths = new Set(
    deciding.flatMap((candidate) => (candidate.rule === rule && candidate.path !== undefined ? [candidate.path] : []))
  )
  return { _tag: Class.literals[highest] ?? "HardStop", rule, paths: [...paths].sort().slice(0, 20) }
}

interface Candidate {
  readonly class: Class
  readonly rule: string
  readonly path?: string
}

interface CompiledRule extends Pick<Rule, "name" | "class"> {
  readonly matches: (path: string, folded: string) => boolean
}

const rank = (candidate: Candidate): number => Class.literals.indexOf(candidate.class)

const ofWhole = (rule: string): Candidate => ({ class: "HumanReview", rule })

const compile = (rule: Rule): CompiledRule => {
  const exact = rule.paths.map((path) => Glob.make(path, { dot: true }))
  const folded = rule.class === "AutoShip" ? [] : rule.paths.map((path) => Glob.make(path.toLowerCase(), { dot: true }))
  return {
    name: rule.name,
    class: rule.class,
    matches: (path, likely) =>
      exact.some((glob) => Glob.match(glob, path)) || folded.some((glob) => Glob.match(glob, likely))
  }
}

const ofFile = (rules: ReadonlyArray<CompiledRule>, file: Change.FileChange): ReadonlyArray<Candidate> => {
  const isPlainFile = file.mode === "100644" || (file.mode === "100755" && file.status === "deleted")
  const unusual =
    file.status === "type-changed" || !isPlainFile
      ? "not a plain file"
      : file.additions === null || file.deletions === null
        ? "lines can not be counted"
        : undefined
  const found = Change.paths(file).flatMap((path) => ofPath(rules, path))
  return unusual === undefined ? found : [...found, { class: "HumanReview", rule: unusual, path: file.path }]
}

const ofPath = (rules: ReadonlyArray<CompiledRule>, path: string): ReadonlyArray<Candidate> => {
  const isUsual = isPlain(path)
  const folded = isUsual && /^[ -~]*$/.test(path) ? path.toLowerCase() : fold(path)
  const matching = rules
    .filter(({ matches }) => matches(path, folded))
    .map((rule): Candidate => ({ class: rule.class, rule: rule.name, path }))
  if (!isUsual) return [...matching, { class: "HumanReview", rule: "an unusual path", path }]
  return matching.length === 0 ? [{ class: "HumanReview", rule: "no rule knows this path", path }] : matching
}

/**
 * Whether a path means the same on every disk and to every reader: no control or invisible signs, nothing that is not
 * UTF-8, no quotes or backslashes, no `.`, `..` or empty segment, no segment that ends in a dot or a space.
 */
const isPlain = (path: string): boolean =>
  !/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufffd"\\:]/u.test(path) &&
  path === path.normalize("NFC") &&
  path.split("/").every((segment) => segment !== "" && !/[. ]$/.test(segment))

/** What a disk that is not exact about names takes a path for. */
const fold = (path: string): string => {
  const visible = path
    .normalize("NFKC")
    .replaceAll(/[\p{C}\p{Default_Ignorable_Code_Point}"]/gu, "")
    .replaceAll("\\", "/")
    .toLowerCase()
  return visible
    .split("/")
    .reduce<ReadonlyArray<string>>((above, segment) => {
      if (segment === "..") return above.slice(0, -1)
      // An alternate stream of a file (`name::$DATA`) is the file; dots and spaces at the end are not kept.
      const name = segment.replace(/:.*$/, "").replace(/[. ]+$/, "")
      return name === "" ? above : [...above, name]
    }, [])
    .join("/")
}
