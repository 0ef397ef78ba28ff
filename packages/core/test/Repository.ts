/** Real repositories for tests, made with the real git and apart from the code under test. */
import { NodeServices } from "@effect/platform-node"
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"

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

/** Writes a file, with its folders. A name may be bytes. */
export const write = (dir: string, name: string | Buffer, content: string | Buffer): void => {
  const path = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(name)])
  Fs.mkdirSync(path.subarray(0, path.lastIndexOf("/")), { recursive: true })
  Fs.writeFileSync(path, content)
}

/** Commits everything and answers with the id. */
export const commit = (dir: string, message = "m"): string => {
  git(dir, "add", "-A")
  git(dir, "commit", "-q", "--allow-empty", "-m", message)
  return git(dir, "rev-parse", "HEAD")
}

/** An empty folder that goes away with the scope. */
export const temporary = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  fs.makeTempDirectoryScoped({ prefix: "millwright-git-" })
).pipe(Effect.map((dir) => Fs.realpathSync(dir)))

/** A repository with one commit on `main`. */
export const repository = Effect.map(temporary, (dir) => {
  git(dir, "init", "-q", "-b", "main", ".")
  write(dir, "README.md", "# Readme\n")
  return { dir, base: commit(dir, "base") }
})

/** A test with real files and processes. */
export const test = (
  title: string,
  body: () => Effect.Effect<void, unknown, NodeServices.NodeServices | Scope.Scope>
) => it.live(title, () => Effect.provide(body(), NodeServices.layer), 60_000)
