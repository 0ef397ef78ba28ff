/** What the program is given, checked before anything is written anywhere. */
import * as LocalForge from "@millwright/core/adapters/LocalForge"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Fault from "@millwright/core/Fault"
import * as Forge from "@millwright/core/Forge"
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** The program can not work with what it was given. */
export class IntakeError extends Fault.Class<IntakeError>()("IntakeError", {
  DirtyTree: false,
  DetachedHead: false,
  UnknownModel: false
}) {}

/** Where the work is done: a repository without uncommitted changes, on a branch. */
export const repository = Effect.fnUntraced(function*(path: string) {
  const root = yield* Git.root(path)
  const base = yield* Git.resolve(root, "HEAD")
  const into = yield* Git.currentBranch(root)
  if (into._tag === "None") {
    return yield* new IntakeError({
      reason: "DetachedHead",
      message: `The repository ${root} is on no branch (detached HEAD), so nobody could say what the change is for. ` +
        `Check out the branch that it shall be merged into: \`git -C ${root} switch <branch>\`.`
    })
  }
  const dirty = yield* Git.status(root)
  if (dirty.length > 0) {
    return yield* new IntakeError({
      reason: "DirtyTree",
      message: `The repository ${root} has changes that are not committed: ${dirty.slice(0, 5).join(", ")}` +
        `${dirty.length > 5 ? ` and ${dirty.length - 5} more` : ""}. The work starts from a commit, so they would be ` +
        `left out. Commit or stash them, and run again.`
    })
  }
  return { root, base, into: into.value }
})

/** The issue, as the forge reads it. Nothing is written: the journal is not opened yet. */
export const issue = (repository: string, reference: string) =>
  Effect.flatMap(Forge.Forge, (forge) => forge.issue(reference)).pipe(
    Effect.provide(LocalForge.layer({ repository }).pipe(Layer.provide(MemoryJournal.layer)))
  )
