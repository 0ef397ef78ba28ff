/**
 * What a workspace holds outside of a surface: read before an agent works, compared with what is there afterwards, and put back.
 * Bytes are compared and nothing else: times, and what git knows of files, can be set by whoever writes them.
 */
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Workspace } from "./SurfaceFiles.ts"

/** Why a workspace can not be watched. */
export type Problem =
  | { readonly _tag: "TooLarge"; readonly most: string }
  | { readonly _tag: "Unreadable"; readonly what: string }

/** What was changed outside of the surface, and what of it could not be put back. Paths are relative, with `/`. */
export interface Undone {
  readonly paths: ReadonlyArray<string>
  readonly left: ReadonlyArray<string>
}

/** A workspace that is watched. */
export interface Watch {
  /** Puts back what is not as it was. */
  readonly undo: Effect.Effect<Undone, Problem>
}

/** The most that is read. */
export interface Limits {
  readonly maxBytes: number
  readonly maxEntries: number
}

/** What stands at a path. */
type Thing =
  | { readonly _tag: "File"; readonly digest: Digest.Digest; readonly size: number; readonly mode: number }
  | { readonly _tag: "Link"; readonly target: string }
  | { readonly _tag: "Folder" }
  /** A device or a socket, what can not be read, or what need not be, since it is not as it was. */
  | { readonly _tag: "Other" }

type Things = ReadonlyMap<string, Thing>

/** Reads what is there, and keeps it on the host's own disk until the scope ends. */
export const begin = Effect.fnUntraced(function* (
  workspace: Workspace,
  limits: Limits
): Effect.fn.Return<Watch, Problem, Scope.Scope> {
  const store = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "millwright-surface-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  )
  const keep: Keep = (digest, bytes) =>
    Effect.tryPromise({
      // What was written once is what it is named after.
      try: () => writeFile(join(store, digest), bytes, { flag: "wx", mode: 0o600 }),
      catch: (error) => error
    }).pipe(
      Effect.catchIf(
        (error) => error instanceof Error && "code" in error && error.code === "EEXIST",
        () => Effect.void
      ),
      Effect.mapError((error): Problem => ({
        _tag: "Unreadable",
        what: `nothing can be kept of it (${String(error)})`
      }))
    )
  const before = yield* read(workspace, limits, { keep })
  const undo = Effect.gen(function* () {
    // An agent that makes more than is read shall not get around it: what is new is not read.
    const after = yield* read(workspace, { maxBytes: Infinity, maxEntries: Infinity }, { before })
    const paths = [...new Set([...before.keys(), ...after.keys()])]
      .filter((path) => !isSame(before.get(path), after.get(path)))
      // A folder with something in it is told by what is in it.
      .filter((path) => !isFolder(before.get(path)) || after.get(path) !== undefined)
      .sort()
    const left = yield* putBack(workspace, { before, after, paths, store })
    const told = paths.filter((path) => !isFolder(after.get(path)) || before.get(path) !== undefined)
    return { paths: told, left }
  })
  return { undo }
})

const isFolder = (thing: Thing | undefined): boolean => thing?._tag === "Folder"

const isSame = (a: Thing | undefined, b: Thing | undefined): boolean =>
  a?._tag === "File" && b?._tag === "File"
    ? a.digest === b.digest && a.mode === b.mode
    : a?._tag === "Link" && b?._tag === "Link"
      ? a.target === b.target
      : a?._tag === b?._tag

const gitsFolders =
  /(?:^|\/)(?<!(?:^|\/)modules\/)(?:objects\/(?!info(?:\/alternates)?$)|(?:logs|lfs|rr-cache)(?:\/|$))/
const gitsFiles =
  /(?:^|\/)(?:index|sharedindex\.\w+|COMMIT_EDITMSG|FETCH_HEAD|ORIG_HEAD|AUTO_MERGE|gc\.log|gc\.pid|[^/]+\.lock)$/

/** What decides, wherever it stands: a branch or a submodule may be called as one of git's own files or folders is. */
const deciding = /(?:^|\/)(?:hooks|refs)\/|(?:^|\/)(?:config|HEAD)$/
const reflog = /(?:^|\/)logs\/(?:refs\/|HEAD$)/

/** What git changes by itself when it is asked something, and what decides nothing: all else in its folder is watched. */
const isGitsOwn = (path: string): boolean => {
  const inside = /(?:^|\/)\.git\/(.+)$/i.exec(path)?.[1]
  if (inside === undefined || (deciding.test(inside) && !reflog.test(inside))) return false
  return gitsFolders.test(inside) || gitsFiles.test(inside)
}

type Keep = (digest: Digest.Digest, bytes: Uint8Array) => Effect.Effect<void, Problem>

/** How many files are read at once. */
const atOnce = 16

/** Everything outside of the surface. A file that was not there before is not read. */
const read = Effect.fnUntraced(function* (
  { allows, fs }: Workspace,
  { maxBytes, maxEntries }: Limits,
  { before, keep }: { readonly keep?: Keep; readonly before?: Things }
): Effect.fn.Return<Things, Problem> {
  const things = new Map<string, Thing>()
  let entries = 0
  let bytes = 0
  const one = (path: string, type: FileSystem.File.Type): Effect.Effect<void, Problem> =>
    Effect.gen(function* () {
      if (++entries > maxEntries)
        return yield* Effect.fail<Problem>({ _tag: "TooLarge", most: `${maxEntries} entries` })
      if (isGitsOwn(path)) return
      if (type === "Directory") {
        things.set(path, { _tag: "Folder" })
        return yield* folder(path)
      }
      if (allows(path)) return
      things.set(path, { _tag: "Other" })
      if (type === "SymbolicLink") {
        const target = yield* Effect.option(fs.readLink(path))
        if (target._tag === "Some") things.set(path, { _tag: "Link", target: target.value })
      } else if (type === "File" && (before === undefined || before.has(path))) {
        const found = yield* Effect.result(fs.lstat(path))
        if (Result.isFailure(found)) {
          return before === undefined ? yield* Effect.fail(unreadable(path)(found.failure)) : undefined
        }
        const info = found.success
        const size = Number(info.size)
        const was = before?.get(path)
        // An agent may have made it as large as it likes.
        if (was?._tag === "File" && was.size !== size) return
        bytes += size
        if (bytes > maxBytes) return yield* Effect.fail<Problem>({ _tag: "TooLarge", most: `${maxBytes} bytes` })
        const content = yield* Effect.option(fs.readFile(path))
        // What an agent made unreadable is not as it was; what was so before can not be put back.
        if (content._tag === "None") return
        const digest = Digest.of(content.value)
        yield* keep?.(digest, content.value) ?? Effect.void
        things.set(path, { _tag: "File", digest, size, mode: info.mode & 0o777 })
      }
    })
  const folder = (path: string): Effect.Effect<void, Problem> =>
    Effect.gen(function* () {
      const at = path === "" ? "." : path
      const list = fs.readDirectoryEntries(at)
      // What an agent closed is opened again.
      const opened = before === undefined ? list : Effect.catch(list, () => Effect.andThen(fs.chmod(at, 0o700), list))
      const listed = yield* Effect.result(opened)
      if (Result.isFailure(listed)) {
        if (before === undefined || path === "") return yield* Effect.fail(unreadable(path)(listed.failure))
        return void things.set(path, { _tag: "Other" })
      }
      yield* Effect.forEach(
        listed.success,
        Effect.fnUntraced(function* ({ name, type }) {
          const at = path === "" ? name : `${path}/${name}`
          yield* one(at, type === "Unknown" ? (yield* Effect.mapError(fs.lstat(at), unreadable(at))).type : type)
        }),
        { concurrency: atOnce, discard: true }
      )
    })
  yield* folder("")
  return things
})

const unreadable =
  (path: string) =>
  (error: PlatformError.PlatformError): Problem => ({
    _tag: "Unreadable",
    what: `${path === "" ? "its root" : path} can not be read (${error.reason._tag})`
  })

interface Found {
  readonly before: Things
  readonly after: Things
  readonly paths: ReadonlyArray<string>
  readonly store: string
}

/** Puts back what stood at each path. Answers with those where that did not work. */
const putBack = Effect.fnUntraced(function* ({ fs, path }: Workspace, { after, before, paths, store }: Found) {
  const left: Array<string> = []
  const root = yield* Effect.orElseSucceed(fs.realPath("."), () => "")
  const trying = (at: string, work: Effect.Effect<void, unknown>) =>
    Effect.catchCause(work, () => Effect.sync(() => void left.push(at)))
  // What is new goes first, the deepest first, so that what it stands in the way of has room.
  for (const at of [...paths].reverse()) {
    const now = after.get(at)
    if (now === undefined) continue
    // A new folder may hold what is allowed.
    if (isFolder(now) && before.get(at) === undefined) yield* Effect.ignore(removeEmpty(fs, at))
    else yield* trying(at, fs.remove(at, { recursive: isFolder(now), force: true }))
  }
  // Folders that are gone are made again with what was in them.
  for (const at of paths) {
    const was = before.get(at)
    if (was === undefined) continue
    yield* trying(
      at,
      Effect.gen(function* () {
        if (was._tag === "Other") return yield* Effect.fail("it could not be read before")
        const parent = path.dirname(at)
        yield* fs.makeDirectory(parent, { recursive: true })
        // Something that is allowed may lead elsewhere now.
        if ((yield* fs.realPath(parent)) !== path.join(root, parent)) return yield* Effect.fail("its folder is a link")
        if (was._tag === "Folder") yield* fs.makeDirectory(at, { recursive: true })
        if (was._tag === "Link") yield* fs.symlink(was.target, at)
        if (was._tag === "File") {
          const bytes = yield* Effect.promise(() => readFile(join(store, was.digest)))
          if (Digest.of(bytes) !== was.digest) return yield* Effect.fail("what was kept of it was changed")
          yield* fs.writeFile(at, bytes, { flag: "wx" })
          yield* fs.chmod(at, was.mode)
        }
      })
    )
  }
  return left
})

const removeEmpty = (fs: FileSystem.FileSystem, at: string) =>
  Effect.flatMap(fs.readDirectory(at), ({ length }) =>
    length === 0 ? fs.remove(at, { recursive: true }) : Effect.void
  )
