/** An **artifact**: a file that an agent left in its workspace as evidence. The host reads it and says what it is; the agent's word is a path. */
import * as Tainted from "@millwright/core/Tainted"
import type * as Verdict from "@millwright/core/Verdict"
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import * as Untrusted from "./Untrusted.ts"

/** The largest file that is taken as evidence, in bytes. */
export const maxBytes = 64 * 1024 * 1024

/** What a person reads of it here, in characters. */
const excerpt = 2_000

/**
 * Now, by the clock that dates the files of the workspace: it may be another one than that of the host. `undefined` where nothing can
 * be written, or nothing is dated.
 */
export const now: Effect.Effect<Date | undefined, never, FileSystem.FileSystem> = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.realPath(".")
  const made = yield* fs.makeTempDirectoryScoped({ directory, prefix: ".verification-" })
  return Option.getOrUndefined((yield* fs.stat(made)).mtime)
}).pipe(
  Effect.scoped,
  Effect.orElseSucceed(() => undefined)
)

/**
 * Reads a file of the workspace as evidence; on failure, why it is none. It has to be a plain file that is there, inside, reached
 * without a symbolic link, and written since: what the repository holds was there before anybody looked.
 */
export const read = (
  path: string,
  { shows, since }: { readonly shows: string; readonly since: Date | undefined }
): Effect.Effect<Result.Result<Verdict.Evidence, string>, never, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    const checked = Tainted.pass(Tainted.of("an agent's evidence", path), Tainted.path)
    if (Result.isFailure(checked)) return yield* Effect.fail("it is no path inside the workspace")
    const inside = checked.success
    const root = yield* fs.realPath(".")
    const real = yield* fs.realPath(inside)
    if (real !== paths.join(root, inside)) return yield* Effect.fail("a symbolic link is on the way to it")
    const { mtime, size, type } = yield* fs.stat(real)
    if (type !== "File") return yield* Effect.fail(`it is a ${type}`)
    if (since === undefined || Option.isNone(mtime)) return yield* Effect.fail("nobody can tell when it was written")
    if (mtime.value < since) return yield* Effect.fail("it was there before the verification began")
    if (Number(size) > maxBytes) return yield* Effect.fail(`it has ${size} bytes, and at most ${maxBytes} are taken`)
    const bytes = yield* fs.readFile(real)
    const isText = !bytes.subarray(0, 8_000).includes(0)
    const evidence: Verdict.Evidence = {
      kind: "artifact",
      summary: `${inside}: ${shows}`,
      digest: Digest.of(bytes),
      bytes: bytes.length,
      excerpt: isText
        ? Untrusted.visible(
            new TextDecoder()
              .decode(bytes.subarray(0, 4 * excerpt))
              .slice(0, excerpt)
              .toWellFormed()
          )
        : ""
    }
    return evidence
  }).pipe(
    Effect.mapError((error) => (typeof error === "string" ? error : "it can not be read, or is not there")),
    Effect.result
  )
