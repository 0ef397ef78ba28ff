/** A real repository with a branch of work in it, made with the real git and apart from the code under test. */
import { NodeServices } from "@effect/platform-node"
import { it } from "@effect/vitest"
import type * as Change from "@millwright/core/Change"
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import { mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"

/** Runs git, without the configuration of whoever runs the tests. */
export const git = (dir: string, ...args: ReadonlyArray<string>): string =>
  execFileSync(
    "git",
    ["-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", ...args],
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" }
    }
  ).trim()

/** What stands at a path: a content, nothing, or where a link leads. */
export type Content = string | Uint8Array | null | { readonly link: string }

/** Writes files and commits them; answers with the id. */
export const commit = (dir: string, files: Readonly<Record<string, Content>>): string => {
  for (const [path, content] of Object.entries(files)) {
    const file = join(dir, path)
    mkdirSync(dirname(file), { recursive: true })
    rmSync(file, { force: true })
    if (content === null) continue
    if (typeof content === "object" && "link" in content) symlinkSync(content.link, file)
    else writeFileSync(file, content)
  }
  git(dir, "add", "-A")
  git(dir, "commit", "-q", "--allow-empty", "-m", "m")
  return git(dir, "rev-parse", "HEAD")
}

/** A repository with one commit on `main`, gone with the scope. */
export const repository = (files: Readonly<Record<string, Content>> = { "README.md": "# Readme\n" }) =>
  Effect.map(
    Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped({ prefix: "millwright-handover-" })),
    (made) => {
      const dir = realpathSync(made)
      git(dir, "init", "-q", "-b", "main", ".")
      return { dir, base: commit(dir, files) }
    }
  )

/** What lies between two commits. */
export const change = (dir: string, base: string, head: string) =>
  Effect.map(Git.diff(dir, base, head), (files): Change.Change => ({ branch: "work", base, head, files }))

/** A test with real files and processes. */
export const test = (title: string, body: Effect.Effect<void, unknown, NodeServices.NodeServices | Scope.Scope>) =>
  it.live(title, () => Effect.provide(body, NodeServices.layer), 30_000)
