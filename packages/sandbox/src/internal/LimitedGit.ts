/**
 * Git of the host, on objects that a hostile workspace sent: with a limit of memory. It takes commits and trees into memory
 * whole, and one of 400 MB is sent as 2 MB.
 */
import * as Effect from "effect/Effect"
import * as ChildProcess from "effect/process/ChildProcess"
import { minimumEnvironment } from "../CleanSpawner.ts"
import type { HostFiles } from "./HostFiles.ts"
import type { Repository } from "./Repository.ts"

/** No object but a blob is larger, in bytes; a larger blob is not taken into memory whole. */
export const largestObject = 16 * 1024 ** 2
/** What it may take beside what it maps of the repository, in bytes. */
const usual = 384 * 1024 ** 2

const settings = {
  "core.bigFileThreshold": String(largestObject),
  "core.packedGitWindowSize": "16m",
  "core.packedGitLimit": "64m",
  "core.deltaBaseCacheLimit": "32m"
}

// The kernel holds it where it knows this limit; macOS does not.
const script = 'ulimit -v "$1" 2> /dev/null; shift; exec "$@"'

/** How much a git may take on a repository, in bytes: it maps indexes whole. */
export const limitOf = Effect.fnUntraced(function* ({ fs, list, path }: HostFiles, repository: Repository) {
  const files = [path.join(repository.common, "packed-refs")]
  for (const folder of repository.objects) {
    const packs = (yield* list(path.join(folder, "pack"))).filter((name) => !name.endsWith(".pack"))
    const graphs = yield* list(path.join(folder, "info", "commit-graphs"))
    files.push(
      path.join(folder, "info", "commit-graph"),
      ...packs.map((name) => path.join(folder, "pack", name)),
      ...graphs.map((name) => path.join(folder, "info", "commit-graphs", name))
    )
  }
  const sizes = yield* Effect.forEach(files, (file) => Effect.option(fs.stat(file)))
  return sizes.reduce((sum, info) => sum + (info._tag === "Some" ? Number(info.value.size) : 0), usual)
})

/** A program that runs with the limit. */
export const program = (
  limit: number,
  [command, ...args]: readonly [command: string, ...args: ReadonlyArray<string>],
  options: Pick<ChildProcess.CommandOptions, "stdin"> & { readonly env: Readonly<Record<string, string>> }
) =>
  ChildProcess.make("/bin/sh", ["-c", script, "limited", String(Math.ceil(limit / 1024)), command, ...args], {
    ...options,
    env: { ...minimumEnvironment(process.env), LC_ALL: "C", ...options.env },
    forceKillAfter: 200
  })

/** A git of the repository that runs with the limit. */
export const git = (
  limit: number,
  [repository, ...args]: readonly [repository: Repository, ...args: ReadonlyArray<string>],
  options: Parameters<typeof program>[2]
) => {
  const configured = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`])
  return program(limit, ["git", `--git-dir=${repository.common}`, ...configured, ...args], options)
}

/** Whether git said that it may not have as much memory as it needs. */
export const isTooMuch = (said: string): boolean => /out of memory|cannot allocate memory|mmap failed/i.test(said)
