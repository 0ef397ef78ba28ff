/** Folders and repositories for tests of places: written, committed with real git, and removed at the end. */
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

/** What stands at a path: the content of a file, or where a link leads. */
export type Files = Readonly<Record<string, string | Uint8Array | { readonly link: string }>>

export const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "millwright-place-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

export const write = (folder: string, files: Files): void => {
  for (const [path, content] of Object.entries(files)) {
    const full = join(folder, path)
    mkdirSync(dirname(full), { recursive: true })
    if (typeof content === "object" && "link" in content) symlinkSync(content.link, full)
    else writeFileSync(full, content)
  }
}

export const git = (folder: string, ...args: ReadonlyArray<string>): string =>
  execFileSync("git", ["-C", folder, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "t",
      GIT_AUTHOR_EMAIL: "t@example.com",
      GIT_COMMITTER_NAME: "t",
      GIT_COMMITTER_EMAIL: "t@example.com"
    }
  }).trim()

/** A folder with files. */
export const folder = (files: Files) => Effect.tap(temporary, (path) => Effect.sync(() => write(path, files)))

/** Commits everything in a folder, and answers with the commit. */
export const commit = (path: string): string => {
  git(path, "add", "--all", "--force")
  git(path, "commit", "--quiet", "--allow-empty", "-m", "x")
  return git(path, "rev-parse", "HEAD")
}

/** A repository with one commit of files. */
export const repository = (files: Files) =>
  Effect.map(folder(files), (path) => {
    git(path, "init", "--quiet", "--initial-branch", "main")
    return { path, commit: commit(path) }
  })
