/**
 * Where a repository keeps its objects and refs: a working tree, a linked one, or a bare repository, on the host's disk. It is
 * read as files and nothing else: no configuration has a say, and no path leads out of git's own folder.
 */
import * as Effect from "effect/Effect"
import { lstat, readFile, readdir, readlink, realpath, stat } from "node:fs/promises"
import { isAbsolute, join, normalize, resolve } from "node:path"
import * as Place from "../Place.ts"

/** Where it keeps them. Paths are absolute. */
export interface GitFolder {
  /** Of this working tree: its `HEAD`. */
  readonly own: string
  /** What all working trees share: objects and refs. */
  readonly common: string
  readonly isShallow: boolean
  /** Some objects are in other repositories, which are not looked at. */
  readonly hasAlternates: boolean
}

const maxSmallFile = 1024 * 1024

const small = async (path: string): Promise<string | undefined> => {
  const found = await stat(path)
  // A pipe would be waited for.
  return found.isFile() && found.size <= maxSmallFile ? await readFile(path, "utf8") : undefined
}

const quietly = (path: string): Effect.Effect<string | undefined> =>
  Effect.orElseSucceed(
    Effect.tryPromise(() => small(path)),
    () => undefined
  )

const kindOf = (path: string) =>
  Effect.orElseSucceed(
    Effect.tryPromise(async () => {
      const found = await stat(path)
      return found.isDirectory() ? "folder" : found.isFile() ? "file" : undefined
    }),
    () => undefined
  )

/** Finds it. */
export const find = Effect.fnUntraced(function* (repository: string) {
  const noRepository = new Place.PlaceError({
    reason: "NotFound",
    message: `There is no git repository in ${repository}. Name the top folder of a working tree, or a bare repository.`
  })
  const dotGit = join(repository, ".git")
  const found = yield* kindOf(dotGit)
  const pointed = found === "file" ? /^gitdir: (.+)/.exec((yield* quietly(dotGit)) ?? "")?.[1]?.trim() : undefined
  const start = found === "folder" ? dotGit : pointed === undefined ? repository : resolve(repository, pointed)
  const real = (path: string) =>
    Effect.mapError(
      Effect.tryPromise(() => realpath(path)),
      () => noRepository
    )
  const own = yield* real(start)
  const shared = (yield* quietly(join(own, "commondir")))?.trim()
  const common = shared === undefined ? own : yield* real(isAbsolute(shared) ? shared : join(own, shared))
  const isThere = (yield* kindOf(join(own, "HEAD"))) === "file" && (yield* kindOf(join(common, "objects"))) === "folder"
  if (!isThere) return yield* noRepository
  const config = (yield* quietly(join(common, "config"))) ?? ""
  const odd = /^\s*(objectformat\s*=\s*"?sha256|refstorage\s*=\s*"?reftable)/im.exec(config)?.[1]
  if (odd !== undefined) {
    return yield* new Place.PlaceError({
      reason: "Unsupported",
      message: `The repository ${repository} has ${odd.replace(/\s+|"/g, "")}, which is not read. Give a checkout of it as a folder.`
    })
  }
  const folder: GitFolder = {
    own,
    common,
    isShallow: (yield* kindOf(join(common, "shallow"))) === "file" || /^\s*promisor\s*=\s*true/im.test(config),
    hasAlternates: (yield* kindOf(join(common, "objects", "info", "alternates"))) === "file"
  }
  return folder
})

/** What `HEAD` of this working tree says: a ref, or a commit. */
export const head = ({ own }: GitFolder): Effect.Effect<string | undefined> =>
  Effect.map(quietly(join(own, "HEAD")), (text) => text?.trim().replace(/^ref: /, ""))

/** An object that is stored by itself, deflated. `undefined`: it is not. */
export const loose = async (
  { common }: GitFolder,
  oid: string,
  maxBytes: number
): Promise<Uint8Array | "large" | "damaged" | undefined> => {
  const path = join(common, "objects", oid.slice(0, 2), oid.slice(2))
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return undefined
  if (!found.isFile()) return "damaged"
  // What does not deflate at all is a little larger than it was.
  return found.size > maxBytes + maxBytes / 1_024 + 128 ? "large" : await readFile(path)
}

/** The largest file that is given to the library: a list of refs, or the index of a pack for the beginning of an id. */
const maxFileBytes = 256 * 1024 * 1024

const refused = (code: "ENOENT" | "EROFS") => Object.assign(new Error(code), { code })

const readOnly = () => Promise.reject(refused("EROFS"))

/** Node's file system as `isomorphic-git` takes it: for reading, and below one folder. */
export const files = ({ common }: GitFolder) => {
  // Whether this is a file system of promises, the library finds out by a call without a path: nothing is thrown.
  const inside = async <A>(path: string, read: (path: string) => Promise<A>): Promise<A> => {
    const full = normalize(path)
    if (full !== common && !full.startsWith(join(common, "/"))) throw refused("ENOENT")
    return await read(full)
  }
  return {
    promises: {
      readFile: (path: string, options: { readonly encoding?: BufferEncoding } | BufferEncoding = {}) =>
        inside(path, async (full) => {
          const found = await stat(full)
          // A pipe would be waited for.
          if (!found.isFile()) throw refused("ENOENT")
          if (found.size > maxFileBytes) throw refused("ENOENT")
          return await readFile(full, options)
        }),
      readdir: (path: string) => inside(path, (full) => readdir(full)),
      // What lists refs goes into folders, and a link among them may lead in a circle.
      stat: (path: string) => inside(path, (full) => lstat(full)),
      lstat: (path: string) => inside(path, (full) => lstat(full)),
      readlink: (path: string) => inside(path, (full) => readlink(full)),
      writeFile: readOnly,
      mkdir: readOnly,
      rmdir: readOnly,
      unlink: readOnly,
      symlink: readOnly
    }
  }
}
