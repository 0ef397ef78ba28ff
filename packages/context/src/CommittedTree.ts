/**
 * The files of one commit, read from git's objects and not from the disk: the same commit gives the same answer, whatever
 * stands in the working tree, and no link or odd name can lead out of the repository.
 */
import * as Fault from "@millwright/core/Fault"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"

/** A repository can not be read. */
export class RepositoryContextError extends Fault.Class<RepositoryContextError>()("RepositoryContextError", {
  NotInstalled: false,
  /** There is no repository, or it has no such commit. */
  NoSuchCommit: false,
  Failed: true
}) {}

/** One path of a commit. `mode` is git's: `100644`, `120000` for a symbolic link, `160000` for a submodule, …. */
export interface Entry {
  readonly path: string
  readonly mode: string
  readonly object: string
}

/** The files of one commit, in git's order. */
export interface CommittedTree {
  readonly commit: string
  readonly entries: ReadonlyArray<Entry>
  /** There are more paths than were read. */
  readonly isPartial: boolean
}

/** Which commit of which repository. Default: `HEAD` of the workplace that commands run in. */
export interface At {
  readonly directory?: string
  readonly revision?: string
}

const listLimit = 64 * 1024 * 1024

const environment = {
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_NO_LAZY_FETCH: "1",
  GIT_ALLOW_PROTOCOL: "",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_TERMINAL_PROMPT: "0",
  LC_ALL: "C"
}

const collect = Effect.fnUntraced(function*(stream: Stream.Stream<Uint8Array, PlatformError.PlatformError>, maxBytes: number) {
  const chunks: Array<Uint8Array> = []
  let size = 0
  yield* Stream.runForEachWhile(stream, (chunk) =>
    Effect.sync(() => {
      chunks.push(chunk.subarray(0, Math.max(0, maxBytes - size)))
      size += chunk.length
      return size <= maxBytes
    }))
  return { bytes: Buffer.concat(chunks), isCut: size > maxBytes }
})

interface Call {
  readonly at: At
  readonly args: ReadonlyArray<string>
  readonly stdin?: string
  readonly maxBytes: number
}

const git = ({ args, at, maxBytes, stdin }: Call) =>
  Effect.gen(function*() {
    const spawner = yield* ChildProcessSpawner
    const handle = yield* spawner.spawn(
      ChildProcess.make("git", ["--no-pager", "-c", "safe.directory=*", "-C", at.directory ?? ".", ...args], {
        env: environment,
        extendEnv: true,
        stdin: stdin === undefined ? "ignore" : Stream.succeed(new TextEncoder().encode(stdin)),
        forceKillAfter: "2 seconds"
      })
    )
    const complaints = yield* Effect.forkScoped(collect(handle.stderr, 4_000))
    const { bytes, isCut } = yield* collect(handle.stdout, maxBytes)
    // A process that is cut off is ended with the scope; waiting for it would wait for ever.
    if (isCut) return { bytes, isCut, code: 0, said: "" }
    const code = yield* handle.exitCode
    return { bytes, isCut, code: Number(code), said: (yield* Fiber.join(complaints)).bytes.toString().trim() }
  }).pipe(
    Effect.scoped,
    Effect.mapError((error) =>
      error.reason._tag === "NotFound"
        ? new RepositoryContextError({
          reason: "NotInstalled",
          message: "The repository can not be read: the program git was not found. Install git where the role works."
        })
        : new RepositoryContextError({
          reason: "Failed",
          message: `The repository can not be read: git ${args[0]} could not be run (${error.message}). Try again.`
        })
    )
  )

const succeed = Effect.fnUntraced(function*(call: Call) {
  const result = yield* git(call)
  if (result.code === 0) return result
  return yield* new RepositoryContextError({
    reason: "Failed",
    message: `The repository can not be read: git ${call.args[0]} said "${result.said.slice(0, 500)}". Run it by hand to see more.`
  })
})

/** Lists the files of a commit. Up to 64 MiB of paths are read. */
export const list = Effect.fnUntraced(function*(at: At = {}) {
  const revision = at.revision ?? "HEAD"
  const found = yield* git({
    at,
    args: ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`],
    maxBytes: 1_000
  })
  if (found.code !== 0) {
    return yield* new RepositoryContextError({
      reason: "NoSuchCommit",
      message: `${JSON.stringify(revision)} names no commit in ${at.directory ?? "the workspace"}. ` +
        "Give a folder inside a git repository that has a commit, and a branch, tag or commit of it."
    })
  }
  const commit = found.bytes.toString().trim()
  const { bytes, isCut } = yield* succeed({ at, args: ["ls-tree", "-r", "-z", "--full-tree", commit], maxBytes: listLimit })
  const entries = bytes.toString().split("\0").slice(0, -1).map((entry): Entry => {
    const tab = entry.indexOf("\t")
    const [mode = "", , object = ""] = entry.slice(0, tab).split(" ")
    return { path: entry.slice(tab + 1), mode, object }
  })
  const tree: CommittedTree = { commit, entries, isPartial: isCut }
  return tree
})

/** The start of a file's content, and how large the whole is, in bytes. */
export interface Content {
  readonly bytes: Uint8Array
  readonly size: number
}

/** Reads the start of an object's content. */
export const content = Effect.fnUntraced(function*(at: At, object: string, maxBytes: number) {
  const { bytes } = yield* succeed({ at, args: ["cat-file", "--batch"], stdin: `${object}\n`, maxBytes: maxBytes + 200 })
  const end = bytes.indexOf(10)
  const size = Number(/^[0-9a-f]+ blob (\d+)$/.exec(bytes.subarray(0, end).toString())?.[1] ?? 0)
  const found: Content = { bytes: bytes.subarray(end + 1, end + 1 + Math.min(size, maxBytes)), size }
  return found
})
