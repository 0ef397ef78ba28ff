/**
 * Sandboxes on Vercel: each workspace is a small virtual machine with a name of its own, stopped with a snapshot of its files
 * when it is closed. Needs the package `@vercel/sandbox` 3.5 or newer.
 *
 * - A network that the spec does not name is denied. `Allow` is Vercel's own firewall.
 * - A machine whose host was killed is stopped by Vercel after `life`, and found again by the next opening.
 * - Ports are declared when a machine is made: only those that the spec gives as numbers can be exposed.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Provider from "../Provider.ts"
import * as Remote from "../Remote.ts"
import * as Sandbox from "../Sandbox.ts"
import type { SandboxSpec } from "../SandboxSpec.ts"

/** How Vercel is used. */
export interface Options {
  readonly token: Redacted.Redacted<string>
  readonly teamId: string
  readonly projectId: string
  /** The image of a machine, unless `spec.image` names one. It has git. Default: Vercel's own. */
  readonly image?: string
  /** How long a machine lives on when this process dies, in milliseconds, before Vercel stops it. Default: 10 minutes. */
  readonly life?: number
  /** How long one answer of Vercel may take, in milliseconds. Default: 60,000. */
  readonly patience?: number
  /** What requests go through, such as a proxy of yours. Default: that of the platform. */
  readonly fetch?: typeof globalThis.fetch
}

type Network = "allow-all" | "deny-all" | { allow: Array<string> }

/** As much of a machine of the SDK as is used here. */
interface Machine {
  readonly name: string
  runCommand(asked: {
    readonly cmd: string
    readonly args: Array<string>
    readonly signal: AbortSignal
  }): Promise<{ readonly exitCode: number; stdout(): Promise<string>; stderr(): Promise<string> }>
  writeFiles(
    files: Array<{ readonly path: string; readonly content: Uint8Array }>,
    options: { readonly signal: AbortSignal }
  ): Promise<void>
  domain(port: number): string
  stop(options: { readonly signal: AbortSignal }): Promise<unknown>
  delete(options: { readonly signal: AbortSignal; readonly deleteOrphanSnapshots: boolean }): Promise<void>
  update(
    asked: { readonly networkPolicy: Network; readonly timeout: number },
    options: { readonly signal: AbortSignal }
  ): Promise<void>
  updateNetworkPolicy(network: Network, options: { readonly signal: AbortSignal }): Promise<unknown>
  extendTimeout(milliseconds: number, options: { readonly signal: AbortSignal }): Promise<void>
}

interface Account {
  readonly token: string
  readonly teamId: string
  readonly projectId: string
  readonly fetch?: typeof globalThis.fetch
  readonly signal: AbortSignal
}

/** As much of the SDK as is used here. */
interface Sdk {
  readonly Sandbox: {
    create(asked: Account & Record<string, unknown>): Promise<Machine>
    get(asked: Account & Record<string, unknown> & { readonly name: string }): Promise<Machine>
  }
}

const home = "/vercel/sandbox/.millwright"

/** Sandboxes on Vercel. Fails with `Unavailable` when the package `@vercel/sandbox` is not there. */
export const layer = (options: Options): Layer.Layer<Sandbox.Sandbox, Sandbox.SandboxError, Sandbox.Services> =>
  Layer.effect(
    Sandbox.Sandbox,
    Effect.gen(function* () {
      const { Sandbox: sdk }: Sdk = yield* Provider.load("@vercel/sandbox", () => import("@vercel/sandbox"))
      const { fetch, life = 600_000, patience = 60_000, projectId, teamId, token } = options
      const asking: Provider.Asking = { name: "Vercel", patience, secrets: [token], reason: () => undefined }
      const call = Provider.ask(asking)
      const account = (signal: AbortSignal): Account => ({
        ...{ token: Redacted.value(token), teamId, projectId, signal },
        ...(fetch && { fetch })
      })
      const get = (name: string, signal: AbortSignal, resume: boolean) => sdk.get({ ...account(signal), name, resume })

      // A name is a machine's for ever, so there is one at most.
      const find: Provider.Provider["find"] = async (key, signal) => {
        try {
          return [(await get(key, signal, false)).name]
        } catch (error) {
          if (Provider.statusOf(error) === 404) return []
          throw error
        }
      }
      const remove: Provider.Provider["remove"] = async (name, signal) =>
        (await get(name, signal, false)).delete({ signal, deleteOrphanSnapshots: true })

      const providerOf = (spec: SandboxSpec, network: Network, up: (machine: Machine) => void): Provider.Provider => ({
        find,
        remove,
        create: async (name, signal) => {
          const image = spec.image ?? options.image
          const machine = await sdk.create({
            ...account(signal),
            ...{ name, timeout: life, networkPolicy: network, persistent: true, tags: { millwright: "workspace" } },
            ...(image !== undefined && { image }),
            ports: Object.values(spec.ports ?? {}).filter((port) => port !== null)
          })
          up(machine)
          return machineOf(machine)
        },
        attach: async (name, signal) => {
          // Before it wakes: what was left running in it sees no network that is not allowed any more.
          await (await get(name, signal, false)).update({ networkPolicy: network, timeout: life }, { signal })
          const machine = await get(name, signal, true)
          up(machine)
          return machineOf(machine)
        },
        park: async (name, signal) => (await get(name, signal, false)).stop({ signal })
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
        const extend = call("keeping the machine up", async (signal) => up?.extendTimeout(life / 3, { signal }))
        yield* Provider.keepUp(life / 3, extend)
        return {
          ...connection,
          expose: (port) =>
            Effect.try({
              try: () => new URL(up?.domain(port) ?? ""),
              catch: () =>
                new Sandbox.SandboxError({
                  reason: "Unsupported",
                  message: `Vercel exposes no port that was not known when the machine was made, and ${port} was not. Give its number in \`ports\`, and discard the workspace.`
                })
            }).pipe(Effect.map((url) => ({ host: url.hostname, port: Number(url.port || 443), url: url.href }))),
          setEgress: (egress) =>
            Effect.flatMap(networkOf(egress), (network) =>
              Effect.asVoid(
                call("changing the network", async (signal) => up?.updateNetworkPolicy(network, { signal }))
              )
            )
        }
      })

      return yield* Remote.make({
        name: "vercel",
        supports: Provider.supports,
        connect,
        discard: (key) => Provider.discard(key, { find, remove }, asking)
      })
    })
  )

const machineOf = (machine: Machine): Provider.Machine => ({
  id: machine.name,
  folder: home,
  run: async (text, signal) => {
    const done = await machine.runCommand({ cmd: "sh", args: ["-c", text], signal })
    return { code: done.exitCode, stdout: await done.stdout(), stderr: await done.stderr() }
  },
  write: (path, content, signal) => machine.writeFiles([{ path, content }], { signal })
})

const networkOf = Provider.network<Network>("Vercel", {
  open: "allow-all",
  deny: "deny-all",
  allow: (domains) => ({ allow: [...domains] })
})
