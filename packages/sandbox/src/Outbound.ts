/**
 * The only way out of a sandbox whose network is its own: a proxy in the host's process that lets through what the spec's
 * `egress` names, adds secrets to requests that leave, and applies the rules of a registry.
 *
 * - The hosts of secrets and registries are let through as if `Allow` named them. `setEgress` to `Deny` closes them as well.
 * - A name that leads to an address of this machine or of a private network is refused, unless the address is named too.
 * - What listens on the host's loopback is `host.millwright.internal:PORT`, where the spec has exactly that.
 * - A request must go where it says: the URL, the Host header and the name that TLS begins with agree. What TLS holds is not
 *   read, so a host that serves for others too, as some content networks do, is to be let through only with them in mind.
 * - Secrets are added to plain HTTP requests, which go on over TLS; a program inside that makes TLS itself reaches the host,
 *   but without the secret. `environment` has git and npm ask that way by themselves.
 * - Registries are reached that way only: in TLS of a program inside their rules could not hold.
 */
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Socket } from "node:net"
import * as Credentials from "./internal/Credentials.ts"
import * as Domains from "./internal/Domains.ts"
import * as EgressRules from "./internal/EgressRules.ts"
import type { Line } from "./internal/Message.ts"
import * as ProxyServer from "./internal/ProxyServer.ts"
import { Refused } from "./internal/Refused.ts"
import * as RegistryDoor from "./internal/RegistryDoor.ts"
import * as Upstream from "./internal/Upstream.ts"
import * as LockFile from "./LockFile.ts"
import * as RegistryRules from "./RegistryRules.ts"
import { SandboxError } from "./Sandbox.ts"
import type { Egress, Registry, SandboxSpec } from "./SandboxSpec.ts"
import type { SecretBroker } from "./SecretBroker.ts"

/** The way out of one sandbox. */
export interface Outbound {
  /** Takes a connection that a command made to the proxy. */
  readonly accept: (socket: Socket) => void
  readonly setEgress: (egress: Egress) => Effect.Effect<void, SandboxError>
  /**
   * What a command that starts now sees, so that its programs use a proxy on this port of the sandbox's loopback. Nothing
   * while nothing is let out.
   */
  readonly environment: (port: number) => Readonly<Record<string, string>>
}

/** A request that was not let through: never more of it than where it went. */
export interface Refusal {
  /** `host:port`; an empty text when the request did not say. */
  readonly where: string
  /** `egress`, `address`, `name`, `registry`, `secret`, `request` or `upstream`. */
  readonly rule: string
}

/** What a way out is made with. */
export interface Options {
  readonly broker: SecretBroker["Service"] | undefined
  /** The lock file of the workspace; read once, when the registry needs it. */
  readonly lockFile: Effect.Effect<{ readonly name: string; readonly text: string } | undefined>
  /** Told of each request that was not let through. Left out: each place is logged once. */
  readonly refused?: (refusal: Refusal) => void
  /** An authority that is trusted beside those that Node trusts, as PEM. */
  readonly ca?: string
  /** How names are resolved. Left out: as the host does. */
  readonly lookup?: Upstream.Lookup
  readonly bounds?: Partial<ProxyServer.Bounds>
}

const badSpec = (message: string) => new SandboxError({ reason: "BadSpec", message })

/** Reads a list of the spec, or fails with what is wrong with the first that is none. */
const domainsOf = Effect.fnUntraced(function* (field: string, list: ReadonlyArray<string>) {
  const domains: Array<Domains.Domain> = []
  for (const text of list) {
    const domain = Domains.parse(text)
    if (typeof domain === "string") {
      return yield* badSpec(
        `${field} names ${JSON.stringify(text.slice(0, 300))}, and ${domain}. Give a host, an address or \`*.host\`, with \`:port\` where it is not 80 or 443.`
      )
    }
    domains.push(domain)
  }
  return domains
})

/** Makes the way out, with every connection closed when the scope closes. `lockFile` is read when the registry needs it. */
export const make = Effect.fnUntraced(function* (
  spec: Pick<SandboxSpec, "egress" | "secrets" | "registry">,
  options: Options
): Effect.fn.Return<Outbound, SandboxError, Scope.Scope> {
  const run = yield* FiberSet.makeRuntimePromise()
  const uses = yield* usesOf(spec, options.broker)
  const registries = yield* domainsOf("registry.hosts", spec.registry?.hosts ?? [])
  const registryRules = spec.registry === undefined ? undefined : yield* rulesOf(spec.registry, options.lockFile)
  const brokered = [...registries, ...uses.flatMap(({ domains }) => domains)]

  const rulesFor = Effect.fnUntraced(function* (egress: Egress): Effect.fn.Return<EgressRules.Rules, SandboxError> {
    if (egress._tag === "Open") return { _tag: "Open", domains: brokered }
    const named = egress._tag === "Allow" ? yield* domainsOf("egress", egress.domains) : []
    return { _tag: "Named", domains: [...named, ...brokered] }
  })
  let rules: EgressRules.Rules = yield* rulesFor(spec.egress ?? { _tag: "Deny" })

  const isBrokered = (target: Domains.Target) => brokered.some((domain) => Domains.isNamed(domain, target))
  const isRegistry = (target: Domains.Target) => registries.some((domain) => Domains.isNamed(domain, target))
  /** A plain request to a host of a secret or a registry goes to where TLS is usual. */
  const outside = (target: Domains.Target): Domains.Target => {
    const secure = target.port === 80 ? { ...target, port: 443 } : target
    return isBrokered(secure) ? secure : target
  }

  const value = (handle: string) =>
    run(Effect.map(options.broker?.get(handle) ?? Effect.die(new Error("There is no broker")), Redacted.value))
  const planFor = async ({ method, path, target }: Line) => {
    const to = outside(target)
    return {
      target: to,
      isSecure: isBrokered(to),
      path,
      injection: await Credentials.inject(Credentials.due(uses, { method, target: to, path }), value),
      isBrokered
    }
  }

  const judgeAddress = (target: Domains.Target, address: string) => EgressRules.judgeAddress(rules, target, address)
  const bounds = { ...ProxyServer.usual, ...options.bounds }
  const upstream = Upstream.make({
    lookup: options.lookup ?? Upstream.system,
    judgeAddress,
    ca: options.ca,
    patience: bounds.patience
  })

  const door =
    registryRules === undefined
      ? undefined
      : RegistryDoor.make({
          rules: registryRules,
          isRegistry,
          ask: async (line, headers) => {
            const { injection, isSecure, path, target } = await planFor(line)
            return await new Promise((resolve, reject) => {
              const request = upstream.request({
                target,
                isSecure,
                path,
                method: "GET",
                headers: { ...headers, ...Object.fromEntries(injection.headers), host: Domains.show(target, 443) }
              })
              request.setTimeout(bounds.idle, () => request.destroy(new Error("it was silent for too long")))
              request.on("response", resolve).on("error", reject).end()
            })
          }
        })

  const log = once(
    (refusal) =>
      void run(
        Effect.logInfo(
          `A request from a sandbox was not let through: ${refusal.where || "malformed"}, by ${refusal.rule}`
        )
      ).catch(() => undefined)
  )
  const tell = options.refused ?? log
  const proxy = ProxyServer.make(
    upstream,
    {
      judge: (target) => EgressRules.judge(rules, outside(target)),
      judgeAddress,
      carries: (target) => {
        const to = outside(target)
        // On its usual port it would be TLS, of which a proxy sees nothing.
        if (isRegistry(to)) return target.port === 443 ? closed(to) : "Requests"
        if (isBrokered(to)) return target.port === 80 ? "Requests" : "Http"
        return Domains.usual.includes(target.port) ? "Http" : "Anything"
      },
      judgeUpgrade: (target) => (isRegistry(outside(target)) ? closed(outside(target)) : undefined),
      plan: planFor,
      answer: async (line, request) => {
        const target = outside(line.target)
        return door !== undefined && isRegistry(target) ? await door({ ...line, target }, request) : undefined
      },
      refused: (target, { rule }) => tell({ where: target === undefined ? "" : Domains.show(target), rule })
    },
    bounds
  )
  yield* Effect.addFinalizer(() => Effect.sync(proxy.close))

  return {
    accept: proxy.accept,
    setEgress: (egress) =>
      Effect.map(rulesFor(egress), (next) => {
        rules = egress._tag === "Deny" ? { _tag: "Closed" } : next
        proxy.review()
      }),
    environment: (port) => (EgressRules.areClosed(rules) ? {} : environment(port, uses, registries))
  }
})

const closed = (registry: Domains.Target) =>
  new Refused({
    rule: "registry",
    message: `${registry.host} is a registry with rules: ask it for http://${Domains.show(registry, 443)}/, without a tunnel.`
  })

const usesOf = Effect.fnUntraced(function* (
  { secrets = [] }: Pick<SandboxSpec, "secrets">,
  broker: SecretBroker["Service"] | undefined
) {
  if (secrets.length > 0 && broker === undefined) {
    return yield* new SandboxError({
      reason: "Unavailable",
      message:
        "The spec uses secrets, and there is no SecretBroker to ask for them. Provide one to the layer of the sandbox."
    })
  }
  const uses: Array<Credentials.Use> = []
  for (const secret of secrets) {
    const problem = Credentials.problem(secret)
    if (problem !== undefined) return yield* badSpec(`The secret ${secret.handle} can not be used so: ${problem}.`)
    const domains = yield* domainsOf(`The secret ${secret.handle}`, secret.hosts)
    uses.push({ handle: secret.handle, domains, as: secret.as })
    // One that is not there is told now, and not when a command waits for it.
    if (broker !== undefined) yield* broker.get(secret.handle)
  }
  return uses
})

const rulesOf = Effect.fnUntraced(function* (registry: Registry, lockFile: Options["lockFile"]) {
  const file = registry.lockFileOnly === true ? yield* lockFile : undefined
  const lock = file === undefined ? undefined : LockFile.parse(file)
  if (typeof lock === "string") return yield* badSpec(`The registry rules can not hold: ${lock}.`)
  const rules = RegistryRules.make(registry, lock)
  return typeof rules === "string" ? yield* badSpec(`The registry rules can not hold: ${rules}.`) : rules
})

const environment = (
  port: number,
  uses: ReadonlyArray<Credentials.Use>,
  registries: ReadonlyArray<Domains.Domain>
): Readonly<Record<string, string>> => {
  const proxy = `http://127.0.0.1:${port}`
  const local = "localhost,127.0.0.1,::1"
  const exact = ({ kind }: Domains.Domain) => kind === "Exact"
  const git = uses.flatMap(({ as, domains }) => (as._tag === "GitCredential" ? domains.filter(exact) : []))
  const configuration: ReadonlyArray<readonly [key: string, value: string]> = [
    ["http.proxy", proxy],
    ...git.map(({ host, port }) => {
      const where = Domains.show({ host, port: port ?? 443 }, 443)
      return [`url.http://${where}/.insteadOf`, `https://${where}/`] as const
    })
  ]
  const registry = registries.find(exact)
  return {
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    HTTPS_PROXY: proxy,
    https_proxy: proxy,
    ALL_PROXY: proxy,
    all_proxy: proxy,
    NO_PROXY: local,
    no_proxy: local,
    // Node's own `fetch` and `http` look at these only when they are told to.
    NODE_USE_ENV_PROXY: "1",
    GIT_CONFIG_COUNT: String(configuration.length),
    ...Object.fromEntries(
      configuration.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value]
      ])
    ),
    ...(registry === undefined
      ? {}
      : {
          npm_config_registry: `http://${Domains.show({ ...registry, port: registry.port ?? 443 }, 443)}/`,
          // Of what a lock file says, the host is not followed: it is often that of a mirror.
          npm_config_replace_registry_host: "always",
          // These ask for what the rules do not let through.
          npm_config_audit: "false",
          npm_config_fund: "false",
          npm_config_update_notifier: "false"
        })
  }
}

/** Each place and rule once, and not without end. */
const once = (tell: (refusal: Refusal) => void) => {
  const told = new Set<string>()
  return (refusal: Refusal) => {
    const key = `${refusal.where} ${refusal.rule}`
    if (told.has(key) || told.size >= 1_000) return
    told.add(key)
    tell(refusal)
  }
}
