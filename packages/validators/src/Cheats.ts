/**
 * Looks for **cheats** in a change and in what its author did. It is pure and runs nothing: the same input gives the same
 * answer, whatever the order of the files. It reads texts and no grammar, so a text that does not parse is read as well.
 *
 * Who can see more than a text says is asked: a finding that an honest author might cause too is `blocked`, not `fail`.
 */
import * as Verdict from "@millwright/core/Verdict"
import * as Cheat from "./internal/Cheat.ts"
import * as CheatAssertions from "./internal/CheatAssertions.ts"
import * as CheatBounds from "./internal/CheatBounds.ts"
import * as CheatDoubles from "./internal/CheatDoubles.ts"
import * as CheatProduct from "./internal/CheatProduct.ts"
import * as CheatRuns from "./internal/CheatRuns.ts"
import * as CheatShape from "./internal/CheatShape.ts"
import * as CheatSilence from "./internal/CheatSilence.ts"
import * as CheatTests from "./internal/CheatTests.ts"
import * as CheatTrajectory from "./internal/CheatTrajectory.ts"
import * as CheatView from "./internal/CheatView.ts"
import type * as Trajectory from "./Trajectory.ts"

export {
  /** One cheat, at its place: a line of the side that the message speaks of. */
  Cheat,
  /** The name of a kind. */
  Rule,
  /** The kinds that are looked for, and what each means. */
  rules
} from "./internal/Cheat.ts"

/** The rule of the house that this is about. */
export const rule = "RULE-CHEATS"

/** Both sides of a file that changed, in full, from git's objects. */
export interface Sides {
  readonly path: string
  /** The path before a rename. */
  readonly previousPath?: string | undefined
  /** `null`: it is new. */
  readonly before: string | null
  /** `null`: it is gone. */
  readonly after: string | null
}

/** Something that was not looked at, and why. */
export interface Unseen {
  readonly path: string
  readonly why: string
}

/** What is looked at. */
export interface Subject {
  readonly files: ReadonlyArray<Sides>
  /** What the frozen contract says. A snapshot or an expectation that it speaks of may change. */
  readonly statements?: ReadonlyArray<string>
  readonly trajectory?: Trajectory.Trajectory
  /** What names a path that the author may not see. Default: {@link holdouts}. */
  readonly holdouts?: RegExp
  /** What the caller could not read. */
  readonly unseen?: ReadonlyArray<Unseen>
}

/** What was found, and what was not looked at. */
export interface Report {
  readonly cheats: ReadonlyArray<Cheat.Cheat>
  readonly unseen: ReadonlyArray<Unseen>
}

/** Paths where holdouts are kept by their usual names. */
export const holdouts: RegExp =
  /(?:^|[\s"'=/*])(?:\.?holdouts?|hold-outs?|hidden[-_]tests?|scenario[-_]vault)(?:[/\s"';|&.*]|$)|\bholdout[-_]\w+\.\w+/i

/** What is looked at in all, in files and in characters; of one side of a file; and of one of its lines. */
export const limits = { files: 50_000, characters: 64_000_000, side: 1_000_000, line: 20_000 } as const

/** Why a side is not looked at. */
const unreadable = (text: string | null): string | undefined => {
  if (text === null) return undefined
  if (text.length > limits.side) return `it has more than ${limits.side} characters`
  if (text.includes("\0")) return "it is binary"
  if (text.includes("\ufffd")) return "it is not UTF-8"
  let from = 0
  for (let at = text.indexOf("\n"); from < text.length; at = text.indexOf("\n", from)) {
    if ((at === -1 ? text.length : at) - from > limits.line)
      return `it has a line of more than ${limits.line} characters`
    if (at === -1) break
    from = at + 1
  }
  return undefined
}

const byPlace = (a: Cheat.Cheat, b: Cheat.Cheat): number => {
  const key = ({ line, message, path, rule }: Cheat.Cheat) =>
    [path ?? "\uffff", String(line ?? 0).padStart(9, "0"), rule, message].join("\0")
  const [left, right] = [key(a), key(b)]
  return left < right ? -1 : left > right ? 1 : 0
}

/** Looks for cheats. */
export const look = (subject: Subject): Report => {
  const unseen: Array<Unseen> = [...(subject.unseen ?? [])]
  let left: number = limits.characters
  const files = [...subject.files].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  const seen = files.flatMap((sides, index) => {
    const size = (sides.before?.length ?? 0) + (sides.after?.length ?? 0)
    const why =
      index >= limits.files || size > left
        ? "the change is too large"
        : (unreadable(sides.after) ?? unreadable(sides.before))
    if (why === undefined) left -= size
    else unseen.push({ path: sides.path, why })
    return why === undefined ? [CheatView.of(sides)] : []
  })
  const change: CheatView.Change = { views: seen, contract: (subject.statements ?? []).join("\n").toLowerCase() }
  const paired = CheatTests.pair(seen)
  const added = new Set(
    seen.flatMap((view) => view.added.map(({ text }) => text.trim()).filter((text) => text.length >= 12))
  )
  const cheats = [
    ...CheatTests.look(change, paired),
    ...CheatAssertions.look(change, paired),
    ...CheatShape.look(change, { paired, gone: CheatTests.goneNames(seen) }),
    ...CheatRuns.look(change),
    ...CheatBounds.look(change),
    ...CheatSilence.look(change),
    ...CheatProduct.look(change, paired),
    ...CheatDoubles.look(change, paired),
    ...(subject.trajectory === undefined
      ? []
      : CheatTrajectory.look(subject.trajectory, {
          added,
          holdouts: subject.holdouts ?? holdouts,
          isEmpty: subject.files.length === 0 && unseen.length === 0
        }))
  ].sort(byPlace)
  const once = new Map(cheats.map((cheat) => [JSON.stringify(cheat), cheat]))
  return { cheats: [...once.values()], unseen }
}

/** The most problems that a finding names. */
const mostProblems = 200

/** What a report amounts to: `fail` where a cheat is sure, `blocked` where a person has to look or something was not looked at. */
export const finding = (report: Report): Verdict.Finding => {
  const sure = report.cheats.filter(({ status }) => status === "fail")
  const unsure = report.cheats.filter(({ status }) => status === "blocked")
  const status = sure.length > 0 ? "fail" : unsure.length + report.unseen.length > 0 ? "blocked" : "pass"
  const reason = [
    ...(sure.length > 0 ? [`${sure.length} that would make a check pass without the work`] : []),
    ...(unsure.length > 0 ? [`${unsure.length} that a person has to look at`] : []),
    ...(report.unseen.length > 0 ? [`${report.unseen.length} files were not looked at`] : [])
  ]
  return {
    assertion: rule,
    status,
    reason: reason.length === 0 ? "nothing was found that makes a check pass without the work" : reason.join(", "),
    evidence: [
      Verdict.evidence({
        kind: "report",
        summary: "what was found by the rules about cheats",
        content: JSON.stringify(report),
        excerpt: [
          ...report.cheats
            .slice(0, 20)
            .map(
              ({ line, message, path, rule: name }) =>
                `${name} ${path ?? ""}${line === null ? "" : `:${line}`} ${message}`
            ),
          ...report.unseen.slice(0, 20).map(({ path, why }) => `not looked at: ${Cheat.quoted(path)}: ${why}`)
        ].join("\n")
      })
    ],
    problems: [...sure, ...unsure]
      .slice(0, mostProblems)
      .map(({ line, message, path, rule: name }) => ({ rule: name, message, path, line }))
  }
}
