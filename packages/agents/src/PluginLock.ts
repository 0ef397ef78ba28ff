/**
 * The **lock** of a project: which plugins somebody accepted, and as what. It is a file for version control, so that who reviews it
 * reads what a plugin may do, and what it may do more since the last time.
 */
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Place from "./Place.ts"
import { PluginError, type PluginManifest, shown } from "./PluginManifest.ts"
import * as WriteSurface from "./WriteSurface.ts"

/** Where it came from, and nothing of this machine. */
export const Source = Schema.TaggedUnion({
  Folder: {},
  Git: { commit: Schema.String, folder: Schema.String },
  Package: {
    name: Schema.String,
    version: Schema.String,
    integrity: Schema.NullOr(Schema.String),
    folder: Schema.String
  }
})
/** Where it came from, and nothing of this machine. */
export type Source = typeof Source.Type

/** The source that an address is. */
export const sourceOf = (address: Place.Address): Source => {
  if (address._tag === "Folder") return { _tag: "Folder" }
  if (address._tag === "Package") return address
  return { _tag: "Git", commit: address.commit, folder: address.folder }
}

const Commands = Schema.Record(
  Schema.String,
  Schema.Struct({ command: Schema.Array(Schema.String), env: Schema.Array(Schema.String) })
)

/** One plugin as it was accepted. */
export const Entry = Schema.Struct({
  version: Schema.String,
  /** Of all its files. */
  digest: Digest.Digest,
  source: Source,
  writes: Schema.Array(Schema.String),
  grants: Schema.Array(Schema.String),
  tools: Schema.Array(Schema.String),
  servers: Commands,
  /** Its code runs in the process of the factory. */
  entry: Schema.NullOr(Schema.String)
})
/** One plugin as it was accepted. */
export type Entry = typeof Entry.Type

/** All that were accepted, by name. */
export const PluginLock = Schema.Struct({ lock: Schema.Literal(1), plugins: Schema.Record(Schema.String, Entry) })
/** All that were accepted, by name. */
export type PluginLock = typeof PluginLock.Type

/** None. */
export const empty: PluginLock = { lock: 1, plugins: {} }

/** The entry that a plugin is accepted as. */
export const entryOf = (manifest: PluginManifest, digest: Digest.Digest, source: Source): Entry => ({
  version: manifest.version,
  digest,
  source,
  writes: manifest.writes,
  grants: manifest.grants,
  tools: manifest.tools,
  servers: Object.fromEntries(
    Object.entries(manifest.servers).map(([name, { args = [], command, env = [] }]) => [
      name,
      { command: [command, ...args], env }
    ])
  ),
  entry: manifest.entry ?? null
})

/** What one may do that another one may not, in words. */
export const wider = (found: Entry, accepted: Entry): ReadonlyArray<string> => [
  ...WriteSurface.beyond(found.writes, accepted.writes).map((glob) => `it may write ${JSON.stringify(glob)}`),
  ...found.grants.filter((grant) => !accepted.grants.includes(grant)).map((grant) => `its roles may ${grant}`),
  ...found.tools
    .filter((tool) => !tool.startsWith("!") && !accepted.tools.includes(tool))
    .map((tool) => `its roles may use the tools ${tool}`),
  ...(found.tools.length === 0 ? [] : accepted.tools)
    .filter((tool) => tool.startsWith("!") && !found.tools.includes(tool))
    .map((tool) => `its roles are no longer kept from the tools ${tool.slice(1)}`),
  ...Object.entries(found.servers)
    .filter(([name, server]) => JSON.stringify(server) !== JSON.stringify(own(accepted.servers, name)))
    .map(
      ([name, { command, env }]) =>
        `its server ${name} is ${told(command)}${env.length > 0 ? ` and wants ${env.join(", ")}` : ""}`
    ),
  ...(found.entry !== null && accepted.entry === null ? [`it runs code of its own, ${found.entry}`] : [])
]

/** A command as it would be typed. */
export const told = (command: ReadonlyArray<string>): string =>
  command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(" ")

/** What a record has of its own, whatever its name. */
export const own = <A>(record: Readonly<Record<string, A>>, name: string): A | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined

/** The largest lock that is read, in bytes. */
export const maxBytes = 4 * 1024 * 1024

const Json = Schema.fromJsonString(Schema.Unknown)
const isNewer = Schema.is(Schema.Struct({ lock: Schema.Number.check(Schema.isGreaterThan(1)) }))
// A key that is not known would be lost when the lock is written again.
const decode = Schema.decodeUnknownEffect(PluginLock, { onExcessProperty: "error" })

/** Reads the lock of a project. One that is not there is empty. */
export const read = Effect.fnUntraced(function* (
  file: string
): Effect.fn.Return<PluginLock, PluginError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const text = yield* fs.readFileString(file).pipe(
    Effect.catchReason("PlatformError", "NotFound", () => Effect.undefined),
    Effect.mapError(unwritable(file))
  )
  if (text === undefined) return empty
  const unread = (what: string, mend: string) =>
    new PluginError({
      reason: "Unwritable",
      message: `The lock ${shown(file)} can not be read: ${shown(what)}. ${mend}.`
    })
  const mend = "Take it from version control, and accept what is missing again"
  if (text.length > maxBytes) return yield* unread("it is too large", mend)
  const found = yield* Effect.mapError(Schema.decodeUnknownEffect(Json)(text), ({ message }) => unread(message, mend))
  if (isNewer(found)) {
    return yield* unread(`a newer version wrote it, in its format ${found.lock}`, "Update @millwright/agents")
  }
  return yield* Effect.mapError(decode(found), ({ message }) => unread(message, mend))
})

/** How long one waits for another who changes a lock: three seconds. */
const waiting = { schedule: Schedule.spaced("100 millis"), times: 30 }

/**
 * Changes the lock of a project, and answers with what was made of it. Nobody else changes it meanwhile, in this process or in another
 * one: a folder beside it, `<file>.busy`, says that somebody does.
 */
export const update = <A>(
  file: string,
  change: (lock: PluginLock) => Effect.Effect<readonly [made: A, lock: PluginLock], PluginError>
): Effect.Effect<A, PluginError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    const busy = `${file}.busy`
    yield* Effect.mapError(fs.makeDirectory(paths.dirname(file), { recursive: true }), unwritable(file))
    yield* Effect.acquireRelease(
      fs.makeDirectory(busy).pipe(
        Effect.retry({ ...waiting, while: ({ reason }) => reason._tag === "AlreadyExists" }),
        Effect.mapError((error) =>
          error.reason._tag === "AlreadyExists"
            ? new PluginError({
                reason: "Unwritable",
                message: `Somebody else changes the lock ${shown(file)}, and does not end. If nobody does, delete the folder ${shown(busy)}, which a program left that was stopped.`
              })
            : unwritable(file)(error)
        )
      ),
      () => Effect.ignore(fs.remove(busy, { recursive: true }))
    )
    const before = yield* read(file)
    const [made, after] = yield* change(before)
    if (after !== before) yield* write(file, after)
    return made
  }).pipe(Effect.scoped)

/** Whole or not at all. */
const write = Effect.fnUntraced(function* (
  file: string,
  { plugins }: PluginLock
): Effect.fn.Return<void, PluginError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  // In the order of names, so that two people who accept two plugins change two places.
  const sorted = Object.fromEntries(Object.entries(plugins).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
  const text = `${JSON.stringify({ lock: 1, plugins: sorted } satisfies PluginLock, null, 2)}\n`
  yield* Effect.gen(function* () {
    const temporary = yield* fs.makeTempFileScoped({ directory: paths.dirname(file), prefix: ".millwright-" })
    yield* fs.writeFileString(temporary, text)
    yield* fs.chmod(temporary, 0o644)
    yield* fs.rename(temporary, file)
  }).pipe(Effect.scoped, Effect.mapError(unwritable(file)))
})

const unwritable =
  (file: string) =>
  (error: PlatformError.PlatformError): PluginError =>
    new PluginError({
      reason: "Unwritable",
      message: `The lock ${shown(file)} can not be read or written (${error.reason._tag}). Mend its permissions, or name another one.`
    })
