/** Real repositories for tests of notes, made with the real git and apart from the code under test. */
import { NodeServices } from "@effect/platform-node"
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import { dirname } from "node:path"

const run = (dir: string, args: ReadonlyArray<string>, input?: string | Uint8Array): Buffer =>
  execFileSync(
    "git",
    ["-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", ...args],
    {
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_EDITOR: "true",
        GIT_SEQUENCE_EDITOR: "true"
      },
      ...(input !== undefined && { input }),
      maxBuffer: 64 * 1024 * 1024
    }
  )

/** Runs git, without the configuration of whoever runs the tests. */
export const git = (dir: string, ...args: ReadonlyArray<string>): string => run(dir, args).toString().trim()

/** What git prints, as bytes. */
export const gitBytes = (dir: string, ...args: ReadonlyArray<string>): Buffer => run(dir, args)

/** Runs git with something on its standard input. */
export const gitWith = (dir: string, input: string | Uint8Array, ...args: ReadonlyArray<string>): string =>
  run(dir, args, input).toString().trim()

/** Writes a file, with its folders. */
export const write = (dir: string, name: string, content: string): void => {
  Fs.mkdirSync(dirname(`${dir}/${name}`), { recursive: true })
  Fs.writeFileSync(`${dir}/${name}`, content)
}

/** Commits everything and answers with the id. */
export const commit = (dir: string, message = "m"): string => {
  git(dir, "add", "-A")
  git(dir, "commit", "-q", "--allow-empty", "-m", message)
  return git(dir, "rev-parse", "HEAD")
}

/** An empty folder that goes away with the scope. */
export const temporary = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  fs.makeTempDirectoryScoped({ prefix: "millwright-notes-" })
).pipe(Effect.map((dir) => Fs.realpathSync(dir)))

/** A repository with one commit on `main`. */
export const repository = Effect.fnUntraced(function* (...init: ReadonlyArray<string>) {
  const dir = yield* temporary
  git(dir, "init", "-q", "-b", "main", ...init, ".")
  write(dir, "README.md", "# Readme\n")
  return { dir, base: commit(dir, "base") }
})

/** A test with real files and processes. */
export const test = (
  title: string,
  body: () => Effect.Effect<void, unknown, NodeServices.NodeServices | Scope.Scope>
) => it.live(title, () => Effect.provide(body(), NodeServices.layer), 60_000)
