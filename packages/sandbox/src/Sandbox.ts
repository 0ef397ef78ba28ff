/**
 * The **sandbox**: the place where the commands of a run execute, with its policy.
 *
 * An adapter gives one primitive, `open`, which answers with Effect's own `ChildProcessSpawner`, `FileSystem` and
 * `Path`. Whatever is written against those three runs inside or outside of a sandbox by changing one layer.
 *
 * What every adapter holds to (`SandboxTest.suite` proves it):
 *
 * - A command without `cwd` runs in the workspace; a relative path means one below the workspace.
 * - The file system answers for the workspace only: a path that leads out of it, through `..`, an absolute path or a
 *   symbolic link, fails with `PermissionDenied`.
 * - A child process sees the variables of `spec.env` and a fixed minimum (`PATH`, `HOME`, `LANG`, `TMPDIR`, `TERM`, `USER`),
 *   and nothing else of the host's environment, whatever the command asks for.
 * - Output streams while the command runs. When the scope closes, every process that was started is gone, with its
 *   children, also those that started a session of their own, where `supports.killsTree` says so.
 * - Every side of a pipeline runs inside.
 * - Opening the same `spec.id` twice, one after the other, gives the same workspace with what was left in it; `fresh`
 *   throws away what was not committed. While it is open, opening it again fails with `Busy`, in any process.
 */
import * as Stage from "@millwright/core/Stage"
import * as Fault from "@millwright/core/Fault"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Scope from "effect/Scope"

/** A sandbox can not be opened or used. */
export class SandboxError extends Fault.Class<SandboxError>()("SandboxError", {
  /** The spec can not be followed as it is: an id or a branch that is no name. */
  BadSpec: false,
  /** The repository, or the commit to start from, is not there. */
  NoSuchSource: false,
  /** What the sandbox needs is not installed on this machine. */
  Unsupported: false,
  /** The workspace is open elsewhere. */
  Busy: true,
  /** Opening broke half-way; nothing of it is left. */
  SetupFailed: true
}) {}

/** What a sandbox is opened with. */
export interface SandboxSpec {
  /** Names the workspace: letters, digits, `.`, `_` and `-`, 100 at most. The same id is the same workspace. */
  readonly id: string
  /** The path of the repository that the workspace is made from. */
  readonly repository: string
  /** The commit that the branch starts at when it is made. */
  readonly base: string
  /** The branch that is checked out in the workspace; made at `base` when it is not there. */
  readonly branch: string
  /**
   * Throws away what was not committed, ignored files excepted, before anything runs. With a commit, the branch is moved
   * back to it as well: a step that died may have committed, and the next attempt must not build upon that.
   */
  readonly fresh?: boolean | { readonly at: string }
  /** Variables that commands shall see, beside the fixed minimum. */
  readonly env?: Readonly<Record<string, string>>
}

/** What an adapter can hold. Callers branch on it. */
export interface Supports {
  /** What stands between a command and the host: nothing, the kernel's namespaces, a container, another machine. */
  readonly isolation: "none" | "os" | "container" | "remote"
  /** Whether the network can be denied. */
  readonly network: boolean
  /** Whether processes that left their process group are killed as well when the scope closes. */
  readonly killsTree: boolean
}

/** What a role and its tools get to hold: no more than this. */
export type Services = ChildProcessSpawner | FileSystem.FileSystem | Path.Path

/** An open sandbox. */
export interface Opened {
  /** The workspace, as commands see it. */
  readonly directory: string
  readonly services: Context.Context<Services>
}

/** Opens sandboxes. */
export class Sandbox extends Context.Service<
  Sandbox,
  {
    readonly name: string
    readonly supports: Supports
    readonly open: (spec: SandboxSpec) => Effect.Effect<Opened, SandboxError, Scope.Scope>
    /** Removes a workspace that nobody has open, and what it held. Its branch stays. */
    readonly discard: (spec: Pick<SandboxSpec, "id" | "repository">) => Effect.Effect<void, SandboxError>
  }
>()("@millwright/sandbox/Sandbox") {}

/**
 * Derives a sandbox from what an adapter gives. An id that is no name fails with `BadSpec` before the adapter sees it, and
 * what a failed or cancelled opening took is given back at once, not when the scope of the caller closes: it may try again.
 */
export const make = (primitive: Sandbox["Service"]): Sandbox["Service"] => ({
  ...primitive,
  open: (spec) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        yield* checkId(spec.id)
        const scope = yield* Scope.fork(yield* Effect.scope)
        return yield* restore(primitive.open(spec)).pipe(
          Effect.provideService(Scope.Scope, scope),
          Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
        )
      })
    ),
  discard: (spec) => Effect.andThen(checkId(spec.id), primitive.discard(spec))
})

const checkId = (id: string): Effect.Effect<void, SandboxError> =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(id)
    ? Effect.void
    : Effect.fail(
        new SandboxError({
          reason: "BadSpec",
          message:
            `${JSON.stringify(id.slice(0, 120))} is no id of a sandbox: it takes 1 to 100 letters, digits, ".", "_" and "-", ` +
            `the first of them a letter or digit.`
        })
      )

/** The services of a sandbox that is open as long as the layer. */
export const layer = (spec: SandboxSpec): Layer.Layer<Services, SandboxError, Sandbox> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const sandbox = yield* Sandbox
      const { services } = yield* sandbox.open(spec)
      return services
    })
  )

/**
 * Runs the stages of an effect in a sandbox. In a line it is opened when a stage really runs, never for a stage whose
 * result is already there.
 */
export const within = (spec: SandboxSpec) => Stage.provide(layer(spec))
