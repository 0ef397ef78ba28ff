/**
 * What the files of a workspace's `.git` tell without asking git inside. They are looked at and compared, and no more: nothing
 * that stands in them is followed. Whatever is not as git leaves it is asked inside.
 */
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import type { HostFiles } from "./HostFiles.ts"

/** Where a branch stands, and what nobody but git looks at. */
export interface Expected {
  readonly branch: string
  readonly commit: string
}

const longest = 1_000
const largest = 64 * 1024 ** 2

/** Whether a file holds a text. `odd` where it is no file: git would wait for what comes out of a pipe. */
const holds = Effect.fnUntraced(function* ({ fs, read }: HostFiles, file: string, text: string) {
  const info = yield* Effect.option(fs.lstat(file))
  if (info._tag === "None") return "no" as const
  if (info.value.type !== "File") return "odd" as const
  if (Number(info.value.size) > longest) return "no" as const
  return (yield* read(file)) === text ? ("yes" as const) : ("no" as const)
})

/** Whether an index ends with the digest of what comes before, as git writes it. */
const isWhole = Effect.fnUntraced(function* ({ fs }: HostFiles, file: string) {
  const info = yield* Effect.option(fs.lstat(file))
  if (info._tag === "None" || Number(info.value.size) > largest) return false
  const bytes = yield* Effect.option(fs.readFile(file))
  if (bytes._tag === "None") return false
  return [20, 32].some((length) => {
    const digest = createHash(length === 20 ? "sha1" : "sha256")
      .update(bytes.value.subarray(0, -length))
      .digest()
    return digest.equals(bytes.value.subarray(-length))
  })
})

/** Whether a branch stands on a commit. */
export const standsOn = (host: HostFiles, folder: string, { branch, commit }: Expected) =>
  holds(host, host.path.join(folder, "refs", "heads", branch), `${commit}\n`)

/** Whether a workspace is as an opening without `fresh` would leave it: on its branch, and nothing holds it. */
export const isSettled = Effect.fnUntraced(function* (
  host: HostFiles,
  folder: string,
  expected: Expected & {
    /** Whether an index that is not there is one of what it was put together of. */
    readonly hasIndexBelow: boolean
  }
) {
  const { kind, list, path } = host
  const head = path.join(folder, "HEAD")
  if ((yield* holds(host, head, `ref: refs/heads/${expected.branch}\n`)) !== "yes") return false
  if ((yield* standsOn(host, folder, expected)) !== "yes") return false
  if ((yield* list(folder)).some((name) => name.endsWith(".lock"))) return false
  const packed = yield* kind(path.join(folder, "packed-refs"))
  if (packed !== undefined && packed !== "File") return false
  if ((yield* kind(path.join(folder, "refs", "heads", `${expected.branch}.lock`))) !== undefined) return false
  const index = path.join(folder, "index")
  const is = yield* kind(index)
  return is === undefined ? expected.hasIndexBelow : is === "File" && (yield* isWhole(host, index))
})
