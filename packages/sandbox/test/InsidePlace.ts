/** What the file system inside is tried on, with the shells of this machine and over a spawner that does not isolate. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { execFileSync } from "node:child_process"
import * as node from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as InsideFileSystem from "../src/InsideFileSystem.ts"

/** A shell and its tools. */
export interface Shell {
  readonly shell: readonly [string, ...ReadonlyArray<string>]
  /** Where the tools are. */
  readonly path: string
}

const isThere = (file: string) => node.existsSync(file)
/** Those of this machine, or why one is not there. */
export const shells: Record<string, Shell | string> = {
  "dash and GNU": isThere("/bin/dash")
    ? { shell: ["/bin/dash"], path: process.env.PATH ?? "/usr/bin:/bin" }
    : "there is no /bin/dash",
  BusyBox: (() => {
    const program = ["/bin/busybox", "/usr/bin/busybox"].find(isThere)
    if (program === undefined) return "there is no busybox (Debian: busybox-static)"
    const folder = node.mkdtempSync(join(tmpdir(), "busybox-"))
    execFileSync(program, ["--install", "-s", folder])
    return { shell: [join(folder, "sh")], path: folder } as const
  })()
}

/** Where a test works. */
export interface Place {
  readonly root: string
  readonly outside: string
  readonly fs: FileSystem.FileSystem
}

/** A folder with a file system inside of it, and a folder beside it that no path may lead to. */
export const place = ({ path, shell }: Shell, largest?: number) =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => node.realpathSync(node.mkdtempSync(join(tmpdir(), "inside-")))),
      (folder) => Effect.sync(() => node.rmSync(folder, { recursive: true, force: true }))
    )
    const root = join(folder, "work")
    const outside = join(folder, "outside")
    node.mkdirSync(root)
    node.mkdirSync(outside)
    node.writeFileSync(join(outside, "secret"), "outside")
    const host = yield* ChildProcessSpawner
    const fs = InsideFileSystem.make({
      spawner: onPath(host, path),
      roots: [root],
      protect: [".git"],
      shell,
      ...(largest === undefined ? {} : { largest })
    })
    return { root, outside, fs } satisfies Place
  })

/** The host's spawner with the tools of a folder. */
const onPath = (host: ChildProcessSpawner["Service"], path: string): ChildProcessSpawner["Service"] => ({
  ...host,
  spawn: (command) =>
    command._tag === "PipedCommand"
      ? host.spawn(command)
      : host.spawn({ ...command, options: { ...command.options, env: { ...command.options.env, PATH: path } } })
})
