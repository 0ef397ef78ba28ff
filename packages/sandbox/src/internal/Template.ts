/**
 * Templates: whole checkouts of a commit in which nothing ever runs, kept in `templates/<commit>` of what is ours of a repository,
 * so that a workspace is put together of one in milliseconds and not written file by file.
 *
 * A template that a workspace was put together of stays; of the others the last one does. All is done under one lock.
 */
import * as Effect from "effect/Effect"
import type { SandboxError } from "../Sandbox.ts"
import * as WorkspaceLock from "../WorkspaceLock.ts"
import type { HostFiles } from "./HostFiles.ts"
import type { Repository } from "./Repository.ts"
import * as Skeleton from "./Skeleton.ts"

/** A whole checkout. */
export interface Template {
  readonly commit: string
  readonly directory: string
}

/** A commit that differs in more files than this gets a template of its own. */
const nearest = 500

/** What can be done with templates. `used` answers with the commits of those that workspaces of the repository need. */
export const make = (host: HostFiles, used: (own: string) => Effect.Effect<ReadonlySet<string>>) => {
  const { fs, git, kind, list, makeFolder, path, program, remove, rename, write } = host

  const folderOf = (own: string) => path.join(own, "templates")

  const existing = (own: string, commit: string) =>
    Effect.map(kind(path.join(folderOf(own), commit)), (is): Template | undefined =>
      is === "Directory" ? { commit, directory: path.join(folderOf(own), commit) } : undefined
    )

  const newest = Effect.fnUntraced(function* (own: string) {
    let best: (Template & { readonly at: number }) | undefined
    for (const commit of yield* list(folderOf(own))) {
      const directory = path.join(folderOf(own), commit)
      const info = yield* Effect.option(fs.stat(directory))
      if (commit.includes("~") || info._tag === "None" || info.value.mtime._tag === "None") continue
      const at = info.value.mtime.value.getTime()
      if (best === undefined || at > best.at) best = { commit, directory, at }
    }
    return best
  })

  // Commits never change.
  const near = new Map<string, boolean>()
  const isNear = Effect.fnUntraced(function* (repository: Repository, from: string, to: string) {
    const known = near.get(`${from} ${to}`)
    if (known !== undefined) return known
    const args = ["diff-tree", "-r", "--no-renames", "--name-only", from, to]
    const { code, stdout } = yield* git(["-C", repository.root, ...args])
    const is = code === 0 && stdout.split("\n").length <= nearest
    if (code === 0) near.set(`${from} ${to}`, is)
    return is
  })

  // Git reads what was written in the second in which its index was, since it may have changed again. Here nothing has.
  const backdate = Effect.fnUntraced(function* (directory: string) {
    // The time of the files themselves, whatever clock a test has put in the place of time.
    const now = yield* Effect.sync(() => Date.now())
    const time = new Date(now - 10_000)
      .toISOString()
      .replace(/[-T:]/g, "")
      .replace(/^(\d{12})(\d\d).*$/, "$1.$2")
    const touch = ["-exec", "env", "TZ=UTC", "touch", "-h", "-t", time, "--", "{}", "+"]
    // Its own time stays: it tells which template is the newest, to less than a second.
    yield* program("find", [directory, "-mindepth", "1", "-path", `${directory}/.git`, "-prune", "-o", ...touch])
    yield* git(["-C", directory, `--git-dir=${directory}/.git`, "update-index", "-q", "--refresh"])
  })

  const create = Effect.fnUntraced(function* (own: string, repository: Repository, commit: string) {
    const directory = path.join(folderOf(own), commit)
    const needed = yield* used(own)
    for (const name of yield* list(folderOf(own))) {
      // Whoever was making a draft had this lock, and is gone.
      if (!needed.has(name)) yield* remove(path.join(folderOf(own), name))
    }
    const draft = `${directory}~`
    yield* makeFolder(draft)
    yield* Skeleton.write(host, repository, draft)
    yield* write(path.join(draft, ".git", "HEAD"), `${commit}\n`)
    yield* Skeleton.fill(host, repository, { directory: draft, commit })
    yield* backdate(draft)
    yield* rename(draft, directory)
    return { commit, directory } satisfies Template
  })

  const exclusively = (own: string) => WorkspaceLock.holding(path.join(own, "locks", "+templates"))

  return {
    /** Gives a template of a commit or near it to whoever notes down, in `use`, that it is needed. */
    near: <A>(
      { commit, own, repository }: { readonly own: string; readonly repository: Repository; readonly commit: string },
      use: (template: Template) => Effect.Effect<A, SandboxError>
    ) =>
      Effect.gen(function* () {
        const exact = yield* existing(own, commit)
        if (exact !== undefined) return yield* use(exact)
        const last = yield* newest(own)
        if (last !== undefined && (yield* isNear(repository, last.commit, commit))) return yield* use(last)
        return yield* use(yield* create(own, repository, commit))
      }).pipe(exclusively(own)),
    /** Makes the template of a commit that a workspace needs when somebody removed it. */
    restore: ({
      commit,
      own,
      repository
    }: {
      readonly own: string
      readonly repository: Repository
      readonly commit: string
    }) =>
      Effect.gen(function* () {
        return (yield* existing(own, commit)) ?? (yield* create(own, repository, commit))
      }).pipe(exclusively(own))
  }
}

/** What can be done with templates. */
export type Templates = ReturnType<typeof make>
