/** What a twin does with a request, one after the other and without waiting: the state before it, its answer, the state after. */
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as Twin from "../Twin.ts"
import * as TwinFault from "../TwinFault.ts"
import * as TwinRefusal from "../TwinRefusal.ts"
import type * as TwinService from "../TwinService.ts"
import * as JsonDepth from "./JsonDepth.ts"
import * as TwinJournal from "./TwinJournal.ts"
import * as TwinRoute from "./TwinRoute.ts"
import * as TwinWebhooks from "./TwinWebhooks.ts"

/** A request as it came. */
export interface Raw {
  readonly method: string
  readonly path: string
  readonly search: string
  readonly headers: Readonly<Record<string, string>>
  /** `undefined`: it was too large. */
  readonly body: string | undefined
}

/** What is to be sent back. */
export interface Sent {
  readonly answer: { readonly status: number; readonly headers: Record<string, string>; readonly body: string }
  readonly fault: TwinFault.AnswerFault | undefined
}

/** A twin without its server. */
export interface Machine<Seed> {
  readonly ask: (raw: Raw) => Sent
  /** Says where the server listens. */
  readonly at: (url: string) => void
  readonly seed: (seed: Seed) => void
  readonly reset: () => void
  readonly break: (rules: ReadonlyArray<TwinFault.Rule>) => void
  readonly journal: () => ReadonlyArray<Twin.Exchange>
  readonly deliveries: () => ReadonlyArray<Twin.Delivery>
  readonly snapshot: () => Twin.Snapshot
  readonly now: () => number
  readonly advance: (millis: number) => Promise<void>
  readonly allow: (address: string) => Effect.Effect<void, Twin.TwinError>
  readonly settled: () => Promise<void>
  /** Gives up what is being sent. */
  readonly stop: () => void
}

/** The beginning of 2026, in milliseconds since 1970. */
export const beginning = 1_767_225_600_000

const nobody: TwinService.Caller = { name: "nobody", scopes: [] }

/** Everything that `reset` brings back. */
interface Held<State> {
  readonly state: State
  readonly ids: Readonly<Record<string, number>>
  readonly now: number
}

/** A machine at its seed. */
export const make = <Seed, State>(
  definition: TwinService.Definition<Seed, State>,
  { options, seed }: { readonly seed: Seed; readonly options: Twin.Options }
): Machine<Seed> => {
  const { ids: idOf = (_kind, n) => n, keep = 10_000, now: start = beginning, tick = 1_000 } = options
  const find = TwinRoute.matcher(definition.routes)
  const refuse = definition.refuse ?? TwinRefusal.plain
  const exchanges = TwinJournal.kept<Twin.Exchange>(keep)
  const sent = TwinJournal.kept<Twin.Delivery>(keep)

  /** Ids on top of those that are used up. */
  const draft = (used: Readonly<Record<string, number>>) => {
    const ids = { ...used }
    return {
      ids,
      id: (kind: string) => {
        const n = (ids[kind] ?? 0) + 1
        ids[kind] = n
        return idOf(kind, n)
      }
    }
  }
  const sown = (from: Seed): Held<State> => {
    const { id, ids } = draft({})
    return { state: definition.state(from, { id, now: start }), ids, now: start }
  }

  let origin = sown(seed)
  let held = origin
  let url = ""
  let number = 0
  let delivery = 0
  let counts = new Map<string, number>()
  let since = 0
  let faults = TwinFault.counting([])

  const sender = TwinWebhooks.make({
    now: () => held.now,
    faults: () => faults,
    retries: definition.webhooks?.retries ?? [],
    record: sent.add
  })

  const reset = () => {
    sender.clear()
    exchanges.clear()
    sent.clear()
    held = origin
    number = 0
    delivery = 0
    counts = new Map()
    faults = TwinFault.counting([])
  }

  const notify = (event: TwinService.Event): void => {
    for (const hook of definition.webhooks?.hooks(held.state, event) ?? []) {
      const body = JSON.stringify(event.payload)
      const signed = definition.webhooks?.sign({ number: ++delivery, event, hook, at: held.now, body })
      if (signed !== undefined) sender.send({ ...signed, event: event.name, url: hook.url, body })
    }
  }

  const counted = ({ name }: TwinService.Caller): number => {
    const window = definition.window === undefined ? 0 : Math.floor(held.now / definition.window)
    if (window !== since) counts = new Map()
    since = window
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    return count
  }

  interface Judged {
    readonly answer: TwinService.Answer
    readonly caller: TwinService.Caller | undefined
    readonly after?: () => void
  }

  /** What the request comes to, and what it changes, which is not done yet. */
  const judge = (raw: Raw, found: TwinRoute.Match<TwinService.Route<State>> | undefined): Judged => {
    const refused = (refusal: TwinRefusal.Refusal, caller?: TwinService.Caller): Judged => ({
      answer: refuse(refusal, raw),
      caller
    })
    if (found === undefined) return refused({ _tag: "NotImplemented", route: `${raw.method} ${raw.path}` })
    const { params, route } = found
    const read = readBody(raw, { route, limit: definition.maxBody ?? maxBody })
    const request: TwinService.Request = {
      method: raw.method,
      path: raw.path,
      query: new URLSearchParams(raw.search),
      headers: raw.headers,
      body: "body" in read ? read.body : undefined
    }
    const token = (definition.token ?? bearer)(request)
    const tokens = definition.tokens(held.state)
    const known = token !== undefined && Object.hasOwn(tokens, token) ? tokens[token] : undefined
    // A wrong token is refused at an open route too, as services do.
    if (known === undefined && (!route.open || token !== undefined)) return refused({ _tag: "Unauthorized" })
    const caller = known ?? nobody
    const count = counted(caller)
    const denied = definition.admit?.({ request: raw, caller: known, count, now: held.now, state: held.state, url })
    if (denied !== undefined) return { answer: denied, caller }
    if (route.scope !== undefined && !caller.scopes.includes(route.scope)) {
      return refused({ _tag: "Forbidden", scope: route.scope }, caller)
    }
    if ("refusal" in read) return refused(read.refusal, caller)
    const body = route.decode(read.body)
    if (!body.ok) return refused({ _tag: "InvalidBody", field: body.field, message: body.message }, caller)
    const { id, ids } = draft(held.ids)
    try {
      const { now, state } = held
      // The pattern and `decode` made them, so they are what the handler is typed for.
      const made = { params: params as never, body: body.body as never }
      const call = { ...request, ...made, state, caller, now, url, id }
      const outcome = route.handle(call)
      if (outcome.state === undefined) return { answer: outcome.answer, caller }
      const next: Held<State> = { state: outcome.state, ids, now: now + tick }
      return {
        answer: outcome.answer,
        caller,
        after: () => {
          held = next
          for (const event of outcome.events ?? []) notify(event)
        }
      }
    } catch (cause) {
      return refused({ _tag: "Broken", message: String(cause) }, caller)
    }
  }

  const ask = (raw: Raw): Sent => {
    const found = find(raw.method, raw.path) ?? (raw.method === "HEAD" ? find("GET", raw.path) : undefined)
    const route = found?.route.pattern
    const fault = faults.ofRequest({ method: raw.method, path: raw.path, route: route?.replace(/^\S+ /, "") })
    const isDone = fault === undefined || fault._tag === "Slow" || fault.applied === true
    const judged = isDone ? judge(raw, found) : { answer: { status: 0 }, caller: undefined }
    const { now } = held
    const answered =
      fault?._tag === "Refuse"
        ? refuse({ _tag: "Fault", status: fault.status, retryAfter: fault.retryAfter }, raw)
        : judged.answer
    const count = counts.get(judged.caller?.name ?? "") ?? 0
    const about = { request: raw, caller: judged.caller, count, now, state: held.state, url }
    const answer = encode(definition.finish?.(answered, about) ?? answered)
    exchanges.add({
      number: ++number,
      at: now,
      method: raw.method,
      path: `${raw.path}${raw.search}`,
      route: route ?? null,
      caller: judged.caller?.name ?? null,
      headers: TwinJournal.keptHeaders(raw.headers),
      body: TwinJournal.bounded(raw.body ?? ""),
      answer:
        fault?._tag === "Timeout" || fault?._tag === "Cut"
          ? null
          : { ...answer, headers: TwinJournal.keptHeaders(answer.headers), body: TwinJournal.bounded(answer.body) },
      fault: fault?._tag ?? null,
      changed: judged.after !== undefined
    })
    judged.after?.()
    return { answer, fault }
  }

  const shown = <A>(value: A): A => {
    const { state } = held
    const secrets = [...Object.keys(definition.tokens(state)), ...(definition.webhooks?.secrets(state) ?? [])]
    return TwinJournal.shown(value, { url, name: definition.name, secrets })
  }

  return {
    ask,
    at: (address) => void (url = address),
    seed: (other) => {
      origin = sown(other)
      reset()
    },
    reset,
    break: (rules) => void (faults = TwinFault.counting(rules)),
    journal: () => shown(exchanges.all()),
    deliveries: () =>
      shown(
        sent.all().map((each) => ({
          ...each,
          attempts: [...each.attempts],
          headers: TwinJournal.keptHeaders(each.headers),
          body: TwinJournal.bounded(each.body)
        }))
      ),
    snapshot: () => {
      // What JSON does not hold is not part of a state.
      const state: Schema.Json = JSON.parse(JSON.stringify(held.state))
      return { digest: Digest.ofJson({ ...held, state }), now: held.now, state: shown(state) }
    },
    now: () => held.now,
    advance: (millis) => {
      held = { ...held, now: held.now + Math.max(0, Math.trunc(millis)) }
      sender.release()
      return sender.settled()
    },
    allow: (address) =>
      Effect.suspend(() => {
        const allowed = TwinWebhooks.loopback(address)
        if (allowed !== undefined) return Effect.sync(() => sender.allow(allowed))
        const message = `${address} is no address of this machine. Webhooks of twins go to http://127.0.0.1:PORT alone.`
        return Effect.fail(new Twin.TwinError({ reason: "NotLoopback", message }))
      }),
    settled: sender.settled,
    stop: sender.clear
  }
}

/** The longest body that is read, in bytes, where the service says nothing else. */
export const maxBody = 1_048_576

const bearer = ({ headers }: TwinService.Request): string | undefined =>
  /^(?:bearer|token)\s+(\S+)\s*$/i.exec(headers["authorization"] ?? "")?.[1] ?? headers["authorization"]

const encode = (answer: TwinService.Answer): Sent["answer"] => {
  const headers = Object.fromEntries(
    Object.entries(answer.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])
  )
  const isText = typeof answer.body === "string"
  const body = answer.body === undefined ? "" : isText ? String(answer.body) : JSON.stringify(answer.body)
  const type = isText ? "text/plain; charset=utf-8" : "application/json; charset=utf-8"
  return { status: answer.status, headers: body === "" ? headers : { "content-type": type, ...headers }, body }
}

type Read = { readonly body: Schema.Json | undefined } | { readonly refusal: TwinRefusal.Refusal }

const readBody = (
  { body, headers }: Raw,
  { limit, route }: { readonly limit: number; readonly route: { readonly text: ReadonlyArray<string> } }
): Read => {
  if (body === undefined) return { refusal: { _tag: "TooLarge", limit } }
  if (body === "") return { body: undefined }
  const contentType = (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? ""
  if (route.text.includes(contentType)) return { body }
  if (contentType !== "application/json" && !contentType.endsWith("+json")) {
    return { refusal: { _tag: "WrongContentType", contentType } }
  }
  try {
    const json: Schema.Json = JSON.parse(body)
    return JsonDepth.exceeds(json, JsonDepth.most) ? { refusal: { _tag: "InvalidJson" } } : { body: json }
  } catch {
    return { refusal: { _tag: "InvalidJson" } }
  }
}
