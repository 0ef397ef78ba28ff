/** Repositories to open sandboxes on, and what sandboxes leave behind in them. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** Runs git in a folder, and answers with what it says. */
export const git = (folder: string, ...args: ReadonlyArray<string>): string =>
  execFileSync("git", ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-C", folder, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 100_000_000
  }).trim()

/** Makes one of so many files of 4.4 KB each, fifty to a folder. */
export const make = (folder: string, files: number): void => {
  mkdirSync(folder, { recursive: true })
  git(folder, "init", "-q", "-b", "main")
  for (let at = 0; at < files; at++) {
    const below = join(folder, `part-${Math.floor(at / 50)}`)
    if (at % 50 === 0) mkdirSync(below)
    writeFileSync(join(below, `file-${at}.txt`), `line of file ${at}, as long as lines are\n`.repeat(110))
  }
  git(folder, "add", ".")
  git(folder, "commit", "-q", "-m", "first")
}

/** Makes a commit that nobody has opened yet. */
export const change = (folder: string, name: string): void => {
  writeFileSync(join(folder, "changed.txt"), `${name}\n`)
  git(folder, "add", "changed.txt")
  git(folder, "commit", "-q", "-m", name)
}

/** What of sandboxes can be seen from outside. */
export interface Traces {
  readonly mounts: number
  readonly processes: number
  readonly folders: number
  readonly branches: number
}

/** Counts them: the mounts of this process, its descendants, folders of workspaces, and branches that nobody asked for. */
export const traces = (repository: string): Traces => {
  const workspaces = [join(repository, ".git", "millwright", "clones"), join(repository, ".millwright", "worktrees")]
  return {
    mounts: readFileSync("/proc/self/mountinfo", "utf8").split("\n").length,
    processes: descendants(process.pid),
    folders: workspaces.flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : [])).length,
    branches: git(repository, "for-each-ref", "--format=%(refname)")
      .split("\n")
      .filter((name) => !name.startsWith("refs/heads/bench/")).length
  }
}

const descendants = (root: number): number => {
  const parents = new Map<number, number>()
  for (const name of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const text = readFileSync(`/proc/${name}/stat`, "latin1")
      const [state, parent] = text.slice(text.lastIndexOf(")") + 2).split(" ")
      if (state !== "Z") parents.set(Number(name), Number(parent))
    } catch {
      // It has ended.
    }
  }
  const isOurs = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (parents.get(pid) === root || isOurs(parents.get(pid)))
  return [...parents.keys()].filter(isOurs).length
}
