/**
 * A required check over **lines**: every line that a change leaves in files of a class was signed by humans, or approved by them. Git
 * says which commit a line is from, the commit's signature says by whom, the policy says which files are meant and how many humans
 * it takes. So a line that an agent wrote elsewhere, and a human moved to where it counts, is still the agent's; and what an agent
 * wrote and a human wrote anew is the human's.
 *
 * What no line tells is asked of every commit that did it: lines taken away, a rename, a mode, what has no lines at all, and the side that
 * a merge took.
 */
import * as ChangeFacts from "@millwright/core/ChangeFacts"
import type * as Git from "@millwright/core/Git"
import * as Policy from "@millwright/core/Policy"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as BlameLines from "./internal/BlameLines.ts"
import * as CommitTouches from "./internal/CommitTouches.ts"
import * as Provenance from "./Provenance.ts"
import * as ProvenanceRule from "./ProvenanceRule.ts"
import type * as Roster from "./Roster.ts"
import type * as RosterFile from "./RosterFile.ts"

/** What is asked. Take the policy and the roster from the base: `Policy.atBase`, `RosterFile.atBase`. */
export interface Options extends Pick<ProvenanceRule.Rule, "approvals"> {
  readonly base: string
  readonly head: string
  readonly policy: Policy.Policy | ReadonlyArray<Policy.Policy>
  readonly roster: Roster.Roster
  /** Files of this class and of higher ones are asked about. Default: `HumanReview`. */
  readonly least?: Policy.Class
}

/** A file that is asked about, and where what is in it comes from. */
export interface Traced {
  /** Its path; before it, where the change renamed it, the one that it had. */
  readonly paths: ReadonlyArray<string>
  /** Full ids of the commits that its lines are from; `undefined` where it has none that git could tell. */
  readonly lines: ReadonlyArray<string> | undefined
}

/** What one commit did to one file, under its path or, of a rename, under both. */
export type Touch = CommitTouches.Touch

/** Which commits of a range have to answer for files, each with the paths. Pure. */
export const held = (
  { commits }: Pick<Provenance.Range, "commits">,
  files: ReadonlyArray<Traced>,
  touches: ReadonlyArray<Touch>
): NonNullable<ProvenanceRule.Rule["held"]> => {
  const nameOf = names([...touches, ...files].map(({ paths }) => paths))
  const byCommit = Map.groupBy(touches, ({ commit }) => commit)
  return commits.flatMap(({ id, parents }) => {
    const own = byCommit.get(id) ?? []
    const all = new Set(own.flatMap(({ paths }) => paths.map(nameOf)))
    const more = new Set(
      own.flatMap(({ isAdding, paths }) => (isAdding && parents.length < 2 ? [] : paths.map(nameOf)))
    )
    const paths = files.flatMap(({ lines, paths }) => {
      const isTouched = paths.some((path) => (lines === undefined ? all : more).has(nameOf(path)))
      return lines?.includes(id) === true || isTouched ? paths.slice(-1) : []
    })
    return paths.length === 0 ? [] : [{ commit: id, paths }]
  })
}

/** One name for all paths that a file had, so that nothing is lost between two renames. */
const names = (renames: ReadonlyArray<ReadonlyArray<string>>): ((path: string) => string) => {
  const next = new Map<string, string>()
  const nameOf = (path: string): string => {
    let found = path
    const way: Array<string> = []
    for (let one = next.get(found); one !== undefined; one = next.get(found)) {
      way.push(found)
      found = one
    }
    for (const each of way) next.set(each, found)
    return found
  }
  for (const [first, ...others] of renames) {
    for (const path of others) {
      const [from, to] = [nameOf(path), nameOf(first ?? path)]
      if (from !== to) next.set(from, to)
    }
  }
  return nameOf
}

/**
 * Whether humans stand behind every line that the change leaves in files of the class, as many and of such roles as the policy asks for
 * that file. Fails where git can not read the range, and with `Malformed` where the roster can not be used.
 */
export const check = Effect.fnUntraced(function* (
  dir: string,
  { approvals = [], base, head, least = "HumanReview", policy, roster }: Options
): Effect.fn.Return<ProvenanceRule.Checked, Git.GitError | RosterFile.RosterError, ChildProcessSpawner> {
  const range = yield* Provenance.verify(dir, { base, head, roster })
  const facts = yield* ChangeFacts.read(dir, range)
  const asked = facts.files.flatMap((file) => {
    const decision = Policy.classify(policy, { files: [file], traits: facts.traits })
    return rank(decision._tag) < rank(least) ? [] : [{ file, needs: Policy.needs(decision) }]
  })
  const blamed = yield* BlameLines.of(dir, {
    commit: range.head,
    paths: asked.flatMap(({ file }) => (hasLines(file) ? [file.path] : []))
  })
  const lines = new Map(
    blamed.map((each) => [each.path, each.lines && [...new Set(each.lines.map(({ commit }) => commit))]])
  )
  const touches = yield* CommitTouches.of(dir, range)
  const groups = Map.groupBy(asked, ({ needs }) => JSON.stringify(needs))
  const rules = [...groups.values()].map((group): ProvenanceRule.Rule => {
    const { reviewers = 1, roles = [] } = group[0]?.needs ?? {}
    const files = group.map(({ file: { path, previousPath } }): Traced => ({
      paths: previousPath === undefined ? [path] : [previousPath, path],
      lines: lines.get(path)
    }))
    return { name, humans: Math.max(1, reviewers), roles, approvals, held: held(range, files, touches) }
  })
  return together(range, [{ name, humans: 1, held: [] }, ...rules])
})

const name = "human-lines"

const rank = (each: Policy.Class): number => Policy.Class.literals.indexOf(each)

/** A plain file that is there. A name that is not UTF-8 is not the one that git has. */
const hasLines = ({ mode, path, status }: ChangeFacts.FileFacts): boolean =>
  status !== "deleted" && mode.startsWith("100") && !path.includes("\ufffd")

/** What several rules say together. One that holds nothing still says what nobody can know. */
const together = (range: Provenance.Range, rules: ReadonlyArray<ProvenanceRule.Rule>): ProvenanceRule.Checked => {
  const checks = rules.map((rule) => ProvenanceRule.check(range, rule))
  const problems = new Map(checks.flatMap((each) => each.problems).map((each) => [JSON.stringify(each), each]))
  const codes = checks.map(({ exitCode }) => exitCode)
  return {
    rule: name,
    holds: problems.size === 0,
    exitCode: codes.includes(1) ? 1 : codes.includes(2) ? 2 : 0,
    asked: new Set(rules.flatMap(({ held = [] }) => held.map(({ commit }) => commit))).size,
    problems: [...problems.values()]
  }
}
