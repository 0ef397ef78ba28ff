/** A collector of OpenTelemetry on 127.0.0.1, which keeps what is sent to it as OTLP over HTTP in JSON. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Http from "node:http"

const Value = Schema.Struct({
  stringValue: Schema.optionalKey(Schema.String),
  intValue: Schema.optionalKey(Schema.Number),
  doubleValue: Schema.optionalKey(Schema.Number),
  boolValue: Schema.optionalKey(Schema.Boolean),
  arrayValue: Schema.optionalKey(Schema.Struct({ values: Schema.Array(Schema.Struct({ stringValue: Schema.String })) }))
})
const Attributes = Schema.Array(Schema.Struct({ key: Schema.String, value: Value }))
const Span = Schema.Struct({
  traceId: Schema.String,
  spanId: Schema.String,
  parentSpanId: Schema.optionalKey(Schema.String),
  name: Schema.String,
  kind: Schema.Number,
  attributes: Attributes,
  status: Schema.Struct({ code: Schema.Number, message: Schema.optionalKey(Schema.String) })
})
const Traces = Schema.fromJsonString(
  Schema.Struct({
    resourceSpans: Schema.Array(
      Schema.Struct({ scopeSpans: Schema.Array(Schema.Struct({ spans: Schema.Array(Span) })) })
    )
  })
)
const Metrics = Schema.fromJsonString(
  Schema.Struct({
    resourceMetrics: Schema.Array(
      Schema.Struct({
        scopeMetrics: Schema.Array(
          Schema.Struct({
            metrics: Schema.Array(
              Schema.Struct({
                name: Schema.String,
                unit: Schema.String,
                histogram: Schema.optionalKey(
                  Schema.Struct({
                    dataPoints: Schema.Array(
                      Schema.Struct({
                        attributes: Attributes,
                        count: Schema.Union([Schema.Number, Schema.String]),
                        sum: Schema.optionalKey(Schema.Number)
                      })
                    )
                  })
                )
              })
            )
          })
        )
      })
    )
  })
)

/** Attributes as one object. */
export const record = (attributes: typeof Attributes.Type): Record<string, unknown> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.arrayValue?.values.map(({ stringValue }) => stringValue) ?? Object.values(value)[0]
    ])
  )

/** Starts a collector that stops with the scope. It reads at most 20 MB. */
export const make = Effect.gen(function* () {
  const got: Array<{ readonly path: string; readonly body: string }> = []
  let bytes = 0
  const server = yield* Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const server = Http.createServer((request, response) => {
        let body = ""
        request
          .setEncoding("utf8")
          .on("data", (text: string) => {
            bytes += text.length
            if (bytes > 20_000_000) request.destroy()
            else body += text
          })
          .on("end", () => {
            got.push({ path: request.url ?? "", body })
            response.writeHead(200, { "content-type": "application/json" }).end("{}")
          })
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  const address = server.address()
  const bodies = (path: string) => got.flatMap((each) => (each.path === path ? [each.body] : []))
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    /** Everything about spans and metrics as it came over the wire. */
    wire: () => [...bodies("/v1/traces"), ...bodies("/v1/metrics")].join("\n"),
    spans: () =>
      bodies("/v1/traces").flatMap((body) =>
        Schema.decodeUnknownSync(Traces)(body).resourceSpans.flatMap(({ scopeSpans }) =>
          scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, attributes: record(span.attributes) })))
        )
      ),
    /** The metrics of the last export, which holds the sums of all before it. */
    metrics: () =>
      bodies("/v1/metrics")
        .slice(-1)
        .flatMap((body) =>
          Schema.decodeUnknownSync(Metrics)(body).resourceMetrics.flatMap(({ scopeMetrics }) =>
            scopeMetrics.flatMap(({ metrics }) => metrics)
          )
        )
  }
})
