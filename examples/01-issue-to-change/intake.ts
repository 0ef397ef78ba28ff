/** What the program is given, checked before anything is written anywhere. */
import * as LocalForge from "@millwright/core/adapters/LocalForge"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Fault from "@millwright/core/Fault"
import * as Forge from "@millwright/core/Forge"
import * as Git from "@millwright/core/Git"
import * as Redaction from "@millwright/core/Redaction"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** The program can not work with what it was given. */
export class IntakeError extends Fault.Class<IntakeError>()("IntakeError", {
  DirtyTree: false,
  DetachedHead: false,
  BareRepository: false,
  /** Nothing has run in the repository, so there is nothing to answer. */
  NothingRan: false,
  NoSkills: false,
  BadRehearsal: false,
  UnknownModel: false,
  /** A repository of one's own, and nothing that is asked of it. */
  NoIssue: false,
  NoSuchGate: false,
  /** There is a limit in money, and nobody knows what the model costs. */
  Unpriced: false
}) {}

/** Where the work is done: a repository without uncommitted changes, on a branch. */
export const repository = Effect.fnUntraced(function* (path: string) {
  const root = yield* Effect.catchIf(
    Git.root(path),
    ({ reason }) => reason === "NotARepository",
    (error) => bareOr(path, error)
  )
  const base = yield* Git.resolve(root, "HEAD")
  const into = yield* Git.currentBranch(root)
  if (into._tag === "None") {
    return yield* new IntakeError({
      reason: "DetachedHead",
      message:
        `The repository ${root} is on no branch (detached HEAD), so nobody could say what the change is for. ` +
        `Check out the branch that it shall be merged into: \`git -C ${root} switch <branch>\`.`
    })
  }
  const dirty = yield* Git.status(root)
  if (dirty.length > 0) {
    return yield* new IntakeError({
      reason: "DirtyTree",
      message:
        `The repository ${root} has changes that are not committed: ${dirty.slice(0, 5).join(", ")}` +
        `${dirty.length > 5 ? ` and ${dirty.length - 5} more` : ""}. The work starts from a commit, so they would be ` +
        `left out. Commit or stash them, and run again.`
    })
  }
  return { root, base, into: into.value }
})

/** A bare repository has no root of a working tree, but it is one. */
const bareOr = Effect.fnUntraced(function* (path: string, error: Git.GitError) {
  const isBare = yield* Effect.isSuccess(Git.commonDir(path))
  if (!isBare) return yield* error
  return yield* new IntakeError({
    reason: "BareRepository",
    message:
      `The repository ${path} is bare: it has no branch checked out that a change could be for, and no files to ` +
      `work beside. Clone it, and give the clone: \`git clone ${path} DIR\`.`
  })
})

/** The issue, as the forge reads it, without secrets. Nothing is written: the journal is not opened yet. */
export const issue = (repository: string, reference: string) =>
  Effect.gen(function* () {
    const forge = yield* Forge.Forge
    return Redaction.scrubJson(yield* forge.issue(reference), yield* Redaction.Secrets)
  }).pipe(Effect.provide(LocalForge.layer({ repository }).pipe(Layer.provide(MemoryJournal.layer))))
