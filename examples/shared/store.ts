/** The stores that a command means, and what one is opened with. Looking at a store never makes one. */
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as SqliteReader from "@millwright/core/adapters/SqliteReader"
import * as Fault from "@millwright/core/Fault"
import * as Git from "@millwright/core/Git"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Status from "@millwright/core/Status"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Naming from "./naming.ts"
import * as Text from "./text.ts"

/** There is no store where it was looked for, or more than one. */
export class StoreError extends Fault.Class<StoreError>()("StoreError", { NoStore: false, ManyStores: false }) {}

/** At least one. */
export type Stores = readonly [string, ...ReadonlyArray<string>]

const inFolder = "factory.db"
const inRepository = ["millwright", inFolder] as const

/** Where programs of a repository that have no repository of their own to work in keep their stores, as the examples do. */
const beside = (name: string) => [
  [".millwright", name, inFolder],
  [".millwright", name, "repository", ".git", ...inRepository]
]

/**
 * The store at a path: a file, a folder with one, or a repository. Without a path: that of the repository around, and
 * where it has none, those that its examples made.
 */
export const locate = Effect.fnUntraced(function* (given: Option.Option<string>) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const at = path.resolve(Option.getOrElse(given, () => "."))
  const isFolder = yield* Effect.match(files.stat(at), {
    onFailure: () => false,
    onSuccess: ({ type }) => type === "Directory"
  })
  const isThere = (file: string) => Effect.orElseSucceed(files.exists(file), () => false)
  if (!isFolder) return (yield* isThere(at)) ? one(at) : yield* nothingAt([at])
  const own = path.join(at, inFolder)
  if (Option.isSome(given) && (yield* isThere(own))) return one(own)
  const git = yield* Effect.option(Git.commonDir(at))
  const inFolderOnly = Option.isSome(given) ? [own] : []
  if (Option.isNone(git)) return yield* nothingAt(inFolderOnly, `The folder ${at} is in no git repository. `)
  const store = path.join(git.value, ...inRepository)
  if (yield* isThere(store)) return one(store)
  if (Option.isSome(given)) return yield* nothingAt([...inFolderOnly, store])
  const [first, ...rest] = yield* examples
  if (first !== undefined) return [first, ...rest] satisfies Stores
  return yield* nothingAt([store, ...beside("*").map((parts) => path.join(...parts))])
})

const one = (path: string): Stores => [path]

const nothingAt = Effect.fnUntraced(function* (looked: ReadonlyArray<string>, detail = "") {
  const others = yield* examples
  const places = looked.length === 0 ? "" : ` Looked for ${looked.join(", ")}.`
  const hint = others.length === 0 ? "" : ` There are: ${others.join(", ")}.`
  return yield* new StoreError({
    reason: "NoStore",
    message: `There is no store here, so nothing has run. ${detail}Name a store, or its repository, with --store.${places}${hint}`
  })
})

/** The stores that the examples of the repository around have made, by their paths from here. */
const examples = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const root = yield* Git.root(".")
  const names = (yield* files.readDirectory(path.join(root, ".millwright"))).toSorted()
  const candidates = names.flatMap((name) => beside(name).map((parts) => path.join(root, ...parts)))
  return (yield* Effect.filter(candidates, (each) => files.exists(each))).map((each) => path.relative(".", each))
}).pipe(Effect.orElseSucceed((): ReadonlyArray<string> => []))

/** The one of these stores that has a run. Fails with the names that are like it. */
export const holding = Effect.fnUntraced(function* (stores: Stores, run: string) {
  const [first] = stores
  // Whoever looks into the only one says what is in it.
  if (stores.length === 1) return first
  const has = (path: string) =>
    Effect.provide(
      Effect.map(Status.of(run), (status) => status !== undefined),
      looking(path)
    )
  const found = yield* Effect.filter(stores, has)
  if (found.length > 1) return yield* many(found, `Each of these stores has a run "${Text.oneLine(run)}"`)
  if (found[0] !== undefined) return found[0]
  const names = yield* Effect.forEach(stores, (path) => Effect.provide(Status.runs(), looking(path)))
  return yield* Naming.noSuchRun(
    run,
    names.flat().map((status) => status.run)
  )
})

/** The only one of these stores. */
export const single = (stores: Stores): Effect.Effect<string, StoreError> =>
  stores.length === 1 ? Effect.succeed(stores[0]) : many(stores, "There is more than one store here")

const many = (stores: ReadonlyArray<string>, what: string) =>
  Effect.fail(
    new StoreError({ reason: "ManyStores", message: `${what}. Name one with --store: ${stores.join(", ")}.` })
  )

/** The journal, for whoever looks. */
export const looking = (path: string) => SqliteReader.layer({ path })

/** The journal and the engine, for whoever acts. Runs whose processes are gone stay where they are. */
export const acting = (path: string) =>
  SqliteJournal.layer.pipe(
    Layer.provideMerge(SqliteEngine.layer({ adopt: false })),
    Layer.provide(Sqlite.layer({ path }))
  )
