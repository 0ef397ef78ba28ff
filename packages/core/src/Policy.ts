/**
 * **Policy**: pure rules from facts about a change to one of three decisions. No model and no description is asked.
 *
 * - Total: every change gets a decision, and the deciding rule is named.
 * - Careful: a path that no rule knows is a matter for a human, and so is a file whose lines can not be counted.
 * - Monotone: one more file or one more line never lowers the decision.
 */
import * as Glob from "effect/Glob"
import * as Schema from "effect/Schema"
import * as Change from "./Change.ts"

/** What may be done with a change. `rule` names what decided it, `paths` the paths (at most 20) that it decided over. */
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

/** Paths (globs, dot files included, from the root of the repository) and the class that they put a change in. */
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

/** Documents and tests ship, source is reviewed, what runs with the repository's credentials is never touched. */
export const careful: Policy = {
  rules: [
    { name: "documents", paths: ["**/*.md", "docs/**"], class: "AutoShip" },
    { name: "tests", paths: ["test/**", "tests/**", "**/*.test.*", "**/*.spec.*", "**/__tests__/**"], class: "AutoShip" },
    {
      name: "automation and secrets",
      paths: [".github/**", ".gitlab-ci.yml", ".circleci/**", ".husky/**", "**/.env*", "**/*.pem", "**/CODEOWNERS"],
      class: "HardStop"
    },
    {
      name: "dependencies",
      paths: ["**/package.json", "**/*lock*", "**/Cargo.toml", "**/go.mod", "**/go.sum", "**/requirements*.txt", "**/pyproject.toml"],
      class: "HumanReview"
    }
  ],
  maxLines: 200,
  maxFiles: 10
}

interface Candidate {
  readonly class: Class
  readonly rule: string
  readonly path: string
}

/** Decides. The highest class of any path, the size and the kinds of files wins. */
export const classify = (policy: Policy, change: Pick<Change.Change, "files">): Decision => {
  const rules = policy.rules.map((rule) => ({ ...rule, globs: rule.paths.map((path) => Glob.make(path, { dot: true })) }))
  const ofPath = (path: string): ReadonlyArray<Candidate> => {
    const matching = rules.filter(({ globs }) => globs.some((glob) => Glob.match(glob, path)))
    return matching.length === 0
      ? [{ class: "HumanReview", rule: "no rule knows this path", path }]
      : matching.map((rule) => ({ class: rule.class, rule: rule.name, path }))
  }
  const ofFile = (file: Change.FileChange): ReadonlyArray<Candidate> => {
    const found = Change.paths(file).flatMap(ofPath)
    const unusual = file.mode !== "100644" && file.status !== "deleted"
      ? "not a plain file"
      : file.additions === null
      ? "lines can not be counted"
      : undefined
    return unusual === undefined ? found : [...found, { class: "HumanReview", rule: unusual, path: file.path }]
  }
  const candidates = change.files.flatMap(ofFile)
  if (change.files.length === 0) candidates.push({ class: "HumanReview", rule: "an empty change", path: "" })
  if (Change.lines(change) > policy.maxLines) {
    candidates.push({ class: "HumanReview", rule: `more than ${policy.maxLines} lines`, path: "" })
  }
  if (change.files.length > policy.maxFiles) {
    candidates.push({ class: "HumanReview", rule: `more than ${policy.maxFiles} files`, path: "" })
  }
  const highest = candidates.reduce((most, next) => (rank(next) > rank(most) ? next : most))
  const deciding = candidates.filter((next) => next.class === highest.class && next.rule === highest.rule)
  return {
    _tag: highest.class,
    rule: highest.rule,
    paths: deciding.map(({ path }) => path).filter((path) => path !== "").slice(0, 20)
  }
}

const rank = (candidate: Candidate): number => Class.literals.indexOf(candidate.class)
