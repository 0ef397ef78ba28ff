/** The store that a command means, and what it is opened with. Looking at a store never makes one. */
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as SqliteReader from "@millwright/core/adapters/SqliteReader"
import * as Fault from "@millwright/core/Fault"
import * as Git from "@millwright/core/Git"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"

/** There is no store where it was looked for. */
export class StoreError extends Fault.Class<StoreError>()("StoreError", { NoStore: false }) {}

const inFolder = "factory.db"
const inRepository = ["millwright", inFolder] as const

/** The store at a path: a file, a folder with one, or a repository. Without a path: that of the repository around. */
export const locate = Effect.fnUntraced(function* (given: Option.Option<string>) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const at = path.resolve(Option.getOrElse(given, () => "."))
  const isFolder = yield* Effect.match(files.stat(at), {
    onFailure: () => false,
    onSuccess: ({ type }) => type === "Directory"
  })
  if (!isFolder) return (yield* files.exists(at)) ? at : yield* nothingAt(at, "")
  const own = path.join(at, inFolder)
  if (Option.isSome(given) && (yield* files.exists(own))) return own
  const git = yield* Effect.option(Git.commonDir(at))
  if (Option.isNone(git)) return yield* nothingAt(at, ", and it is in no git repository")
  const store = path.join(git.value, ...inRepository)
  return (yield* files.exists(store)) ? store : yield* nothingAt(store, "")
})

const nothingAt = Effect.fnUntraced(function* (at: string, detail: string) {
  const others = yield* Effect.orElseSucceed(nearby, () => [])
  const hint = others.length === 0 ? "" : ` There are: ${others.join(", ")}.`
  return yield* new StoreError({
    reason: "NoStore",
    message: `Nothing has run here: there is no store at ${at}${detail}. Name a store, or its repository, with --store.${hint}`
  })
})

/** The stores that the examples of a repository keep beside it. */
const nearby = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = path.join(yield* Git.root("."), ".millwright")
  const candidates = (yield* files.readDirectory(folder)).flatMap((name) => [
    path.join(folder, name, inFolder),
    path.join(folder, name, "repository", ".git", ...inRepository)
  ])
  return (yield* Effect.filter(candidates, (each) => files.exists(each))).map((each) => path.relative(".", each))
})

/** The journal, for whoever looks. */
export const looking = (path: string) => SqliteReader.layer({ path })

/** The journal and the engine, for whoever acts. Runs whose processes are gone stay where they are. */
export const acting = (path: string) =>
  SqliteJournal.layer.pipe(
    Layer.provideMerge(SqliteEngine.layer({ adopt: false })),
    Layer.provide(Sqlite.layer({ path }))
  )
