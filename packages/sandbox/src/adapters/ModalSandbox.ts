/**
 * Sandboxes on Modal: each workspace is a container of its own, ended when it is closed, and made again of the snapshot that
 * Modal takes of its files at the end. Needs the package `modal` 0.11: npm's `latest` of that name is somebody else's.
 *
 * - A network that the spec does not name is denied. `Allow` is Modal's own list of domains and addresses.
 * - A machine whose host was killed is ended by Modal after `life` without a command, and with it a snapshot is taken. No
 *   machine lives for more than a day, and one that is open is ended then as well.
 * - Limits, ports and the image are those that a machine was made with. One that still runs is made anew where the spec has
 *   limits or ports.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { createHash } from "node:crypto"
import { isIP } from "node:net"
import * as Ports from "../Ports.ts"
import * as Provider from "../Provider.ts"
import * as Remote from "../Remote.ts"
import * as Sandbox from "../Sandbox.ts"
import type { SandboxSpec } from "../SandboxSpec.ts"

/** How Modal is used. Where its API is, and what is left out here, the SDK takes from its own settings. */
export interface Options {
  readonly tokenId: string
  readonly tokenSecret: Redacted.Redacted<string>
  /** Modal's word for a part of an account. Default: that of the SDK's settings. */
  readonly environment?: string
  /** The app that machines belong to, made when it is not there. Default: `millwright`. */
  readonly app?: string
  /**
   * The image of a machine, unless `spec.image` names one: one of a registry, or the id of one of Modal's. It has git.
   * Default: `buildpack-deps:bookworm-scm`.
   */
  readonly image?: string
  /** How long a machine lives on without a command when this process dies, in milliseconds. Default: 10 minutes. */
  readonly life?: number
  /** How long one answer of Modal may take, in milliseconds. Default: 60,000. */
  readonly patience?: number
}

/** As much of a command of the SDK as is used here. */
interface Running {
  readonly stdout: Readable
  readonly stderr: Readable
  wait(): Promise<number>
}

interface Readable {
  readText(): Promise<string>
}

/** As much of a machine of the SDK as is used here. */
interface Machine {
  readonly sandboxId: string
  exec(argv: Array<string>, options: { readonly timeoutMs: number }): Promise<Running>
  readonly filesystem: { writeBytes(bytes: Uint8Array, path: string): Promise<void> }
  tunnels(patience: number): Promise<Record<number, { readonly url: string }>>
  updateNetworkPolicy(network: Network): Promise<void>
  /** The exit code; none while it runs. */
  poll(): Promise<number | null>
  terminate(options: { readonly wait: true }): Promise<unknown>
  experimentalGetExitSnapshot(options: { readonly timeoutMs: number }): Promise<Image>
  detach(): void
}

interface Image {
  readonly imageId: string
}

interface App {
  readonly appId: string
}

/** As much of a client of the SDK as is used here. */
interface Client {
  readonly apps: { fromName(name: string, options: { readonly createIfMissing: true }): Promise<App> }
  readonly images: {
    fromId(id: string): Promise<Image>
    fromRegistry(tag: string): { build(app: App): Promise<Image> }
    delete(id: string): Promise<void>
  }
  // Those without `experimental` in their names are the same, or what was before them, as the user's settings say.
  readonly sandboxes: {
    experimentalCreate(app: App, image: Image, options: Record<string, unknown>): Promise<Machine>
    experimentalFromName(app: string, name: string, options?: { readonly includeTerminated: true }): Promise<Machine>
    fromId(id: string): Promise<Machine>
  }
}

/** As much of the SDK as is used here. */
interface Sdk {
  readonly ModalClient: new (settings: {
    readonly tokenId: string
    readonly tokenSecret: string
    readonly environment?: string
    readonly maxThrottleWaitSecs: number
  }) => Client
}

interface Network {
  readonly outboundCidrAllowlist: Array<string>
  readonly outboundDomainAllowlist: Array<string>
}

const home = "/root/.millwright"
/** How long a machine may live, and how long an image that Modal does not have yet may take, in milliseconds. */
const day = 86_400_000
const building = 600_000

/** Sandboxes on Modal. Fails with `Unavailable` when the package `modal` is not there, or is another. */
export const layer = (options: Options): Layer.Layer<Sandbox.Sandbox, Sandbox.SandboxError, Sandbox.Services> =>
  Layer.effect(
    Sandbox.Sandbox,
    Effect.gen(function* () {
      const { ModalClient } = yield* Provider.load("modal@^0.11", sdk)
      const {
        app: appName = "millwright",
        environment,
        life = 600_000,
        patience = 60_000,
        tokenId,
        tokenSecret
      } = options
      // What a machine does not answer, the SDK asks again for ten seconds.
      const asking: Provider.Asking = { name: "Modal", patience, attempts: 2, secrets: [tokenSecret], reason }
      const call = Provider.ask(asking)
      const client = yield* call(
        "reading its settings",
        async () =>
          new ModalClient({
            ...{ tokenId, tokenSecret: Redacted.value(tokenSecret) },
            ...(environment !== undefined && { environment }),
            // Of what Modal asks to wait for, as much as leaves time to ask again.
            maxThrottleWaitSecs: Math.max(1, Math.floor(patience / 10_000))
          })
      )
      const { images, sandboxes } = client
      const snapshotOf = (machine: Machine) => machine.experimentalGetExitSnapshot({ timeoutMs: patience })

      // A name is that of one machine at a time. One that has ended is there as long as the snapshot of its files.
      const find: Provider.Provider["find"] = async (key) => {
        try {
          const machine = await sandboxes.experimentalFromName(appName, nameOf(key), { includeTerminated: true })
          if ((await machine.poll()) !== null) await images.fromId((await snapshotOf(machine)).imageId)
          return [machine.sandboxId]
        } catch (error) {
          if (isGone(error)) return []
          throw error
        }
      }
      const remove: Provider.Provider["remove"] = async (id) => {
        try {
          const machine = await sandboxes.fromId(id)
          await machine.terminate({ wait: true })
          await images.delete((await snapshotOf(machine)).imageId)
        } catch (error) {
          if (!isGone(error)) throw error
        }
      }

      const providerOf = (
        { key, spec }: Remote.Request,
        made: { readonly app: App; readonly image: Image; readonly network: Network },
        up: (machine: Machine) => void
      ): Provider.Provider => {
        const { app, image, network } = made
        const use = (machine: Machine) => {
          up(machine)
          return machineOf(machine, patience)
        }
        const take = async (machine: Machine) => {
          await machine.updateNetworkPolicy(network)
          return use(machine)
        }
        const create = async (image: Image) => {
          try {
            const machine = await sandboxes.experimentalCreate(app, image, {
              ...{ name: nameOf(key), tags: { millwright: "workspace" }, timeoutMs: day, idleTimeoutMs: seconds(life) },
              // An empty list denies all, and leaves tunnels open, which a blocked network does not promise.
              ...(spec.egress?._tag !== "Open" && network),
              ...limitsOf(spec),
              encryptedPorts: Object.values(Ports.count(spec)),
              experimentalOptions: { enable_exit_snapshot: true }
            })
            return use(machine)
          } catch (error) {
            // The SDK asks again when an answer was lost, and finds the name taken by what it has made.
            if (Object(error).name !== "AlreadyExistsError") throw error
            return take(await sandboxes.experimentalFromName(appName, nameOf(key)))
          }
        }
        return {
          find,
          remove,
          create: () => create(image),
          attach: async (id) => {
            const machine = await sandboxes.fromId(id)
            const isUp = (await machine.poll()) === null
            if (isUp && !isFixed(spec)) return take(machine)
            if (isUp) await machine.terminate({ wait: true })
            return create(await snapshotOf(machine))
          },
          park: async (id) => {
            const machine = await sandboxes.fromId(id)
            await machine.terminate({ wait: true })
            // It is told when it could not be taken: what comes next is a new workspace then.
            await snapshotOf(machine)
          }
        }
      }

      const connect = Effect.fnUntraced(function* ({
        key,
        spec
      }: Remote.Request): Effect.fn.Return<Remote.Connection, Sandbox.SandboxError, Scope.Scope> {
        const network = yield* networkOf(spec.egress)
        const app = yield* Provider.again(
          call("looking for the app", () => client.apps.fromName(appName, { createIfMissing: true }))
        )
        const name = spec.image ?? options.image ?? "buildpack-deps:bookworm-scm"
        const image = yield* Provider.again(
          Provider.ask({ ...asking, patience: Math.max(patience, building) })(`building the image ${name}`, () =>
            name.startsWith("im-") ? images.fromId(name) : images.fromRegistry(name).build(app)
          )
        )
        let up: Machine | undefined
        yield* Effect.addFinalizer(() => Effect.sync(() => up?.detach()))
        const provider = providerOf({ key, spec }, { app, image, network }, (machine) => {
          up = machine
        })
        const { machine: _, ...connection } = yield* Provider.connect(key, provider, asking)
        yield* Provider.keepUp(
          life / 3,
          call("keeping the machine up", async () => up?.exec(["true"], { timeoutMs: 1_000 }))
        )
        return {
          ...connection,
          expose: (port) =>
            Effect.map(
              call("exposing a port", async () => new URL((await up?.tunnels(patience))?.[port]?.url ?? "")),
              Provider.addressOf
            ),
          setEgress: (egress) =>
            Effect.flatMap(networkOf(egress), (network) =>
              call("changing the network", async () => up?.updateNetworkPolicy(network))
            )
        }
      })

      return yield* Remote.make({
        name: "modal",
        supports: { ...Provider.supports, limits: ["cpus", "memory", "wall"] },
        connect,
        discard: (key) => Provider.discard(key, { find, remove }, asking)
      })
    })
  )

const sdk = async (): Promise<Sdk> => {
  const found = await import("modal")
  // Who installs it without a version gets another package of that name.
  if (!("ModalClient" in found)) throw new Error("The package `modal` that is installed is not Modal's.")
  return found
}

/** The SDK takes milliseconds that make whole seconds. */
const seconds = (milliseconds: number): number => Math.ceil(milliseconds / 1_000) * 1_000

/** A name has 64 characters at most, and a key may have more. */
const nameOf = (key: string): string => `mw-${createHash("sha256").update(key).digest("hex").slice(0, 40)}`

/** Whether a machine is not known any more, or nothing is left of its files. */
const isGone = (error: unknown): boolean => {
  const { code, name } = Object(error)
  return name === "NotFoundError" || name === "SnapshotCreationError" || code === 5
}

const isFixed = ({ limits = {}, ports = {} }: SandboxSpec): boolean =>
  limits.cpus !== undefined || limits.memory !== undefined || Object.keys(ports).length > 0

/** Modal counts in cores, of two processors each, and in mebibytes. No more is reserved than it does by itself. */
const limitsOf = ({ limits: { cpus, memory } = {} }: SandboxSpec) => {
  const cores = cpus === undefined ? undefined : cpus / 2
  const mebibytes = memory === undefined ? undefined : Math.floor(memory / 1_048_576)
  return {
    ...(cores !== undefined && { cpu: Math.min(0.125, cores), cpuLimit: cores }),
    ...(mebibytes !== undefined && { memoryMiB: Math.min(128, mebibytes), memoryLimitMiB: mebibytes })
  }
}

const machineOf = (machine: Machine, patience: number): Provider.Machine => ({
  id: machine.sandboxId,
  folder: home,
  run: async (text) => {
    // Without a time-out, the SDK would ask for the end of a command for ever.
    const running = await machine.exec(["sh", "-c", text], { timeoutMs: seconds(patience) })
    const [stdout, code] = await Promise.all([running.stdout.readText(), running.wait()])
    return { code, stdout, stderr: code === 0 ? "" : await running.stderr.readText() }
  },
  write: (path, bytes) => machine.filesystem.writeBytes(bytes, path)
})

/** By the numbers of gRPC, and by what the SDK makes of some of them. */
const reason: Provider.Asking["reason"] = ({ code, message, name }) => {
  if (code === 7 || code === 16) return "Unauthorized"
  if (code === 5 || name === "NotFoundError" || message.startsWith("Image build")) return "NoSuchSource"
  if (code === 3 || code === 9 || name === "InvalidError") return "BadSpec"
  return "ProviderFailed"
}

const networkOf = Provider.network<Network>("Modal", {
  // Of a machine that is up, the lists can be changed, and can not be left out.
  open: { outboundCidrAllowlist: ["0.0.0.0/0"], outboundDomainAllowlist: [] },
  deny: { outboundCidrAllowlist: [], outboundDomainAllowlist: [] },
  allow: (domains) => ({
    outboundCidrAllowlist: domains.filter((domain) => isIP(domain) === 4).map((address) => `${address}/32`),
    outboundDomainAllowlist: domains.filter((domain) => isIP(domain) === 0)
  })
})
