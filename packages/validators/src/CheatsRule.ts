/** `RULE-CHEATS`: no change makes a check pass without the work being done, and no author claims what it did not do. */
import type * as Change from "@millwright/core/Change"
import type * as Contract from "@millwright/core/Contract"
import * as Git from "@millwright/core/Git"
import * as Validator from "@millwright/core/Validator"
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Cheats from "./Cheats.ts"
import type * as Trajectory from "./Trajectory.ts"

/** What the rule judges. */
export interface Context {
  readonly contract: Contract.Contract
  readonly change: Change.Change
  /** The root of the repository, on the host. Its objects are read, and nothing of its working tree. */
  readonly repository: string
}

/** What was found for the rule: a finding without the name of what it is about. */
export type Judgement = Omit<Verdict.Finding, "assertion">

/** What a house says beside the change. */
export interface Options {
  /** What the author did. Left out: what it claims is not judged. */
  readonly trajectory?: Trajectory.Trajectory
  /** What names a path that the author may not see. Default: `Cheats.holdouts`. */
  readonly holdouts?: RegExp
}

/** So many files of a change are read; the others are named as not looked at. */
const mostFiles = 5_000
/** The most that is read of one side, in bytes. */
const mostBytes = 8_000_000

/** The rule. It runs nothing of the change. Both sides of each file are read from git's objects. */
export const make = (options: Options = {}) => ({
  id: Cheats.rule,
  statement: "No change makes a check pass without the work being done, and no author claims what it did not do.",
  judge: Effect.fnUntraced(function* ({
    change,
    contract,
    repository
  }: Context): Effect.fn.Return<Judgement, Validator.ValidatorError, ChildProcessSpawner> {
    const { files, unseen } = yield* read(repository, change).pipe(
      Effect.mapError(
        (cause) =>
          new Validator.ValidatorError({
            reason: "SubjectUnavailable",
            message: `The change of ${change.branch} can not be read to look for cheats: ${cause.message}`,
            cause
          })
      )
    )
    const statements = contract.assertions.map(({ statement }) => statement)
    const { assertion: _, ...judgement } = Cheats.finding(Cheats.look({ ...options, files, statements, unseen }))
    return judgement
  })
})

const read = Effect.fnUntraced(function* (repository: string, { base, head }: Change.Change) {
  const all = (yield* Git.diff(repository, base, head)).filter(({ mode }) => mode !== "160000")
  const objectsOf = Effect.fnUntraced(function* (commit: string) {
    const { entries } = yield* Git.tree(repository, commit)
    return new Map(entries.map(({ object, path }) => [path, object]))
  })
  const [before, after] = [yield* objectsOf(base), yield* objectsOf(head)]
  const unseen: Array<Cheats.Unseen> = []
  const side = Effect.fnUntraced(function* (path: string, object: string | undefined) {
    if (object === undefined) return null
    const { bytes, size } = yield* Git.content(repository, { object, maxBytes: mostBytes })
    if (size <= mostBytes) return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)
    unseen.push({ path, why: `it has more than ${mostBytes} bytes` })
    return undefined
  })
  const files = yield* Effect.forEach(
    all.slice(0, mostFiles),
    Effect.fnUntraced(function* ({ path, previousPath, status }) {
      const was = status === "copied" || status === "added" ? undefined : before.get(previousPath ?? path)
      const [old, now] = [yield* side(path, was), yield* side(path, after.get(path))]
      if (old === undefined || now === undefined) return []
      return [
        { path, ...(previousPath !== undefined && status === "renamed" && { previousPath }), before: old, after: now }
      ]
    }),
    { concurrency: 4 }
  )
  for (const { path } of all.slice(mostFiles)) unseen.push({ path, why: "the change has too many files" })
  return { files: files.flat(), unseen }
})
