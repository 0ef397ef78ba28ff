/** A file system that writes nowhere but where a surface allows it, links followed. What it makes as temporary may be written. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import * as PlatformError from "effect/PlatformError"

/** A workspace, and what of it may be changed. */
export interface Workspace {
  readonly fs: FileSystem.FileSystem
  readonly path: Path.Path
  /** A path relative to the workspace, with `/`. */
  readonly allows: (path: string) => boolean
}

/** What tools write beside a file before they put it in its place. */
const isTemporary = (path: string): boolean => /(?:^|\/)\.millwright-[a-z0-9]+\.tmp$/.test(path)

/** Makes it. `rule` is said with each refusal. */
export const make = Effect.fnUntraced(function* (
  { allows, fs, path }: Workspace,
  rule: string
): Effect.fn.Return<FileSystem.FileSystem, PlatformError.PlatformError> {
  const root = yield* fs.realPath(".")
  const temporary: Array<string> = []

  const refuse = (method: string, where: string) =>
    PlatformError.systemError({
      _tag: "PermissionDenied",
      module: "FileSystem",
      method,
      description: rule,
      pathOrDescriptor: where
    })
  const isMissing = (error: PlatformError.PlatformError) => error.reason._tag === "NotFound"

  /** Where an entry really stands; its last part may be a link itself. */
  const entry = (where: string): Effect.Effect<string, PlatformError.PlatformError> => {
    const absolute = path.resolve(where)
    const parent = path.dirname(absolute)
    return parent === absolute
      ? Effect.succeed(absolute)
      : Effect.map(
          Effect.catchIf(fs.realPath(parent), isMissing, () => entry(parent)),
          (real) => path.join(real, path.basename(absolute))
        )
  }
  /** Where what is written through a path ends up. A link to nothing could lead anywhere. */
  const target = (where: string) =>
    Effect.catchIf(fs.realPath(where), isMissing, () =>
      Effect.matchEffect(fs.lstat(where), {
        onSuccess: () => Effect.fail(refuse("realPath", where)),
        onFailure: () => entry(where)
      })
    )
  const isAllowed = (real: string, also: (path: string) => boolean) => {
    if (temporary.some((folder) => real === folder || real.startsWith(`${folder}${path.sep}`))) return true
    const relative = path.relative(root, real)
    if (relative === "" || relative === ".." || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)) {
      return false
    }
    const plain = path.sep === "/" ? relative : relative.replaceAll(path.sep, "/")
    return isTemporary(plain) || also(plain)
  }

  type Where = (where: string) => Effect.Effect<string, PlatformError.PlatformError>
  const check = (method: string, find: Where, also = allows) =>
    Effect.fnUntraced(function* (where: string) {
      if (!isAllowed(yield* find(where), also)) return yield* refuse(method, where)
    })
  const written = (method: string) => check(method, target)
  const replaced = (method: string) => check(method, entry)
  /** All below a folder goes with it: one name stands for those that are there or may come. */
  const whole = (method: string) => check(method, entry, (at) => allows(at) && allows(`${at}/any/any`))
  const moved = (method: string) => (where: string) =>
    Effect.matchEffect(fs.lstat(where), {
      onSuccess: ({ type }) => (type === "Directory" ? whole(method)(where) : replaced(method)(where)),
      onFailure: () => replaced(method)(where)
    })
  const kept = <E, R>(made: Effect.Effect<string, E, R>): Effect.Effect<string, E | PlatformError.PlatformError, R> =>
    Effect.tap(made, (where) => Effect.map(fs.realPath(where), (real) => void temporary.push(real)))
  /** A temporary one in a folder of the workspace is a file of the workspace. */
  const making = <O extends { readonly directory?: string | undefined }, E, R>(
    method: string,
    options: O | undefined,
    made: Effect.Effect<string, E, R>
  ) =>
    options?.directory === undefined
      ? kept(made)
      : Effect.andThen(written(method)(path.join(options.directory, "any")), kept(made))

  return FileSystem.make({
    ...fs,
    chmod: (at, mode) => Effect.andThen(written("chmod")(at), fs.chmod(at, mode)),
    chown: (at, uid, gid) => Effect.andThen(written("chown")(at), fs.chown(at, uid, gid)),
    copy: (from, to, options) => Effect.andThen(whole("copy")(to), fs.copy(from, to, options)),
    copyFile: (from, to) => Effect.andThen(written("copyFile")(to), fs.copyFile(from, to)),
    // A second name of a file is a way to write to it.
    link: (from, to) => Effect.andThen(Effect.all([written("link")(from), replaced("link")(to)]), fs.link(from, to)),
    // Folders are nothing that is delivered; they have to be there before a file can be.
    makeDirectory: (at, options) =>
      Effect.andThen(check("makeDirectory", target, () => true)(at), fs.makeDirectory(at, options)),
    makeTempDirectory: (options) => making("makeTempDirectory", options, fs.makeTempDirectory(options)),
    makeTempDirectoryScoped: (options) => making("makeTempDirectory", options, fs.makeTempDirectoryScoped(options)),
    makeTempFile: (options) => making("makeTempFile", options, fs.makeTempFile(options)),
    makeTempFileScoped: (options) => making("makeTempFile", options, fs.makeTempFileScoped(options)),
    open: (at, options) =>
      (options?.flag ?? "r") === "r" ? fs.open(at, options) : Effect.andThen(written("open")(at), fs.open(at, options)),
    remove: (at, options) => Effect.andThen(moved("remove")(at), fs.remove(at, options)),
    rename: (from, to) =>
      Effect.andThen(Effect.all([moved("rename")(from), replaced("rename")(to)]), fs.rename(from, to)),
    symlink: (from, to) => Effect.andThen(replaced("symlink")(to), fs.symlink(from, to)),
    truncate: (at, length) => Effect.andThen(written("truncate")(at), fs.truncate(at, length)),
    utimes: (at, accessed, modified) => Effect.andThen(written("utimes")(at), fs.utimes(at, accessed, modified)),
    writeFile: (at, data, options) => Effect.andThen(written("writeFile")(at), fs.writeFile(at, data, options))
  })
})
