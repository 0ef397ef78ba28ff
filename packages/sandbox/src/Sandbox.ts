/**
 * The **sandbox**: the place where the commands of a run execute, with its policy.
 *
 * An adapter gives one primitive, `open`, which answers with Effect's own `ChildProcessSpawner`, `FileSystem` and
 * `Path`. Whatever is written against those three runs inside or outside of a sandbox by changing one layer.
 *
 * There are two tiers. Roles and tools get `services`, and nothing else can be reached from them. The host that opened the
 * sandbox also holds `host`: ports, network, snapshots, the end. It is a plain value and no service, so nothing that
 * is written against services can ask for it.
 *
 * What every adapter holds to (`SandboxTest.suite` proves it):
 *
 * - A command without `cwd` runs in the workspace; a relative path means one below the workspace.
 * - The file system answers for the workspace only: a path that leads out of it, through `..`, an absolute path or a
 *   symbolic link, fails with `PermissionDenied`.
 * - A child process sees the variables of `spec.env` and a fixed minimum (`PATH`, `HOME`, `LANG`, `TMPDIR`, `TERM`, `USER`),
 *   and nothing else of the host's environment, whatever the command asks for.
 * - Output streams while the command runs. When the scope of a command closes, every process that it started is gone, with its
 *   children, also those that started a session of their own, where `supports.killsTree` says so; when that of the sandbox
 *   closes, all of them are. Where a command has a process space of its own, what it left in the background ends with it.
 * - Every side of a pipeline runs inside.
 * - Opening the same `spec.id` twice, one after the other, gives the same workspace with what was left in it; `fresh`
 *   throws away what was not committed. While it is open, opening it again fails with `Busy`, in any process.
 * - When it has closed, what was committed on the branch is on that branch in the repository. When it could not be
 *   brought there, it stays in the workspace, and the next opening tries again.
 * - A spec that asks for what `supports` does not have fails with `Unsupported`, before anything is made.
 */
import * as Stage from "@millwright/core/Stage"
import * as Fault from "@millwright/core/Fault"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SpecProblem from "./internal/SpecProblem.ts"
import { type Egress, SandboxSpec, type Snapshot } from "./SandboxSpec.ts"
import { missing, type Supports } from "./Supports.ts"

/** A sandbox can not be opened or used. */
export class SandboxError extends Fault.Class<SandboxError>()("SandboxError", {
  /** The spec can not be followed as it is: an id or a branch that is no name, a path that is none. */
  BadSpec: false,
  /** The repository, the commit to start from, the folder or the image is not there. */
  NoSuchSource: false,
  /** The spec asks for what this adapter can not do. */
  Unsupported: false,
  /** What the sandbox needs is not installed on this machine, or the kernel does not allow it. The message says what. */
  Unavailable: false,
  /** The workspace is open elsewhere. */
  Busy: true,
  /** Opening broke half-way; nothing of it is left, but a workspace whose `setup` was through when a phase of `start` failed. */
  SetupFailed: true,
  /** A snapshot could not be restored whole; nothing of it is left. */
  RestoreIncomplete: false,
  /** The provider does not know who is asking, or does not allow it. */
  Unauthorized: false,
  /** The provider is overloaded, limits the rate, can not be reached, or broke. */
  ProviderFailed: true,
  /** The sandbox is closed. */
  Closed: false
}) {}

/** What a role and its tools get to hold: no more than this. */
export type Services = ChildProcessSpawner | FileSystem.FileSystem | Path.Path

/** Where a port of a sandbox is reached from the host. */
export interface Address {
  readonly host: string
  readonly port: number
  /** How a browser gets there. */
  readonly url: string
}

/**
 * What only the host may do with an open sandbox. What the adapter does not support fails with `Unsupported`. When its scope
 * has closed, and when it was destroyed, everything fails with `Closed` and touches nothing: the workspace may be another's.
 */
export interface Infrastructure {
  /** Makes a port reachable, by the variable of `spec.ports`, until the scope closes. */
  readonly expose: (variable: string) => Effect.Effect<Address, SandboxError, Scope.Scope>
  /** Changes what the network lets through. Connections that the new rule forbids are closed. */
  readonly setEgress: (egress: Egress) => Effect.Effect<void, SandboxError>
  /**
   * Brings what was committed to the repository, now, and fails when that can not be; nothing is lost then. Closing does it
   * as well, and can only log that it failed.
   */
  readonly deliver: Effect.Effect<void, SandboxError>
  /** Copies the workspace, commits and ignored files included. No command may be writing to it. */
  readonly snapshot: Effect.Effect<Snapshot, SandboxError>
  /** Halts every process, and lets them go on. */
  readonly pause: Effect.Effect<void, SandboxError>
  readonly resume: Effect.Effect<void, SandboxError>
  /**
   * Ends every process and removes the workspace, now. Twice is as good as once, and one that failed or was cancelled can be
   * tried again. Commits are not brought anywhere.
   */
  readonly destroy: Effect.Effect<void, SandboxError>
}

/** An open sandbox. */
export interface Opened {
  /** The workspace, as commands see it. */
  readonly directory: string
  /** Where `spec.companions` are, as commands see them. */
  readonly directories: Readonly<Record<string, string>>
  readonly services: Context.Context<Services>
  readonly host: Infrastructure
}

/** What an adapter's `open` answers with; `make` completes it. */
export interface Primitive {
  readonly name: string
  readonly supports: Supports
  readonly open: (spec: SandboxSpec) => Effect.Effect<
    Pick<Opened, "directory" | "services"> & {
      readonly directories?: Opened["directories"]
      readonly host?: Partial<Infrastructure>
    },
    SandboxError,
    Scope.Scope
  >
  readonly discard: (spec: Pick<SandboxSpec, "id" | "workspace">) => Effect.Effect<void, SandboxError>
}

/** Opens sandboxes. */
export class Sandbox extends Context.Service<
  Sandbox,
  {
    readonly name: string
    readonly supports: Supports
    readonly open: (spec: SandboxSpec) => Effect.Effect<Opened, SandboxError, Scope.Scope>
    /**
     * Removes a workspace that nobody has open, and what it held. Its branch stays, and so does a `Folder`; and a lock file of
     * 0 bytes for each id, which could not be removed without letting two processes lock two of one name.
     */
    readonly discard: (spec: Pick<SandboxSpec, "id" | "workspace">) => Effect.Effect<void, SandboxError>
  }
>()("@millwright/sandbox/Sandbox") {}

const decode = Schema.decodeUnknownEffect(SandboxSpec, { onExcessProperty: "error" })

/** Checks a spec from outside, as from a file: `BadSpec` says which field is wrong. */
export const spec = (input: unknown): Effect.Effect<SandboxSpec, SandboxError> =>
  Effect.mapError(
    decode(input),
    (cause) =>
      new SandboxError({
        reason: "BadSpec",
        message: `The spec of the sandbox is not one: ${SpecProblem.text(cause)}.`,
        cause
      })
  )

/**
 * Derives a sandbox from what an adapter gives. A spec that is none, or that asks for what is not supported, is refused before
 * the adapter sees it, and what a failed or cancelled opening took is given back at once, not when the scope of the
 * caller closes: it may try again.
 */
export const make = (primitive: Primitive): Sandbox["Service"] => {
  const refuse = (what: string) =>
    Effect.fail(
      new SandboxError({
        reason: "Unsupported",
        message: `The sandbox ${primitive.name} can not do this: ${what}. Leave it out, or take an adapter whose \`supports\` has it.`
      })
    )
  const accept = Effect.fnUntraced(function* (asked: SandboxSpec) {
    const checked = yield* spec(asked)
    const lacking = missing(primitive.supports, checked)
    return lacking.length === 0 ? checked : yield* refuse(lacking.join(", "))
  })
  const nothing: Infrastructure = {
    expose: () => refuse("expose a port"),
    setEgress: () => refuse("change the egress while it is open"),
    // Where nothing stands between the workspace and its repository, commits are there as soon as they are made.
    deliver: Effect.void,
    snapshot: refuse("snapshot"),
    pause: refuse("pause"),
    resume: refuse("resume"),
    destroy: refuse("destroy while it is open")
  }
  return {
    name: primitive.name,
    supports: primitive.supports,
    open: (asked) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const checked = yield* accept(asked)
          const scope = yield* Scope.fork(yield* Effect.scope)
          const opened = yield* restore(primitive.open(checked)).pipe(
            Effect.provideService(Scope.Scope, scope),
            Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
          )
          const given = yield* whileOpen(`${primitive.name} of ${checked.id}`, opened.host ?? {}, nothing)
          yield* Scope.addFinalizer(scope, given.end)
          return { directories: {}, ...opened, host: given.host }
        })
      ),
    discard: ({ id, workspace }) => Effect.flatMap(spec({ id, workspace }), primitive.discard)
  }
}

/** More than ever run at once. */
const all = 1_000

/** Lets the host do things until `end`, which waits for those that are under way, or until it has destroyed the sandbox. */
const whileOpen = Effect.fnUntraced(function* (
  what: string,
  given: Partial<Infrastructure>,
  otherwise: Infrastructure
) {
  const ending = yield* Deferred.make<void>()
  const running = yield* Semaphore.make(all)
  let isClosed = false
  let isDestroyed = false
  const closed = Effect.suspend(() =>
    Effect.fail(
      new SandboxError({
        reason: "Closed",
        message: `The sandbox ${what} ${isClosed ? "is closed" : "was destroyed"}, and nothing can be done with it. Open it again.`
      })
    )
  )
  const only = <A, R>(does: Effect.Effect<A, SandboxError, R>): Effect.Effect<A, SandboxError, R> =>
    Semaphore.withPermit(
      running,
      Effect.suspend(() =>
        Deferred.isDoneUnsafe(ending) ? closed : Effect.raceFirst(does, Effect.andThen(Deferred.await(ending), closed))
      )
    )
  const stop = Effect.suspend(() => Deferred.succeed(ending, undefined))
  const { deliver, expose, pause, resume, setEgress, snapshot } = { ...otherwise, ...given }
  const { destroy } = given
  const host: Infrastructure = {
    expose: (variable) => only(expose(variable)),
    setEgress: (egress) => only(setEgress(egress)),
    deliver: only(deliver),
    snapshot: only(snapshot),
    pause: only(pause),
    resume: only(resume),
    destroy:
      destroy === undefined
        ? only(otherwise.destroy)
        : Effect.suspend(() => {
            if (isDestroyed) return Effect.void
            if (isClosed) return closed
            const now = Effect.suspend(() => {
              if (isDestroyed) return Effect.void
              return isClosed ? closed : Effect.tap(destroy, () => Effect.sync(() => void (isDestroyed = true)))
            })
            // What else is under way is ended: it works on what is taken away.
            return Effect.andThen(stop, Semaphore.withPermits(running, all, now))
          })
  }
  const end = Effect.suspend(() => {
    isClosed = true
    return Effect.andThen(stop, Semaphore.withPermits(running, all, Effect.void))
  })
  return { host, end }
})

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
