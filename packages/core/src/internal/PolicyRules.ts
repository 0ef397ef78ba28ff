/** Rules made ready, and what they say of single files. */
import type * as ChangeFacts from "../ChangeFacts.ts"
import type * as Policy from "../Policy.ts"
import * as PathForm from "./PathForm.ts"
import * as PathPatterns from "./PathPatterns.ts"
import * as PolicyDecision from "./PolicyDecision.ts"
import type * as Trait from "./Trait.ts"

interface Ready {
  readonly rule: Policy.Rule
  readonly traits: ReadonlySet<Trait.Trait> | undefined
  readonly exact: PathPatterns.Matches | undefined
  /** Takes a path as a disk could that is not exact about names. */
  readonly likely: PathPatterns.Matches | undefined
}

const known = new WeakMap<Policy.Policy, ReadonlyArray<Ready>>()

/** The rules of a policy, made ready once. */
const ready = (policy: Policy.Policy): ReadonlyArray<Ready> => {
  const made = known.get(policy) ?? policy.rules.map(prepare)
  known.set(policy, made)
  return made
}

const prepare = (rule: Policy.Rule): Ready => {
  const { paths, traits } = rule
  return {
    rule,
    traits: traits === undefined ? undefined : new Set(traits),
    exact: paths === undefined ? undefined : PathPatterns.make(paths),
    likely:
      paths === undefined || rule.class === "AutoShip"
        ? undefined
        : PathPatterns.make(paths.map((path) => path.toLowerCase()))
  }
}

/** What a trait is called where no rule speaks of it. */
const called: Readonly<Record<Trait.Trait, string>> = {
  Automation: "automation",
  LockFile: "a lock file",
  Dependency: "a dependency",
  InstallScript: "a script that runs at installation",
  Schema: "a change of schema",
  DataDeletion: "data is deleted",
  Route: "an endpoint",
  Auth: "auth",
  Payments: "payments",
  PersonalData: "personal data",
  TestsWeakened: "tests ask for less",
  ExpectationChanged: "a test expects something else",
  Executable: "an executable file",
  Symlink: "a symbolic link",
  Submodule: "a submodule",
  TypeChanged: "not a plain file",
  Binary: "lines can not be counted",
  ActiveDocument: "a document that does something",
  Reaches: "a test that reaches out",
  MarkedGenerated: "marked as generated",
  Vendored: "vendored code",
  Revert: "a revert",
  UnusualPath: "an unusual path",
  CaseRename: "two paths that differ in case",
  Hidden: "hidden signs",
  Secret: "a secret",
  Unread: "it could not be read"
}

/** What is said of traits that no rule speaks of. They are a matter for a human, as everything is that nobody knows. */
export const ofTrait = (trait: Trait.Trait, paths: ReadonlyArray<string>): PolicyDecision.Reason => ({
  rule: called[trait],
  class: "HumanReview",
  paths,
  reviewers: 1,
  roles: []
})

/** What a rule says. */
const ofRule = (rule: Policy.Rule, paths: ReadonlyArray<string>): PolicyDecision.Reason =>
  rule.class === "AutoShip"
    ? { rule: rule.name, class: rule.class, paths, reviewers: 0, roles: [] }
    : { rule: rule.name, class: rule.class, paths, reviewers: rule.reviewers ?? 1, roles: rule.roles ?? [] }

/** What the rules say of traits of the whole change. */
export const ofChange = (
  policy: Policy.Policy,
  traits: ReadonlyArray<Trait.Trait>
): ReadonlyArray<PolicyDecision.Reason> =>
  traits.flatMap((trait) => [
    ofTrait(trait, []),
    ...ready(policy).flatMap(({ rule, traits: asked }) =>
      asked?.has(trait) === true && rule.class !== "AutoShip" ? [ofRule(rule, [])] : []
    )
  ])

/** What the rules say of one file. */
export const ofFile = (policy: Policy.Policy, file: ChangeFacts.FileFacts): ReadonlyArray<PolicyDecision.Reason> => {
  const reasons: Array<PolicyDecision.Reason> = []
  const said = new Set<Trait.Trait>()
  const traits = file.traits.map(({ trait }) => trait)
  for (const path of file.previousPath === undefined ? [file.path] : [file.path, file.previousPath]) {
    const paths = [path]
    const isPlain = PathForm.isPlain(path)
    const folded = PathForm.fold(path)
    const isFoldedPlain = PathForm.isPlain(folded)
    let isKnown = false
    const allowed: Array<Trait.Trait> = []
    for (const { exact, likely, rule, traits: asked } of ready(policy)) {
      // What has an unusual path is shipped by no rule, so none is asked.
      const isThere =
        exact !== undefined &&
        (likely === undefined
          ? isPlain && exact(path, isPlain)
          : likely(folded, isFoldedPlain) || (!isPlain && exact(path, isPlain)))
      const shows = asked !== undefined && traits.some((trait) => asked.has(trait))
      if (rule.class === "AutoShip") {
        // What a file shows never ships it.
        if (!isThere || asked !== undefined) continue
        isKnown = true
        allowed.push(...(rule.allows ?? []))
        reasons.push(ofRule(rule, paths))
      } else if (isThere || shows) {
        isKnown ||= isThere
        reasons.push(ofRule(rule, paths))
      }
    }
    if (!isPlain) said.add("UnusualPath")
    else if (!isKnown)
      reasons.push({ rule: PolicyDecision.unknownPath, class: "HumanReview", paths, reviewers: 1, roles: [] })
    for (const trait of traits) if (trait === "Unread" || !allowed.includes(trait)) said.add(trait)
  }
  if (!/^(?:100644|100755|100664)$/.test(file.mode)) said.add("TypeChanged")
  for (const trait of said) {
    // A rule that speaks of it says it in the policy's own words.
    if (!ready(policy).some(({ rule, traits: asked }) => asked?.has(trait) === true && rule.class !== "AutoShip"))
      reasons.push(ofTrait(trait, [file.path]))
  }
  return reasons
}
