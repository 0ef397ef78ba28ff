/**
 * The ports of a sandbox. In a network of its own they are counted; where it shares that of the host, a number is one sandbox's alone, among those of all processes on the
 * machine, from the moment that it is given out: the lock is the kernel's, and gone when its process is.
 *
 * A program that is no sandbox may still take it before the command listens. Numbers are below those that systems give to
 * outgoing connections, which are the usual ones to do so by accident.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { chmodSync, lstatSync, mkdirSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SandboxError } from "./Sandbox.ts"
import type { SandboxSpec } from "./SandboxSpec.ts"
import * as WorkspaceLock from "./WorkspaceLock.ts"

const first = 20_000
const amount = 10_000

// Not where `TMPDIR` says: every process on the machine has to look into the same folder.
const folder = join(process.platform === "win32" ? tmpdir() : "/tmp", "millwright-ports")

const prepare = Effect.try({
  try: () => {
    try {
      mkdirSync(folder)
      // Of every user, each of whom can only touch what is his own.
      chmodSync(folder, 0o1777)
    } catch (cause) {
      if (!lstatSync(folder).isDirectory()) throw cause
    }
  },
  catch: (cause) =>
    new SandboxError({
      reason: "SetupFailed",
      message: `The folder ${folder}, in which ports are locked, can not be made: ${String(cause)}. Remove what is in its place.`,
      cause
    })
})

/** Whether nobody listens on a port, on any address. */
const isFree = (port: number): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", () => resume(Effect.succeed(false)))
    server.listen({ port, exclusive: true }, () => void server.close(() => resume(Effect.succeed(true))))
  })

/** Numbers for a network of its own, where every port is free: those that the spec leaves open are counted up. */
export const count = ({ ports = {} }: Pick<SandboxSpec, "ports">): Readonly<Record<string, number>> => {
  const fixed = new Set(Object.values(ports))
  let next = first
  const free = (): number => (fixed.has(++next) ? free() : next)
  return Object.fromEntries(Object.entries(ports).map(([variable, port]) => [variable, port ?? free()]))
}

/** The number of a variable of `spec.ports`. */
export const of = (ports: Readonly<Record<string, number>>, variable: string): Effect.Effect<number, SandboxError> => {
  const port = Object.hasOwn(ports, variable) ? ports[variable] : undefined
  return port === undefined
    ? Effect.fail(
        new SandboxError({
          reason: "BadSpec",
          message: `The sandbox has no port ${JSON.stringify(variable)}. Its ports: ${Object.keys(ports).join(", ") || "none"}.`
        })
      )
    : Effect.succeed(port)
}

/** The variables of ports. */
export const environment = (ports: Readonly<Record<string, number>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(ports).map(([variable, port]) => [variable, String(port)]))

/** Gives out a port for each variable of `spec.ports`, until the scope closes. */
export const take = Effect.fnUntraced(function* ({
  ports = {}
}: Pick<SandboxSpec, "ports">): Effect.fn.Return<Readonly<Record<string, number>>, SandboxError, Scope.Scope> {
  const variables = Object.keys(ports)
  if (variables.length === 0) return {}
  yield* prepare
  // Not all in the same order: who asks at the same time would go through them side by side.
  let next = yield* Random.nextIntBetween(0, amount)
  let tried = 0
  const one = Effect.gen(function* () {
    while (tried++ < amount) {
      const port = first + (next++ % amount)
      // One that is locked, or whose lock is another user's, is not ours.
      const lock = WorkspaceLock.take(join(folder, String(port)), `The port ${port} is another sandbox's.`)
      if ((yield* Effect.result(lock))._tag === "Success" && (yield* isFree(port))) return port
    }
    return yield* new SandboxError({
      reason: "ProviderFailed",
      message: `No port from ${first} to ${first + amount - 1} is free, or none can be locked in ${folder}. Close sandboxes that have some.`
    })
  })
  return Object.fromEntries(yield* Effect.forEach(variables, (variable) => Effect.map(one, (port) => [variable, port])))
})
