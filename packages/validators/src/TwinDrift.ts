/**
 * The **drift check**: a trace of a service is replayed against its twin, and every field of every answer compared. What
 * comes out is a list of differences, each with its endpoint and place, and the twin's **fidelity**: the share of what was
 * compared that agrees.
 *
 * It says how good the twin is where it was compared, and nothing of what no trace holds.
 */
import * as Fault from "@millwright/core/Fault"
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TraceBinding from "./internal/TraceBinding.ts"
import * as TwinTrace from "./TwinTrace.ts"

/** A trace can not be replayed. That a twin answers differently is no error. */
export class TwinDriftError extends Fault.Class<TwinDriftError>()("TwinDriftError", {
  /** The twin does not answer. */
  TwinUnreachable: true,
  /** The trace is none. The message says where. */
  TraceInvalid: false
}) {}

/** How a twin differs at one place. A header that differs is `header`, whether it is missing, there for nothing or another. */
export const Kind = Schema.Literals(["status", "header", "missing", "extra", "type", "value"])
/** How a twin differs at one place. */
export type Kind = typeof Kind.Type

/** One difference. */
export const Difference = Schema.Struct({
  endpoint: Schema.String,
  kind: Kind,
  /** As a pointer (RFC 6901): `/status`, `/headers/link`, `/body/0/user/login`. */
  at: Schema.String,
  /** What the service has there, bounded; `null` where it has nothing. */
  real: Schema.NullOr(Schema.String),
  twin: Schema.NullOr(Schema.String)
})
/** One difference. */
export type Difference = typeof Difference.Type

/** How much of what was compared agrees. */
const counts = { compared: Schema.Natural, agreeing: Schema.Natural, fidelity: Schema.NullOr(Schema.Finite) }

/** What a drift check found. */
export const Report = Schema.Struct({
  service: Schema.String,
  source: Schema.String,
  recordedOn: Schema.NullOr(Schema.String),
  ...counts,
  endpoints: Schema.Array(Schema.Struct({ endpoint: Schema.String, ...counts })),
  differences: Schema.Array(Difference)
})
/** What a drift check found. */
export type Report = typeof Report.Type

/** What a check needs beside the trace. */
export interface Options {
  /** Sent with each request, such as a token of the seed. */
  readonly headers?: Readonly<Record<string, string>>
  /** What the service chose before the trace begins, and what the twin has in its place: names of commits. */
  readonly given?: Readonly<Record<string, string>>
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

const decode = Schema.decodeUnknownEffect(TwinTrace.Trace)

/** Replays a trace against a twin that was seeded for it. */
export const check = (
  twin: { readonly name: string; readonly url: string },
  given: TwinTrace.Trace,
  options: Options = {}
): Effect.Effect<Report, TwinDriftError> =>
  Effect.catchDefect(replay(twin, given, options), (cause) =>
    // What is nested without an end, whether the trace or an answer, is more than a stack holds.
    cause instanceof RangeError
      ? Effect.fail(
          new TwinDriftError({
            reason: "TraceInvalid",
            message: `The trace can not be compared with the twin of ${twin.name}: ${cause.message}. Look for what is nested too deep, in the trace or in an answer.`,
            cause
          })
        )
      : Effect.die(cause)
  )

const replay = Effect.fnUntraced(function* (
  twin: { readonly name: string; readonly url: string },
  given: TwinTrace.Trace,
  options: Options
): Effect.fn.Return<Report, TwinDriftError> {
  const trace = yield* Effect.mapError(
    decode(given),
    (cause) => new TwinDriftError({ reason: "TraceInvalid", message: `The trace is none: ${cause.message}`, cause })
  )
  const binding = TraceBinding.make(trace, { url: twin.url, given: options.given ?? {} })
  const found: Array<Found> = []
  for (const exchange of trace.exchanges) {
    const answer = yield* ask(twin, { exchange, binding, headers: options.headers ?? {} })
    found.push(...compare(exchange, { answer, binding, headers: trace.headers }))
  }
  const endpoints = [...new Set(trace.exchanges.map(({ endpoint }) => endpoint))].map((endpoint) => ({
    endpoint,
    ...share(found.filter((each) => each.endpoint === endpoint))
  }))
  return {
    service: trace.service,
    source: trace.source,
    recordedOn: trace.recordedOn,
    ...share(found),
    endpoints,
    differences: found.flatMap(({ agrees, ...difference }) => (agrees ? [] : [difference]))
  }
})

/** What a verdict says of a twin that was compared: over several traces, the share of all that was compared. `at`: in milliseconds since 1970. */
export const fidelity = (twin: string, reports: ReadonlyArray<Report>, at: number): Verdict.Fidelity => {
  const sum = (key: "agreeing" | "compared") => reports.reduce((all, report) => all + report[key], 0)
  const compared = sum("compared")
  return compared === 0
    ? { twin, fidelity: null, comparedAt: null }
    : { twin, fidelity: sum("agreeing") / compared, comparedAt: at }
}

/** The differences as lines that a person reads. */
export const describe = ({ differences }: Report): ReadonlyArray<string> =>
  differences.map(
    ({ at, endpoint, kind, real, twin }) =>
      `${endpoint} ${at}: ${kind}, ${real === null ? "nothing" : real} at the service, ${twin === null ? "nothing" : twin} at the twin`
  )

interface Found extends Difference {
  readonly agrees: boolean
}

const share = (found: ReadonlyArray<Found>) => {
  const agreeing = found.filter(({ agrees }) => agrees).length
  return { compared: found.length, agreeing, fidelity: found.length === 0 ? null : agreeing / found.length }
}

const ask = (
  twin: { readonly name: string; readonly url: string },
  of: {
    readonly exchange: TwinTrace.Exchange
    readonly binding: TraceBinding.Binding
    readonly headers: Readonly<Record<string, string>>
  }
): Effect.Effect<Answer, TwinDriftError> =>
  Effect.tryPromise({
    try: async (signal): Promise<Answer> => {
      const { body, headers, method, path } = of.exchange.request
      const isSent = body !== undefined && method !== "GET" && method !== "HEAD"
      const response = await fetch(`${twin.url}${of.binding.toTwin(path)}`, {
        method,
        redirect: "manual",
        signal,
        headers: { ...(isSent ? { "content-type": "application/json" } : {}), ...headers, ...of.headers },
        ...(isSent ? { body: of.binding.toTwin(JSON.stringify(body)) } : {})
      })
      const text = await response.text()
      return { status: response.status, headers: Object.fromEntries(response.headers), body: parsed(text) }
    },
    catch: (cause) =>
      new TwinDriftError({
        reason: "TwinUnreachable",
        message: `The twin of ${twin.name} does not answer at ${twin.url}: ${String(cause)}. Look whether its scope is still open.`,
        cause
      })
  })

const parsed = (text: string): unknown => {
  try {
    return text === "" ? undefined : JSON.parse(text)
  } catch {
    return text
  }
}

const excerpt = (value: unknown): string | null =>
  value === undefined ? null : (JSON.stringify(value) ?? "").slice(0, 120).toWellFormed()

const typeOf = (value: unknown): string => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value)

const compare = (
  { answer: real, endpoint }: TwinTrace.Exchange,
  of: { readonly answer: Answer; readonly binding: TraceBinding.Binding; readonly headers: ReadonlyArray<string> }
): ReadonlyArray<Found> => {
  const { answer, binding } = of
  const found: Array<Found> = []
  interface Pair {
    readonly at: string
    readonly values: readonly [real: unknown, twin: unknown]
  }
  const add = (kind: Kind, { at, values: [left, right] }: Pair, agrees: boolean): void =>
    void found.push({ endpoint, kind, at, real: excerpt(left), twin: excerpt(right), agrees })

  const isSame = (field: string, place: string, [left, right]: readonly [unknown, unknown]): boolean =>
    binding.isVolatile(field) ||
    (binding.isVariable(field)
      ? binding.agrees(place, [left, right])
      : typeof left === "string"
        ? binding.isSameText(left, String(right))
        : left === right)

  const walk = (at: string, [left, right]: readonly [unknown, unknown]): void => {
    const field = at.split("/").at(-1) ?? ""
    if (right === undefined) return add("missing", { at: at, values: [left, right] }, left === undefined)
    if (left === undefined) return add("extra", { at: at, values: [left, right] }, false)
    if (typeOf(left) !== typeOf(right)) return add("type", { at: at, values: [left, right] }, false)
    if (typeof left !== "object" || left === null || typeof right !== "object" || right === null) {
      // Items of a list have one place: the same value has to come to the same one in each.
      return add(
        "value",
        { at: at, values: [left, right] },
        isSame(field, at.replace(/\/\d+(?=\/|$)/g, "/*"), [left, right])
      )
    }
    const [lefts, rights] = [new Map(Object.entries(left)), new Map(Object.entries(right))]
    const keys = [...new Set([...lefts.keys(), ...rights.keys()])]
    // What binds comes first, so that a link that has it is compared with what is bound.
    const order = [...keys.filter(binding.isVariable), ...keys.filter((key) => !binding.isVariable(key))]
    if (order.length === 0) add("value", { at: at, values: [left, right] }, true)
    for (const key of order)
      walk(`${at}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`, [lefts.get(key), rights.get(key)])
  }

  add("status", { at: "/status", values: [real.status, answer.status] }, real.status === answer.status)
  // What the twin does not do has no field that could agree.
  if (answer.status === 501)
    for (const at of leaves("/body", real.body)) add("missing", { at: at, values: [true, undefined] }, false)
  else {
    for (const name of of.headers) {
      const [left, right] = [real.headers[name], answer.headers[name]]
      if (left === undefined && right === undefined) continue
      const agrees = left !== undefined && right !== undefined && isSame(name, `/headers/${name}`, [left, right])
      add("header", { at: `/headers/${name}`, values: [left, right] }, agrees)
    }
    if (real.body !== undefined || answer.body !== undefined) walk("/body", [real.body, answer.body])
  }
  return found
}

const leaves = (at: string, value: unknown): ReadonlyArray<string> =>
  typeof value === "object" && value !== null && Object.keys(value).length > 0
    ? Object.entries(value).flatMap(([key, inner]) => leaves(`${at}/${key}`, inner))
    : value === undefined
      ? []
      : [at]
