/** What `ChangeFacts` needs of git: a listing of both sides, the texts, the messages, and earlier contents. Five or six processes. */
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Change from "../Change.ts"
import * as Git from "../Git.ts"
import type * as FileView from "./FileView.ts"
import * as GitCall from "./GitCall.ts"
import * as GitProcess from "./GitProcess.ts"

/** What is read at most. */
export const limits = { fileBytes: 1024 * 1024, totalBytes: 16 * 1024 * 1024, files: 2_000 } as const

/** How many commits of the base are searched for earlier contents, and how many of the change for messages. */
const depth = { base: 200, change: 1_000 }

/** Both sides of one path: a mode and an object each. */
interface Sides {
  readonly file: Change.FileChange
  readonly modes: readonly [before: string, after: string]
  readonly objects: readonly [before: string, after: string]
}

const shape = ["-r", "-M", "-O/dev/null", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=none"]

/** Reads. */
export const read = Effect.fnUntraced(function* (
  dir: string,
  range: { readonly base: string; readonly head: string }
): Effect.fn.Return<
  {
    readonly base: string
    readonly head: string
    readonly from: string
    readonly sources: ReadonlyArray<FileView.Source>
    readonly messages: ReadonlyArray<string>
  },
  Git.GitError,
  ChildProcessSpawner
> {
  const [base, head] = yield* Effect.all([Git.resolve(dir, range.base), Git.resolve(dir, range.head)])
  const bare = yield* GitCall.commonDir(dir)
  const from = yield* common({ dir, bare, args: ["merge-base", "--all", base, head] }, base)
  const diff = ["diff-tree", ...shape, "--raw", "--numstat", "--no-abbrev", "-z", from, head]
  const sides = listing(GitProcess.text(yield* GitCall.run({ dir, bare, args: diff })))
  const contents = yield* texts({ dir, bare, args: [] }, sides)
  const earlier = yield* restored({ dir, bare, args: [] }, { base: from, sides })
  const messages = yield* GitCall.attempt({
    dir,
    bare,
    args: ["log", "-z", "--format=tformat:%B", "--encoding=UTF-8", `--max-count=${depth.change}`, head, `^${from}`],
    maxBytes: 4 * 1024 * 1024
  })
  const sources = sides.map(({ file, modes, objects }): FileView.Source => {
    const content = (side: 0 | 1): FileView.Content =>
      modes[side] === "000000" ? "absent" : (contents.get(objects[side]) ?? "unread")
    return {
      file,
      ...(modes[0] === "000000" ? {} : { previousMode: modes[0] }),
      before: content(0),
      after: content(1),
      isRestored: earlier.has(`${objects[1]} ${file.path}`)
    }
  })
  return { base, head, from, sources, messages: GitProcess.fields(messages.stdout) }
})

/** The one commit that both have in common. Several, none, and a history that is not all there are no answer. */
const common = Effect.fnUntraced(function* (call: GitProcess.Call, base: string) {
  const result = yield* GitCall.attempt(call)
  const found = result.code === 0 ? GitProcess.text(result.stdout).trim().split("\n") : []
  return found.length === 1 && found[0] !== undefined && found[0] !== "" ? found[0] : base
})

const listing = (output: string): ReadonlyArray<Sides> => {
  const files = Change.parseRawNumstat(output)
  const fields = output.split("\0")
  let at = 0
  return files.map((file): Sides => {
    const [before = "", after = "", from = "", to = "", letters = ""] = (fields[at] ?? "").slice(1).split(" ")
    at += /^[RC]/.test(letters) ? 3 : 2
    return { file, modes: [before, after], objects: [from, to] }
  })
}

/** The texts by object, as far as the limits go. What is no text is `binary`, what is no file's content is not among them. */
const texts = Effect.fnUntraced(function* (
  call: GitProcess.Call,
  sides: ReadonlyArray<Sides>
): Effect.fn.Return<ReadonlyMap<string, FileView.Content>, GitCall.GitError, ChildProcessSpawner> {
  const wanted = sides
    .slice(0, limits.files)
    .flatMap(({ modes, objects }) => objects.filter((_, side) => !/^(?:000000|160000)$/.test(modes[side] ?? "")))
  const asked = (ids: Iterable<string>) => new TextEncoder().encode([...ids].map((id) => `${id}\n`).join(""))
  if (wanted.length === 0) return new Map()
  const listed = yield* GitCall.run({ ...call, args: ["cat-file", "--batch-check"], stdin: asked(new Set(wanted)) })
  const fitting = new Set<string>()
  let total = 0
  for (const line of GitProcess.text(listed).split("\n")) {
    const [, id = "", size = ""] = /^([0-9a-f]+) blob (\d+)$/.exec(line) ?? []
    if (id === "" || Number(size) > limits.fileBytes || total + Number(size) > limits.totalBytes) continue
    total += Number(size)
    fitting.add(id)
  }
  const found = new Map<string, FileView.Content>()
  if (fitting.size === 0) return found
  const bytes = yield* GitCall.run({ ...call, args: ["cat-file", "--batch"], stdin: asked(fitting) })
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf(10, at)
    const [id = "", kind = "", size = ""] = GitProcess.text(bytes.subarray(at, end)).split(" ")
    if (end === -1) break
    if (kind !== "blob") {
      at = end + 1
      continue
    }
    const content = bytes.subarray(end + 1, end + 1 + Number(size))
    found.set(id, content.subarray(0, 8_000).includes(0) ? "binary" : { text: GitProcess.text(content) })
    at = end + 1 + Number(size) + 1
  }
  return found
})

/** The contents after, by object and path, that the base had before: a file that is put back says nothing of it. */
const restored = Effect.fnUntraced(function* (
  call: GitProcess.Call,
  { base, sides }: { readonly base: string; readonly sides: ReadonlyArray<Sides> }
): Effect.fn.Return<ReadonlySet<string>, never, ChildProcessSpawner> {
  const after = new Set(
    sides.filter(({ modes }) => modes[1] !== "000000").map(({ file, objects }) => `${objects[1]} ${file.path}`)
  )
  const args = ["log", "--format=", "--raw", "--no-abbrev", "-z", "--no-renames", `--max-count=${depth.base}`, base]
  // Where the history is not all there, what can be found is found.
  const result = yield* Effect.option(GitCall.attempt({ ...call, args: [...args, "--"], maxBytes: 16 * 1024 * 1024 }))
  const found = new Set<string>()
  if (result._tag === "None") return found
  const fields = GitProcess.fields(result.value.stdout)
  for (let at = 0; at + 1 < fields.length; at++) {
    const [, , from = ""] = /:/.test(fields[at]?.slice(0, 8) ?? "") ? (fields[at] ?? "").trim().split(" ") : []
    const key = `${from} ${fields[at + 1]}`
    if (from !== "" && after.has(key)) found.add(key)
  }
  return found
})
