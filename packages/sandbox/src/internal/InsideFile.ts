/**
 * An open file as a path and a position: each read and write is a command inside that opens it anew. So a file that was
 * renamed or removed meanwhile is not found any more, other than with a descriptor.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as PlatformError from "effect/PlatformError"
import * as Stream from "effect/Stream"
import { type Asked, type Inside, tooLarge } from "./InsideCommand.ts"

/** What a file is opened with. */
export interface Options {
  /** The real path inside. */
  readonly path: string
  readonly flag: FileSystem.OpenFlag
  readonly stat: Effect.Effect<FileSystem.File.Info, PlatformError.PlatformError>
}

const badArgument = (method: string, description: string) =>
  Effect.fail(PlatformError.badArgument({ module: "FileSystem", method, description }))

/** Makes it. */
export const make = (inside: Inside, { flag, path, stat }: Options): FileSystem.File => {
  const isAppending = flag.startsWith("a")
  const isReadable = flag === "r" || flag.endsWith("+")
  const isWritable = flag !== "r"
  let position = 0n
  const run = (method: string, asked: Pick<Asked, "operation" | "args" | "stdin">) =>
    inside.run({ method, path, ...asked })
  const only = (method: string, isAllowed: boolean) =>
    isAllowed
      ? Effect.void
      : Effect.fail(
          PlatformError.systemError({
            _tag: "BadResource",
            module: "FileSystem",
            method,
            pathOrDescriptor: path,
            description: `It was opened with "${flag}"`
          })
        )

  const readAlloc = Effect.fnUntraced(function* (method: string, size: number, at: bigint | undefined) {
    yield* only(method, isReadable)
    if (!Number.isSafeInteger(size) || size < 0) return yield* badArgument(method, `${size} is no number of bytes`)
    if (at !== undefined && at < 0n) return yield* badArgument(method, "Cannot read before the start of the file")
    if (size === 0) return new Uint8Array(0)
    const bytes = yield* run(method, { operation: "read", args: [path, String(at ?? position), String(size)] })
    if (bytes.length > size)
      return yield* tooLarge({ method, path }, `More came than the ${size} bytes that were asked for`)
    if (at === undefined) position += BigInt(bytes.length)
    return bytes
  })

  const write = Effect.fnUntraced(function* (method: string, buffer: Uint8Array) {
    yield* only(method, isWritable)
    const stdin = Stream.make(buffer)
    if (isAppending) yield* run(method, { operation: "write", args: [path, "a"], stdin })
    else {
      yield* run(method, { operation: "writeAt", args: [path, String(position)], stdin })
      position += BigInt(buffer.length)
    }
    return buffer.length
  })

  return {
    [FileSystem.FileTypeId]: FileSystem.FileTypeId,
    stat,
    sync: Effect.asVoid(run("sync", { operation: "sync", args: [path] })),
    seek: (offset, from) =>
      Effect.suspend(() => {
        const next = from === "start" ? offset : position + offset
        if (next < 0n) return badArgument("seek", "Cannot seek before the start of the file")
        position = next
        return Effect.succeed(next)
      }),
    read: (buffer, options) =>
      Effect.map(readAlloc("read", buffer.length, options?.position), (bytes) => {
        buffer.set(bytes)
        return bytes.length
      }),
    readAlloc: (size, options) =>
      Effect.map(readAlloc("readAlloc", size, options?.position), (bytes) =>
        bytes.length === 0 ? Option.none() : Option.some(bytes)
      ),
    truncate: (length = 0) =>
      Effect.andThen(
        only("truncate", isWritable),
        Effect.map(run("truncate", { operation: "truncate", args: [path, String(length)] }), () => {
          if (!isAppending && position > BigInt(length)) position = BigInt(length)
        })
      ),
    write: (buffer) => write("write", buffer),
    writeAll: (buffer) => (buffer.length === 0 ? Effect.void : Effect.asVoid(write("writeAll", buffer)))
  }
}
