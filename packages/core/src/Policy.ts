/**
 * **Policy**: pure rules from facts about a change to one of three decisions. No model and no description is asked.
 *
 * - Total: every change gets a decision, and the deciding rule is named, with all else that was said.
 * - Careful: a path that no rule knows is a matter for a human, and so is a trait that no rule allows, and a path that may be
 *   another one on somebody's disk.
 * - Monotone: one more file, one more line or one more trait never lowers the decision, the reviewers or the roles (of a change that
 *   has a file; an empty one is odd).
 * - Without an order: files, rules and policies may come in any; the answer is the same, to the letter.
 */
import * as Effect from "effect/Effect"
import * as Glob from "effect/Glob"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import * as Change from "./Change.ts"
import type * as ChangeFacts from "./ChangeFacts.ts"
import * as Digest from "./Digest.ts"
import type * as Git from "./Git.ts"
import * as ClearanceSetting from "./internal/ClearanceSetting.ts"
import * as PolicyDecision from "./internal/PolicyDecision.ts"
import * as PolicyFile from "./internal/PolicyFile.ts"
import * as PolicyPresets from "./internal/PolicyPresets.ts"
import * as PolicyRules from "./internal/PolicyRules.ts"
import * as Trait from "./internal/Trait.ts"

export {
  /** A file is no policy, or can not be read. */
  PolicyError
} from "./internal/PolicyFile.ts"
export {
  /** A decision without its reason, from the lowest class to the highest. */
  Class,
  /** What may be done with a change, the rule that decided it, and everything else that was said. */
  Decision,
  /** One thing that a policy says of a change. */
  Reason,
  /** How many humans, and of which roles, a decision asks for. */
  needs
} from "./internal/PolicyDecision.ts"
export {
  /** Documents and tests ship. */
  documentsAndTests,
  /** New endpoints and changes of schema take one reviewer. */
  endpointsAndSchema,
  /** What reads like a document or lies among tests, and is neither: it is reviewed. */
  exceptions,
  /** Automation, secrets and the factory itself are never touched by a run. */
  hardStops,
  /** Auth, payments and personal data take a domain expert and a validation architect, without exceptions. */
  sensitive
} from "./internal/PolicyPresets.ts"

const Shared = {
  name: Schema.NonEmptyString,
  paths: Schema.optionalKey(Schema.NonEmptyArray(Schema.NonEmptyString)),
  traits: Schema.optionalKey(Schema.NonEmptyArray(Trait.Trait)),
  class: PolicyDecision.Class,
  /** How many humans it takes, at least 1. Default: 1. */
  reviewers: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 }))),
  /** What kinds of human have to be among them: one each. */
  roles: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  /** Of a rule that ships: traits that a file at its paths may show. `Unread` is never allowed. */
  allows: Schema.optionalKey(Schema.Array(Trait.Trait))
}

/**
 * Paths (globs, dot files included, from the root of the repository), traits, and the class that they put a change in. A file is
 * meant that has one of the paths or shows one of the traits.
 *
 * A rule that ships takes a path letter by letter, and has no traits. A rule that stops or asks also takes what a disk that is not
 * exact about names would take for it: `.GitHub/`, `docs/../.github/`, `.github./`.
 */
export const Rule = Schema.Struct(Shared).check(
  Schema.makeFilter((rule) => {
    if (rule.class !== "AutoShip") {
      if (rule.allows !== undefined) return "a rule that stops or asks allows nothing: take `allows` out"
      return rule.paths !== undefined || rule.traits !== undefined || "a rule needs `paths`, `traits` or both"
    }
    if (rule.paths === undefined) return "a rule that ships needs `paths`"
    if (rule.traits !== undefined) return "a rule that ships has no `traits`, which only raise: did you mean `allows`?"
    return (
      (rule.reviewers === undefined && rule.roles === undefined) ||
      "a rule that ships has no `reviewers` and no `roles`"
    )
  })
)
/** Paths, traits, and the class that they put a change in. */
export type Rule = typeof Rule.Type

/** Rules, and the size above which a change is a matter for a human whatever its paths. */
export const Policy = Schema.Struct({
  rules: Schema.Array(Rule),
  maxLines: Schema.Natural,
  maxFiles: Schema.Natural
})
/** Rules, and the size above which a change is a matter for a human. */
export type Policy = typeof Policy.Type

/**
 * Documents and tests ship; endpoints and schema take a reviewer; auth, payments and personal data take two, a domain expert and a
 * validation architect; what runs with the repository's credentials and the factory itself are never touched. All else is reviewed,
 * and so is what agents read as instructions, although it is a document.
 */
export const careful: Policy = {
  rules: [
    ...PolicyPresets.documentsAndTests,
    ...PolicyPresets.exceptions,
    ...PolicyPresets.endpointsAndSchema,
    ...PolicyPresets.sensitive,
    ...PolicyPresets.hardStops
  ],
  maxLines: 500,
  maxFiles: 20
}

/** A forbidden class: no run may be started for these paths, and only commits that a human signed may touch them. */
export const forbidden = (name: string, paths: readonly [string, ...ReadonlyArray<string>]): Rule => ({
  name,
  paths,
  class: "HardStop"
})

/** The policy, and that nothing ships which can not be taken back: no change of schema, no deletion of data, whatever its rules allow. */
export const requiresReversible = (policy: Policy): Policy => ({
  ...policy,
  rules: [
    ...policy.rules,
    { name: "can not be taken back", traits: ["Schema", "DataDeletion", "Submodule", "Binary"], class: "HumanReview" }
  ]
})

/**
 * Decides. The highest class of any path, trait, the size and the kinds of files wins, and the most reviewers and all roles that are
 * asked for.
 *
 * Several policies are one above the other (the organization's, the project's, a user's): each of them has to let a change through, so
 * a lower one can only ask for more. A policy that leaves paths to those below it says so by a rule that ships them.
 */
export const classify = (
  policy: Policy | ReadonlyArray<Policy>,
  facts: ChangeFacts.ChangeFacts
): PolicyDecision.Decision =>
  PolicyDecision.ofReasons((isPolicy(policy) ? [policy] : policy).flatMap((each) => reasonsOf(each, facts)))

/**
 * Whether a run may be started that is to touch these paths: the rule that forbids it and the path, or nothing. What a run really
 * touched is for {@link classify}.
 */
export const forbids = (
  policy: Policy | ReadonlyArray<Policy>,
  paths: ReadonlyArray<string>
): { readonly rule: string; readonly path: string } | undefined => {
  const files = paths.map((path): ChangeFacts.FileFacts => ({
    path,
    status: "modified",
    mode: "100644",
    additions: 0,
    deletions: 0,
    traits: []
  }))
  const decision = classify(policy, { files, traits: [] })
  const path = decision.paths[0]
  return decision._tag === "HardStop" && path !== undefined ? { rule: decision.rule, path } : undefined
}

/**
 * A policy as a file has it. With `extends`, its rules come beside those of {@link careful}, and what it does not say is as there.
 * `people` are the roles of humans by their names, `clearance` is how far the factory may go on its own.
 */
export const File = Schema.Struct({
  extends: Schema.optionalKey(Schema.Literals(["careful"])),
  rules: Schema.optionalKey(Schema.Array(Rule)),
  maxLines: Schema.optionalKey(Schema.Natural),
  maxFiles: Schema.optionalKey(Schema.Natural),
  people: Schema.optionalKey(Schema.Record(Schema.String, Schema.Array(Schema.NonEmptyString))),
  clearance: Schema.optionalKey(ClearanceSetting.Setting)
})
/** A policy as a file has it. */
export type File = typeof File.Type

/** What a base commit says of changes of it. */
export interface AtBase {
  readonly policy: Policy
  readonly people: Readonly<Record<string, ReadonlyArray<string>>>
  readonly clearance: ClearanceSetting.Setting
  /** The commit, and the file; none where it has none, and {@link careful} holds. */
  readonly commit: string
  readonly path: string | undefined
}

/**
 * The policy of a commit, from its objects: whoever proposes a change is judged by what was there before it. Its file is
 * `.millwright/policy.yaml`, `.yml` or `.json`, or `path`. A commit without one has {@link careful}. A change of
 * the file, or of whatever lies beside it in `.millwright`, is a hard stop, whatever the file says.
 *
 * Fails with `NotReadable` and `NotValid`; nothing is judged by a policy that can not be read.
 */
export const atBase = Effect.fnUntraced(function* (
  dir: string,
  options: { readonly base: string; readonly path?: string }
): Effect.fn.Return<AtBase, PolicyFile.PolicyError | Git.GitError, ChildProcessSpawner> {
  const paths = options.path === undefined ? PolicyFile.places : [options.path]
  const { commit, found } = yield* PolicyFile.textAt(dir, { base: options.base, paths })
  const own = forbidden("the policy itself", [".millwright/**", ...paths.map(Glob.escape)])
  if (found === undefined) {
    const policy = { ...careful, rules: [...careful.rules, own] }
    return { policy, people: {}, clearance: ClearanceSetting.asPolicySays, commit, path: undefined }
  }
  const file = yield* Effect.fromResult(PolicyFile.parse(File, { ...found, commit }))
  return {
    policy: ofFile(file, own),
    people: file.people ?? {},
    clearance: file.clearance ?? ClearanceSetting.asPolicySays,
    commit,
    path: found.path
  }
})

const ofFile = (file: File, own: Rule): Policy => ({
  rules: [...(file.extends === undefined ? [] : careful.rules), ...(file.rules ?? []), own],
  maxLines: file.maxLines ?? careful.maxLines,
  maxFiles: file.maxFiles ?? careful.maxFiles
})

/** What an approval is bound to: with another decision, it is none. */
export const digest = (decision: PolicyDecision.Decision): Digest.Digest => Digest.ofJson(decision)

const isPolicy = (policy: Policy | ReadonlyArray<Policy>): policy is Policy => "rules" in policy

const reasonsOf = (
  policy: Policy,
  { files, traits }: ChangeFacts.ChangeFacts
): ReadonlyArray<PolicyDecision.Reason> => {
  const reasons = files.flatMap((file) => PolicyRules.ofFile(policy, file))
  reasons.push(...PolicyRules.ofChange(policy, traits))
  if (files.length === 0) reasons.push(ofWhole("an empty change"))
  if (Change.lines({ files }) > policy.maxLines) reasons.push(ofWhole(`more than ${policy.maxLines} lines`))
  if (files.length > policy.maxFiles) reasons.push(ofWhole(`more than ${policy.maxFiles} files`))
  return reasons
}

const ofWhole = (rule: string): PolicyDecision.Reason => ({
  rule,
  class: "HumanReview",
  paths: [],
  reviewers: 1,
  roles: []
})
