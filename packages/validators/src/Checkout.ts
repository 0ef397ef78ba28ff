/**
 * A **fresh checkout**: the files of one commit in a sandbox of their own, as its objects have them, made for judging and
 * gone afterwards. It is never the tree that an author worked in, and nothing of that tree is in it.
 *
 * - The checkout is made of a repository that has the objects and nothing else: no configuration, hook, attribute or filter
 *   of the author's or the user's has a say, and none is run. A file that Git LFS keeps is its pointer.
 * - What makes tests runnable there is `prepare`: one command, such as `npm ci`, the only one that may be given a network.
 *   After it, the network is closed where the sandbox can close it (`supports.network`).
 * - Any number may be open at once. Each is removed with its branch when its scope closes, however it ends; what a process
 *   that was killed left behind goes when the next one is opened.
 */
import * as Fault from "@millwright/core/Fault"
import * as Git from "@millwright/core/Git"
import * as Validator from "@millwright/core/Validator"
import * as SandboxGit from "@millwright/sandbox/Git"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import type { Egress, SandboxSpec } from "@millwright/sandbox/SandboxSpec"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import * as CommandRun from "./internal/CommandRun.ts"
import * as Mirror from "./internal/Mirror.ts"
import * as PlainText from "./internal/PlainText.ts"
import * as TrackedFiles from "./internal/TrackedFiles.ts"

/** The checkout is there, and what makes it ready did not do so. Its message has the end of what was printed. */
export class NotPrepared extends Fault.Class<NotPrepared>()("NotPrepared", {
  /** The command exited with another code than 0, was ended by a signal, or printed too much. */
  CommandFailed: false,
  TimedOut: false,
  /** It rewrote files of the commit, such as a lock file: nothing could be judged by them any more. */
  FilesChanged: false,
  /** The command, or the shell, could not be started. */
  NotStarted: false
}) {}

/** A command that makes a checkout ready: it installs what the tests need. */
export interface Prepare {
  /** For bash. */
  readonly run: string
  /**
   * What it may reach. Left out: what the commands after it may. `Open` can not be closed again by every sandbox: name the
   * domains that are needed.
   */
  readonly egress?: Egress
  /** Default: 10 minutes. */
  readonly timeout?: Duration.Input
}

/** What a checkout is made of. */
export interface Options {
  /** The root of the repository: an absolute path of the host. */
  readonly repository: string
  /** A full id, or any revision of the repository. */
  readonly commit: string
  readonly prepare?: Prepare
  /** What commands may reach once it is prepared. Default: nothing, where the sandbox can hold that. */
  readonly egress?: Egress
  /** The rest of the sandbox's spec. Limits that are left out are those of the adapter, and 2,000 processes. */
  readonly sandbox?: Pick<
    SandboxSpec,
    "env" | "inherit" | "mounts" | "limits" | "image" | "secrets" | "registry" | "ports"
  >
}

/** A checkout that is open. */
export interface Checkout {
  /** The full id. */
  readonly commit: string
  /** The folder, as commands see it. */
  readonly directory: string
  /** What runs in it: its spawner, its file system. */
  readonly services: Sandbox.Opened["services"]
  /**
   * The paths of the commit that are not as the commit has them: content, kind or mode. A command that judges and rewrites
   * what is judged is seen here, whatever it tells git to overlook.
   */
  readonly changed: Effect.Effect<ReadonlyArray<string>, Validator.ValidatorError>
}

/** What is needed of the host to open one. */
export type Services = Sandbox.Sandbox | ChildProcessSpawner | FileSystem.FileSystem | Path.Path

const unavailable = (commit: string, cause: { readonly message: string }) =>
  new Validator.ValidatorError({
    reason: "SubjectUnavailable",
    message: `The commit ${commit.slice(0, 120)} can not be checked out: ${cause.message}`,
    cause
  })

/** As many may be open of one repository at once. */
const most = 256

/** Opens a checkout for as long as the scope; one that fails is gone at once. A commit that is not there is `SubjectUnavailable`. */
export const open = (
  options: Options
): Effect.Effect<Checkout, Validator.ValidatorError | NotPrepared, Services | Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope)
      return yield* restore(Scope.provide(opening(options), scope)).pipe(
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
    })
  )

const opening = (
  options: Options
): Effect.Effect<Checkout, Validator.ValidatorError | NotPrepared, Services | Scope.Scope> =>
  Effect.gen(function* () {
    const { prepare } = options
    const lacking = (cause: { readonly message: string }) => unavailable(options.commit, cause)
    const made = Effect.gen(function* () {
      const commit = yield* Git.resolve(options.repository, options.commit)
      return { commit, mirror: yield* Mirror.make(options.repository, commit) }
    })
    const { commit, mirror } = yield* Effect.mapError(made, lacking)
    const { opened, sandbox } = yield* Effect.mapError(take({ ...options, commit, repository: mirror }), lacking)
    const { directory, services } = opened
    const objects = yield* Effect.mapError(Effect.provide(TrackedFiles.objects, services), lacking)
    const changed = TrackedFiles.changed(commit, objects).pipe(Effect.mapError(lacking), Effect.provide(services))
    const checkout: Checkout = { commit, directory, services, changed }
    if (prepare !== undefined) {
      yield* Effect.provide(ready(prepare), services)
      const rewritten = yield* changed
      if (rewritten.length > 0) {
        const paths = rewritten.slice(0, 5).map((path) => PlainText.line(path))
        return yield* new NotPrepared({
          reason: "FilesChanged",
          message:
            `\`${PlainText.line(prepare.run)}\` rewrote files of the commit: ${paths.join(", ")}. ` +
            `Use a command that leaves them, such as \`npm ci\` in the place of \`npm install\`.`
        })
      }
      if (prepare.egress !== undefined && sandbox.supports.network !== "open") {
        yield* Effect.mapError(opened.host.setEgress(options.egress ?? { _tag: "Deny" }), lacking)
      }
    }
    return checkout
  })

/** Opens the first workspace of the repository's that nobody has open, with nothing in it but the commit. */
const take = Effect.fnUntraced(function* ({ commit, egress, prepare, repository, sandbox: asked = {} }: Options) {
  const sandbox = yield* Sandbox.Sandbox
  const git = SandboxGit.make(yield* ChildProcessSpawner)
  const forget = (ref: string) => Effect.ignore(git(["-C", repository, "update-ref", "-d", ref]))
  const outgoing = prepare?.egress ?? egress
  const processes = sandbox.supports.limits.includes("processes") ? { processes: 2_000 } : {}

  // Where the next one has the place already, it has removed what was there.
  const remove = (spec: SandboxSpec) =>
    Effect.catch(sandbox.discard(spec), (error) =>
      error.reason === "Busy" ? Effect.void : Effect.logWarning(error.message)
    )

  const attempt = Effect.fnUntraced(function* (number: number) {
    const own = `checkout/${sandbox.name}/${number}`
    const branch = `${own}/${randomUUID()}`
    const spec: SandboxSpec = {
      ...asked,
      id: `checkout-${number}`,
      workspace: { _tag: "Checkout", repository, base: commit, branch, fresh: { at: commit } },
      limits: { ...processes, ...asked.limits },
      ...(outgoing !== undefined && { egress: outgoing })
    }
    // What a process that was killed has left, ignored files too. It fails with `Busy` where one is open.
    yield* sandbox.discard(spec)
    const opened = yield* Effect.uninterruptibleMask(
      Effect.fnUntraced(function* (restore) {
        const inner = yield* Scope.make()
        const opened = yield* restore(Scope.provide(sandbox.open(spec), inner)).pipe(
          Effect.onError((cause) => Scope.close(inner, Exit.failCause(cause)))
        )
        yield* Effect.addFinalizer((exit) =>
          // It is ended before it closes, so that nothing of it is brought anywhere. What is removed waits for locks, which
          // a fiber that was interrupted can not: another one does it.
          Effect.ignore(opened.host.destroy).pipe(
            Effect.andThen(Scope.close(inner, exit)),
            Effect.andThen(Effect.forkDetach(Effect.andThen(remove(spec), forget(`refs/heads/${branch}`)))),
            Effect.flatMap(Fiber.await)
          )
        )
        return opened
      })
    )
    const { stdout } = yield* git(["-C", repository, "for-each-ref", "--format=%(refname)", `refs/heads/${own}/`])
    const left = stdout.split("\n").filter((ref) => ref !== "" && ref !== `refs/heads/${branch}`)
    yield* Effect.forEach(left, forget, { discard: true })
    return { opened, sandbox }
  })
  for (let number = 1; number < most; number++) {
    const taken = yield* Effect.catchIf(
      attempt(number),
      ({ reason }) => reason === "Busy",
      () => Effect.succeed(undefined)
    )
    if (taken !== undefined) return taken
  }
  return yield* attempt(most)
})

/** Runs what makes a checkout ready. */
const ready = Effect.fnUntraced(function* ({ run, timeout = "10 minutes" }: Prepare) {
  const ran = yield* CommandRun.run({ run, timeout: Duration.fromInputUnsafe(timeout), most: 1e9 })
  if (ran.status === "pass") return
  const { ending, evidence, said } = ran
  const reason = ending._tag === "TimedOut" || ending._tag === "NotStarted" ? ending._tag : ("CommandFailed" as const)
  const printed = evidence.excerpt.trim() === "" ? "It printed nothing." : `It printed:\n${evidence.excerpt.trim()}`
  return yield* new NotPrepared({ reason, message: `\`${PlainText.line(run)}\` ${said}. ${printed}` })
})
