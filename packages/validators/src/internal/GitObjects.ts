/**
 * Objects of a git repository: those that are asked for, or every one, whether a ref names it or not: branches, tags, notes,
 * stashes, what was amended away. Git reads them, and nothing that is configured, in the repository or around it, has a say.
 */
import * as Effect from "effect/Effect"
import type * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"

/** One object. `content` is left out where it is too large, and `size` as well where git can not read it. */
export interface GitObject {
  readonly id: string
  readonly kind: string
  readonly size: number | undefined
  readonly content: Uint8Array | undefined
}

/** Objects beyond this many bytes are named, and not read. */
const largest = 64 * 1024 * 1024

/** The working tree is not asked, and may be gone: so it is said to be where the repository is. */
const environment = (folder: string): Record<string, string | undefined> => ({
  ...Object.fromEntries(
    Object.keys(globalThis.process.env)
      .filter((name) => name.startsWith("GIT_"))
      .map((name) => [name, undefined])
  ),
  GIT_WORK_TREE: folder,
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_COUNT: "2",
  GIT_CONFIG_KEY_0: "safe.directory",
  GIT_CONFIG_VALUE_0: "*",
  GIT_CONFIG_KEY_1: "core.fsmonitor",
  GIT_CONFIG_VALUE_1: "false",
  GIT_ALLOW_PROTOCOL: "",
  GIT_NO_LAZY_FETCH: "1",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_TERMINAL_PROMPT: "0",
  LC_ALL: "C"
})

/** Cuts what `git cat-file --batch` prints into objects. Holds one object at a time. */
const cutter = (each: (object: GitObject) => void) => {
  let parts: Array<Buffer> = []
  let held = 0
  let head: { readonly id: string; readonly kind: string; readonly size: number } | undefined
  let skipping = 0
  const all = () => {
    const [only] = parts
    if (parts.length === 1 && only !== undefined) return only
    const bytes = Buffer.concat(parts)
    parts = [bytes]
    return bytes
  }
  const drop = (bytes: Buffer, count: number) => {
    parts = [bytes.subarray(count)]
    held -= count
  }
  return (chunk: Uint8Array): void => {
    parts.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    held += chunk.length
    for (;;) {
      if (skipping > 0) {
        const skipped = Math.min(skipping, held)
        drop(all(), skipped)
        skipping -= skipped
        if (skipping > 0) return
      }
      if (head === undefined) {
        const bytes = all()
        const end = bytes.indexOf(10)
        if (end === -1) return
        const [id = "", kind = "", size] = bytes.subarray(0, end).toString().split(" ")
        drop(bytes, end + 1)
        if (size === undefined) {
          // It is damaged, and nothing of it follows.
          each({ id, kind, size: undefined, content: undefined })
          continue
        }
        head = { id, kind, size: Number(size) }
      }
      if (head.size > largest) {
        each({ ...head, content: undefined })
        skipping = head.size + 1
        head = undefined
        continue
      }
      if (held < head.size + 1) return
      const bytes = all()
      each({ ...head, content: bytes.subarray(0, head.size) })
      drop(bytes, head.size + 1)
      head = undefined
    }
  }
}

/** Reads objects of the repository whose git folder this is: these, or every one. Answers with git's exit code. */
export const read = (
  folder: string,
  each: (object: GitObject) => void,
  only?: ReadonlyArray<string>
): Effect.Effect<number, PlatformError.PlatformError, ChildProcessSpawner> =>
  Effect.gen(function* () {
    const spawner = yield* ChildProcessSpawner
    const which = only === undefined ? ["--batch-all-objects", "--unordered"] : []
    const args = ["--no-pager", `--git-dir=${folder}`, "cat-file", ...which, "--batch"]
    const stdin = only === undefined ? "ignore" : Stream.make(Buffer.from(only.map((id) => `${id}\n`).join("")))
    const handle = yield* spawner.spawn(
      ChildProcess.make("git", args, { env: environment(folder), extendEnv: true, stdin, stderr: "ignore" })
    )
    const cut = cutter(each)
    yield* Stream.runForEach(handle.stdout, (chunk) => Effect.sync(() => cut(chunk)))
    return yield* handle.exitCode
  }).pipe(Effect.scoped)
