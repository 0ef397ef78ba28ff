/** What scrutiny is tried on: a real repository in a temporary folder, and the sandboxes of this machine. */
import { NodeServices } from "@effect/platform-node"
import { it } from "@effect/vitest"
import * as Change from "@millwright/core/Change"
import * as WorktreeSandbox from "@millwright/sandbox/adapters/WorktreeSandbox"
import type * as Sandbox from "@millwright/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

/** What a commit holds: texts by path; `null` takes a file away. */
export type Files = Readonly<Record<string, string | null>>

/** A repository whose first commit has some files. */
export interface Lab {
  /** The folder around it, and where our state lies. */
  readonly folder: string
  readonly state: string
  readonly repository: string
  readonly git: (...args: ReadonlyArray<string>) => string
  /** Writes files and commits them. Answers with the id. */
  readonly commit: (files: Files) => string
  /** A change from the commit before to a new one with these files. */
  readonly change: (files: Files) => Change.Change
}

const identity = {
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.invalid",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.invalid",
  GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z",
  GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z"
}

/** Makes a repository; the state of the user is in the same folder as long as the scope. */
export const make = (files: Files) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const folder = realpathSync(mkdtempSync(join(tmpdir(), "millwright-scrutiny-")))
        const before = process.env["XDG_STATE_HOME"]
        process.env["XDG_STATE_HOME"] = join(folder, "state")
        return { folder, before }
      }),
      ({ before, folder }) =>
        Effect.sync(() => {
          if (before === undefined) delete process.env["XDG_STATE_HOME"]
          else process.env["XDG_STATE_HOME"] = before
          rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
        })
    ),
    ({ folder }): Lab => {
      const repository = join(folder, "repository")
      mkdirSync(repository)
      const { HOME, PATH } = process.env
      const git = (...args: ReadonlyArray<string>) =>
        execFileSync("git", args, {
          cwd: repository,
          encoding: "utf8",
          env: { HOME, PATH, ...identity },
          stdio: "pipe"
        })
      git("init", "-q", "-b", "main")
      const commit = (changed: Files) => {
        for (const [path, text] of Object.entries(changed)) {
          const file = join(repository, path)
          if (text === null) rmSync(file)
          else {
            mkdirSync(dirname(file), { recursive: true })
            writeFileSync(file, text)
          }
        }
        git("add", "-A", "-f")
        git("commit", "-q", "--allow-empty", "-m", "work")
        return git("rev-parse", "HEAD").trim()
      }
      let tip = commit(files)
      return {
        folder,
        state: join(folder, "state"),
        repository,
        git,
        commit,
        change: (changed) => {
          const base = tip
          tip = commit(changed)
          const raw = git("diff-tree", "-r", "-M", "--raw", "--numstat", "-z", base, tip)
          return { branch: "work", base, head: tip, files: Change.parseRawNumstat(raw) }
        }
      }
    }
  )

/** The sandbox that isolates nothing: what is tried here does not rest on more. */
export const layer = Layer.provideMerge(WorktreeSandbox.layer, NodeServices.layer)

/** A test in that sandbox. */
export const test = (
  name: string,
  body: Effect.Effect<void, unknown, Sandbox.Sandbox | NodeServices.NodeServices | Scope.Scope>,
  timeout = 60_000
) => it.live(name, () => Effect.provide(Effect.scoped(body), layer, { local: true }), timeout)
