/** Calls of the git binary for the modules that ask it: what a failure means, and what is switched off for each kind of call. */
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Fault from "../Fault.ts"
import * as GitProcess from "./GitProcess.ts"

/** Git does not do what it was asked. */
export class GitError extends Fault.Class<GitError>()("GitError", {
  NotInstalled: false,
  NoSuchPath: false,
  NotARepository: false,
  NoCommits: false,
  UnknownRevision: false,
  /** Paths that are not merged, or a ref that is not where it was expected. */
  Conflict: false,
  /** Another git process holds a lock. */
  Locked: true,
  Failed: false
}) {}

/** Runs git and answers whatever it answered, an exit code other than 0 too. */
export const attempt = (call: GitProcess.Call): Effect.Effect<GitProcess.Result, GitError, ChildProcessSpawner> =>
  GitProcess.run(call).pipe(
    Effect.mapError((cause) =>
      cause.reason._tag === "NotFound"
        ? new GitError({
            reason: "NotInstalled",
            message: "The program git was not found. Install git 2.31 or later and put it on the PATH.",
            cause
          })
        : new GitError({
            reason: "Failed",
            message: `git ${call.args[0]} could not be run in ${call.dir}: ${cause.message}`,
            cause
          })
    )
  )

const reasons: ReadonlyArray<readonly [RegExp, (typeof GitError.Type)["reason"], remedy: string]> = [
  [/cannot change to /, "NoSuchPath", "Give the path of a folder that exists and that you may enter."],
  [
    /not a git repository|must be run in a work tree/,
    "NotARepository",
    "Give a folder inside a git repository, or make one with `git init`."
  ],
  [/does not have any commits yet/, "NoCommits", "Make a first commit: `git commit --allow-empty -m start`."],
  [
    /unable to create '.*\.lock'|cannot lock ref .*(?:file exists|\.lock)/i,
    "Locked",
    "Another git process works here. Try again; if none does, remove the lock file that it names."
  ],
  [
    /cannot lock ref|unmerged|needs merge/i,
    "Conflict",
    "Somebody else moved it, or paths are not merged. Look at `git status`."
  ],
  [
    /unknown revision|bad revision|needed a single revision|bad object|not a valid object name|not a valid ref/i,
    "UnknownRevision",
    "Name a branch, tag or commit of this repository."
  ]
]

/** What an answer with an exit code other than 0 means, and how to mend it. */
export const failed = (call: GitProcess.Call, result: GitProcess.Result): GitError => {
  const said = result.stderr.trim().slice(0, 2_000)
  const known = reasons.find(([pattern]) => pattern.test(said))
  return new GitError({
    reason: known?.[1] ?? "Failed",
    message: `git ${call.args[0]} failed in ${call.dir}: ${said || `exit code ${result.code}`}. ${known?.[2] ?? "Run it by hand to see more."}`
  })
}

/** Runs git and answers with what it printed; another exit code than 0 is a failure. */
export const run = Effect.fnUntraced(function* (
  call: GitProcess.Call
): Effect.fn.Return<Uint8Array, GitError, ChildProcessSpawner> {
  const result = yield* attempt(call)
  if (result.code !== 0) return yield* failed(call, result)
  if (result.truncated) {
    return yield* new GitError({
      reason: "Failed",
      message: `git ${call.args[0]} in ${call.dir} answered with more than ${GitProcess.outputLimit / 1024 / 1024} MiB. Make the change smaller.`
    })
  }
  return result.stdout
})

/** Runs git and answers with the one line that it printed. */
export const line = (call: GitProcess.Call): Effect.Effect<string, GitError, ChildProcessSpawner> =>
  Effect.map(run(call), (bytes) => GitProcess.text(bytes).replace(/\n$/, ""))

/** The folder that all working trees of the repository share, absolute. */
export const commonDir = (dir: string): Effect.Effect<string, GitError, ChildProcessSpawner> =>
  line({ dir, args: ["rev-parse", "--path-format=absolute", "--git-common-dir"] })

/** Reads objects alone: no working tree and no index, so that no attribute of the repository has a say. */
export const fromObjects = (
  dir: string,
  args: ReadonlyArray<string>
): Effect.Effect<GitProcess.Call, GitError, ChildProcessSpawner> =>
  Effect.map(commonDir(dir), (bare) => ({ dir, args, bare }))

/** Settings that keep a working tree's configured filters from running; an empty program is no program. */
export const harmless = Effect.fnUntraced(function* (dir: string) {
  const keys = GitProcess.fields(yield* run({ dir, args: ["config", "--list", "--name-only", "-z"] }))
  if (keys.includes("core.worktree")) {
    return yield* new GitError({
      reason: "Failed",
      message:
        `The repository in ${dir} is configured to work on another folder (core.worktree). ` +
        "Remove the setting: `git config --unset core.worktree`. Submodules are not worked in."
    })
  }
  const filters = new Set(
    keys.filter((key) => key.startsWith("filter.")).map((key) => key.slice(0, key.lastIndexOf(".")))
  )
  return [...filters].flatMap(
    (name) =>
      [
        [`${name}.clean`, ""],
        [`${name}.smudge`, ""],
        [`${name}.process`, ""],
        [`${name}.required`, "false"]
      ] as const
  )
})
