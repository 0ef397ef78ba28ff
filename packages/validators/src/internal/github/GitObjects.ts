/** Git objects of a twin's repository: blobs, trees and commits under the names that git gives them. All of it is pure. */
import { createHash } from "node:crypto"
import * as TwinTable from "../../TwinTable.ts"

/** An entry of a tree, as GitHub lists it. */
export interface Entry {
  readonly path: string
  readonly mode: string
  readonly type: "blob" | "tree" | "commit"
  readonly sha: string
}

/** Who made a commit, and when, in milliseconds since 1970. */
export interface Person {
  readonly name: string
  readonly email: string
  readonly at: number
}

/** A commit. */
export interface Commit {
  readonly sha: string
  readonly tree: string
  readonly parents: ReadonlyArray<string>
  readonly message: string
  readonly author: Person
  readonly committer: Person
}

/** The objects of a repository. */
export interface Objects {
  /** Contents in base64. */
  readonly blobs: TwinTable.Table<string>
  readonly trees: TwinTable.Table<ReadonlyArray<Entry>>
  readonly commits: TwinTable.Table<Commit>
}

/** Paths of files with their blobs. */
export type Files = Readonly<Record<string, Pick<Entry, "mode" | "sha">>>

/** No objects. */
export const none: Objects = { blobs: TwinTable.empty(), trees: TwinTable.empty(), commits: TwinTable.empty() }

const named = (type: string, content: Uint8Array): string =>
  createHash("sha1").update(`${type} ${content.byteLength}\0`).update(content).digest("hex")

/** Keeps a content in base64. */
export const addBlob = (objects: Objects, base64: string): readonly [Objects, sha: string] => {
  const bytes = Buffer.from(base64, "base64")
  const sha = named("blob", bytes)
  const blobs = objects.blobs.has(sha) ? objects.blobs : objects.blobs.set(sha, bytes.toString("base64"))
  return [{ ...objects, blobs }, sha]
}

/** Keeps files as a tree of trees. */
export const addTree = (objects: Objects, files: Files): readonly [Objects, sha: string] => {
  const entries: Array<Entry> = []
  const folders = new Map<string, Record<string, Pick<Entry, "mode" | "sha">>>()
  for (const [path, file] of Object.entries(files)) {
    const slash = path.indexOf("/")
    if (slash < 0) {
      entries.push({ path, mode: file.mode, sha: file.sha, type: file.mode === "160000" ? "commit" : "blob" })
      continue
    }
    const folder = folders.get(path.slice(0, slash)) ?? {}
    folder[path.slice(slash + 1)] = file
    folders.set(path.slice(0, slash), folder)
  }
  let all = objects
  for (const [path, inner] of folders) {
    const [next, sha] = addTree(all, inner)
    all = next
    entries.push({ path, mode: "040000", type: "tree", sha })
  }
  // Git sorts a folder as if its name ended in a slash.
  const key = ({ path, type }: Entry) => Buffer.from(type === "tree" ? `${path}/` : path)
  entries.sort((a, b) => Buffer.compare(key(a), key(b)))
  const content = Buffer.concat(
    entries.map(({ mode, path, sha }) =>
      Buffer.concat([Buffer.from(`${mode.replace(/^0/, "")} ${path}\0`), Buffer.from(sha, "hex")])
    )
  )
  const sha = named("tree", content)
  return [all.trees.has(sha) ? all : { ...all, trees: all.trees.set(sha, entries) }, sha]
}

/** The files below a tree. */
export const filesOf = (objects: Objects, tree: string): Files => {
  const files: Record<string, Pick<Entry, "mode" | "sha">> = {}
  for (const { mode, path, sha, type } of objects.trees.get(tree) ?? []) {
    if (type !== "tree") files[path] = { mode, sha }
    else for (const [below, file] of Object.entries(filesOf(objects, sha))) files[`${path}/${below}`] = file
  }
  return files
}

const stamp = ({ at, email, name }: Person) => `${name} <${email}> ${Math.trunc(at / 1_000)} +0000`

/** Keeps a commit. */
export const addCommit = (objects: Objects, commit: Omit<Commit, "sha">): readonly [Objects, sha: string] => {
  const lines = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${stamp(commit.author)}`,
    `committer ${stamp(commit.committer)}`
  ]
  const sha = named("commit", Buffer.from(`${lines.join("\n")}\n\n${commit.message}`))
  const commits = objects.commits.has(sha) ? objects.commits : objects.commits.set(sha, { ...commit, sha })
  return [{ ...objects, commits }, sha]
}

/** A commit and all before it, the newest first: each before its parents. */
export const history = (objects: Objects, head: string): ReadonlyArray<Commit> => {
  const found = new Map<string, Commit>()
  const open = [head]
  while (open.length > 0) {
    const commit = objects.commits.get(open.pop() ?? "")
    if (commit === undefined || found.has(commit.sha)) continue
    found.set(commit.sha, commit)
    open.push(...commit.parents)
  }
  const placed = new Set<string>()
  const order: Array<Commit> = []
  const place = (from: string) => {
    const stack: Array<readonly [sha: string, isDone: boolean]> = [[from, false]]
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const commit = found.get(next[0])
      if (commit === undefined) continue
      if (next[1]) order.push(commit)
      else if (!placed.has(commit.sha)) {
        placed.add(commit.sha)
        stack.push([commit.sha, true], ...commit.parents.map((parent) => [parent, false] as const))
      }
    }
  }
  place(head)
  return order.reverse()
}

/** The newest commit that is before both. */
export const mergeBase = (objects: Objects, [a, b]: readonly [string, string]): Commit | undefined => {
  const known = new Set(history(objects, a).map(({ sha }) => sha))
  return history(objects, b).find(({ sha }) => known.has(sha))
}

/** The commits that `head` has and `base` has not, the newest first. */
export const ahead = (objects: Objects, { base, head }: { readonly base: string; readonly head: string }) => {
  const known = new Set(history(objects, base).map(({ sha }) => sha))
  return history(objects, head).filter(({ sha }) => !known.has(sha))
}

const treeFiles = (objects: Objects, sha: string | undefined): Files =>
  filesOf(objects, objects.commits.get(sha ?? "")?.tree ?? "")

/** The files of two heads as one. `undefined`: both have changed the same file, and not in the same way. */
export const merged = (
  objects: Objects,
  { base, head }: { readonly base: string; readonly head: string }
): Files | undefined =>
  together({
    ours: treeFiles(objects, base),
    theirs: treeFiles(objects, head),
    before: treeFiles(objects, mergeBase(objects, [base, head])?.sha)
  })

/** The files of a commit with what another one changed. `undefined`: the same file was changed in another way. */
export const picked = (
  objects: Objects,
  { commit, onto }: { readonly onto: string; readonly commit: Commit }
): Files | undefined =>
  together({
    ours: treeFiles(objects, onto),
    theirs: treeFiles(objects, commit.sha),
    before: treeFiles(objects, commit.parents[0])
  })

const together = (of: { readonly ours: Files; readonly theirs: Files; readonly before: Files }): Files | undefined => {
  const files: Record<string, Pick<Entry, "mode" | "sha">> = { ...of.ours }
  for (const path of new Set([...Object.keys(of.theirs), ...Object.keys(of.before)])) {
    const [our, their, old] = [of.ours[path], of.theirs[path], of.before[path]]
    const isSame = (a: typeof our, b: typeof our) => a?.sha === b?.sha && a?.mode === b?.mode
    if (isSame(their, old) || isSame(their, our)) continue
    if (!isSame(our, old)) return undefined
    if (their === undefined) delete files[path]
    else files[path] = their
  }
  return files
}
