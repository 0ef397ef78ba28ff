/**
 * Metrics for whatever speaks **OpenTelemetry**: as the JSON of OTLP (`opentelemetry-proto` 1.x, `ExportMetricsServiceRequest`), and how
 * to send it. Each figure is four gauges over its window: `millwright.NAME`, `.numerator`, `.denominator` and `.unknown`; one of times has
 * its median as its value, and a fifth, `.p90`. Its parts are further points with an attribute `millwright.part`. A figure without a value
 * has no point there, so that nobody takes it for 0. A window that is not over ends at what is known: collectors refuse what is to come.
 *
 * Names of causes, stages, skills and models become attributes. Nothing else of what was said leaves the house.
 */
import * as Fault from "@millwright/core/Fault"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import type * as Figure from "./Figure.ts"
import type * as Metrics from "./Metrics.ts"

/** The collector did not take the metrics. */
export class MetricsOtlpError extends Fault.Class<MetricsOtlpError>()("MetricsOtlpError", {
  /** Nothing answered, or not in time, or it was busy. */
  Unavailable: true,
  /** It refuses them, or the address is none. */
  Refused: false
}) {}

interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue: string }
}

/** A number at the end of a window, or at what is known of it. Times are nanoseconds since 1970 as decimal strings, as OTLP's JSON has 64-bit numbers. */
export interface Point {
  readonly attributes: ReadonlyArray<Attribute>
  readonly startTimeUnixNano: string
  readonly timeUnixNano: string
  readonly asDouble: number
}

/** One gauge. `unit` is of UCUM. */
export interface Gauge {
  readonly name: string
  readonly description: string
  readonly unit: string
  readonly gauge: { readonly dataPoints: ReadonlyArray<Point> }
}

/** What is sent to `/v1/metrics`. */
export interface Request {
  readonly resourceMetrics: ReadonlyArray<{
    readonly resource: { readonly attributes: ReadonlyArray<Attribute> }
    readonly scopeMetrics: ReadonlyArray<{
      readonly scope: { readonly name: string }
      readonly metrics: ReadonlyArray<Gauge>
    }>
  }>
}

/** The metrics as OTLP has them. `service` is the name of the factory. */
export const request = (metrics: Metrics.Metrics, service: string): Request => ({
  resourceMetrics: [
    {
      resource: { attributes: [attribute("service.name", service)] },
      scopeMetrics: [
        {
          scope: { name: "@millwright/governance" },
          metrics: Object.values(metrics.figures).flatMap((figure) => gauges(figure, metrics))
        }
      ]
    }
  ]
})

const attribute = (key: string, value: string): Attribute => ({ key, value: { stringValue: value } })

const gauges = (figure: Figure.Figure, { asOf, window: { from, to } }: Metrics.Metrics): ReadonlyArray<Gauge> => {
  const end = Math.max(from, Math.min(to, asOf))
  const time = { startTimeUnixNano: nanoseconds(from), timeUnixNano: nanoseconds(end) }
  const told = (part: string) => [attribute("millwright.part", part), attribute("millwright.by", figure.by ?? "")]
  const points = (of: (ratio: Figure.Ratio) => number | null): ReadonlyArray<Point> =>
    [
      { ratio: figure, attributes: [] },
      ...figure.parts.map((part) => ({ ratio: part, attributes: told(part.name) }))
    ].flatMap(({ attributes, ratio }) => {
      const asDouble = of(ratio)
      return asDouble === null ? [] : [{ attributes, ...time, asDouble }]
    })
  const name = `millwright.${figure.name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
  const made = [
    { name, unit: ucum(figure.unit), points: points(({ value }) => value) },
    { name: `${name}.p90`, unit: ucum(figure.unit), points: points(({ distribution }) => distribution?.p90 ?? null) },
    { name: `${name}.numerator`, unit: "1", points: points(({ numerator }) => numerator) },
    { name: `${name}.denominator`, unit: "1", points: points(({ denominator }) => denominator) },
    { name: `${name}.unknown`, unit: "1", points: points(({ unknown }) => unknown) }
  ]
  return made
    .filter(({ points }) => points.length > 0)
    .map(({ name, points, unit }) => ({
      name,
      description: figure.definition,
      unit,
      gauge: { dataPoints: points }
    }))
}

const nanoseconds = (at: number): string => (at === 0 ? "0" : `${at}000000`)

const units: Readonly<Record<string, string>> = { share: "1", hours: "h", "hours per change": "h/{change}" }

/** `changes per week` as `{changes}/{week}`. */
const ucum = (unit: string): string => {
  const known = units[unit]
  if (known !== undefined) return known
  const [what = "", per = "1"] = unit.split(/(?:^| )per /)
  return `${what === "" ? "1" : `{${what}}`}/{${per}}`
}

/** Where metrics are sent to. */
export interface Collector {
  /** The base address of a collector, such as `http://localhost:4318`; the path `/v1/metrics` is added. */
  readonly url: string
  readonly headers?: Readonly<Record<string, Redacted.Redacted>>
  /** How long an answer is waited for. Default: 10 seconds. */
  readonly timeout?: Duration.Input
}

/** Sends metrics once. What is refused for the moment fails with `Unavailable`, which may be tried again: a window's figures replace each other. */
export const send = Effect.fnUntraced(function* (
  sent: Request,
  { headers = {}, timeout = "10 seconds", url }: Collector
): Effect.fn.Return<void, MetricsOtlpError, HttpClient.HttpClient> {
  const base = URL.canParse(url) ? new URL(url) : undefined
  if (base === undefined || !/^https?:$/.test(base.protocol)) {
    const message = `${JSON.stringify(url)} is no address of a collector. Give one such as http://localhost:4318.`
    return yield* new MetricsOtlpError({ reason: "Refused", message })
  }
  base.pathname = `${base.pathname.replace(/\/$/, "")}/v1/metrics`
  const plain = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Redacted.value(value)]))
  const asked = HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(base, { headers: plain }), sent)
  const unavailable = (why: string) =>
    new MetricsOtlpError({
      reason: "Unavailable",
      message: `The collector at ${base.origin} did not take the metrics: ${why}. Try again when it answers.`
    })
  const status = yield* HttpClient.execute(asked).pipe(
    // What it says is read, so that the connection can be used again.
    Effect.flatMap((answer) => Effect.as(answer.arrayBuffer, answer.status)),
    Effect.scoped,
    Effect.mapError(({ reason }) => unavailable(reason._tag)),
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => unavailable(`no answer within ${Duration.format(Duration.fromInputUnsafe(timeout))}`)
    })
  )
  if (status >= 200 && status < 300) return
  if (status === 429 || status >= 500) return yield* unavailable(`it answered ${status}`)
  const message = `The collector at ${base.origin} refuses the metrics with status ${status}. Check its address and the headers.`
  return yield* new MetricsOtlpError({ reason: "Refused", message })
})
