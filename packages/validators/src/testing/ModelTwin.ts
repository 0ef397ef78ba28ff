/**
 * The **twin of the APIs of models** as a `Twin`: `ProviderTwin` of `@millwright/core/testing`, with the clock, ids, faults,
 * journal and reset that every twin has. It plays a script.
 *
 * It stands here, and not with the adapters, because what it is made of is part of `testing/`. An answer comes in one piece:
 * for one that comes bit by bit, or breaks off between two events, there is `ProviderTwin` itself.
 */
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as TwinJournal from "../internal/TwinJournal.ts"
import * as TwinMachine from "../internal/TwinMachine.ts"
import * as TwinServer from "../internal/TwinServer.ts"
import * as Twin from "../Twin.ts"
import * as TwinFault from "../TwinFault.ts"
import * as TwinRefusal from "../TwinRefusal.ts"

/** What it plays, and the only key that it lets in. */
export const Seed = Schema.Struct({ apiKey: Schema.NonEmptyString, script: ProviderTwin.Script })
/** What it plays, and the only key that it lets in. */
export type Seed = typeof Seed.Type

/** The paths that `ProviderTwin` answers. */
const served = /^(?:POST \/v1\/(?:messages|chat\/completions|responses)|GET \/v1\/models(?:\/[^/]+)?)$/

/** The key of the twin behind, which nobody else knows. */
const innerKey = "key-of-the-model-twin"

/** Ids that are made anew for each answer. */
const madeIds = /\b(msg|call|toolu|resp|fc|rs|chatcmpl)([_-])[A-Za-z0-9_-]{12,}/g

const checked = Schema.decodeUnknownEffect(Seed)

const checkedRules = Schema.decodeUnknownEffect(Schema.Array(TwinFault.Rule))

const invalid = (cause: { readonly message: string }) =>
  new Twin.TwinError({
    reason: "Invalid",
    message: `The seed or a fault of the model twin is none: ${cause.message}`,
    cause
  })

const unsupported = new Twin.TwinError({
  reason: "Unsupported",
  message: "The APIs of models send no webhooks. Take faults of answers."
})

/** Starts a twin. A client of Anthropic is given its `url`, one of OpenAI the same with `/v1`. */
export const start = Effect.fnUntraced(function* (
  seed: Seed,
  options: Twin.Options = {}
): Effect.fn.Return<Twin.Twin<Seed>, Twin.TwinError, Scope.Scope> {
  const { keep = 10_000, now: begin = TwinMachine.beginning, tick = 1_000 } = options
  let origin = yield* Effect.mapError(checked(seed), invalid)
  const inner = yield* Effect.mapError(
    ProviderTwin.make({ script: origin.script, apiKey: Redacted.make(innerKey) }),
    (cause) => new Twin.TwinError({ reason: cause.reason, message: cause.message, cause })
  )
  const exchanges = TwinJournal.kept<Twin.Exchange>(keep)
  const keys = new Set<string>()
  const ids = new Map<string, string>()
  let faults = TwinFault.counting([])
  let [now, number, url] = [begin, 0, ""]

  /** Ids and times of the twin behind as those of this one. */
  const own = (text: string): string =>
    text
      .replace(madeIds, (id: string, kind: string, sign: string) => {
        const known = ids.get(id) ?? `${kind}${sign}${String(ids.size + 1).padStart(20, "0")}`
        ids.set(id, known)
        return known
      })
      .replace(/("created(?:_at)?":)\d+/g, `$1${Math.trunc(now / 1_000)}`)

  const forward = async ({
    body,
    headers,
    method,
    path,
    search
  }: TwinMachine.Raw): Promise<TwinMachine.Sent["answer"]> => {
    const key = headers["x-api-key"] ?? headers["authorization"]?.replace(/^Bearer /i, "")
    if (key !== undefined) keys.add(key)
    // Who sends the key of the twin behind has not been given it.
    const passed = key === origin.apiKey ? innerKey : key === innerKey ? "" : (key ?? "")
    const sent: Record<string, string> = { "content-type": "application/json", "x-api-key": passed }
    for (const name of ["anthropic-version", "anthropic-beta"])
      if (headers[name] !== undefined) sent[name] = headers[name]
    if (!path.endsWith("/messages")) sent["authorization"] = `Bearer ${passed}`
    const response = await fetch(`${inner.anthropicUrl}${path}${search}`, {
      method,
      headers: sent,
      ...(method === "POST" ? { body: body ?? "" } : {})
    })
    const type = response.headers.get("content-type") ?? "application/json"
    return { status: response.status, headers: { "content-type": type }, body: own(await response.text()) }
  }
  const refusal = (of: TwinRefusal.Refusal): TwinMachine.Sent["answer"] => {
    const { body, headers, status } = TwinRefusal.plain(of)
    return {
      status,
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ ...body, type: "error" })
    }
  }
  const ask = async (raw: TwinMachine.Raw): Promise<TwinMachine.Sent> => {
    const route = served.test(`${raw.method} ${raw.path}`) ? raw.path : undefined
    const fault = faults.ofRequest({ ...raw, route })
    const isDone = fault === undefined || fault._tag === "Slow" || fault.applied === true
    const at = now
    const place = ++number
    const answered =
      route === undefined
        ? refusal({ _tag: "NotImplemented", route: `${raw.method} ${raw.path}` })
        : raw.body === undefined
          ? refusal({ _tag: "TooLarge", limit: TwinMachine.maxBody })
          : isDone
            ? await forward(raw)
            : refusal({ _tag: "Fault", status: 500, retryAfter: undefined })
    const answer =
      fault?._tag === "Refuse"
        ? refusal({ _tag: "Fault", status: fault.status, retryAfter: fault.retryAfter })
        : answered
    const changed = isDone && raw.method === "POST" && answered.status === 200
    if (changed) now += tick
    exchanges.add({
      number: place,
      at,
      method: raw.method,
      path: `${raw.path}${raw.search}`,
      route: route === undefined ? null : `${raw.method} ${route}`,
      caller: answered.status < 400 ? "key" : null,
      headers: TwinJournal.keptHeaders({ "content-type": raw.headers["content-type"] ?? "" }),
      body: TwinJournal.bounded(raw.body ?? ""),
      answer:
        fault?._tag === "Timeout" || fault?._tag === "Cut"
          ? null
          : { ...answer, body: TwinJournal.bounded(answer.body) },
      fault: fault?._tag ?? null,
      changed
    })
    return { answer, fault }
  }

  const clear = Effect.suspend(() => {
    exchanges.clear()
    keys.clear()
    ids.clear()
    faults = TwinFault.counting([])
    ;[now, number] = [begin, 0]
    return Effect.andThen(inner.reset, inner.play(origin.script))
  })
  const shown = <A>(value: A): A =>
    TwinJournal.shown(value, { url, name: "model", secrets: [origin.apiKey, innerKey, ...keys] })
  const server = { ask, at: (address: string) => void (url = address), stop: () => {} }
  yield* TwinServer.listen(
    { name: "model", maxBody: 32 * TwinMachine.maxBody },
    { machine: server, port: options.port }
  )
  return {
    name: "model",
    url,
    supports: { webhooks: false, state: true },
    fidelity: options.fidelity ?? Twin.neverCompared("model"),
    seed: (next) =>
      Effect.flatMap(Effect.mapError(checked(next), invalid), (other) => {
        origin = other
        return clear
      }),
    reset: clear,
    faults: (rules) =>
      Effect.flatMap(Effect.mapError(checkedRules(rules), invalid), (known) =>
        known.some(({ _tag }) => _tag === "Webhook")
          ? Effect.fail(unsupported)
          : Effect.sync(() => void (faults = TwinFault.counting(known)))
      ),
    journal: Effect.sync(() => shown(exchanges.all())),
    snapshot: Effect.map(inner.requests, (requests) => {
      const played = requests.map(({ outcome, protocol, role = null, turn = null, usage = null }) => ({
        ...{ outcome, protocol, role, turn },
        usage: usage === null ? null : { ...usage }
      }))
      const state: Schema.Json = JSON.parse(JSON.stringify({ script: origin.script, played }))
      return { digest: Digest.ofJson({ now, state }), now, state: shown(state) }
    }),
    clock: {
      now: Effect.sync(() => now),
      advance: (millis) => Effect.sync(() => void (now += Math.max(0, Math.trunc(millis))))
    },
    webhooks: { allow: () => Effect.fail(unsupported), deliveries: Effect.succeed([]), settled: Effect.void }
  }
})
