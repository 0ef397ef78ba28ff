/** Runs an operation of `InsideFileSystem` as one command inside. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { posix } from "node:path"
import { codes, type Operation, parameters, scripts } from "./InsideScripts.ts"

/** What commands are made of. */
export interface Options {
  readonly spawner: ChildProcessSpawner["Service"]
  readonly roots: readonly [workspace: string, ...companions: ReadonlyArray<string>]
  readonly protect: ReadonlyArray<string>
  /** The shell. Default: `/bin/sh`. */
  readonly shell?: readonly [program: string, ...args: ReadonlyArray<string>]
  /** No file is read into memory that is larger, in bytes; `stream` has no bound. Default: 256 MiB. */
  readonly largest?: number
}

/** What is asked of one operation. */
export interface Asked {
  readonly operation: Operation
  /** The method of `FileSystem` that an error names. */
  readonly method: string
  /** The path that an error names, as the caller gave it. */
  readonly path: string
  /** What the script gets: four at most. */
  readonly args: ReadonlyArray<string>
  readonly stdin?: Stream.Stream<Uint8Array, PlatformError.PlatformError> | undefined
}

/** Runs operations. */
export interface Inside {
  /** Runs it, and answers with what it wrote. Fails with `BadResource` when that is more than the operation's bound. */
  readonly run: (asked: Asked) => Effect.Effect<Uint8Array, PlatformError.PlatformError>
  /** Runs it as long as what it writes is read. */
  readonly stream: (asked: Asked) => Stream.Stream<Uint8Array, PlatformError.PlatformError>
  /** A path as the scripts take it: absolute, and without `.`, `..` and a slash at its end. */
  readonly absolute: (path: string) => string
}

/** How much of what a tool complains about an error tells, in characters. */
const told = 1_000

const mebibyte = 1024 ** 2
/** What the answers of the other operations are bounded by, in bytes: paths and what is known of one file. */
const usual = 64 * 1024
const listed = 32 * mebibyte

/** What an answer may have, in bytes, and what to do about more. */
const boundOf = (operation: Operation, largest: number): readonly [bytes: number, advice: string] => {
  if (operation === "read") return [largest, "Read it with `stream`, or a part of it with `open`."]
  if (operation === "readDirectory") return [listed, "List the folders in it one by one."]
  return operation === "entries"
    ? [listed, "Have a command in it pick what you need."]
    : [usual, "No path is that long."]
}

/** A name as a pattern of the shell that matches it in any case of letters. */
const pattern = (name: string): string =>
  name.replace(/[^]/gu, (letter) =>
    /[a-z]/i.test(letter)
      ? `[${letter.toLowerCase()}${letter.toUpperCase()}]`
      : /[*?[\]\\]/.test(letter)
        ? `\\${letter}`
        : letter
  )

const meaning = new Map<number, (typeof codes)[keyof typeof codes]>(
  Object.entries(codes).map(([code, means]) => [Number(code), means])
)

const failed = ({ method, path }: Asked, code: number, complaint: string) => {
  const [tag, why] = meaning.get(code) ?? (["Unknown", `The command inside ended with ${code}`] as const)
  return PlatformError.systemError({
    _tag: tag,
    module: "FileSystem",
    method,
    pathOrDescriptor: path,
    description: complaint === "" ? why : `${why}: ${complaint}`
  })
}

/** That what is inside is more than is taken. */
export const tooLarge = ({ method, path }: Pick<Asked, "method" | "path">, description: string) =>
  Effect.fail(
    PlatformError.systemError({
      _tag: "BadResource",
      module: "FileSystem",
      method,
      pathOrDescriptor: path,
      description
    })
  )

/** Makes it. */
export const make = ({ largest = 256 * mebibyte, protect, roots, shell = ["/bin/sh"], spawner }: Options): Inside => {
  const [program, ...words] = shell
  const patterns = protect.map(pattern).join("/")
  const start = Effect.fnUntraced(function* (asked: Asked) {
    const own = Array.from({ length: parameters }, (_, index) => asked.args[index] ?? "")
    const handle = yield* spawner.spawn(
      ChildProcess.make(program, [...words, "-c", scripts[asked.operation], "sh", patterns, ...own, ...roots], {
        // The words and dates of the tools are then those that everybody knows.
        env: { LC_ALL: "C", TZ: "UTC0" },
        stdin: asked.stdin ?? "ignore"
      })
    )
    const complaint = yield* handle.stderr.pipe(
      Stream.decodeText,
      Stream.runFold(
        () => "",
        (all, text) => (all.length < told ? `${all}${text}`.slice(0, told) : all)
      ),
      Effect.orElseSucceed(() => ""),
      Effect.forkScoped
    )
    const check = Effect.gen(function* () {
      const code = yield* handle.exitCode
      if (code !== 0) return yield* failed(asked, code, (yield* Fiber.join(complaint)).trim())
    })
    return Stream.concat(handle.stdout, Stream.drain(Stream.fromEffect(check)))
  })
  const stream = (asked: Asked) => Stream.unwrap(start(asked))
  return {
    stream,
    run: (asked) =>
      Effect.suspend(() => {
        const [bound, advice] = boundOf(asked.operation, largest)
        const chunks: Array<Uint8Array> = []
        let size = 0
        return Effect.map(
          Stream.runForEach(stream(asked), (chunk) => {
            size += chunk.length
            if (size > bound) return tooLarge(asked, `What is there has more than ${bound} bytes. ${advice}`)
            chunks.push(chunk)
            return Effect.void
          }),
          () => new Uint8Array(Buffer.concat(chunks))
        )
      }),
    absolute: (path) => posix.resolve(roots[0], path)
  }
}
