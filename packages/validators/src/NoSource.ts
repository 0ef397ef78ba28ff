/**
 * **No source**: where a tester runs when it is more than a program of ours, as a browser or a coding agent is. It is a sandbox with an empty
 * workspace and nothing of the host beside it, whose network leads to the app, to the origins that the app names, and nowhere
 * else. So a tester can not read what it judges, whatever it is told by a page.
 *
 * A sandbox that can not hold this is refused, and not asked to do what it can. Where somebody wants a tester to run without, that
 * is {@link unenforced}, and every finding says so (`UserTesting`).
 *
 * What it holds off is reaching the source *outside of* the app. An app that serves its source, or a shell as an app, shows it.
 */
import * as Fault from "@millwright/core/Fault"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import type { SandboxSpec } from "@millwright/sandbox/SandboxSpec"
import type { Supports } from "@millwright/sandbox/Supports"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Surface from "./Surface.ts"

/** A tester can not be kept from the source. */
export class NoSourceError extends Fault.Class<NoSourceError>()("NoSourceError", {
  /** The sandbox can not hold it. The message says what it lacks. */
  NotEnforceable: false,
  /** The app, or one of its origins, has no address that a network can be opened to. */
  BadAddress: false
}) {}

/** What a sandbox lacks for it, as a person reads it. Nothing: it can hold it. */
export const missing = (supports: Supports): ReadonlyArray<string> => {
  const lacks: ReadonlyArray<readonly [string, boolean]> = [
    ["nothing stands between its commands and the host", supports.isolation === "none"],
    ["it can not close the network but for some origins", supports.network !== "allow"],
    ["it has no empty workspace", !supports.workspaces.includes("Empty")]
  ]
  return lacks.filter(([, isLacking]) => isLacking).map(([what]) => what)
}

/** Names of this machine's own loopback, which a sandbox knows by another one. */
const loopback = /^(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0)$/

/** The name that the host's loopback has inside of a sandbox. */
const host = "host.millwright.internal"

const urlOf = (address: string): URL | undefined => {
  const url = URL.canParse(address) ? new URL(address) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol) ? url : undefined
}

/** An address as it is reached from inside. */
export const inside = (address: string): string => {
  const url = urlOf(address)
  if (url === undefined || !loopback.test(url.hostname)) return address
  url.hostname = host
  return url.href
}

/** The app as a tester inside reaches it. */
export const appInside = (app: Surface.App): Surface.App => ({
  address: inside(app.address),
  ...(app.origins && { origins: app.origins.map(inside) })
})

/** What a room is opened with. */
export interface Options {
  /** Names its workspace. */
  readonly id: string
  readonly app: Surface.App
  /** The variables of ports that something inside listens on for the host, as a browser does that is spoken to. Default: none. */
  readonly ports?: ReadonlyArray<string>
}

/** What the sandbox of a tester is opened with: nothing but the way to the app. */
export const spec = ({ app, id, ports = [] }: Options): Result.Result<SandboxSpec, NoSourceError> => {
  const { address, origins = [] } = app
  const domains: Array<string> = []
  for (const each of [address, ...origins]) {
    const url = urlOf(each)
    if (url === undefined) {
      return Result.fail(
        new NoSourceError({
          reason: "BadAddress",
          message: `No network can be opened to ${JSON.stringify(each)}: it is no address that begins with http:// or https://. Mend the app's address or origins.`
        })
      )
    }
    const { hostname, port, protocol } = new URL(inside(each))
    domains.push(`${hostname}:${port || (protocol === "http:" ? "80" : "443")}`)
  }
  return Result.succeed({
    id,
    workspace: { _tag: "Empty" },
    egress: { _tag: "Allow", domains: [...new Set(domains)] },
    ...(ports.length > 0 && { ports: Object.fromEntries(ports.map((port) => [port, null])) })
  })
}

const made: unique symbol = Symbol("@millwright/validators/NoSource")

/** Where a tester runs. Only {@link open} and {@link unenforced} make one. */
export interface Room {
  readonly [made]: true
  /** Whether nothing but the app can be reached from it. */
  readonly isEnforced: boolean
  /** The services that what runs there gets. */
  readonly services: Context.Context<Sandbox.Services>
  /** The sandbox; `undefined` where there is none. */
  readonly opened: Sandbox.Opened | undefined
  /** The app as it is reached from there. */
  readonly app: Surface.App
}

/** Opens a room with the way to an app. What was in its workspace before is gone, and so is it when the scope closes. */
export const open = (
  options: Options
): Effect.Effect<Room, NoSourceError | Sandbox.SandboxError, Sandbox.Sandbox | Scope.Scope> =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    const lacks = missing(sandbox.supports)
    if (lacks.length > 0) {
      return yield* new NoSourceError({
        reason: "NotEnforceable",
        message:
          `The sandbox ${sandbox.name} can not keep a tester from the source: ${lacks.join(", and ")}. ` +
          `Take one that isolates, as bubblewrap or a container does, or let the tester run without (\`unenforced\`).`
      })
    }
    const wanted = yield* Effect.fromResult(spec(options))
    yield* sandbox.discard(wanted)
    yield* Effect.addFinalizer(() => Effect.ignore(sandbox.discard(wanted)))
    const opened = yield* sandbox.open(wanted)
    return { [made]: true, isEnforced: true, services: opened.services, opened, app: appInside(options.app) }
  })

/** A room of the host's: nothing keeps the source from what runs there. */
export const unenforced = (app: Surface.App, services: Context.Context<Sandbox.Services>): Room => ({
  [made]: true,
  isEnforced: false,
  services,
  opened: undefined,
  app
})

/**
 * A surface whose process runs in a room: it meets the app by the address that the app has there, and is taken for one that can not reach
 * the source where the room is enforced. Whoever calls this says that it runs there.
 */
export const within = (room: Room, surface: Surface.Surface["Service"]): Surface.Surface["Service"] => ({
  ...surface,
  noSource: room.isEnforced,
  open: (app) => surface.open(room.isEnforced ? appInside(app) : app)
})
