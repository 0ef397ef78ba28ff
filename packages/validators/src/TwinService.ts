/**
 * Makes a **twin** of an HTTP service from data and pure functions: what its state is, who may ask, and for each route what
 * a request does. The clock, ids, journal, faults, webhooks and everything else that each twin has come from here.
 *
 * The state is a value. A handler never changes it; it answers, and gives the state that comes after. Requests take effect
 * one after the other, so two that are sent at once are never half done.
 */
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as TwinMachine from "./internal/TwinMachine.ts"
import * as TwinRoute from "./internal/TwinRoute.ts"
import * as TwinServer from "./internal/TwinServer.ts"
import * as Twin from "./Twin.ts"
import * as TwinFault from "./TwinFault.ts"
import type * as TwinRefusal from "./TwinRefusal.ts"

/** Who asks, and what it may do. */
export const Caller = Schema.Struct({ name: Schema.NonEmptyString, scopes: Schema.Array(Schema.NonEmptyString) })
/** Who asks, and what it may do. */
export type Caller = typeof Caller.Type

/** The tokens that a seed gives. They are made up: no token of the real service belongs here. */
export const Tokens = Schema.Record(Schema.NonEmptyString, Caller)
/** The tokens that a seed gives. */
export type Tokens = typeof Tokens.Type

/** An answer. A `body` that is a text is sent as it is, any other as JSON. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** A request. */
export interface Request {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** `undefined` where there is none. Text where the content type is none of JSON. */
  readonly body: Schema.Json | undefined
}

/** A request, as a handler gets it. */
export interface Call<State, Params = Readonly<Record<string, string>>, Body = Schema.Json | undefined> extends Omit<
  Request,
  "body"
> {
  readonly state: State
  readonly params: Params
  readonly body: Body
  /** Nobody, at a route that is open. */
  readonly caller: Caller
  /** In milliseconds since 1970. */
  readonly now: number
  /** The address of the twin, for links. */
  readonly url: string
  /** The next id of a kind. It is used up only when the handler gives another state. */
  readonly id: (kind: string) => number
}

/** Something that hooks are told. */
export interface Event {
  readonly name: string
  /** Whose it is, such as a repository: for `hooks` to know which of them want it. */
  readonly of?: string
  readonly payload: unknown
}

/** What a handler comes to. Without a `state` nothing has changed. */
export interface Outcome<State> {
  readonly answer: Answer
  readonly state?: State
  readonly events?: ReadonlyArray<Event>
}

/** An address that events are sent to. */
export interface Hook {
  readonly id: string
  readonly url: string
  readonly secret: string
}

/** A webhook before it is signed. */
export interface Message {
  /** By the number of the delivery, from 1. */
  readonly number: number
  readonly event: Event
  readonly hook: Hook
  /** By the twin's clock, in milliseconds since 1970. */
  readonly at: number
  /** As it is sent. */
  readonly body: string
}

/** How a service sends webhooks. */
export interface Webhooks<State> {
  /** Those that want the event. */
  readonly hooks: (state: State, event: Event) => ReadonlyArray<Hook>
  /** The name of the delivery, and its headers with the signature. */
  readonly sign: (message: Message) => {
    readonly id: string
    readonly headers: Readonly<Record<string, string>>
  }
  /** What webhooks are signed with: no journal and no snapshot shows it. */
  readonly secrets: (state: State) => ReadonlyArray<string>
  /** How long after a failed attempt the next one is made, in milliseconds. Default: never. */
  readonly retries?: ReadonlyArray<number>
}

/** One route. */
export interface Route<State> {
  /** `GET /items/:id`; `*rest` at the end takes everything that follows. */
  readonly pattern: string
  /** What a token needs for it. Without it any token will do. */
  readonly scope: string | undefined
  /** No token is needed. */
  readonly open: boolean
  /** The content types that it takes beside JSON, as text. */
  readonly text: ReadonlyArray<string>
  readonly decode: (body: Schema.Json | undefined) => TwinRoute.Decoded
  /** Called with what the pattern and `decode` have made, which is what it was typed for. */
  readonly handle: (call: Call<State, never, never>) => Outcome<State>
}

/** What can be said about a route. */
export interface RouteOptions<State, Params, Body> {
  readonly scope?: string
  readonly open?: boolean
  readonly text?: ReadonlyArray<string>
  /** What the body has to be. Without it any JSON is taken, and none as well. */
  readonly body?: Schema.Codec<Body, unknown>
  readonly handle: (call: Call<State, Params, Body>) => Outcome<State>
}

/** Makes routes over a state: `const on = TwinService.routes<State>()`, then `on("GET /items/:id", { handle })`. */
export const routes =
  <State>() =>
  <const Pattern extends string, Body = Schema.Json | undefined>(
    pattern: Pattern,
    options: RouteOptions<State, TwinRoute.Params<Pattern>, Body>
  ): Route<State> => ({
    pattern,
    scope: options.scope,
    open: options.open ?? false,
    text: options.text ?? [],
    decode: TwinRoute.decoder(options.body),
    handle: options.handle
  })

/** What a service is. */
export interface Definition<Seed, State> {
  readonly name: string
  readonly seed: Schema.Codec<Seed, unknown>
  /** The state that a seed is the beginning of. Ids that it gives are never given again. */
  readonly state: (seed: Seed, call: Pick<Call<State>, "id" | "now">) => State
  readonly tokens: (state: State) => Tokens
  readonly routes: ReadonlyArray<Route<State>>
  /** The token of a request. Default: that of the `Authorization` header, `Bearer` or `token`. */
  readonly token?: (request: Request) => string | undefined
  /** A refusal as the service says it. Default: the status that HTTP has for it, and `{"error", "message"}`. */
  readonly refuse?: (refusal: TwinRefusal.Refusal, request: Pick<Request, "method" | "path" | "headers">) => Answer
  /** Refuses what is known already without the route, such as a rate limit. */
  readonly admit?: (about: Finished<State>) => Answer | undefined
  /** What is added to every answer: an ETag, headers of rate limits. */
  readonly finish?: (answer: Answer, about: Finished<State>) => Answer
  /** After how many milliseconds of the twin's clock the requests of a caller are counted from 0 again. Default: never. */
  readonly window?: number
  readonly webhooks?: Webhooks<State>
  /** The longest body of a request, in bytes. Default 1 MiB. */
  readonly maxBody?: number
}

/** The request that an answer is for. */
export interface Finished<State> {
  readonly request: Pick<Request, "method" | "path" | "headers">
  /** `undefined`: nobody who is known. */
  readonly caller: Caller | undefined
  /** How many requests the caller has made, this one among them. */
  readonly count: number
  readonly now: number
  readonly state: State
  /** The address of the twin. What is made of an answer, such as an ETag, is made without it, to be the same at every port. */
  readonly url: string
}

/** A service whose twin can be started, as often as one likes. */
export interface Service<Seed> {
  readonly name: string
  /** `METHOD /path` of each route that it has. */
  readonly routes: ReadonlyArray<string>
  /** The longest body of a request, in bytes. */
  readonly maxBody: number
  readonly start: (seed: Seed, options?: Twin.Options) => Effect.Effect<Twin.Twin<Seed>, Twin.TwinError, Scope.Scope>
}

const isRules = Schema.decodeUnknownEffect(Schema.Array(TwinFault.Rule))

/** The service of a definition. */
export const make = <Seed, State>(definition: Definition<Seed, State>): Service<Seed> => ({
  name: definition.name,
  routes: definition.routes.map(({ pattern }) => pattern),
  maxBody: definition.maxBody ?? TwinMachine.maxBody,
  start: Effect.fnUntraced(function* (seed, options = {}) {
    const fidelity: Verdict.Fidelity = options.fidelity ?? Twin.neverCompared(definition.name)
    const checked = yield* decoded(definition, seed)
    const machine = TwinMachine.make(definition, { seed: checked, options })
    const url = yield* TwinServer.listen(definition, { machine, port: options.port })
    return {
      name: definition.name,
      url,
      supports: { webhooks: definition.webhooks !== undefined, state: true },
      fidelity,
      seed: (next) => Effect.flatMap(decoded(definition, next), (other) => Effect.sync(() => machine.seed(other))),
      reset: Effect.sync(machine.reset),
      faults: (rules) =>
        Effect.matchEffect(isRules(rules), {
          onFailure: (cause) => Effect.fail(invalid("The faults are none", cause)),
          onSuccess: (known) => Effect.sync(() => machine.break(known))
        }),
      journal: Effect.sync(machine.journal),
      snapshot: Effect.sync(machine.snapshot),
      clock: {
        now: Effect.sync(machine.now),
        advance: (millis) => Effect.promise(() => machine.advance(millis))
      },
      webhooks: {
        allow: (address) => (definition.webhooks === undefined ? unsupported(definition.name) : machine.allow(address)),
        deliveries: Effect.sync(machine.deliveries),
        settled: Effect.promise(machine.settled)
      }
    }
  })
})

const unsupported = (name: string) =>
  Effect.fail(
    new Twin.TwinError({ reason: "Unsupported", message: `The twin of ${name} sends no webhooks. Take its API alone.` })
  )

const invalid = (what: string, cause: { readonly message: string }) =>
  new Twin.TwinError({ reason: "Invalid", message: `${what}: ${cause.message}`, cause })

const decoded = <Seed, State>(definition: Definition<Seed, State>, seed: Seed) =>
  Effect.mapError(Schema.decodeUnknownEffect(Schema.toType(definition.seed))(seed), (cause) =>
    invalid(`The seed of the twin of ${definition.name} is none`, cause)
  )
