/**
 * A required check over a range: the commits that it is asked of were signed by humans, or approved by them. Pure: the same range and
 * rule give the same answer, and the answer has what a status check and a SARIF file need.
 *
 * A human approves a commit, and all of the range that it stands on, with a commit of their own on top of it: signed, empty, by
 * themselves, and with a trailer that names it.
 *
 * ```text
 * git commit --allow-empty -S -m "Looks right" --trailer "Approves=$(git rev-parse HEAD)"
 * ```
 *
 * What comes after it is not approved, and a commit that was made again (a rebase, a squash) is another one.
 */
import * as Schema from "effect/Schema"
import type * as Provenance from "./Provenance.ts"
import * as Roster from "./Roster.ts"

/** What is asked. */
export const Rule = Schema.Struct({
  /** How a status check names it. */
  name: Schema.NonEmptyString,
  /** How many humans have to have signed or approved each commit. */
  humans: Schema.Natural.check(Schema.isGreaterThan(0)),
  /** What kinds of human have to be among them, by the roles of the roster: another one for each. */
  roles: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  /** The commits of which it is asked, with the paths that put them in their class. Without it: all. */
  held: Schema.optionalKey(Schema.Array(Schema.Struct({ commit: Schema.String, paths: Schema.Array(Schema.String) }))),
  /** Who approved which commit where a forge vouches for it. Only that commit's own history is approved. */
  approvals: Schema.optionalKey(Schema.Array(Schema.Struct({ commit: Schema.String, by: Roster.Member })))
})
/** What is asked. */
export type Rule = typeof Rule.Type

/** Something that the rule does not hold for; a result of SARIF. */
export const Problem = Schema.Struct({
  ruleId: Schema.String,
  message: Schema.String,
  commit: Schema.String,
  path: Schema.NullOr(Schema.String)
})
/** Something that the rule does not hold for. */
export type Problem = typeof Problem.Type

/** Whether a rule holds. `exitCode`: 0 it holds; 1 it does not; 2 nobody can know, since some of the history is not here. */
export const Checked = Schema.Struct({
  rule: Schema.String,
  holds: Schema.Boolean,
  exitCode: Schema.Literals([0, 1, 2]),
  /** How many commits it was asked of. */
  asked: Schema.Natural,
  problems: Schema.Array(Problem)
})
/** Whether a rule holds. */
export type Checked = typeof Checked.Type

/** Asks a rule of a range. */
export const check = (range: Provenance.Range, rule: Rule): Checked => {
  const commits = new Map(range.commits.map((commit) => [commit.id, commit]))
  const held = rule.held ?? range.commits.map(({ id }) => ({ commit: id, paths: [] }))
  const humans = approvers(commits, rule)
  const roles = new Map(Object.entries(range.roles))
  const problem = (commit: string, message: string, path: string | null = null): Problem => ({
    ruleId: rule.name,
    message,
    commit,
    path
  })
  const missing = held.flatMap(({ commit: id, paths }) => {
    const commit = commits.get(id)
    if (commit === undefined)
      return [problem(id, `Commit ${id} is asked about and is not in the range. Look at the same range.`)]
    const found = new Set([...(humans.get(id) ?? []), ...signers(commit)])
    const isEnough = found.size >= rule.humans && covers(roles, [...found], rule.roles ?? [])
    if (isEnough) return []
    const message = complaint(commit, found, rule)
    return paths.length === 0 ? [problem(id, message)] : paths.map((path) => problem(id, message, path))
  })
  const unknown = unseen(range).map(([commit, message]) => problem(commit, message))
  return {
    rule: rule.name,
    holds: missing.length + unknown.length === 0,
    exitCode: missing.length > 0 ? 1 : unknown.length > 0 ? 2 : 0,
    asked: held.length,
    problems: [...missing, ...unknown]
  }
}

type Commits = ReadonlyMap<string, Provenance.Commit>

const signers = ({ standing }: Provenance.Commit): ReadonlyArray<string> =>
  standing._tag === "HumanSigned" ? [standing.member] : []

const complaint = (
  { id, standing, subject }: Provenance.Commit,
  found: ReadonlySet<string>,
  { humans, roles = [] }: Rule
): string => {
  const who =
    standing._tag === "Unproven"
      ? standing.message
      : standing._tag === "HumanSigned"
        ? `${standing.member} signed it.`
        : `It is by an agent (${standing._tag === "Attributed" ? (standing.agent?.id ?? standing.member ?? "") : standing.member}).`
  const as = roles.length === 0 ? "" : `, for each of ${roles.join(", ")} another one`
  const names = found.size === 0 ? "nobody" : [...found].sort().join(", ")
  // A message ends up in the log of a CI, where some characters are orders.
  const told = [...subject.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, " ")].slice(0, 80).join("")
  return (
    `Commit ${id.slice(0, 12)} (${told}) needs ${humans} of the humans in the roster to have signed or approved it${as}; ` +
    `${names} did. ${who}`
  )
}

/** Whether each role has somebody else of these. */
const covers = (
  known: ReadonlyMap<string, ReadonlyArray<string>>,
  names: ReadonlyArray<string>,
  [role, ...others]: ReadonlyArray<string>
): boolean =>
  role === undefined ||
  names.some((name) => {
    const rest = names.filter((each) => each !== name)
    return known.get(name)?.includes(role) === true && covers(known, rest, others)
  })

/** What of the history is not here. */
const unseen = ({ cut, head, truncated }: Provenance.Range): ReadonlyArray<readonly [string, string]> => [
  ...cut.map(
    (commit) =>
      [
        commit,
        `Commit ${commit.slice(0, 12)} has parents that this clone has not: nobody can know what lies behind it. Fetch all of the history: \`git fetch --unshallow\`, or \`fetch-depth: 0\`.`
      ] as const
  ),
  ...(truncated
    ? [
        [
          head,
          "The range has more commits than were looked at. Raise the limit, or take a base that is nearer."
        ] as const
      ]
    : [])
]

/** Who approved each commit of the range. */
const approvers = (commits: Commits, { approvals = [] }: Rule): ReadonlyMap<string, ReadonlySet<string>> => {
  const given = [
    ...[...commits.values()].flatMap((commit) => {
      const by = approving(commits, commit)
      return by === undefined ? [] : [{ by, commit: commit.parents[0] ?? "" }]
    }),
    ...approvals.flatMap(({ by, commit }) => (by.kind === "human" ? [{ by: by.name, commit }] : []))
  ]
  const found = new Map<string, Set<string>>()
  const add = (id: string, names: Iterable<string>) => found.set(id, new Set([...(found.get(id) ?? []), ...names]))
  for (const { by, commit } of given) add(commit, [by])
  // The newest first, so that whoever approved a commit is known before it is said of what it stands on.
  for (const { id, parents } of [...commits.values()].reverse()) {
    for (const parent of parents) add(parent, found.get(id) ?? [])
  }
  return found
}

/** Who approves with this commit: it changes nothing, and stands on what it approves. */
const approving = (commits: Commits, { approves, parents, standing, tree }: Provenance.Commit): string | undefined => {
  const [parent, ...others] = parents
  if (standing._tag !== "HumanSigned" || parent === undefined || others.length > 0) return undefined
  return approves.includes(parent) && commits.get(parent)?.tree === tree ? standing.member : undefined
}
