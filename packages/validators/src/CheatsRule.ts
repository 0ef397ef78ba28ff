/** `RULE-CHEATS`: no change makes a check pass without the work being done, and no author claims what it did not do. */
import type * as Change from "@millwright/core/Change"
import * as Git from "@millwright/core/Git"
import * as Validator from "@millwright/core/Validator"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Cheats from "./Cheats.ts"
import * as GitFiles from "./internal/GitFiles.ts"
import type * as Rule from "./Rule.ts"
import type * as Trajectory from "./Trajectory.ts"

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
export const make = (options: Options = {}): Rule.Rule<ChildProcessSpawner> => ({
  id: Cheats.rule,
  statement: "No change makes a check pass without the work being done, and no author claims what it did not do.",
  judge: Effect.fnUntraced(function* ({ change, contract, repository }) {
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
  const looked = all.slice(0, mostFiles).map(({ path, previousPath, status }) => {
    const isRenamed = status === "renamed" && previousPath !== undefined
    return {
      path,
      ...(isRenamed && { previousPath }),
      was: status === "copied" || status === "added" ? undefined : isRenamed ? previousPath : path
    }
  })
  const old = looked.flatMap(({ was }) => (was === undefined ? [] : [was]))
  const before = yield* GitFiles.read(repository, { commit: base, paths: old, most: mostBytes })
  const now = looked.map(({ path }) => path)
  const after = yield* GitFiles.read(repository, { commit: head, paths: now, most: mostBytes })
  const text = (file: GitFiles.File | undefined) =>
    file === undefined
      ? null
      : file.bytes === undefined
        ? undefined
        : new TextDecoder("utf-8", { ignoreBOM: true }).decode(file.bytes)
  const unseen: Array<Cheats.Unseen> = []
  const files = looked.flatMap(({ was, ...file }) => {
    const [old, now] = [text(was === undefined ? undefined : before.get(was)), text(after.get(file.path))]
    if (old !== undefined && now !== undefined) return [{ ...file, before: old, after: now }]
    unseen.push({ path: file.path, why: `it has more than ${mostBytes} bytes` })
    return []
  })
  for (const { path } of all.slice(mostFiles)) unseen.push({ path, why: "the change has too many files" })
  return { files, unseen }
})
