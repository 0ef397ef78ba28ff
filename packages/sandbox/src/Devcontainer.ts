/**
 * A `devcontainer.json` as a part of a spec: what a sandbox can follow of it, and what not, with the reason.
 *
 * It is the wish of whoever wrote the repository. When that is not trusted, look at `mounts`, `inherit` and `image` before it
 * is followed; its commands run inside, and `initializeCommand`, which would run on the host, never does.
 */
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Commented from "./internal/Commented.ts"
import * as DevcontainerProperty from "./internal/DevcontainerProperty.ts"
import { SandboxError, spec as checked } from "./Sandbox.ts"
import type { SandboxSpec } from "./SandboxSpec.ts"

/** What a file was read as. */
export interface Devcontainer {
  readonly spec: Partial<SandboxSpec>
  /** What is not followed. Properties of properties are written as in `mounts[1]`. */
  readonly ignored: ReadonlyArray<{ readonly property: string; readonly why: string }>
}

/** How a file is read. */
export interface Options {
  /**
   * What `${localEnv:NAME}` may be. Left out: the environment of this process, without the variables whose names sound like a
   * secret's, since a spec holds no secrets.
   */
  readonly localEnv?: Readonly<Record<string, string | undefined>>
  /** Where commands will see the workspace, for `${containerWorkspaceFolder}`. Left out: where it is on the host. */
  readonly workspace?: string
}

/** In bytes. */
const largest = 1024 * 1024

const noSuchSource = (message: string, cause?: unknown) => new SandboxError({ reason: "NoSuchSource", message, cause })
const badSpec = (message: string, cause?: unknown) => new SandboxError({ reason: "BadSpec", message, cause })

/**
 * Reads the file of a folder (`.devcontainer/devcontainer.json`, `.devcontainer.json`, or the only one in a folder of
 * `.devcontainer`), or the file that is given. Fails with `NoSuchSource` when there is none or nothing in it can be followed,
 * and with `BadSpec`, line and column when it is none.
 */
export const fromDevcontainer = Effect.fnUntraced(function* (
  path: string,
  options: Options = {}
): Effect.fn.Return<Devcontainer, SandboxError, FileSystem.FileSystem | Path.Path> {
  const { file, folder } = yield* find(path)
  const root = Commented.parse(yield* read(file))
  if (typeof root === "string") return yield* badSpec(`${file}:${root}. Mend it there.`)
  const found = DevcontainerProperty.read(root, {
    folder,
    basename: (yield* Path.Path).basename(folder),
    id: Digest.short(Digest.of(folder)),
    workspace: options.workspace ?? folder,
    localEnv: options.localEnv,
    hostEnv: process.env
  })
  if (typeof found === "string") return yield* badSpec(`${file}:${found}. Mend it there.`)
  if (Object.keys(found.spec).length === 0) {
    const why = found.ignored.map(({ property, why }) => `${property}: ${why}`).join("; ")
    return yield* noSuchSource(
      `${file} says nothing that a sandbox can follow${why === "" ? "" : ` (${why})`}. Give it an \`image\`, or write the spec by hand.`
    )
  }
  const whole = { ...found.spec, id: "devcontainer", workspace: { _tag: "Empty" } }
  const {
    id: _id,
    workspace: _workspace,
    ...spec
  } = yield* Effect.mapError(checked(whole), (error) => badSpec(`${file} can not be followed. ${error.message}`, error))
  return { spec, ignored: found.ignored }
})

/** The file, and the folder that it is for. */
const find = Effect.fnUntraced(function* (asked: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const kind = (file: string) =>
    Effect.map(Effect.option(fs.stat(file)), (info) => (info._tag === "Some" ? info.value.type : undefined))
  const start = path.resolve(asked)
  const is = yield* kind(start)
  if (is === "File") {
    const folder = path.dirname(start)
    // Its own folder, or one of several in it.
    const own = [folder, path.dirname(folder)].find((one) => path.basename(one) === ".devcontainer")
    return { file: start, folder: own === undefined ? folder : path.dirname(own) }
  }
  const own = path.join(start, ".devcontainer")
  for (const file of [path.join(own, "devcontainer.json"), path.join(start, ".devcontainer.json")]) {
    if ((yield* kind(file)) === "File") return { file, folder: start }
  }
  const names = yield* Effect.orElseSucceed(fs.readDirectory(own), () => [])
  const files = yield* Effect.filter(
    names.toSorted().map((name) => path.join(own, name, "devcontainer.json")),
    (file) => Effect.map(kind(file), (is) => is === "File")
  )
  const [only] = files
  if (only === undefined) {
    const what = is === undefined ? "is not there" : "has no .devcontainer/devcontainer.json and no .devcontainer.json"
    return yield* noSuchSource(`${start} ${what}. Give a folder that has one, or such a file.`)
  }
  if (files.length > 1) {
    const all = files.map((file) => path.relative(start, file)).join(", ")
    return yield* badSpec(`${start} has several: ${all}. Give the one that is meant.`)
  }
  return { file: only, folder: start }
})

const read = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const failed = (cause: Error) => noSuchSource(`${file} can not be read: ${cause.message}.`, cause)
  const { size } = yield* Effect.mapError(fs.stat(file), failed)
  if (size > largest) return yield* badSpec(`${file} is no devcontainer.json: it has more than ${largest} bytes.`)
  const bytes = yield* Effect.mapError(fs.readFile(file), failed)
  return yield* Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: (cause) => badSpec(`${file} is no devcontainer.json: it is not written in UTF-8.`, cause)
  })
})
