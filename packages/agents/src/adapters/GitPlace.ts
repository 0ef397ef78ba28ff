/**
 * A commit of a git repository as a place, without a checkout: objects are read by `isomorphic-git`, from the host's disk, and
 * no program runs. Every object is compared with its name, so what is read is what the commit says.
 *
 * Refs may be packed, objects too. A linked working tree, a bare repository and a shallow clone are read like any other.
 */
import * as Effect from "effect/Effect"
import * as git from "isomorphic-git"
import { join, resolve } from "node:path"
import * as GitFolder from "../internal/GitFolder.ts"
import * as GitObject from "../internal/GitObject.ts"
import * as GitPack from "../internal/GitPack.ts"
import * as Place from "../Place.ts"

/** Which commit, and whose words it holds. */
export interface Options {
  /** The top folder of a working tree, or a bare repository. */
  readonly repository: string
  /** A branch, a tag, or the id of a commit, short or full. Default: `HEAD`. */
  readonly ref?: string
  /** The part of the tree that the place is. Default: all. */
  readonly folder?: string
  readonly trust: Place.Trust
}

/** The largest object that is read, in bytes. */
export const maxObjectBytes = 64 * 1024 * 1024

/** A URL, or `git@host:path`. */
const isUrl = /^(?:[a-z][a-z0-9+.-]*:\/\/|[^/\\@]+@[^/\\:]+:)/i

/** Opens a commit. */
export const open = Effect.fnUntraced(function* ({ folder = "", ref = "HEAD", repository, trust }: Options) {
  if (isUrl.test(repository)) {
    // It is not repeated: a password may stand in it.
    return yield* new Place.PlaceError({
      reason: "Unsupported",
      message:
        "The `repository` of a place of git is a URL, and nothing is fetched. Clone it first, and name the folder of the clone."
    })
  }
  const path = resolve(repository)
  const found = yield* GitFolder.find(path)
  const store: Store = { ...found, path, fs: GitFolder.files(found) }
  const { commit, root } = yield* peel(store, yield* named(store, ref), ref)
  const trees = new Map<string, ReadonlyMap<string, GitObject.TreeEntry>>()
  const treeOf = Effect.fnUntraced(function* (oid: string) {
    const known = trees.get(oid)
    if (known !== undefined) return known
    const { bytes, type } = yield* read(store, oid)
    const tree = type === "tree" ? GitObject.tree(bytes) : undefined
    if (tree === undefined) return yield* corrupt(store, oid)
    trees.set(oid, tree)
    return tree
  })
  const at = Effect.fnUntraced(function* (path: string) {
    let entry: GitObject.TreeEntry | undefined = { kind: "folder", oid: root }
    for (const part of path === "" ? [] : path.split("/")) {
      entry = entry?.kind === "folder" ? (yield* treeOf(entry.oid)).get(part) : undefined
    }
    return entry
  })
  const bytesOf = Effect.fnUntraced(function* (path: string) {
    const entry = yield* at(path)
    return entry === undefined
      ? yield* new Place.PlaceError({ reason: "NotFound", message: `${path} is not in ${commit}. List its folder.` })
      : (yield* read(store, entry.oid)).bytes
  })
  const whole = Place.make({
    name: `${path}@${commit}`,
    address: { _tag: "Git", repository: path, ref, commit, folder: "" },
    trust,
    look: (path) => Effect.map(at(path), (entry) => entry?.kind),
    entries: Effect.fnUntraced(function* (path) {
      const entry = yield* at(path)
      const tree = entry?.kind === "folder" ? yield* treeOf(entry.oid) : new Map<string, GitObject.TreeEntry>()
      return [...tree].map(([name, { kind }]) => [name, kind] as const)
    }),
    target: (path) => Effect.map(bytesOf(path), (bytes) => Buffer.from(bytes).toString()),
    content: (path, maxBytes) =>
      Effect.map(bytesOf(path), (bytes) => ({ bytes: bytes.subarray(0, maxBytes), size: bytes.length }))
  })
  return folder === "" ? whole : yield* whole.within(folder)
})

interface Store extends GitFolder.GitFolder {
  readonly path: string
  readonly fs: ReturnType<typeof GitFolder.files>
}

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined)

// Git writes it nowhere.
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

const read = Effect.fnUntraced(function* (store: Store, oid: string) {
  if (oid === emptyTree) return { type: "tree", bytes: new Uint8Array() }
  const { common, path } = store
  const object = yield* Effect.tryPromise({
    try: async () => {
      const loose = await GitFolder.loose(store, oid, maxObjectBytes)
      return loose instanceof Uint8Array
        ? (GitObject.unpack(loose, maxObjectBytes) ?? "damaged")
        : (loose ?? (await GitPack.read(join(common, "objects"), oid, maxObjectBytes)))
    },
    // Messages hold what was read, which may be anything.
    catch: () => corrupt(store, oid)
  })
  if (object === undefined) return yield* missing(store, oid)
  if (object === "large") {
    return yield* new Place.PlaceError({
      reason: "TooLarge",
      message: `The object ${oid} in ${path} has more than ${maxObjectBytes} bytes. Keep what is that large out of a place.`
    })
  }
  return object === "damaged" || !GitObject.isNamed(object, oid) ? yield* corrupt(store, oid) : object
})

const corrupt = ({ path }: Store, oid: string): Place.PlaceError =>
  new Place.PlaceError({
    reason: "Corrupt",
    message: `The object ${oid} in ${path} is damaged. Look at it with \`git fsck\`, and fetch it again.`
  })

const missing = ({ hasAlternates, isShallow, path }: Store, oid: string): Place.PlaceError =>
  new Place.PlaceError({
    reason: "Missing",
    message:
      `The object ${oid} is not in ${path}` +
      (isShallow ? ", which is a shallow or partial clone. Fetch what is missing: `git fetch --unshallow`." : ".") +
      (hasAlternates
        ? " It borrows objects from another repository, which is not read: `git repack -a -d` copies them."
        : "") +
      (isShallow || hasAlternates ? "" : " Look at it with `git fsck`, and fetch it again.")
  })

const isObjectId = /^[0-9a-f]{4,40}$/

// As `git check-ref-format` has it. What git understands beyond names (`HEAD~2`, `@{u}`) is not read.
const isRefName = (ref: string): boolean =>
  ref.length <= 1_000 &&
  /^[^-/.\s][^\s~^:?*[\\\p{Cc}]*$/u.test(ref) &&
  !/\.\.|\/[./]|@\{|\.lock(?:\/|$)|[/.]$/.test(ref)

/** The object that a branch, a tag or an id names. */
const named = Effect.fnUntraced(function* (store: Store, ref: string) {
  const { common: gitdir, fs } = store
  const asked = ref === "HEAD" ? yield* GitFolder.head(store) : ref
  if (asked === undefined || !isRefName(asked)) return yield* noSuchRef(store, ref)
  const found = yield* Effect.orElseSucceed(
    Effect.tryPromise(() => git.resolveRef({ fs, gitdir, ref: asked })),
    () => undefined
  )
  if (found !== undefined) return found
  if (ref === "HEAD" || !isObjectId.test(asked)) return yield* noSuchRef(store, ref)
  const ids = Effect.tryPromise({
    try: () => git.expandOid({ fs, gitdir, oid: asked }),
    catch: (error) =>
      codeOf(error) === "AmbiguousError"
        ? new Place.PlaceError({
            reason: "Ambiguous",
            message: `${ref} is the beginning of several objects of ${store.path}. Give more of the id.`
          })
        : undefined
  })
  return yield* Effect.catch(ids, (error) => error ?? noSuchRef(store, ref))
})

/** The commit that an object stands for, and its tree. */
const peel = Effect.fnUntraced(function* (store: Store, start: string, ref: string) {
  let oid = start
  // A tag may be of a tag.
  for (let left = 10; left > 0; left--) {
    const object = yield* read(store, oid)
    const next = object.type === "commit" || object.type === "tag" ? GitObject.leadsTo(object) : undefined
    if (next === undefined) break
    if (object.type === "commit") return { commit: oid, root: next }
    oid = next
  }
  return yield* new Place.PlaceError({
    reason: "NoSuchRef",
    message: `${JSON.stringify(ref.slice(0, 200))} in ${store.path} names no commit. Name a branch, a tag or a commit.`
  })
})

/** How many refs a message names. */
const mostNamed = 20

const noSuchRef = Effect.fnUntraced(function* ({ common: gitdir, fs, path }: Store, ref: string) {
  const refs = yield* Effect.orElseSucceed(
    Effect.tryPromise(() => git.listRefs({ fs, gitdir, filepath: "refs" })),
    () => []
  )
  const names = refs.filter(isRefName).map((name) => name.replace(/^(?:heads|tags)\//, ""))
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : ""
  return yield* new Place.PlaceError({
    reason: "NoSuchRef",
    message:
      `${path} has no ${JSON.stringify(ref.slice(0, 200))}. ` +
      (names.length === 0
        ? "It has no branches and no tags."
        : `It has ${names.slice(0, mostNamed).join(", ")}${more}.`) +
      ` Name one of them, or the id of a commit.`
  })
})
