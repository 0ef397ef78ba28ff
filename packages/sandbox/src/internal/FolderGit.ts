/**
 * The `.git` of a folder that is used as it is: git of the host goes on working in it, so commands may not write what that
 * would run or follow.
 *
 * What is there is read only. What is not there, and says nothing to git when it is empty, is made before anything runs, and
 * then read only as well. Two things are left: `commondir`, which git follows as soon as it is there, and links, which can not
 * be guarded. Those are put right when everything has ended; how they were is noted, so that the next opening does it
 * where this process was killed.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { SandboxError } from "../Sandbox.ts"
import type { HostFiles } from "./HostFiles.ts"
import * as OwnFolder from "./OwnFolder.ts"

/** Of what folder, and where it is noted how that was. */
export interface Place {
  readonly directory: string
  readonly note: string
}

/** What is guarded, each after the folders around it. */
const guarded: ReadonlyArray<readonly [part: string, is: "Directory" | "File" | "Absent"]> = [
  [OwnFolder.folderName, "Directory"],
  ["hooks", "Directory"],
  ["info", "Directory"],
  ["modules", "Directory"],
  ["worktrees", "Directory"],
  ["config", "File"],
  ["config.worktree", "File"],
  ["objects/info", "Directory"],
  ["objects/info/alternates", "File"],
  ["commondir", "Absent"]
]
// Git writes what else is in it all the while.
const isWritable = (part: string) => part === "objects/info"

/** How what can not be guarded was: where a link led to, or that there was nothing. */
const Note = Schema.fromJsonString(Schema.Record(Schema.String, Schema.NullOr(Schema.String)))

/** Puts right what commands of an opening that was killed have made. */
export const recover = Effect.fnUntraced(function* (
  host: HostFiles,
  { directory, note }: Place
): Effect.fn.Return<void, SandboxError> {
  const { attempt, fs, kind, path, read, remove } = host
  const text = yield* read(note)
  if (text === undefined) return
  const noted = yield* Effect.orElseSucceed(Schema.decodeUnknownEffect(Note)(text), () => ({}))
  const git = path.join(directory, ".git")
  if ((yield* kind(git)) === "Directory") {
    for (const [part, target] of Object.entries(noted)) {
      const file = path.join(git, part)
      const is = yield* Effect.option(fs.readLink(file))
      if (target !== null && is._tag === "Some" && is.value === target) continue
      yield* remove(file)
      if (target !== null) yield* attempt(`Mending ${file}`, fs.symlink(target, file))
    }
  }
  yield* remove(note)
})

/** Guards it until the scope closes. Answers with what is to be read only. */
export const guard = Effect.fnUntraced(function* (
  host: HostFiles,
  place: Place
): Effect.fn.Return<ReadonlyArray<string>, SandboxError, Scope.Scope> {
  const { fs, kind, makeFolder, path, replace, write } = host
  yield* recover(host, place)
  const git = path.join(place.directory, ".git")
  const is = yield* kind(git)
  // A file that says where the real one is.
  if (is !== "Directory") return is === undefined ? [] : [git]
  const protect: Array<string> = []
  const noted: Record<string, string | null> = {}
  for (const [part, wanted] of guarded) {
    const file = path.join(git, part)
    const around = part.split("/").slice(0, -1)
    const kinds = yield* Effect.forEach(around, (_, index) => kind(path.join(git, ...around.slice(0, index + 1))))
    // Commands may have run here before: nothing is made through a link.
    if (kinds.some((found) => found !== "Directory")) continue
    if ((yield* kind(file)) === undefined && wanted !== "Absent") {
      // Where we may not write, commands may not either.
      yield* Effect.ignore(wanted === "Directory" ? makeFolder(file) : write(file, ""))
    }
    const found = yield* kind(file)
    if (found === undefined) noted[part] = null
    else if (found === "SymbolicLink") {
      const target = yield* Effect.option(fs.readLink(file))
      if (target._tag === "Some") noted[part] = target.value
    } else if (!isWritable(part)) protect.push(file)
  }
  yield* makeFolder(path.dirname(place.note))
  yield* Effect.acquireRelease(replace(place.note, JSON.stringify(noted)), () =>
    Effect.ignore(recover(host, place), { log: "Warn" })
  )
  return protect
})

/** Whether a folder is, or lies in, what git keeps a repository in. */
export const isRepository = Effect.fnUntraced(function* ({ kind, path }: HostFiles, directory: string) {
  for (let folder = directory; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const [head, ...data] = yield* Effect.forEach(["HEAD", "objects", "refs"], (name) => kind(path.join(folder, name)))
    if (head !== undefined && data.every((is) => is === "Directory")) return true
  }
  return false
})
