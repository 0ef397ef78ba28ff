/**
 * The git calls that make and fill a working tree, as the host runs them: with a clean environment, without hooks, without
 * prompts. What is only asked of a repository, core's `Git` is asked.
 *
 * Other than there, the user's configuration is read, filters run and what a partial clone lacks is fetched: without them
 * the files would not be those that the user has (Git LFS). Git 2.36 or newer.
 */
import type { GitError } from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { minimumEnvironment } from "./CleanSpawner.ts"
import { SandboxError } from "./Sandbox.ts"

/** What git answered. Texts are trimmed. */
export interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs git, and answers whatever its exit code is. */
export type Git = (
  args: ReadonlyArray<string>,
  env?: Readonly<Record<string, string>>
) => Effect.Effect<Answer, SandboxError>

// Hooks and the file system monitor are programs that a repository names.
const hardening = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "submodule.recurse=false"]

/** Makes git of a spawner of the host. */
export const make =
  (spawner: ChildProcessSpawner["Service"]): Git =>
  (args, env) =>
    Effect.scoped(
      Effect.gen(function* () {
        // GIT_DIR and its kin of the host would send git to another repository: they are set when it runs in a hook.
        const handle = yield* spawner.spawn(
          ChildProcess.make("git", [...hardening, ...args], {
            env: { ...minimumEnvironment(process.env), LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", ...env },
            stdin: "ignore",
            // Time to take its lock files away, on a busy machine too: those that a killed git leaves stay for ever.
            forceKillAfter: 10_000
          })
        )
        const text = (stream: typeof handle.stdout) => Stream.mkString(Stream.decodeText(stream))
        const [stdout, stderr, code] = yield* Effect.all([text(handle.stdout), text(handle.stderr), handle.exitCode], {
          concurrency: "unbounded"
        })
        return { code, stdout: stdout.trim(), stderr: stderr.trim() }
      })
    ).pipe(
      Effect.mapError((error) =>
        error.reason._tag === "NotFound"
          ? new SandboxError({
              reason: "Unsupported",
              message: "There is no program `git` on the PATH. Install git 2.36 or newer.",
              cause: error
            })
          : new SandboxError({
              reason: "SetupFailed",
              message: `\`git ${args.join(" ")}\` broke: ${error.message}. Run it by hand to see why.`,
              cause: error
            })
      )
    )

/** Takes the text of an answer, or fails with what git said. */
export const text = (answer: Effect.Effect<Answer, SandboxError>, doing: string): Effect.Effect<string, SandboxError> =>
  Effect.flatMap(answer, ({ code, stderr, stdout }) =>
    code === 0 ? Effect.succeed(stdout) : Effect.fail(refusal(stderr, doing))
  )

/** What git said, as an error. A branch that is checked out elsewhere is `Busy`. */
export const refusal = (stderr: string, doing: string): SandboxError =>
  /already (?:checked out|used by worktree)/.test(stderr)
    ? new SandboxError({
        reason: "Busy",
        message:
          `${doing} failed, since the branch is checked out elsewhere: ${stderr}. Switch that working tree to another ` +
          `branch, or name another branch here.`
      })
    : new SandboxError({ reason: "SetupFailed", message: `${doing} failed. Git says: ${stderr}` })

/** What core's `Git` said, as an error of a sandbox. */
export const fromGit = (error: GitError): SandboxError =>
  new SandboxError({
    reason: error.reason === "NotInstalled" ? "Unsupported" : error.reason === "Locked" ? "Busy" : "SetupFailed",
    message: error.message,
    cause: error
  })
