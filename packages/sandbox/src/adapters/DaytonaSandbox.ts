/**
 * Sandboxes on Daytona: each workspace is a machine of its own, stopped with its files when it is closed. Needs the package
 * `@daytona/sdk` 0.216 or newer.
 *
 * - A network that the spec does not name is denied. `Allow` is Daytona's own list of domains.
 * - A machine whose host was killed is stopped by Daytona after `life`, and found again by the next opening.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Provider from "../Provider.ts"
import * as Remote from "../Remote.ts"
import * as Sandbox from "../Sandbox.ts"
import type { SandboxSpec } from "../SandboxSpec.ts"

/** How Daytona is used. */
export interface Options {
  readonly apiKey: Redacted.Redacted<string>
  /** Where its API is, as in `https://host/api`. Default: the public one. */
  readonly apiUrl?: string
  /** The region. Default: `us`. */
  readonly target?: string
  /** The snapshot (Daytona's word for a prepared image) of a machine, when the spec names no image. It has git. */
  readonly snapshot?: string
  /** How long a machine lives on when this process dies, in minutes, before Daytona stops it. Default: 15. */
  readonly life?: number
  /** How long one answer of Daytona may take, in milliseconds. Default: 60,000. */
  readonly patience?: number
}

/** As much of a machine of the SDK as is used here. */
interface Machine {
  readonly id: string
  readonly state?: string | undefined
  readonly createdAt?: string | undefined
  readonly process: {
    executeCommand(
      command: string,
      cwd: undefined,
      env: undefined,
      timeout: number
    ): Promise<{ readonly exitCode: number; readonly result: string }>
  }
  readonly fs: { uploadFile(bytes: Buffer, path: string, timeout: number): Promise<void> }
  start(timeout: number): Promise<void>
  stop(timeout: number): Promise<void>
  delete(timeout: number, wait: boolean): Promise<void>
  updateNetworkSettings(network: Network): Promise<void>
  refreshActivity(): Promise<void>
  getPreviewLink(port: number): Promise<{ readonly url: string }>
}

/** As much of a client of the SDK as is used here. */
interface Client {
  create(asked: Record<string, unknown>, options: { readonly timeout: number }): Promise<Machine>
  get(id: string): Promise<Machine>
  list(query: { readonly labels: Record<string, string> }): AsyncIterable<Machine>
}

interface Sdk {
  readonly Daytona: new (config: {
    readonly apiKey: string
    readonly apiUrl: string
    readonly target: string
    readonly requestTimeoutMs: number
    readonly useDeprecatedPolling: boolean
  }) => Client
}

interface Network {
  readonly networkBlockAll: boolean
  readonly domainAllowList?: string
}

const home = "/home/daytona/.millwright"

/** Sandboxes on Daytona. Fails with `Unavailable` when the package `@daytona/sdk` is not there. */
export const layer = (options: Options): Layer.Layer<Sandbox.Sandbox, Sandbox.SandboxError, Sandbox.Services> =>
  Layer.effect(
    Sandbox.Sandbox,
    Effect.gen(function* () {
      const { Daytona }: Sdk = yield* Provider.load("@daytona/sdk", () => import("@daytona/sdk"))
      const { apiKey, apiUrl = "https://app.daytona.io/api", life = 15, patience = 60_000, target = "us" } = options
      // Its events come over a socket that would keep a process alive; the states that are waited for here are asked for.
      const client = new Daytona({
        ...{ apiKey: Redacted.value(apiKey), apiUrl, target },
        ...{ requestTimeoutMs: patience, useDeprecatedPolling: true }
      })
      const asking: Provider.Asking = { name: "Daytona", patience, secrets: [apiKey], reason }
      const call = Provider.ask(asking)
      const seconds = Math.ceil(patience / 1_000)

      const find: Provider.Provider["find"] = async (key) => {
        const all: Array<Machine> = []
        for await (const machine of client.list({ labels: { [Provider.label]: key } })) all.push(machine)
        return all.sort((a, b) => (a.createdAt ?? "").localeCompare(b.createdAt ?? "")).map(({ id }) => id)
      }
      const remove: Provider.Provider["remove"] = async (id) => (await client.get(id)).delete(seconds, true)

      const providerOf = (spec: SandboxSpec, network: Network, up: (machine: Machine) => void): Provider.Provider => ({
        find,
        remove,
        create: async (key) => {
          const source = spec.image === undefined ? { snapshot: options.snapshot } : { image: spec.image }
          const machine = await client.create(
            { ...source, ...network, labels: { [Provider.label]: key }, autoStopInterval: life, public: false },
            { timeout: seconds }
          )
          up(machine)
          return machineOf(machine, seconds)
        },
        attach: async (id) => {
          const machine = await client.get(id)
          if (machine.state !== "started") await machine.start(seconds)
          await machine.updateNetworkSettings(network)
          up(machine)
          return machineOf(machine, seconds)
        },
        park: async (id) => (await client.get(id)).stop(seconds)
      })

      const connect = Effect.fnUntraced(function* ({
        key,
        spec
      }: Remote.Request): Effect.fn.Return<Remote.Connection, Sandbox.SandboxError, Scope.Scope> {
        const network = yield* networkOf(spec.egress)
        let up: Machine | undefined
        const provider = providerOf(spec, network, (machine) => {
          up = machine
        })
        // Stopping ends what runs, so it is no pause.
        const {
          machine: _,
          pause: _pause,
          resume: _resume,
          ...connection
        } = yield* Provider.connect(key, provider, asking)
        const active = call("keeping the machine up", async () => up?.refreshActivity())
        yield* Provider.keepUp(life * 20_000, active)
        return {
          ...connection,
          expose: (port) =>
            Effect.map(
              call("exposing a port", async () => new URL((await up?.getPreviewLink(port))?.url ?? "")),
              Provider.addressOf
            ),
          setEgress: (egress) =>
            Effect.flatMap(networkOf(egress), (network) =>
              call("changing the network", async () => up?.updateNetworkSettings(network))
            )
        }
      })

      return yield* Remote.make({
        name: "daytona",
        supports: Provider.supports,
        connect,
        discard: (key) => Provider.discard(key, { find, remove }, asking)
      })
    })
  )

const machineOf = (machine: Machine, seconds: number): Provider.Machine => ({
  id: machine.id,
  folder: home,
  run: async (text) => {
    // Whatever splits it into words, a shell or not, finds the same three. Both outputs come as one.
    const words = `sh -c 'eval "$(echo ${Buffer.from(text).toString("base64")} | base64 -d)" 2> /dev/null'`
    const { exitCode, result } = await machine.process.executeCommand(words, undefined, undefined, seconds)
    return { code: exitCode, stdout: result, stderr: result }
  },
  write: (path, bytes) => machine.fs.uploadFile(Buffer.from(bytes), path, seconds)
})

const reason: Provider.Asking["reason"] = ({ status }) =>
  status === 409 || status === 410 ? "ProviderFailed" : undefined

const networkOf = Provider.network<Network>("Daytona", {
  open: { networkBlockAll: false, domainAllowList: "" },
  deny: { networkBlockAll: true },
  allow: (domains) => ({ networkBlockAll: false, domainAllowList: domains.join(",") })
})
