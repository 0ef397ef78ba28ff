/** A repository with a small shop in it, and two changes that say they do the same. */
import type * as Change from "@millwright/core/Change"
import * as Git from "@millwright/core/Git"
import * as GitCommit from "@millwright/core/GitCommit"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { fileURLToPath } from "node:url"
import * as Demo from "../01-issue-to-change/demo.ts"

/** The names of the changes. */
export const changes = ["honest", "cheating"] as const
/** The name of a change. */
export type Name = (typeof changes)[number]

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Makes the repository in a folder. Answers with the commit that both changes begin at. */
export const make = Effect.fnUntraced(function* (repository: string) {
  yield* Demo.repository(folder("./shop"), repository)
  return yield* Git.resolve(repository, "main")
})

/** Commits a change on a branch of its name. */
export const commit = Effect.fnUntraced(function* (repository: string, { base, name }: { base: string; name: Name }) {
  const fs = yield* FileSystem.FileSystem
  yield* fs.copy(folder(`./changes/${name}`), repository, { overwrite: true })
  const author = { name: `Author of the ${name} change`, email: "agent@localhost" }
  yield* GitCommit.commitAll(repository, { branch: name, base, message: "Large orders cost a tenth less", author })
  const head = yield* Git.resolve(repository, name)
  const change: Change.Change = { branch: name, base, head, files: yield* Git.diff(repository, base, head) }
  return change
})
