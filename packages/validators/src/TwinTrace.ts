/**
 * A **trace**: requests to a service and what it really answered. It is what a twin is compared with, so it says where it is
 * from, and when it was recorded.
 */
import * as Schema from "effect/Schema"

/** A request, and the answer of the service. */
export const Exchange = Schema.Struct({
  /** The name of the route, as in `GET /repos/{owner}/{repo}/issues`: figures are given for each. */
  endpoint: Schema.NonEmptyString,
  request: Schema.Struct({
    method: Schema.NonEmptyString,
    /** From its first slash, with the query: what stands after an address without one would make another address of it. */
    path: Schema.String.check(Schema.isPattern(/^\//)),
    /** Those that make a difference, such as `accept`; never one with a token. */
    headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
    body: Schema.optionalKey(Schema.Json)
  }),
  answer: Schema.Struct({
    status: Schema.Int,
    /** By their names in lower case. */
    headers: Schema.Record(Schema.String, Schema.String),
    body: Schema.optionalKey(Schema.Json)
  })
})
/** A request, and the answer of the service. */
export type Exchange = typeof Exchange.Type

/** Requests to a service and what it answered. */
export const Trace = Schema.Struct({
  service: Schema.NonEmptyString,
  /** Where it is from, for people. */
  source: Schema.NonEmptyString,
  /** A date, `2022-07-19`; `null` where it is not known. */
  recordedOn: Schema.NullOr(Schema.String),
  /** The addresses of the service. The twin's own stands in their place. */
  origins: Schema.Array(
    Schema.String.check(
      Schema.makeFilter((text: string) => URL.canParse(text), { expected: "an address, such as https://api.example" })
    )
  ),
  /** The headers of answers that are compared, in lower case. */
  headers: Schema.Array(Schema.String),
  /**
   * What the service chose, and the twin chooses in another way: names of fields, and beginnings of paths that end in a slash
   * (`/repositories/`), after which such a part follows. The first use of a value binds it to the twin's; wherever it comes
   * again, the twin has to have the same.
   */
  variables: Schema.Array(Schema.NonEmptyString),
  /** Names of fields of which the type alone is compared, such as times that were made alike when the trace was cleaned. */
  volatile: Schema.Array(Schema.NonEmptyString),
  exchanges: Schema.Array(Exchange)
})
/** Requests to a service and what it answered. */
export type Trace = typeof Trace.Type
