/** The commits of a repository as changes: a larger control than cases that somebody wrote, and nobody wrote them for this. */
import type * as Cheats from "@millwright/validators/Cheats"
import { spawnSync } from "node:child_process"
import * as Bench from "../Bench.ts"

/** One commit that is no merge, as a change. */
export interface Commit {
  readonly id: string
  readonly title: string
  readonly files: ReadonlyArray<Cheats.Sides>
}

const most = 1024 * 1024 * 1024

const git = (folder: string, args: ReadonlyArray<string>, input?: string): Buffer => {
  const { error, status, stderr, stdout } = spawnSync("git", ["-C", folder, "--no-pager", ...args], { maxBuffer: most, ...(input !== undefined && { input }) })
  if (error !== undefined || status !== 0) {
    throw new Bench.BadInput(`The history of ${folder} can not be read: ${error?.message ?? stderr.toString().trim()}. Name a git repository.`)
  }
  return stdout
}

/** The contents of objects, each read once. */
const contents = (folder: string, objects: ReadonlySet<string>): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  const said = git(folder, ["cat-file", "--batch"], [...objects].join("\n"))
  let at = 0
  while (at < said.length) {
    const end = said.indexOf(10, at)
    const [object = "", kind, size = "0"] = said.subarray(at, end).toString().split(" ")
    at = end + 1
    if (kind === "missing" || kind === undefined) continue
    found.set(object, said.subarray(at, at + Number(size)).toString("utf8"))
    at += Number(size) + 1
  }
  return found
}

const none = /^0+$/

/** The last `limit` commits of the branch that is checked out, newest first. */
export const read = (folder: string, limit: number): ReadonlyArray<Commit> => {
  const log = git(folder, ["log", "--no-merges", `--max-count=${limit}`, "--raw", "-z", "-M", "--no-abbrev", "--root", "--format=%x01%H%x02%s%x02"]).toString("utf8")
  const commits = log.split("\u0001").slice(1).map((part) => {
    const [id = "", title = "", raw = ""] = part.split("\u0002")
    const fields = raw.split("\0")
    const files: Array<{ readonly path: string; readonly previousPath?: string; readonly from: string; readonly to: string }> = []
    for (let at = fields.findIndex((field) => field.trim().startsWith(":")); at !== -1 && at < fields.length; ) {
      const head = fields[at]?.trim() ?? ""
      if (!head.startsWith(":")) break
      const [before = "", after = "", from = "", to = "", letters = ""] = head.slice(1).split(" ")
      const isPair = /^[RC]/.test(letters)
      const [first = "", second = ""] = fields.slice(at + 1, at + 3)
      at += isPair ? 3 : 2
      if (before === "160000" || after === "160000") continue
      files.push(isPair ? { path: second, previousPath: first, from, to } : { path: first, from, to })
    }
    return { id, title, files }
  })
  const all = contents(folder, new Set(commits.flatMap(({ files }) => files.flatMap(({ from, to }) => [from, to].filter((each) => !none.test(each))))))
  return commits.map(({ files, ...commit }) => ({
    ...commit,
    files: files.map(({ from, to, ...file }) => ({ ...file, before: all.get(from) ?? null, after: all.get(to) ?? null }))
  }))
}
