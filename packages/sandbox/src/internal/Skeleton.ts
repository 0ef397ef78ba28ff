/** The `.git` folder of a clone, written by hand: it has what is written here, and nothing of the host's configuration. */
import * as Effect from "effect/Effect"
import * as Git from "../Git.ts"
import type { HostFiles } from "./HostFiles.ts"
import type { Repository } from "./Repository.ts"

/** What commands may read but not write, below a workspace: what git would run or follow. */
export const guarded: ReadonlyArray<string> = [
  ".git/hooks",
  ".git/config",
  ".git/config.worktree",
  ".git/info",
  ".git/objects/info/alternates"
]

/** What `write` makes in `.git`, folders first, each after the one around it. */
const written: ReadonlyArray<readonly [part: string, kind: "Directory" | "File"]> = [
  ["", "Directory"],
  ["hooks", "Directory"],
  ["info", "Directory"],
  ["objects", "Directory"],
  ["objects/info", "Directory"],
  ["objects/pack", "Directory"],
  ["refs", "Directory"],
  ["refs/heads", "Directory"],
  ["refs/tags", "Directory"],
  ["config", "File"],
  ["config.worktree", "File"],
  ["info/exclude", "File"],
  ["objects/info/alternates", "File"]
]

const partsOf = ({ shallow }: Repository) =>
  shallow === undefined ? written : [...written, ["shallow", "File"] as const]

/** Whether everything that `write` makes is there, as a folder or a file and not as something else. */
export const isWhole = ({ kind, path }: HostFiles, repository: Repository, directory: string) =>
  Effect.map(
    Effect.forEach(partsOf(repository), ([part, is]) =>
      Effect.map(kind(path.join(directory, ".git", part)), (found) => found === is)
    ),
    (all) => all.every((is) => is)
  )

// The files of a template are seen through other inodes and other devices than those that git noted in its index.
const configuration = (format: Repository["format"]) => `[core]
	repositoryformatversion = ${format === "sha256" ? 1 : 0}
	filemode = true
	bare = false
	logallrefupdates = true
	checkStat = minimal
	trustctime = false
[gc]
	auto = 0
${format === "sha256" ? "[extensions]\n\tobjectformat = sha256\n" : ""}`

/**
 * Writes the `.git` of a folder, with the objects of the repository and without `HEAD`. Commands may have run in the folder: what
 * is of another kind goes first, and nothing is written through a link, in the place of a file or of a folder around it.
 */
export const write = Effect.fnUntraced(function* (
  { kind, makeFolder, path, read, remove, write }: HostFiles,
  repository: Repository,
  directory: string
) {
  const git = path.join(directory, ".git")
  for (const [part, is] of partsOf(repository)) {
    const file = path.join(git, part)
    const found = yield* kind(file)
    if (found !== undefined && found !== is) yield* remove(file)
    if (is === "Directory" && found !== is) yield* makeFolder(file)
  }
  const excluded = (yield* read(path.join(repository.common, "info", "exclude"))) ?? ""
  yield* write(path.join(git, "config"), configuration(repository.format))
  yield* write(path.join(git, "config.worktree"), "")
  yield* write(path.join(git, "info", "exclude"), `${excluded}\n/.millwright/\n`)
  yield* write(path.join(git, "objects", "info", "alternates"), `${repository.objects[0]}\n`)
  if (repository.shallow !== undefined) yield* write(path.join(git, "shallow"), repository.shallow)
})

/** Lets `HEAD` of a `.git` that nothing has run in yet name a branch, which is made at a commit. */
export const point = Effect.fnUntraced(function* (
  { makeFolder, path, write }: HostFiles,
  git: string,
  { branch, commit }: { readonly branch: string; readonly commit: string }
) {
  const ref = path.join(git, "refs", "heads", branch)
  yield* makeFolder(path.dirname(ref))
  yield* write(ref, `${commit}\n`)
  yield* write(path.join(git, "HEAD"), `ref: refs/heads/${branch}\n`)
})

/**
 * Checks a commit out. The repository's git does it, so that files are those that its user would have (Git LFS), as in a
 * worktree of it.
 */
export const fill = (
  { git, path }: HostFiles,
  repository: Repository,
  { commit, directory }: { readonly directory: string; readonly commit: string }
) => {
  const index = path.join(directory, ".git", "index")
  const config = [
    "core.checkStat=minimal",
    "core.trustctime=false",
    "core.sparseCheckout=false",
    "core.splitIndex=false",
    "core.untrackedCache=false",
    "index.sparse=false",
    "checkout.workers=0"
  ].flatMap((entry) => ["-c", entry])
  const args = [`--git-dir=${repository.common}`, `--work-tree=${directory}`, "read-tree", "-u", "--reset", commit]
  return Effect.asVoid(
    Git.text(git(["-C", directory, ...config, ...args], { GIT_INDEX_FILE: index }), `Checking out ${commit}`)
  )
}
