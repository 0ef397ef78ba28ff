/**
 * Sandboxes on E2B: each workspace is a small virtual machine of its own, paused with its files and memory when it is closed.
 * Needs the package `e2b` 2.51 or newer.
 *
 * - A network that the spec does not name is denied. `Allow` is E2B's own: names are held for HTTP and TLS on their usual
 *   ports, by what a connection says that it wants.
 * - A machine whose host was killed is paused by E2B after `life`, and found again by the next opening.
 * - E2B takes a machine's file system and memory as they are: what runs in it is not gone when it is paused, but nothing of
 *   ours is left running by then.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Provider from "../Provider.ts"
import * as Remote from "../Remote.ts"
import * as Sandbox from "../Sandbox.ts"
import type { SandboxSpec } from "../SandboxSpec.ts"

/** How E2B is used. */
export interface Options {
  readonly apiKey: Redacted.Redacted<string>
  /** The template of a machine, unless `spec.image` names one. It has git. Default: E2B's `base`. */
  readonly template?: string
  /** How long a machine lives on when this process dies, in milliseconds, before E2B pauses it. Default: 10 minutes. */
  readonly life?: number
  /** How long one answer of E2B may take, in milliseconds. Default: 60,000. */
  readonly patience?: number
  /** Where E2B is, when it is not the public one. */
  readonly domain?: string
  readonly apiUrl?: string
  readonly sandboxUrl?: string
}

/** As much of a machine of the SDK as is used here. */
interface Machine {
  readonly sandboxId: string
  readonly commands: {
    run(
      text: string,
      options: { readonly timeoutMs: number; readonly requestTimeoutMs: number; readonly signal: AbortSignal }
    ): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>
  }
  readonly files: {
    write(
      path: string,
      data: ArrayBuffer,
      options: { readonly useOctetStream: true; readonly signal: AbortSignal }
    ): Promise<unknown>
  }
  getHost(port: number): string
}

/** The options that every call takes. */
interface Call {
  readonly signal?: AbortSignal
  readonly apiKey: string
  readonly requestTimeoutMs: number
}

/** As much of the SDK as is used here. */
interface Sdk {
  readonly Sandbox: {
    create(template: string, options: Call & Record<string, unknown>): Promise<Machine>
    connect(id: string, options: Call & { readonly timeoutMs: number }): Promise<Machine>
    list(options: Call & { readonly query: { readonly metadata: Record<string, string> } }): {
      readonly hasNext: boolean
      nextItems(): Promise<ReadonlyArray<{ readonly sandboxId: string; readonly startedAt: Date }>>
    }
    pause(id: string, options: Call): Promise<unknown>
    kill(id: string, options: Call): Promise<unknown>
    setTimeout(id: string, timeout: number, options: Call): Promise<unknown>
    updateNetwork(
      id: string,
      network: Network & { readonly allowInternetAccess?: boolean },
      options: Call
    ): Promise<unknown>
  }
}

interface Network {
  readonly allowOut?: Array<string>
  readonly denyOut?: Array<string>
}

const home = "/home/user/.millwright"

/** Sandboxes on E2B. Fails with `Unavailable` when the package `e2b` is not there. */
export const layer = (options: Options): Layer.Layer<Sandbox.Sandbox, Sandbox.SandboxError, Sandbox.Services> =>
  Layer.effect(
    Sandbox.Sandbox,
    Effect.gen(function* () {
      const { Sandbox: sdk }: Sdk = yield* Provider.load("e2b", () => import("e2b"))
      const { apiUrl, domain, life = 600_000, patience = 60_000, sandboxUrl } = options
      const asking: Provider.Asking = { name: "E2B", patience, secrets: [options.apiKey], reason }
      const call = Provider.ask(asking)
      const how = (signal?: AbortSignal): Call => ({
        ...{ apiKey: Redacted.value(options.apiKey), requestTimeoutMs: patience, retries: 2 },
        ...(signal && { signal }),
        ...(apiUrl !== undefined && { apiUrl }),
        ...(sandboxUrl !== undefined && { sandboxUrl }),
        ...(domain !== undefined && { domain })
      })
      const setEgress = (id: string, network: Network) =>
        call("changing the network", (signal) => sdk.updateNetwork(id, network, how(signal)))

      const find: Provider.Provider["find"] = async (key, signal) => {
        const pages = sdk.list({ ...how(signal), query: { metadata: { [Provider.label]: key } } })
        const all = []
        while (pages.hasNext) all.push(...(await pages.nextItems()))
        return all.sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime()).map(({ sandboxId }) => sandboxId)
      }
      const remove: Provider.Provider["remove"] = (id, signal) => sdk.kill(id, how(signal))

      const providerOf = (spec: SandboxSpec, network: Network, up: (machine: Machine) => void): Provider.Provider => ({
        find,
        remove,
        create: async (key, signal) => {
          const machine = await sdk.create(spec.image ?? options.template ?? "base", {
            ...how(signal),
            metadata: { [Provider.label]: key },
            timeoutMs: life,
            lifecycle: { onTimeout: "pause" },
            network: { ...network, allowPublicTraffic: Object.keys(spec.ports ?? {}).length > 0 }
          })
          up(machine)
          return machineOf(machine, patience)
        },
        attach: async (id, signal) => {
          const machine = await sdk.connect(id, { ...how(signal), timeoutMs: life })
          await sdk.updateNetwork(id, network, how(signal))
          up(machine)
          return machineOf(machine, patience)
        },
        park: (id, signal) => sdk.pause(id, how(signal))
      })

      const connect = Effect.fnUntraced(function* ({
        key,
        spec
      }: Remote.Request): Effect.fn.Return<Remote.Connection, Sandbox.SandboxError, Scope.Scope> {
        const network = yield* networkOf(spec.egress)
        let host = (_: number): string => ""
        const provider = providerOf(spec, network, (machine) => {
          host = (port) => machine.getHost(port)
        })
        const { machine, ...connection } = yield* Provider.connect(key, provider, asking)
        const extend = call("keeping the machine up", (signal) => sdk.setTimeout(machine.id, life, how(signal)))
        yield* Provider.keepUp(life / 3, extend)
        return {
          ...connection,
          expose: (port) => Effect.sync(() => Provider.addressOf(new URL(`https://${host(port)}`))),
          setEgress: (egress) =>
            Effect.flatMap(networkOf(egress), (network) => Effect.asVoid(setEgress(machine.id, network)))
        }
      })

      return yield* Remote.make({
        name: "e2b",
        supports: { ...Provider.supports, pause: true },
        connect,
        discard: (key) => Provider.discard(key, { find, remove }, asking)
      })
    })
  )

const machineOf = (machine: Machine, patience: number): Provider.Machine => ({
  id: machine.sandboxId,
  folder: home,
  run: async (text, signal) => {
    try {
      const { exitCode, stderr, stdout } = await machine.commands.run(text, {
        timeoutMs: patience,
        requestTimeoutMs: patience,
        signal
      })
      return { code: exitCode, stdout, stderr }
    } catch (error) {
      // The SDK throws what is a result.
      if (!(error instanceof Error) || error.name !== "CommandExitError") throw error
      const { exitCode, stderr, stdout } = Object(error)
      return { code: Number(exitCode), stdout: String(stdout), stderr: String(stderr) }
    }
  },
  write: (path, bytes, signal) =>
    machine.files.write(path, Uint8Array.from(bytes).buffer, { useOctetStream: true, signal })
})

const reason: Provider.Asking["reason"] = ({ name, status }) => {
  if (name === "AuthenticationError") return "Unauthorized"
  if (name === "InvalidArgumentError" || name === "TemplateError") return "BadSpec"
  if (name === "NotFoundError" || name === "SandboxNotFoundError") return "NoSuchSource"
  return status === undefined ? "ProviderFailed" : undefined
}

const networkOf = Provider.network<Network>("E2B", {
  open: {},
  deny: { denyOut: ["0.0.0.0/0"] },
  allow: (domains) => ({ allowOut: [...domains], denyOut: ["0.0.0.0/0"] })
})
