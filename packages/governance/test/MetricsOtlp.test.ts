import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Redacted from "effect/Redacted"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import * as Metrics from "../src/Metrics.ts"
import * as MetricsOtlp from "../src/MetricsOtlp.ts"
import * as Window from "../src/Window.ts"
import * as History from "./MetricsHistory.ts"

const week = Window.make(History.start, History.start + Window.week)
const run = History.of("item")
const metrics = Metrics.of(
  History.journal([
    History.started(run, 1),
    ...History.stage(run, [1, 3], { name: "implement", usd: 2 }),
    ...History.gate(run, [3, 5], { cause: "policy" }),
    History.shipped(run, 6, "pr-1"),
    History.finished(run, 6)
  ]).reduce(Metrics.step, Metrics.empty),
  { window: week, rate: 100, asOf: week.to + 1 }
)
const sent = MetricsOtlp.request(metrics, "checkout")
const gauges = sent.resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
const gauge = (name: string) => gauges.find((each) => each.name === name)

interface Heard {
  readonly url: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A collector on loopback that answers with a status, or never. */
const collector = (status: number | undefined) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const heard: Array<Heard> = []
      const server = createServer(async (request, response) => {
        const chunks: Array<Buffer> = []
        for await (const chunk of request) chunks.push(chunk)
        heard.push({ url: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() })
        if (status !== undefined) response.writeHead(status, { "content-type": "application/json" }).end("{}")
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return { server, heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } // it listens on TCP
    }),
    ({ server }) =>
      Effect.promise(async () => {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      })
  )

describe("MetricsOtlp", () => {
  it("has four gauges for a figure, over its window, with parts as points", () => {
    const time = { startTimeUnixNano: `${week.from}000000`, timeUnixNano: `${week.to}000000` }
    assert.deepStrictEqual(gauge("millwright.cost_per_shipped")?.gauge.dataPoints, [
      { attributes: [], ...time, asDouble: 2 }
    ])
    assert.strictEqual(gauge("millwright.cost_per_shipped")?.unit, "{USD}/{change}")
    assert.strictEqual(gauge("millwright.cost_per_shipped.denominator")?.gauge.dataPoints[0]?.asDouble, 1)
    const level = gauge("millwright.autonomy.numerator")?.gauge.dataPoints.find(
      ({ attributes }) => attributes[0]?.value.stringValue === "approved"
    )
    assert.strictEqual(level?.asDouble, 1)
    assert.deepStrictEqual(
      level?.attributes.map(({ key }) => key),
      ["millwright.part", "millwright.by"]
    )
  })

  it("has the median and nine in ten of times", () => {
    const valueOf = (name: string) =>
      gauge(name)?.gauge.dataPoints.find(({ attributes }) => attributes.length === 0)?.asDouble
    assert.deepStrictEqual([valueOf("millwright.lead_time"), valueOf("millwright.lead_time.p90")], [5, 5])
    assert.strictEqual(gauge("millwright.lead_time.p90")?.unit, "h")
    assert.isUndefined(gauge("millwright.cost_per_shipped.p90"))
  })

  it("tells nothing of a time that is to come: a window that is not over ends at what is known", () => {
    const timesOf = (asOf: number) =>
      MetricsOtlp.request({ ...metrics, asOf }, "checkout").resourceMetrics[0]?.scopeMetrics[0]?.metrics[0]?.gauge
        .dataPoints[0]?.timeUnixNano
    assert.strictEqual(timesOf(week.from + 7), `${week.from + 7}000000`)
    assert.strictEqual(timesOf(0), `${week.from}000000`, "it does not end before it begins")
  })

  it("has no point where there is no value, and none that is not finite", () => {
    assert.isUndefined(gauge("millwright.recurrence"), "nothing was removed, so nothing recurred in no part of it")
    assert.strictEqual(gauge("millwright.recurrence.denominator")?.gauge.dataPoints[0]?.asDouble, 0)
    const numbers = gauges.flatMap((each) => each.gauge.dataPoints.map(({ asDouble }) => asDouble))
    assert.isTrue(numbers.every(Number.isFinite))
    assert.strictEqual(new Set(gauges.map(({ name }) => name)).size, gauges.length, "two gauges have one name")
  })

  it.live("reaches a collector, with the headers that it asks for", () =>
    Effect.gen(function* () {
      const { heard, url } = yield* collector(200)
      yield* MetricsOtlp.send(sent, { url: `${url}/base/`, headers: { "x-key": Redacted.make("secret") } })
      assert.strictEqual(heard.length, 1)
      assert.strictEqual(heard[0]?.url, "/base/v1/metrics")
      assert.strictEqual(heard[0]?.headers["x-key"], "secret")
      assert.match(heard[0]?.headers["content-type"] ?? "", /application\/json/)
      assert.deepStrictEqual(JSON.parse(heard[0]?.body ?? ""), JSON.parse(JSON.stringify(sent)))
    }).pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer))
  )

  for (const [status, reason] of [
    [429, "Unavailable"],
    [503, "Unavailable"],
    [400, "Refused"],
    [401, "Refused"]
  ] as const) {
    it.live(`tells a collector that answers ${status} from one that took them`, () =>
      Effect.gen(function* () {
        const { url } = yield* collector(status)
        const error = yield* Effect.flip(MetricsOtlp.send(sent, { url }))
        assert.strictEqual(error.reason, reason)
        assert.include(error.message, String(status))
      }).pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer))
    )
  }

  it.live("does not wait for ever, for nobody, or at what is no address", () =>
    Effect.gen(function* () {
      const { url } = yield* collector(undefined)
      const late = yield* Effect.flip(MetricsOtlp.send(sent, { url, timeout: "50 millis" }))
      assert.strictEqual(late.reason, "Unavailable")
      assert.match(late.message, /no answer within 50ms/)
      const nobody = yield* Effect.flip(MetricsOtlp.send(sent, { url: "http://127.0.0.1:1" }))
      assert.strictEqual(nobody.reason, "Unavailable")
      const bad = yield* Effect.flip(MetricsOtlp.send(sent, { url: "file:///etc/passwd" }))
      assert.strictEqual(bad.reason, "Refused")
    }).pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer))
  )
})
