/**
 * Where branches stand, read from the files that git documents (`git help gitrepository-layout`): `HEAD`, `refs`, `packed-refs`
 * and `worktrees`. It spares a process of git for each question. Whatever is not plainly as git writes it is not answered, and
 * git has to be asked: refs in tables, links, a working tree whose `HEAD` lies elsewhere.
 */
import * as Effect from "effect/Effect"
import type { HostFiles } from "./HostFiles.ts"
import * as RefName from "./RefName.ts"

/** Where a branch stands. */
export interface Branch {
  readonly head: string | undefined
  /** The working tree that has it checked out. */
  readonly worktree: string | undefined
}

const id = "[0-9a-f]{40}(?:[0-9a-f]{24})?"
const ofRef = new RegExp(`^(${id})\n$`)
const ofHead = new RegExp(`^(?:ref: (refs/heads/[^\n]+)|(${id}))\n$`)
const atLineEnd = new RegExp(`(?:^|\n)(${id})$`)

/** Larger ones are git's to read, in bytes. */
const largest = { ref: 4_096, list: 8 * 1024 ** 2 } as const

/** Reads refs of the repository whose working trees share a folder. */
const reader = ({ kind, list, path, read }: HostFiles, common: string) => {
  /** The id that a ref has; an empty text where it is not there, none where git has to be asked. */
  const idOf = Effect.fnUntraced(function* (ref: string) {
    if ((yield* kind(path.join(common, "reftable"))) !== undefined) return undefined
    const parts = ref.split("/")
    for (let depth = 1; depth <= parts.length; depth++) {
      const is = yield* kind(path.join(common, ...parts.slice(0, depth)))
      // In a folder of this name are others.
      if (is === undefined || (is === "Directory" && depth === parts.length)) return yield* packed(ref)
      // A link is followed by git in ways of its own.
      if (is !== (depth === parts.length ? "File" : "Directory")) return undefined
    }
    return ofRef.exec((yield* read(path.join(common, ...parts), largest.ref)) ?? "")?.[1]
  })
  const packed = Effect.fnUntraced(function* (ref: string) {
    const file = path.join(common, "packed-refs")
    const is = yield* kind(file)
    if (is === undefined) return ""
    const text = is === "File" ? yield* read(file, largest.list) : undefined
    if (text === undefined) return undefined
    const end = text.indexOf(` ${ref}\n`)
    return end === -1 ? "" : atLineEnd.exec(text.slice(Math.max(0, end - 65), end))?.[1]
  })
  /** What a `HEAD` names: a branch, or an id. */
  const headOf = Effect.fnUntraced(function* (folder: string) {
    const file = path.join(folder, "HEAD")
    const text = (yield* kind(file)) === "File" ? yield* read(file, largest.ref) : undefined
    const found = ofHead.exec(text ?? "")
    return found === null ? undefined : { ref: found[1], id: found[2] }
  })
  /** The working trees, by the branch that they have checked out. */
  const worktrees = Effect.gen(function* () {
    const found = new Map<string, string>()
    const main = yield* headOf(common)
    if (main === undefined) return undefined
    // A bare repository has no working tree of its own.
    if (main.ref !== undefined && path.basename(common) === ".git") found.set(main.ref, path.dirname(common))
    for (const name of yield* list(path.join(common, "worktrees"))) {
      const folder = path.join(common, "worktrees", name)
      const head = yield* headOf(folder)
      const dot = yield* read(path.join(folder, "gitdir"), largest.ref)
      if (head === undefined || dot === undefined) return undefined
      if (head.ref !== undefined) found.set(head.ref, path.resolve(folder, path.dirname(dot.trimEnd())))
    }
    return found
  })
  return { idOf, headOf, worktrees }
}

/** Where branches stand, and tags of these names, under their full names. None where git has to be asked. */
export const branches = Effect.fnUntraced(function* (host: HostFiles, common: string, names: ReadonlyArray<string>) {
  const { idOf, worktrees } = reader(host, common)
  const trees = yield* worktrees
  if (trees === undefined) return undefined
  const found = new Map<string, Branch>()
  for (const ref of names.flatMap((name) => [`refs/heads/${name}`, `refs/tags/${name}`])) {
    const head = yield* idOf(ref)
    if (head === undefined) return undefined
    if (head !== "") found.set(ref, { head, worktree: trees.get(ref) })
  }
  return found
})

/** The commit that `HEAD` of a repository stands on. None where git has to be asked. */
export const head = Effect.fnUntraced(function* (
  host: HostFiles,
  { common, root }: { readonly root: string; readonly common: string }
) {
  const { headOf, idOf } = reader(host, common)
  // A working tree that was added has one of its own.
  if (common !== root && common !== host.path.join(root, ".git")) return undefined
  const { id, ref } = (yield* headOf(common)) ?? {}
  const found = ref !== undefined && RefName.isBranch(ref) ? yield* idOf(ref) : id
  return found === "" ? undefined : found
})
