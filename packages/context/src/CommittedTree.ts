/**
 * The files of one commit, read from git's objects and not from the disk: the same commit gives the same answer, whatever
 * stands in the working tree, and no link or odd name can lead out of the repository.
 */
import * as Fault from "@millwright/core/Fault"
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"

/** A repository can not be read. */
export class RepositoryContextError extends Fault.Class<RepositoryContextError>()("RepositoryContextError", {
  NotInstalled: false,
  /** There is no repository, or it has no such commit. */
  NoSuchCommit: false,
  Failed: true
}) {}

/** One path of a commit. */
export type Entry = Git.TreeEntry

/** The files of one commit, in git's order. */
export interface CommittedTree {
  readonly commit: string
  readonly entries: ReadonlyArray<Entry>
  /** There are more paths than were read. */
  readonly isPartial: boolean
}

/** Which commit of which repository. Default: `HEAD` of the workplace that commands run in. */
export interface At {
  readonly directory?: string
  readonly revision?: string
}

const noCommit: ReadonlyArray<Git.GitError["reason"]> = ["NoSuchPath", "NotARepository", "NoCommits", "UnknownRevision"]

const unreadable = (error: Git.GitError): RepositoryContextError =>
  error.reason === "NotInstalled"
    ? new RepositoryContextError({
        reason: "NotInstalled",
        message: "The repository can not be read: the program git was not found. Install git where the role works.",
        cause: error
      })
    : new RepositoryContextError({
        reason: "Failed",
        message: `The repository can not be read: ${error.message}`,
        cause: error
      })

/** Lists the files of a commit. Up to 64 MiB of paths are read. */
export const list = Effect.fnUntraced(function* (at: At = {}) {
  const { commit, entries, truncated } = yield* Git.tree(at.directory ?? ".", at.revision ?? "HEAD").pipe(
    Effect.mapError((error) =>
      noCommit.includes(error.reason)
        ? new RepositoryContextError({ reason: "NoSuchCommit", message: error.message, cause: error })
        : unreadable(error)
    )
  )
  const tree: CommittedTree = { commit, entries, isPartial: truncated }
  return tree
})

/** The start of a file's content, and how large the whole is, in bytes. */
export interface Content {
  readonly bytes: Uint8Array
  readonly size: number
}

/** Reads the start of an object's content. */
export const content = (at: At, object: string, maxBytes: number) =>
  Effect.mapError(Git.content(at.directory ?? ".", { object, maxBytes }), unreadable)
