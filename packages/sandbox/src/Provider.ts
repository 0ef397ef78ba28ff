/**
 * What the adapters of remote providers share: a machine for each key, found by its label, made when there is none, and
 * never made twice; the SDK when it is there; what a provider is told of a network; and what its failure means.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as ProcessTree from "./ProcessTree.ts"
import type { Connection } from "./Remote.ts"
import { type Address, SandboxError } from "./Sandbox.ts"
import type { Egress } from "./SandboxSpec.ts"
import * as Supports from "./Supports.ts"
import * as Relay from "./internal/Relay.ts"
import * as RelaySpawner from "./internal/RelaySpawner.ts"

/** The label that machines of ours carry, with the key of their workspace. */
export const label = "millwright-workspace"

/** A machine that is up. */
export interface Machine {
  readonly id: string
  /** Runs a text with its shell. */
  readonly run: (
    text: string,
    signal: AbortSignal
  ) => Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>
  readonly write: (path: string, bytes: Uint8Array, signal: AbortSignal) => Promise<unknown>
  /** Where commands of ours may write, absolute; made when it is not there. */
  readonly folder: string
}

/** What an adapter does with its provider's SDK. Failures are what the SDK throws. */
export interface Provider {
  /** Ids of the machines that carry a key, the oldest first. */
  readonly find: (key: string, signal: AbortSignal) => Promise<ReadonlyArray<string>>
  readonly create: (key: string, signal: AbortSignal) => Promise<Machine>
  /** Wakes a machine, and applies what may have changed since. */
  readonly attach: (id: string, signal: AbortSignal) => Promise<Machine>
  /** Puts it to sleep, with its files. */
  readonly park: (id: string, signal: AbortSignal) => Promise<unknown>
  readonly remove: (id: string, signal: AbortSignal) => Promise<unknown>
}

/** How an adapter asks its provider. */
export interface Asking {
  readonly name: string
  /** How long one answer may take, in milliseconds. */
  readonly patience: number
  /** How often a call on a machine is made before it has failed: fewer times where the SDK does it too. Default: 4. */
  readonly attempts?: number
  /** What is never told. */
  readonly secrets: ReadonlyArray<Redacted.Redacted<string>>
  /** What a failure of the SDK is. */
  readonly reason: (error: {
    readonly name: string
    readonly message: string
    readonly status: number | undefined
    /** The number that it has besides, as that of gRPC. */
    readonly code: number | undefined
  }) => SandboxError["reason"] | undefined
}

/** What a machine that is somebody else's can hold, driven as it is here. Adapters start from it. */
export const supports: Supports.Supports = {
  ...Supports.none,
  isolation: "remote",
  companions: true,
  workspaces: ["Checkout", "Empty"],
  network: "allow",
  ports: true,
  snapshot: true,
  image: true,
  killsTree: true
}

/** Loads an SDK that is an optional peer. */
export const load = <A>(name: string, sdk: () => Promise<A>): Effect.Effect<A, SandboxError> =>
  Effect.tryPromise({
    try: sdk,
    catch: (cause) =>
      new SandboxError({
        reason: "Unavailable",
        message: `The package ${name} can not be loaded. Add it to the dependencies of your project, beside @millwright/sandbox.`,
        cause
      })
  })

/** The HTTP status of what an SDK threw. */
export const statusOf = (error: unknown): number | undefined => {
  for (const name of ["statusCode", "status"]) {
    const value: unknown = Object(error)[name]
    if (typeof value === "number") return value
  }
  const { response } = Object(error)
  return response === undefined ? undefined : statusOf(response)
}

/** Asks a provider once. An SDK's error may hold the request with its key, so nothing but its redacted message is kept. */
export const ask =
  ({ name, patience, reason, secrets }: Asking) =>
  <A>(doing: string, call: (signal: AbortSignal) => PromiseLike<A>): Effect.Effect<A, SandboxError> =>
    Effect.raceFirst(
      Effect.tryPromise({
        try: call,
        catch: (error) => {
          const told = {
            name: String(Object(error).name),
            message: String(Object(error).message),
            status: statusOf(error),
            code: typeof Object(error).code === "number" ? Number(Object(error).code) : undefined
          }
          const message = secrets.reduce(
            (text, secret) => text.replaceAll(Redacted.value(secret), "<redacted>"),
            told.message
          )
          const what = reason(told) ?? byStatus(told.status)
          return new SandboxError({
            reason: what,
            message: `${name} failed at ${doing}: ${message.slice(0, 1_000)}. ${remedies[what] ?? ""}`.trimEnd()
          })
        }
      }),
      Effect.andThen(
        ProcessTree.pause(patience),
        Effect.fail(
          new SandboxError({
            reason: "ProviderFailed",
            message: `${name} did not answer in ${patience} ms at ${doing}. Look at its status page, or give it more time with \`patience\`.`
          })
        )
      )
    )

const byStatus = (status: number | undefined): SandboxError["reason"] => {
  if (status === 401 || status === 403) return "Unauthorized"
  if (status === 404) return "NoSuchSource"
  return status === 400 || status === 422 ? "BadSpec" : "ProviderFailed"
}

const remedies: Partial<Record<SandboxError["reason"], string>> = {
  Unauthorized: "Look at the key that the adapter was given, and at what it allows.",
  ProviderFailed: "Trying again may help.",
  NoSuchSource: "Look at the image or template that the spec or the adapter names."
}

/** Tries again what the provider may do at the next time. Only for what can be asked twice. */
export const again = <A>(effect: Effect.Effect<A, SandboxError>): Effect.Effect<A, SandboxError> =>
  Effect.retry(effect, { times: 3, while: ({ isRetryable }) => isRetryable, schedule: Schedule.exponential(200) })

/** Asks as long as the scope, now and then, for what keeps a machine up. `every` is in milliseconds. */
export const keepUp = (
  every: number,
  asking: Effect.Effect<unknown, SandboxError>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.forkScoped(Effect.forever(Effect.andThen(ProcessTree.pause(every), Effect.ignore(asking, { log: "Warn" }))))
  )

/** Where a port is reached whose address a provider gives as a url. */
export const addressOf = (url: URL): Address => ({
  host: url.hostname,
  port: Number(url.port || 443),
  url: url.href
})

/** What a provider is told of a network. One that the spec does not name is denied; names with ports are refused. */
export const network =
  <A>(
    name: string,
    told: { readonly open: A; readonly deny: A; readonly allow: (domains: ReadonlyArray<string>) => A }
  ) =>
  (egress: Egress = { _tag: "Deny" }): Effect.Effect<A, SandboxError> => {
    if (egress._tag === "Open") return Effect.succeed(told.open)
    if (egress._tag === "Deny" || egress.domains.length === 0) return Effect.succeed(told.deny)
    const ported = egress.domains.filter((domain) => domain.includes(":"))
    return ported.length > 0
      ? Effect.fail(
          new SandboxError({
            reason: "Unsupported",
            message: `${name} can not let through single ports: ${ported.join(", ")}. Name the host alone.`
          })
        )
      : Effect.succeed(told.allow(egress.domains))
  }

/** Connects with the machine of a key. When the scope closes, it is put to sleep, and what halted or removed it is told of it. */
export const connect = Effect.fnUntraced(function* (
  key: string,
  provider: Provider,
  asking: Asking
): Effect.fn.Return<
  Pick<Connection, "spawn" | "directory" | "minimum" | "destroy" | "pause" | "resume"> & { readonly machine: Machine },
  SandboxError,
  Scope.Scope
> {
  const call = ask(asking)
  // What is asked here can be asked twice, except for a machine to be made.
  const find = again(call("looking for the machine", (signal) => provider.find(key, signal)))
  const remove = (id: string) => again(call("removing a machine", (signal) => provider.remove(id, signal)))
  const wake = (id: string) => again(call("waking the machine", (signal) => provider.attach(id, signal)))

  // An answer that was lost may be that of a machine that was made: it is looked for before anything is given up.
  const created = call("making a machine", (signal) => provider.create(key, signal)).pipe(
    Effect.catch((error) =>
      error.isRetryable
        ? Effect.flatMap(find, ([id]) => (id === undefined ? Effect.fail(error) : wake(id)))
        : Effect.fail(error)
    ),
    Effect.onInterrupt(() =>
      Effect.forkDetach(Effect.ignore(Effect.flatMap(find, (ids) => Effect.forEach(ids, remove))))
    )
  )
  const [found, ...spare] = yield* find
  yield* Effect.forEach(spare, remove, { discard: true })
  const machine = found === undefined ? yield* created : yield* wake(found)

  let isRemoved = false
  const ready = yield* Latch.make(true)
  yield* Effect.addFinalizer((exit) =>
    Effect.suspend(() => {
      if (isRemoved) return Effect.void
      // What never came up is nothing that anybody would come back to.
      const isUseless = found === undefined && Exit.isFailure(exit)
      return isUseless
        ? Effect.ignore(remove(machine.id), { log: "Warn" })
        : Effect.ignore(again(call("putting the machine to sleep", (signal) => provider.park(machine.id, signal))), {
            log: "Warn"
          })
    })
  )
  // Without it, everything that is closed after the machine was removed would try again and again.
  const up = Effect.suspend(() =>
    isRemoved
      ? Effect.fail(
          new SandboxError({
            reason: "Closed",
            message: `The machine of ${asking.name} was removed. Open the sandbox again.`
          })
        )
      : Effect.void
  )
  const shell: Relay.Shell = {
    ready: ready.await,
    run: (text) =>
      Effect.andThen(
        up,
        Effect.flatMap(
          onMachine(call("running a command", (signal) => machine.run(text, signal))),
          ({ code, stderr, stdout }) =>
            code === 0
              ? Effect.succeed(stdout)
              : Effect.fail(
                  new SandboxError({
                    reason: "ProviderFailed",
                    message: `A call on the machine of ${asking.name} ended with ${code}: ${stderr.slice(-500)}`
                  })
                )
        )
      ),
    write: (path, bytes) =>
      Effect.asVoid(onMachine(call("writing a file", (signal) => machine.write(path, bytes, signal))))
  }
  const { attempts, patience } = asking
  const relay = yield* Relay.make({ shell, base: `${machine.folder}/relay`, patience, attempts })
  const spawn = yield* RelaySpawner.make(relay)
  return {
    machine,
    spawn,
    directory: machine.folder,
    minimum: relay.minimum,
    pause: Effect.andThen(
      ready.close,
      again(call("halting the machine", (signal) => provider.park(machine.id, signal)))
    ),
    resume: Effect.andThen(wake(machine.id), ready.open),
    destroy: Effect.suspend(() => {
      if (isRemoved) return Effect.void
      return Effect.andThen(
        remove(machine.id),
        Effect.sync(() => void (isRemoved = true))
      )
    })
  }
})

// A machine was there when it was connected with, and what it is asked is right. A provider that says otherwise may just be
// busy, and an SDK takes an answer that was cut off for a wrong question.
const onMachine = <A>(effect: Effect.Effect<A, SandboxError>): Effect.Effect<A, SandboxError> =>
  Effect.mapError(effect, (error) =>
    error.reason === "NoSuchSource" || error.reason === "BadSpec"
      ? new SandboxError({ reason: "ProviderFailed", message: error.message })
      : error
  )

/** Removes the machines of a key. */
export const discard = (
  key: string,
  provider: Pick<Provider, "find" | "remove">,
  asking: Asking
): Effect.Effect<void, SandboxError> => {
  const call = ask(asking)
  return Effect.flatMap(
    call("looking for the machine", (signal) => provider.find(key, signal)),
    Effect.forEach((id) => call("removing a machine", (signal) => provider.remove(id, signal)), { discard: true })
  )
}
