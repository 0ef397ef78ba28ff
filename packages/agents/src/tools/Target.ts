/** The file that a tool is asked for: inside the workspace, not one of git's own, and named well when it is missing. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Process from "./Process.ts"
import * as ToolFailure from "./ToolFailure.ts"

const isMissing = (error: PlatformError.PlatformError): boolean => error.reason._tag === "NotFound"

// The nearest ancestor that exists decides where a path leads, since a symbolic link may stand anywhere in it.
const realPath: (
  path: string
) => Effect.Effect<string, PlatformError.PlatformError, FileSystem.FileSystem | Path.Path> = Effect.fnUntraced(
  function* (path: string) {
    const fs = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    let existing = path
    const missing: Array<string> = []
    while (true) {
      const found = yield* Effect.result(fs.realPath(existing))
      if (Result.isSuccess(found)) return paths.join(found.success, ...missing)
      const parent = paths.dirname(existing)
      if (!isMissing(found.failure) || parent === existing) return yield* Effect.fail(found.failure)
      missing.unshift(paths.basename(existing))
      existing = parent
    }
  }
)

/** Where a path really leads, relative to the workspace. Fails with `Denied` for one that leads out. */
export const inside = Effect.fnUntraced(function* (path: string) {
  if (path.trim() === "" || path.includes("\0")) {
    return yield* ToolFailure.fail("BadInput", "`path` is empty or holds a NUL. Give a path relative to the workspace.")
  }
  const paths = yield* Path.Path
  const toFailure = Effect.mapError(ToolFailure.fromPlatform(path))
  const root = yield* toFailure(realPath("."))
  const relative = paths.relative(root, yield* toFailure(realPath(path)))
  if (relative.split(/[/\\]/)[0] === ".." || paths.isAbsolute(relative)) {
    return yield* ToolFailure.fail(
      "Denied",
      `${ToolFailure.quote(path)} leads out of the workspace. Use a path inside it, such as \`src/main.ts\`.`
    )
  }
  return relative === "" ? "." : relative
})

/** Like {@link inside}, for a tool that writes: git's own files are refused, since git runs what stands in them. */
export const writable = Effect.fnUntraced(function* (path: string) {
  const relative = yield* inside(path)
  if (relative.split(/[/\\]/).some((segment) => segment.toLowerCase() === ".git")) {
    return yield* ToolFailure.fail(
      "Denied",
      `${ToolFailure.quote(path)} belongs to git itself and is never changed by a tool. The host makes commits and branches.`
    )
  }
  return relative
})

/** The size in bytes of a plain file that is there; a folder, a device and a missing file fail with what to do instead. */
export const file = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const found = yield* Effect.result(fs.stat(path))
  if (Result.isFailure(found)) {
    if (!isMissing(found.failure)) return yield* Effect.fail(ToolFailure.fromPlatform(path)(found.failure))
    const names = yield* similar(path)
    return yield* ToolFailure.fail(
      "NotFound",
      `There is no ${ToolFailure.quote(path)}. ` +
        (names.length === 0
          ? "Nothing with a name like it was found; look with grep or `git ls-files`."
          : `Did you mean ${names.map(ToolFailure.quote).join(", ")}?`)
    )
  }
  const { size, type } = found.success
  if (type === "Directory") {
    return yield* ToolFailure.fail(
      "NotAFile",
      `${ToolFailure.quote(path)} is a folder. Name a file in it; \`ls\` or grep shows what is there.`
    )
  }
  if (type !== "File") {
    return yield* ToolFailure.fail("NotAFile", `${ToolFailure.quote(path)} is a ${type}, not a plain file.`)
  }
  return Number(size)
})

/** Names that are there and like the one that is not: in the same folder first, then anywhere in the repository. */
const similar = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const name = paths.basename(path)
  const folder = paths.dirname(path)
  const beside = yield* Effect.orElseSucceed(fs.readDirectory(folder), () => [])
  const near = beside
    .slice(0, 5_000)
    .map((other) => ({ other, distance: distance(name.toLowerCase(), other.toLowerCase()) }))
    .filter(({ distance }) => distance <= Math.max(1, Math.floor(name.length / 4)))
    .sort((a, b) => a.distance - b.distance || (a.other < b.other ? -1 : 1))
    .map(({ other }) => paths.join(folder, other))
  const pathspec = `:(glob,icase)**/${name.replace(/[\\*?[\]]/g, "\\$&")}`
  const listed = yield* Process.run(
    ChildProcess.make(
      "git",
      ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pathspec],
      Process.quiet
    ),
    { keep: { head: 4_000, tail: 0 }, timeout: "10 seconds" }
  ).pipe(
    Effect.map(({ output }) =>
      output
        .text()
        .split("\0")
        .filter((each) => each !== "")
    ),
    Effect.orElseSucceed(() => [])
  )
  return [...new Set([...near, ...listed.slice(0, 5)])].slice(0, 5)
})

// The number of single-character edits between two names (Levenshtein), for names of a usual length.
const distance = (a: string, b: string): number => {
  if (a.length > 100 || b.length > 100) return a === b ? 0 : Infinity
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** Replaces a file's whole content or none of it, with the mode that it had. A reader never sees half of it. */
export const replace = Effect.fnUntraced(
  function* (relative: string, content: Uint8Array) {
    const fs = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    const folder = paths.dirname(relative)
    yield* fs.makeDirectory(folder, { recursive: true })
    const mode = yield* fs.stat(relative).pipe(
      Effect.map((info) => info.mode & 0o777),
      Effect.orElseSucceed(() => undefined)
    )
    const temporary = paths.join(folder, `.millwright-${Math.abs(yield* Random.nextInt).toString(36)}.tmp`)
    yield* fs.writeFile(temporary, content, { flag: "wx" }).pipe(
      Effect.andThen(mode === undefined ? Effect.void : fs.chmod(temporary, mode)),
      Effect.andThen(fs.rename(temporary, relative)),
      Effect.onError(() => Effect.ignore(fs.remove(temporary, { force: true })))
    )
  },
  (effect, relative) => Effect.mapError(effect, ToolFailure.fromPlatform(relative))
)

/** Reads a text whole, up to a size, without changing a byte of it: a file that is no UTF-8 fails with `NotText`. */
export const text = Effect.fnUntraced(function* (path: string, maxBytes: number) {
  const size = yield* file(path)
  if (size > maxBytes) {
    return yield* ToolFailure.fail(
      "TooLarge",
      `${ToolFailure.quote(path)} has ${size} bytes; this tool takes up to ${maxBytes}. Use bash with sed or a script.`
    )
  }
  const fs = yield* FileSystem.FileSystem
  const bytes = yield* Effect.mapError(fs.readFile(path), ToolFailure.fromPlatform(path))
  const decoded = decode(bytes)
  return decoded ?? (yield* notText(path))
})

const decode = (bytes: Uint8Array): string | undefined => {
  try {
    return bytes.includes(0) ? undefined : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Fails since a file is no text. */
export const notText = (path: string) =>
  ToolFailure.fail(
    "NotText",
    `${ToolFailure.quote(path)} is not text in UTF-8. Look at it with bash (\`file\`, \`xxd | head\`) if it matters.`
  )
