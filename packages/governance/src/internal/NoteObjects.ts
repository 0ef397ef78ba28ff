/** Reads objects of a repository by name, as many as are asked for in one process, and tells the entries of a tree. */
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"

/** One object: its id, kind and bytes. */
export interface GitObject {
  readonly id: string
  readonly type: string
  readonly bytes: Uint8Array
}

/** One entry of a tree. The name is latin1, so that one that is not UTF-8 stays what it is. */
export interface Entry {
  readonly mode: string
  readonly name: string
  readonly id: string
}

/** What answers to a list of names was not all read: it is larger than one call of git may answer. */
export type Read = ReadonlyArray<GitObject | undefined> | "too-large"

/** The objects that the names stand for, in their order; `undefined` for a name that stands for none, or whose object is not here. */
export const read = Effect.fnUntraced(function* (
  dir: string,
  names: ReadonlyArray<string>
): Effect.fn.Return<Read, Git.GitError, ChildProcessSpawner> {
  if (names.length === 0) return []
  const call: Git.Call = {
    dir,
    args: ["cat-file", "--batch"],
    stdin: new TextEncoder().encode(names.map((name) => `${name}\n`).join(""))
  }
  const result = yield* Git.attempt(call)
  if (result.code !== 0) return yield* Git.failed(call, result)
  return result.truncated ? "too-large" : parse(result.stdout, names)
})

const parse = (bytes: Uint8Array, names: ReadonlyArray<string>): ReadonlyArray<GitObject | undefined> => {
  const decoder = new TextDecoder()
  let at = 0
  return names.map(() => {
    const end = bytes.indexOf(10, at)
    const [id = "", type = "", size] = decoder.decode(bytes.subarray(at, end)).split(" ")
    at = end + 1
    if (size === undefined || !/^\d+$/.test(size)) return undefined
    const content = bytes.subarray(at, at + Number(size))
    at += Number(size) + 1
    return { id, type, bytes: content }
  })
}

/** The entries of a tree object. Ids have `idLength` characters. */
export const entries = (tree: Uint8Array, idLength: number): ReadonlyArray<Entry> => {
  const found: Array<Entry> = []
  const bytes = Buffer.from(tree.buffer, tree.byteOffset, tree.byteLength)
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(32, at)
    const nul = bytes.indexOf(0, space)
    const next = nul + 1 + idLength / 2
    found.push({
      mode: bytes.toString("latin1", at, space),
      name: bytes.toString("latin1", space + 1, nul),
      id: bytes.toString("hex", nul + 1, next)
    })
    at = next
  }
  return found
}
