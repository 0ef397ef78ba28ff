/**
 * One run of the `git` binary in which nothing that a repository, a user or a system configures has a say. What each
 * setting is for stands in `Git.ts`, which is all that uses this.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"

/** What git is asked. */
export interface Call {
  readonly dir: string
  readonly args: ReadonlyArray<string>
  /** Works on this repository's objects alone. */
  readonly bare?: string
  /** Variables in the place of those that every call has; `undefined` takes one away. */
  readonly env?: Record<string, string | undefined>
  readonly config?: ReadonlyArray<readonly [key: string, value: string]>
  readonly stdin?: Uint8Array
  /** Output beyond this many bytes is cut, and the process is ended. Default: {@link outputLimit}. */
  readonly maxBytes?: number
}

/** What git answered, an exit code other than 0 too. */
export interface Result {
  readonly code: number
  readonly stdout: Uint8Array
  readonly stderr: string
  readonly truncated: boolean
}

/** Output beyond this many bytes is cut, unless the call says otherwise. */
export const outputLimit = 64 * 1024 * 1024

const fixedConfig: ReadonlyArray<readonly [string, string]> = [
  ["safe.directory", "*"],
  ["core.fsmonitor", "false"],
  ["core.hooksPath", "/dev/null"],
  ["core.excludesFile", "/dev/null"],
  ["core.attributesFile", "/dev/null"],
  ["core.commitGraph", "false"],
  ["core.quotePath", "off"],
  ["core.pager", "cat"],
  // Later versions read attributes from `HEAD` where there is no working tree, unless another tree is named.
  ["attr.tree", "refs/none"],
  ["diff.renameLimit", "1000"],
  ["advice.addEmbeddedRepo", "false"],
  ["i18n.commitEncoding", "UTF-8"],
  ["log.showSignature", "false"]
]

const environment = (call: Call): Record<string, string | undefined> => {
  const inherited = Object.keys(globalThis.process.env).filter((name) => name.startsWith("GIT_"))
  const config = [...fixedConfig, ...(call.config ?? [])]
  return {
    ...Object.fromEntries(inherited.map((name) => [name, undefined])),
    // Given as variables and not as `-c`, so that a key may hold any character.
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value]
      ])
    ),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_SYSTEM: "/dev/null",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_ALLOW_PROTOCOL: "",
    GIT_NO_LAZY_FETCH: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_GRAFT_FILE: "/nonexistent/grafts",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_TERMINAL_PROMPT: "0",
    LC_ALL: "C",
    ...(call.bare === undefined ? {} : { GIT_DIR: call.bare, GIT_INDEX_FILE: "/nonexistent/index" }),
    ...call.env
  }
}

/** Bytes as UTF-8; what is not is marked with U+FFFD. */
export const text = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)

/** Fields between NULs. */
export const fields = (bytes: Uint8Array): ReadonlyArray<string> => text(bytes).split("\0").slice(0, -1)

const collect = Effect.fnUntraced(function* (
  stream: Stream.Stream<Uint8Array, PlatformError.PlatformError>,
  maxBytes: number
) {
  const chunks: Array<Uint8Array> = []
  let size = 0
  yield* Stream.runForEachWhile(stream, (chunk) =>
    Effect.sync(() => {
      chunks.push(chunk.subarray(0, Math.max(0, maxBytes - size)))
      size += chunk.length
      return size <= maxBytes
    })
  )
  return { bytes: Buffer.concat(chunks), truncated: size > maxBytes }
})

/** Runs git. Fails only where it could not be started or its output could not be read. */
export const run = (call: Call): Effect.Effect<Result, PlatformError.PlatformError, ChildProcessSpawner> =>
  Effect.gen(function* () {
    const spawner = yield* ChildProcessSpawner
    const handle = yield* spawner.spawn(
      ChildProcess.make(
        "git",
        ["--no-pager", "-C", call.dir, ...(call.bare === undefined ? [] : ["--bare"]), ...call.args],
        {
          env: environment(call),
          extendEnv: true,
          stdin: call.stdin === undefined ? "ignore" : Stream.succeed(call.stdin)
        }
      )
    )
    const complaints = yield* Effect.forkScoped(collect(handle.stderr, outputLimit))
    const { bytes, truncated } = yield* collect(handle.stdout, call.maxBytes ?? outputLimit)
    // A process that is cut off is ended with the scope; waiting for it would wait for ever.
    if (truncated) return { code: 0, stdout: bytes, stderr: "", truncated }
    const code = yield* handle.exitCode
    return { code, stdout: bytes, stderr: text((yield* Fiber.join(complaints)).bytes), truncated }
  }).pipe(Effect.scoped)
