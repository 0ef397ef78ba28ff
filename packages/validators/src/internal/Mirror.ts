/**
 * A bare repository of our own that borrows the objects of another one and has nothing else of it: no configuration, no
 * hooks, no attributes, no branches. What is checked out of it is what the objects say, and no program that a repository or
 * its author names is run for it.
 *
 * It lies in the user's state, apart for each repository, and stays: it has a few files of some bytes.
 */
import * as Digest from "@millwright/core/Digest"
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { homedir } from "node:os"

const configuration = (isSha256: boolean) => `[core]
	repositoryformatversion = ${isSha256 ? 1 : 0}
	filemode = true
	bare = true
[gc]
	auto = 0
${isSha256 ? "[extensions]\n\tobjectformat = sha256\n" : ""}`

// What is named here holds over every `.gitattributes`: files are as their objects are, whatever filters the user has.
const attributes = "* -filter -ident -text -working-tree-encoding\n"

/** Removes the mirrors of repositories that are gone, and with them what checkouts of theirs a killed run has left. */
const sweep = Effect.fnUntraced(function* (all: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const look = Effect.fnUntraced(function* (mirror: string) {
    const objects = (yield* fs.readFileString(path.join(mirror, "objects/info/alternates"))).trim()
    if (!(yield* fs.exists(objects))) yield* fs.remove(mirror, { recursive: true })
  })
  const mirrors = yield* fs.readDirectory(all)
  yield* Effect.forEach(mirrors, (name) => Effect.ignore(look(path.join(all, name))), { discard: true })
})

/** The folder of the mirror of a repository, as it has to be. `commit` is a full id. */
export const make = Effect.fnUntraced(function* (
  repository: string,
  commit: string
): Effect.fn.Return<string, Git.GitError | PlatformError, ChildProcessSpawner | FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const common = yield* fs.realPath(yield* Git.commonDir(repository))
  const home = process.env["XDG_STATE_HOME"]
  const state = home !== undefined && path.isAbsolute(home) ? home : path.join(homedir(), ".local", "state")
  const folder = path.join(state, "millwright", "checkouts", Digest.short(Digest.of(common)))

  // Beside its place first: somebody else may be reading it.
  const write = Effect.fnUntraced(function* (file: string, text: string) {
    const place = path.join(folder, file)
    if ((yield* Effect.orElseSucceed(fs.readFileString(place), () => undefined)) === text) return
    const part = yield* fs.makeTempFileScoped({ directory: folder, prefix: "part-" })
    yield* fs.writeFileString(part, text)
    yield* fs.rename(part, place)
  }, Effect.scoped)
  yield* Effect.ignore(sweep(path.dirname(folder)))
  for (const part of ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"]) {
    yield* fs.makeDirectory(path.join(folder, part), { recursive: true })
  }
  yield* write("config", configuration(commit.length === 64))
  yield* write("info/attributes", attributes)
  yield* write("objects/info/alternates", `${path.join(common, "objects")}\n`)
  const shallow = yield* Effect.option(fs.readFileString(path.join(common, "shallow")))
  if (shallow._tag === "Some") yield* write("shallow", shallow.value)
  else yield* fs.remove(path.join(folder, "shallow"), { force: true })
  // Last: with it the folder is a repository. It names no branch that there is.
  yield* write("HEAD", "ref: refs/heads/none\n")
  return yield* fs.realPath(folder)
})
