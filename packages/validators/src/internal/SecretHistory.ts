/**
 * The secrets of a **change**: of what its commits add, of the names that they give to files, and of what they say. A secret
 * that a later commit takes away is in the history of the branch still, and whoever has the branch has it.
 */
import type * as Change from "@millwright/core/Change"
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as AddedLines from "./AddedLines.ts"
import * as FileText from "./FileText.ts"
import type * as SecretScan from "../SecretScan.ts"

/** A secret, and the commit that brought it. */
export interface HistoryFinding extends SecretScan.SecretFinding {
  readonly commit: string
  readonly place: "content" | "name" | "message"
  /** Whether the head has it still. */
  readonly isInHead: boolean
}

/** What was not looked at, and why. `not-read` could hold anything; the others are as the rules want it. */
export interface Skipped {
  readonly commit: string
  readonly path: string
  readonly why: "binary" | "allowed-path" | "submodule" | "not-read"
}

/** What was found in a change, and what was looked at. */
export interface Report {
  readonly findings: ReadonlyArray<HistoryFinding>
  readonly commits: number
  readonly lines: number
  readonly skipped: ReadonlyArray<Skipped>
}

/** Where the change is. */
export interface Place {
  readonly repository: string
  readonly base: string
  readonly head: string
}

/** The most of a file that git does not show as text that is read, in bytes. */
const mostBytes = 16 * 1024 * 1024

/** What is in one commit. */
interface Part {
  readonly findings: ReadonlyArray<HistoryFinding>
  readonly lines: number
  readonly skipped: ReadonlyArray<Skipped>
}

/** Looks through every commit that the head has and the base has not, as git's objects tell them. */
export const scan = Effect.fnUntraced(function* (
  scan: SecretScan.SecretScan,
  { base, head, repository }: Place
): Effect.fn.Return<Report, Git.GitError, ChildProcessSpawner> {
  const commits = yield* Git.history(repository, { base, head })
  const parts = yield* Effect.forEach(commits, (commit) => inCommit(scan, repository, commit))
  const last = yield* inHead(scan, { base, head, repository })
  const findings = parts.flatMap((part) => part.findings)
  return {
    // The same secret in the same file once, at the commit that had it first.
    findings: [
      ...new Map(findings.toReversed().map((one) => [`${one.rule} ${one.path} ${one.fingerprint}`, one])).values()
    ]
      .toReversed()
      .map((one) => ({ ...one, isInHead: one.place === "message" || last.has(one.fingerprint) })),
    commits: commits.length,
    lines: parts.reduce((sum, part) => sum + part.lines, 0),
    skipped: parts.flatMap((part) => part.skipped)
  }
})

/** The fingerprints of what the whole difference has. */
const inHead = Effect.fnUntraced(function* (scan: SecretScan.SecretScan, { base, head, repository }: Place) {
  const [from, to] = yield* Effect.all([Git.resolve(repository, base), Git.resolve(repository, head)])
  const files = yield* Git.diff(repository, from, to)
  const { text } = yield* Git.patch(repository, { base: from, head: to, maxBytes: 64 * 1024 * 1024 })
  const whole = { id: to, message: "", files, patch: text }
  const { findings } = yield* inCommit(scan, repository, whole)
  return new Set(findings.map(({ fingerprint }) => fingerprint))
})

const inCommit = Effect.fnUntraced(function* (
  scan: SecretScan.SecretScan,
  repository: string,
  commit: Git.CommitRecord
): Effect.fn.Return<Part, Git.GitError, ChildProcessSpawner> {
  const message = placed(
    commit.id,
    "message",
    scan.scan({ path: "", text: commit.message, commit: commit.id }).findings
  )
  const added = AddedLines.parse(commit.patch)
  const texts = added.map((file) => inLines(scan, commit.id, file))
  const files = yield* Effect.forEach(
    commit.files.filter(({ status }) => status !== "deleted"),
    (file) => inFile(scan, { repository, commit: commit.id, file })
  )
  const all = [{ findings: message, lines: commit.message.split("\n").length, skipped: [] }, ...texts, ...files]
  return {
    findings: all.flatMap(({ findings }) => findings),
    lines: all.reduce((sum, { lines }) => sum + lines, 0),
    skipped: all.flatMap(({ skipped }) => skipped)
  }
})

const placed = (
  commit: string,
  place: HistoryFinding["place"],
  findings: ReadonlyArray<SecretScan.SecretFinding>
): ReadonlyArray<HistoryFinding> => findings.map((one) => ({ ...one, commit, place, isInHead: true }))

const inLines = (scan: SecretScan.SecretScan, commit: string, file: AddedLines.AddedLines): Part => {
  if (scan.isAllowedPath(file.path)) {
    return { findings: [], lines: 0, skipped: [{ commit, path: scan.mask(file.path), why: "allowed-path" }] }
  }
  const found = scan
    .scan({ path: file.path, text: file.text, commit })
    .findings.filter(({ line }) => line !== null)
    .map((one) => ({ ...one, line: file.numbers[(one.line ?? 1) - 1] ?? null }))
  return { findings: placed(commit, "content", found), lines: file.numbers.length, skipped: [] }
}

/** What the name of a file says, and what is in it where git does not show it as a text. */
const inFile = Effect.fnUntraced(function* (
  scan: SecretScan.SecretScan,
  {
    commit,
    file,
    repository
  }: { readonly repository: string; readonly commit: string; readonly file: Change.FileChange }
) {
  const { path } = file
  const shown = scan.mask(path)
  const isNew = file.status === "added" || file.status === "renamed" || file.status === "copied"
  const named = isNew ? scan.scan({ path, text: "", commit }).findings : []
  const skipped = (why: Skipped["why"]): Part => ({
    findings: placed(commit, "name", named),
    lines: 0,
    skipped: [{ commit, path: shown, why }]
  })
  if (file.mode === "160000") return skipped("submodule")
  if (file.additions !== null) return { findings: placed(commit, "name", named), lines: 0, skipped: [] }
  if (scan.isAllowedPath(path)) return skipped("allowed-path")
  if (path.includes("\n")) return skipped("not-read")
  const { bytes, size } = yield* Git.content(repository, { object: `${commit}:${path}`, maxBytes: mostBytes }).pipe(
    // Its own message names the path, which can be a secret.
    Effect.mapError(
      ({ reason }) =>
        new Git.GitError({
          reason,
          message: `git could not read ${shown} of commit ${commit.slice(0, 12)}. Look whether the repository is whole: \`git fsck\`.`
        })
    )
  )
  const text = FileText.of(bytes)
  if (text === undefined) return skipped("binary")
  if (size > mostBytes) return skipped("not-read")
  const found = scan.scan({ path, text, commit }).findings.filter(({ line }) => line !== null)
  return {
    findings: [...placed(commit, "name", named), ...placed(commit, "content", found)],
    lines: text.split("\n").length,
    skipped: []
  }
})
