/**
 * A `FileSystem` and a `Path` that answer for one folder only.
 *
 * Every path is resolved first, through all of its symbolic links, also those in the parents of a file that is not there
 * yet and links that lead nowhere; then it is judged; and then the operation runs on what it resolved to.
 *
 * Between judging and running, another process can put a link in the place of a folder. Whoever runs with the rights of
 * this process gains nothing by it, since it could have opened the file itself; so this is enough where nothing isolates.
 * An adapter that does isolate must do file work inside, and not with this on host paths. Hard links to files outside
 * can not be told from files, for the same reason and with the same answer.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as PlatformError from "effect/PlatformError"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** What is confined, and to what. */
export interface Options {
  readonly fileSystem: FileSystem.FileSystem
  readonly path: Path.Path
  /** The folder, as its real path. */
  readonly root: string
  /** Names directly below the folder that can be read but not written, in any case of letters. */
  readonly protect: ReadonlyArray<string>
}

/** Where temporary files go, below the folder; git does not see it. */
export const temporary = ".millwright"

/** A `Path` that takes relative paths from the folder and not from where this process happens to run. */
export const path = ({ path, root }: Pick<Options, "path" | "root">): Path.Path =>
  Path.make({
    ...path,
    resolve: (...segments) => path.resolve(root, ...segments),
    relative: (from, to) => path.relative(path.resolve(root, from), path.resolve(root, to)),
    toFileUrl: (file) => path.toFileUrl(path.resolve(root, file))
  })

type Method = keyof FileSystem.FileSystem & string
type Failing<A> = Effect.Effect<A, PlatformError.PlatformError>

const denied = (method: Method, file: string, description: string) =>
  Effect.fail(
    PlatformError.systemError({
      _tag: "PermissionDenied",
      module: "FileSystem",
      method,
      pathOrDescriptor: file,
      description
    })
  )

const isNotFound = (error: PlatformError.PlatformError): boolean => error.reason._tag === "NotFound"

/** What a path may be used for: looked at, changed, or taken away as a whole. */
type Use = "read" | "write" | "replace"

interface Asked {
  readonly method: Method
  readonly file: string
  readonly use: Use
}

const rules = ({ fileSystem, path, protect, root }: Options) => {
  const real = (file: string, links = 0): Failing<string> =>
    Effect.catchIf(fileSystem.realPath(file), isNotFound, () =>
      Effect.gen(function* () {
        const link = yield* Effect.option(fileSystem.readLink(file))
        if (link._tag === "None") return path.join(yield* real(path.dirname(file), links), path.basename(file))
        if (links > 40) return yield* denied("realPath", file, "Too many symbolic links")
        return yield* real(path.resolve(path.dirname(file), link.value), links + 1)
      })
    )

  const judge = Effect.fnUntraced(function* ({ file, method, use }: Asked, resolved: string) {
    const inside = path.relative(root, resolved)
    if (inside === ".." || inside.startsWith(`..${path.sep}`) || path.isAbsolute(inside)) {
      return yield* denied(
        method,
        file,
        `It leads out of the workspace ${root}; only paths below that folder are answered`
      )
    }
    const [first = ""] = inside.split(path.sep)
    if (use !== "read" && protect.includes(first.toLowerCase())) {
      return yield* denied(method, file, `${first} belongs to the sandbox and can only be read`)
    }
    if (use === "replace" && inside === "") {
      return yield* denied(method, file, "The workspace itself can not be taken away or replaced")
    }
    return resolved
  })

  return {
    /** The path itself, with the links that it goes through and the one that it may be. */
    follow: (method: Method, file: string, use: Use = "read") =>
      Effect.flatMap(real(path.resolve(root, file)), (resolved) => judge({ method, file, use }, resolved)),
    /** The entry of a folder, which may be a link that is not followed. */
    entry: Effect.fnUntraced(function* (method: Method, file: string, use: Use = "read") {
      const absolute = path.resolve(root, file)
      if (path.relative(root, absolute) === "") return yield* judge({ method, file, use }, root)
      const parent = yield* real(path.dirname(absolute))
      return yield* judge({ method, file, use }, path.join(parent, path.basename(absolute)))
    }),
    /** Refuses what is no file or folder: to open a pipe or a device can block a thread of this process for good. */
    plain: Effect.fnUntraced(function* (method: Method, resolved: string) {
      const info = yield* Effect.option(fileSystem.stat(resolved))
      if (info._tag === "None" || info.value.type === "File" || info.value.type === "Directory") return resolved
      return yield* denied(method, resolved, `It is a ${info.value.type}, and only files and folders are opened`)
    })
  }
}

/** Confines a file system. A path that leads out of the folder fails with `PermissionDenied`. */
export const make = (options: Options): FileSystem.FileSystem => {
  const { fileSystem: host, path } = options
  const { entry, follow, plain } = rules(options)
  const file = (method: Method, name: string, use: Use) =>
    Effect.flatMap(follow(method, name, use), (resolved) => plain(method, resolved))

  const temporaryFolder = Effect.fnUntraced(function* (method: Method, asked: Temporary) {
    if ([asked?.prefix, asked?.suffix].some((part) => part !== undefined && /[/\\\0]/.test(part))) {
      return yield* denied(
        method,
        `${asked?.prefix}${asked?.suffix}`,
        "A prefix or suffix names no folder: leave out / and \\"
      )
    }
    if (asked?.directory !== undefined) return yield* follow(method, asked.directory, "write")
    const folder = yield* follow(method, temporary, "write")
    yield* host.makeDirectory(folder, { recursive: true })
    yield* Effect.ignore(host.writeFileString(path.join(folder, ".gitignore"), "*\n", { flag: "wx" }))
    return folder
  })
  const inTemporary = <A, R>(
    method: Method,
    asked: Temporary,
    make: (asked: NonNullable<Temporary>) => Effect.Effect<A, PlatformError.PlatformError, R>
  ) => Effect.flatMap(temporaryFolder(method, asked), (directory) => make({ ...asked, directory }))

  const walk = (folder: string, below: string): Failing<ReadonlyArray<string>> =>
    Effect.gen(function* () {
      const entries = yield* host.readDirectoryEntries(path.join(folder, below))
      const names: Array<string> = []
      for (const { name, type } of entries) {
        names.push(path.join(below, name))
        if (type === "Directory") names.push(...(yield* walk(folder, path.join(below, name))))
      }
      return names
    })

  return FileSystem.make({
    access: (name, asked) => Effect.flatMap(follow("access", name), (at) => host.access(at, asked)),
    chmod: (name, mode) => Effect.flatMap(follow("chmod", name, "write"), (at) => host.chmod(at, mode)),
    chown: (name, uid, gid) => Effect.flatMap(follow("chown", name, "write"), (at) => host.chown(at, uid, gid)),
    copy: Effect.fnUntraced(function* (from, to, asked) {
      return yield* host.copy(yield* file("copy", from, "read"), yield* follow("copy", to, "replace"), asked)
    }),
    copyFile: Effect.fnUntraced(function* (from, to) {
      return yield* host.copyFile(yield* file("copyFile", from, "read"), yield* file("copyFile", to, "write"))
    }),
    link: Effect.fnUntraced(function* (from, to) {
      return yield* host.link(yield* entry("link", from, "write"), yield* entry("link", to, "write"))
    }),
    lstat: (name) => Effect.flatMap(entry("lstat", name), host.lstat),
    makeDirectory: (name, asked) =>
      Effect.flatMap(follow("makeDirectory", name, "write"), (at) => host.makeDirectory(at, asked)),
    makeTempDirectory: (asked) => inTemporary("makeTempDirectory", asked, host.makeTempDirectory),
    makeTempDirectoryScoped: (asked) => inTemporary("makeTempDirectoryScoped", asked, host.makeTempDirectoryScoped),
    makeTempFile: (asked) => inTemporary("makeTempFile", asked, host.makeTempFile),
    makeTempFileScoped: (asked) => inTemporary("makeTempFileScoped", asked, host.makeTempFileScoped),
    open: (name, asked): Effect.Effect<FileSystem.File, PlatformError.PlatformError, Scope.Scope> =>
      Effect.flatMap(file("open", name, (asked?.flag ?? "r") === "r" ? "read" : "write"), (at) => host.open(at, asked)),
    // Node's own recursion goes through links to folders.
    readDirectory: (name, asked) =>
      Effect.flatMap(follow("readDirectory", name), (at) =>
        asked?.recursive === true ? Effect.map(walk(at, ""), (names) => [...names]) : host.readDirectory(at)
      ),
    readDirectoryEntries: (name) => Effect.flatMap(follow("readDirectoryEntries", name), host.readDirectoryEntries),
    readFile: (name) => Effect.flatMap(file("readFile", name, "read"), host.readFile),
    readLink: (name) => Effect.flatMap(entry("readLink", name), host.readLink),
    realPath: (name) => Effect.flatMap(follow("realPath", name), host.realPath),
    remove: (name, asked) => Effect.flatMap(entry("remove", name, "replace"), (at) => host.remove(at, asked)),
    rename: Effect.fnUntraced(function* (from, to) {
      return yield* host.rename(yield* entry("rename", from, "replace"), yield* entry("rename", to, "replace"))
    }),
    stat: (name) => Effect.flatMap(follow("stat", name), host.stat),
    symlink: Effect.fnUntraced(function* (target, name) {
      const at = yield* entry("symlink", name, "write")
      yield* follow("symlink", path.resolve(path.dirname(at), target))
      return yield* host.symlink(target, at)
    }),
    truncate: (name, length) => Effect.flatMap(file("truncate", name, "write"), (at) => host.truncate(at, length)),
    utimes: (name, atime, mtime) =>
      Effect.flatMap(follow("utimes", name, "write"), (at) => host.utimes(at, atime, mtime)),
    watch: (name, asked) => Stream.unwrap(Effect.map(follow("watch", name), (at) => host.watch(at, asked))),
    writeFile: (name, data, asked) =>
      Effect.flatMap(file("writeFile", name, "write"), (at) => host.writeFile(at, data, asked))
  })
}

/** What the four makers of temporary files are asked. */
type Temporary =
  | {
      readonly directory?: string | undefined
      readonly prefix?: string | undefined
      readonly suffix?: string | undefined
    }
  | undefined
