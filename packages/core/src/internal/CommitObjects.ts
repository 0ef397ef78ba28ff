/** The commits between two others as git stores them, byte by byte. */
import { createHash } from "node:crypto"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as GitCall from "./GitCall.ts"
import * as GitProcess from "./GitProcess.ts"

/** One commit as git stores it: headers, an empty line, the message. `bytes` are what its id is the hash of. */
export interface CommitObject {
  readonly id: string
  readonly bytes: Uint8Array
}

/** Commits, and what of their history is not here. */
export interface CommitObjects {
  /** Oldest first. */
  readonly commits: ReadonlyArray<CommitObject>
  /** Commits whose parents are not here: the clone is shallow, and nobody knows what lies behind them. */
  readonly cut: ReadonlyArray<string>
  /** There are more, older ones than were asked for. */
  readonly truncated: boolean
}

/** What `head` has and `base` has not, both full ids, at most `limit` of the newest. */
export const between = Effect.fnUntraced(function* (
  dir: string,
  options: { readonly base: string; readonly head: string; readonly limit: number }
): Effect.fn.Return<CommitObjects, GitCall.GitError, ChildProcessSpawner> {
  const order = ["--topo-order", "--reverse", "--parents", `--max-count=${options.limit + 1}`]
  const call = yield* GitCall.fromObjects(dir, ["rev-list", ...order, options.head, `^${options.base}`, "--"])
  const listed = GitProcess.text(yield* GitCall.run(call))
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split(" "))
  const truncated = listed.length > options.limit
  const rows = truncated ? listed.slice(1) : listed
  const commits = yield* read(
    dir,
    rows.map(([id = ""]) => id)
  )
  // What the object names as its parents and git does not follow, has been cut off.
  const cut = commits.filter(({ bytes }, index) => parents(bytes) !== (rows[index] ?? []).length - 1)
  return { commits, cut: cut.map(({ id }) => id), truncated }
})

const parents = (bytes: Uint8Array): number => {
  const text = Buffer.from(bytes).toString("latin1")
  const end = text.indexOf("\n\n")
  return (end === -1 ? text : text.slice(0, end)).match(/^parent /gm)?.length ?? 0
}

const read = Effect.fnUntraced(function* (dir: string, ids: ReadonlyArray<string>) {
  if (ids.length === 0) return []
  const stdin = new TextEncoder().encode(ids.map((id) => `${id}\n`).join(""))
  const output = yield* GitCall.run({ ...(yield* GitCall.fromObjects(dir, ["cat-file", "--batch"])), stdin })
  let at = 0
  return yield* Effect.forEach(ids, (id) => {
    const end = output.indexOf(10, at)
    const head = GitProcess.text(output.subarray(at, Math.max(at, end)))
    const size = Number(/^[0-9a-f]+ commit (\d+)$/.exec(head)?.[1])
    const bytes = output.slice(end + 1, end + 1 + size)
    at = end + size + 2
    const kind = id.length === 64 ? "sha256" : "sha1"
    const hash = createHash(kind).update(`commit ${bytes.length}\0`).update(bytes).digest("hex")
    // Git does not look at this when it reads, and whoever can write to the folder could have put another one in its place.
    return hash === id
      ? Effect.succeed<CommitObject>({ id, bytes })
      : new GitCall.GitError({
          reason: "Failed",
          message: `The commit ${id} in ${dir} is damaged: its content has another hash. Clone the repository again; \`git fsck\` tells more.`
        })
  })
})
