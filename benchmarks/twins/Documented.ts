/** Compares a twin with the examples of a documentation: traces that nobody has recorded, with values of their writers. */
import * as TwinLab from "@millwright/validators/testing/TwinLab"
import * as Twin from "@millwright/validators/Twin"
import * as TwinDrift from "@millwright/validators/TwinDrift"
import * as TwinTrace from "@millwright/validators/TwinTrace"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { readFileSync } from "node:fs"
import type * as Service from "./Service.ts"

/** What a comparison needs. */
export interface Options {
  /** The file of the trace in `data/twins`. */
  readonly file: string
  readonly start: Effect.Effect<Twin.Twin, Twin.TwinError, Scope.Scope>
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>
  /** Does what the examples take for granted, and says what the twin has in the place of their names. */
  readonly prepare: (ask: Service.Ask) => Effect.Effect<Readonly<Record<string, string>>, Twin.TwinError>
}

/** A comparison with examples. */
export const comparison = ({ file, headers, prepare, start }: Options): Service.Comparison => ({
  against: "documented",
  check: Effect.gen(function* () {
    const text = readFileSync(new URL(`../data/twins/${file}`, import.meta.url), "utf8")
    const trace = Schema.decodeUnknownSync(TwinTrace.Trace)(JSON.parse(text))
    const twin = yield* start
    const given = yield* prepare((what) =>
      TwinLab.send(twin.url, { ...what, headers: { ...headers, ...what.headers } })
    )
    return [yield* TwinDrift.check(twin, trace, { headers, given })]
  }).pipe(Effect.scoped)
})

/** The answer as JSON. Fails where it is no success, or `isRight` does not hold. */
export const json = Effect.fnUntraced(function* (
  ask: Service.Ask,
  what: TwinLab.Ask,
  isRight: (body: Readonly<Record<string, unknown>>) => boolean = () => true
) {
  const reply = yield* ask(what)
  const body = reply.body === "" ? {} : JSON.parse(reply.body)
  if (reply.status < 300 && isRight(body)) return body
  return yield* new Twin.TwinError({
    reason: "Invalid",
    message: `${what.method} ${what.path} is answered with ${reply.status} ${reply.body.slice(0, 200)}`
  })
})
