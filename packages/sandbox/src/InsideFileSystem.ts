/**
 * A `FileSystem` whose every operation is one command that runs inside: what it can reach is what the sandbox lets through, and
 * a link that is put in the place of a folder while it works leads nowhere but to what is inside.
 *
 * It needs a POSIX shell at `/bin/sh` and the usual tools there, GNU's, BusyBox's or BSD's. Where there is `/proc`, a file
 * is judged by what was really opened; elsewhere a link that takes its place in that instant is followed, inside.
 *
 * An open file is a path and a position, not a descriptor; `watch` looks twice a second; names that are no UTF-8 are listed
 * with replacement characters and can not be opened; temporary files lie in `.millwright/` of the workspace, which git does
 * not see, and nowhere else unless asked.
 */
import * as ByteSize from "effect/ByteSize"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as PlatformError from "effect/PlatformError"
import * as Queue from "effect/Queue"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import * as FileInfo from "./internal/FileInfo.ts"
import * as InsideCommand from "./internal/InsideCommand.ts"
import * as InsideFile from "./internal/InsideFile.ts"
import type { Operation } from "./internal/InsideScripts.ts"
import * as InsideWatch from "./internal/InsideWatch.ts"

/**
 * What it is made of: the spawner inside; `roots`, the folders that it answers for, as real paths that commands see (the first
 * is where relative paths start); and `protect`, names directly below a root that can be read but not written, in any
 * case of letters.
 */
export type Options = InsideCommand.Options

type Failing<A> = Effect.Effect<A, PlatformError.PlatformError>

/** What the four makers of temporary files are asked. */
type Temporary =
  | {
      readonly directory?: string | undefined
      readonly prefix?: string | undefined
      readonly suffix?: string | undefined
    }
  | undefined

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const octal = (mode: number | undefined): string => (mode === undefined ? "" : (mode & 0o7777).toString(8))
const words = (bytes: Uint8Array): Array<string> => text(bytes).split("\0").slice(0, -1)
const iso = (time: Date | number): string => (time instanceof Date ? time : new Date(time * 1_000)).toISOString()

const kinds = new Map<string, FileSystem.File.Type>([
  ["l", "SymbolicLink"],
  ["f", "File"],
  ["d", "Directory"],
  ["p", "FIFO"],
  ["s", "Socket"],
  ["b", "BlockDevice"],
  ["c", "CharacterDevice"]
])

/** How much of what is written waits for the command that takes it, in chunks. */
const waiting = 16

/** Makes it. A path that leads out of the roots fails with `PermissionDenied`. */
export const make = (options: Options): FileSystem.FileSystem => {
  const inside = InsideCommand.make(options)
  const { absolute } = inside
  /** An operation on one path, with what else its script is told. */
  const on = (operation: Operation, path: string, ...args: ReadonlyArray<string>): InsideCommand.Asked => ({
    operation,
    method: operation,
    path,
    args: [absolute(path), ...args]
  })
  const does = (asked: InsideCommand.Asked): Failing<void> => Effect.asVoid(inside.run(asked))
  const info = (operation: "stat" | "lstat", path: string): Failing<FileSystem.File.Info> =>
    Effect.flatMap(inside.run(on(operation, path)), (bytes) =>
      Option.match(FileInfo.parse(text(bytes).trimEnd()), {
        onNone: () =>
          Effect.fail(
            PlatformError.systemError({
              _tag: "InvalidData",
              module: "FileSystem",
              method: operation,
              pathOrDescriptor: path,
              description: `stat inside printed ${JSON.stringify(text(bytes).slice(0, 200))}`
            })
          ),
        onSome: Effect.succeed
      })
    )

  const temporary = (method: string, kind: "folder" | "file") => (asked: Temporary) => {
    const { directory = "", prefix = "", suffix = "" } = asked ?? {}
    const name = `${prefix}${randomUUID()}${suffix}`
    if (/[/\\\0]/.test(name)) {
      return Effect.fail(
        PlatformError.systemError({
          _tag: "PermissionDenied",
          module: "FileSystem",
          method,
          pathOrDescriptor: name,
          description: "A prefix or suffix names no folder: leave out / and \\"
        })
      )
    }
    const args = [options.roots[0], directory === "" ? "" : absolute(directory), name, kind]
    return Effect.map(inside.run({ operation: "temporary", method, path: directory || name, args }), text)
  }
  const remove: FileSystem.FileSystem["remove"] = (path, asked) =>
    does(on("remove", path, asked?.recursive === true ? "all" : "", asked?.force === true ? "force" : ""))
  const scoped = (made: Failing<string>) =>
    Effect.acquireRelease(made, (path) => Effect.ignore(remove(path, { recursive: true, force: true })))

  const open: FileSystem.FileSystem["open"] = Effect.fnUntraced(function* (path, asked) {
    const flag = asked?.flag ?? "r"
    const as = asked?.noFollow === true ? (flag === "r" ? "read" : "write") : ""
    const real = text(yield* inside.run(on("open", path, flag, octal(asked?.mode), as)))
    return InsideFile.make(inside, { path: real, flag, stat: info("stat", real) })
  })

  const plain = FileSystem.make({
    access: (path, asked) =>
      does(on("access", path, `${asked?.readable === true ? "r" : ""}${asked?.writable === true ? "w" : ""}`)),
    chmod: (path, mode) => does(on("chmod", path, octal(mode))),
    chown: (path, uid, gid) => does(on("chown", path, `${uid}:${gid}`)),
    copy: (from, to, asked) =>
      does(
        on(
          "copy",
          from,
          absolute(to),
          asked?.overwrite === true ? "overwrite" : "",
          asked?.preserveTimestamps === true ? "p" : ""
        )
      ),
    copyFile: (from, to) => does(on("copyFile", from, absolute(to))),
    link: (from, to) => does(on("link", from, absolute(to))),
    lstat: (path) => info("lstat", path),
    makeDirectory: (path, asked) =>
      does({
        ...on(asked?.recursive === true ? "makeDirectories" : "makeDirectory", path, octal(asked?.mode)),
        method: "makeDirectory"
      }),
    makeTempDirectory: temporary("makeTempDirectory", "folder"),
    makeTempDirectoryScoped: (asked) => scoped(temporary("makeTempDirectoryScoped", "folder")(asked)),
    makeTempFile: temporary("makeTempFile", "file"),
    makeTempFileScoped: (asked) => scoped(temporary("makeTempFileScoped", "file")(asked)),
    open,
    readDirectory: (path, asked) =>
      asked?.recursive === true
        ? Effect.map(inside.run(on("readDirectory", path)), (bytes) =>
            words(bytes).flatMap((name) => (name === "." ? [] : [name.slice(2)]))
          )
        : Effect.map(inside.run({ ...on("entries", path), method: "readDirectory" }), (bytes) =>
            words(bytes).map((word) => word.slice(1))
          ),
    readDirectoryEntries: (path) =>
      Effect.map(inside.run({ ...on("entries", path), method: "readDirectoryEntries" }), (bytes) =>
        words(bytes).map((word) => ({ name: word.slice(1), type: kinds.get(word.slice(0, 1)) ?? "Unknown" }))
      ),
    readFile: (path) => inside.run({ ...on("read", path, "0"), method: "readFile" }),
    readLink: (path) => Effect.map(inside.run(on("readLink", path)), text),
    realPath: (path) => Effect.map(inside.run(on("realPath", path)), text),
    remove,
    rename: (from, to) => does(on("rename", from, absolute(to))),
    stat: (path) => info("stat", path),
    symlink: (target, path) => does({ ...on("symlink", path), args: [target, absolute(path)] }),
    truncate: (path, length = 0) => does(on("truncate", path, String(length))),
    utimes: (path, atime, mtime) => Effect.suspend(() => does(on("utimes", path, iso(atime), iso(mtime)))),
    watch: (path, asked) => InsideWatch.make(inside, path, asked),
    writeFile: (path, data, asked) =>
      does({
        ...on("write", path, asked?.flag ?? "w", octal(asked?.mode)),
        method: "writeFile",
        stdin: data.length === 0 ? undefined : Stream.make(data)
      })
  })

  return {
    ...plain,
    // What comes with `FileSystem.make` would take a command for each chunk.
    stream: (path, asked) =>
      Stream.suspend(() => {
        const chunkSize = asked?.chunkSize
        const count = asked?.bytesToRead === undefined ? "" : String(ByteSize.fromInputUnsafe(asked.bytesToRead))
        if (count === "0") return Stream.empty
        const offset = asked?.offset === undefined ? "0" : String(ByteSize.fromInputUnsafe(asked.offset))
        const read = on("read", path, offset, count)
        const bytes = inside.stream({ ...read, method: "stream" })
        return chunkSize === undefined
          ? bytes
          : Stream.flatMap(bytes, (chunk) => Stream.fromIterable(cut(chunk, chunkSize)))
      }),
    sink: (path, asked) =>
      Sink.unwrap(
        Effect.gen(function* () {
          const queue = yield* Queue.bounded<Uint8Array, Cause.Done>(waiting)
          const writing = yield* Effect.forkScoped(
            does({
              ...on("write", path, asked?.flag ?? "w", octal(asked?.mode)),
              method: "sink",
              stdin: Stream.fromQueue(queue)
            })
          )
          return Sink.forEach((chunk: Uint8Array) =>
            Effect.raceFirst(Queue.offer(queue, chunk), Fiber.join(writing))
          ).pipe(Sink.mapEffect(() => Effect.andThen(Queue.end(queue), Fiber.join(writing))))
        })
      )
  }
}

const cut = (chunk: Uint8Array, size: number): ReadonlyArray<Uint8Array> =>
  Array.from({ length: Math.ceil(chunk.length / size) }, (_, index) => chunk.subarray(index * size, (index + 1) * size))
