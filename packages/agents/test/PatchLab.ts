/** Patches that git itself wrote. */
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

const git = (cwd: string, ...args: ReadonlyArray<string>): Buffer =>
  execFileSync(
    "git",
    ["-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-c", "init.defaultBranch=main", ...args],
    {
      cwd,
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" }
    }
  )

export type Files = Readonly<Record<string, string | Buffer>>

const write = (folder: string, files: Files): void => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}

/** What git says between two states of a folder. */
export const between = (before: Files, after: Files, ...options: ReadonlyArray<string>): string => {
  const folder = mkdtempSync(join(tmpdir(), "millwright-patch-"))
  try {
    git(folder, "init", "-q")
    write(folder, before)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "before")
    for (const path of Object.keys(before)) rmSync(join(folder, path))
    write(folder, after)
    git(folder, "add", "-A")
    return git(folder, "diff", "--cached", "-M", ...options).toString("utf8")
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
