/**
 * Where the branch of a workspace stood when the workspace was new, as the host noted it: what the workspace made since may be
 * rewritten by it, as an author does who amends a commit. What was there before is not its own.
 */
import * as Effect from "effect/Effect"
import type { SandboxError } from "../Sandbox.ts"
import type { HostFiles } from "./HostFiles.ts"

/** What is asked for. */
export interface Options {
  /** Where what is noted about the repository's workspaces lies. */
  readonly own: string
  /** The workspace's name in it. */
  readonly name: string
  readonly branch: string
  /** Where the branch stands now. */
  readonly commit: string
  readonly isNew: boolean
}

/** Reads the note. A new workspace, or one that is on another branch now, gets a new one. */
export const note = Effect.fnUntraced(function* (
  { makeFolder, path, read, replace }: HostFiles,
  { branch, commit, isNew, name, own }: Options
): Effect.fn.Return<string, SandboxError> {
  const folder = path.join(own, "origins")
  const file = path.join(folder, name)
  const [noted, ofBranch] = ((yield* read(file)) ?? "").split(/ (.*)\n/)
  if (!isNew && ofBranch === branch && noted !== undefined) return noted
  yield* makeFolder(folder)
  yield* replace(file, `${commit} ${branch}\n`)
  return commit
})
