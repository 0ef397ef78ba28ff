/**
 * A **twin**: a stand-in for an outside service, on loopback, that behaves as the service does as far as it goes, and says
 * so where it does not go further.
 *
 * What every twin holds to:
 *
 * - A route that it does not have is 501, and the answer names the route. It is never a 404 that a program could take for
 *   an answer about its data.
 * - Who asks is checked as the service checks it: an unknown token is refused, and so is one without the right. The tokens
 *   are those of the seed.
 * - It has a clock and ids of its own: the same requests give the same answers, byte for byte but for its address. The clock
 *   stands still until something is written (`tick`), or it is advanced.
 * - `reset` brings everything back to how it was after `seed`: state, clock, ids, faults, journal, webhooks on their way.
 * - Every request is in the journal, with its answer. Tokens are not.
 * - It calls nobody. Only a webhook leaves it, and only to an address of this machine that the host has allowed.
 *
 * A twin of an HTTP service is made with `TwinService`.
 */
import * as Fault from "@millwright/core/Fault"
import * as Digest from "@millwright/core/Digest"
import type * as Validator from "@millwright/core/Validator"
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as TwinFault from "./TwinFault.ts"

/** A twin can not be started or set. What it answers is no error. */
export class TwinError extends Fault.Class<TwinError>()("TwinError", {
  /** No port of 127.0.0.1 can be had, or not the one that was asked for. */
  NotListening: true,
  /** What the twin is made with is not installed. */
  NotInstalled: false,
  /** The seed, a fault or an option is none. The message says where. */
  Invalid: false,
  /** An address for webhooks is not one of this machine. */
  NotLoopback: false,
  /** This twin has no such thing. `supports` says what it has. */
  Unsupported: false
}) {}

const Headers = Schema.Record(Schema.String, Schema.String)

/** A request that a twin got and what it answered. The twin's own address stands as `http://NAME.twin` in it. */
export const Exchange = Schema.Struct({
  /** From 1, in the order in which they took effect. */
  number: Schema.Natural,
  /** By the twin's clock, in milliseconds since 1970. */
  at: Schema.Int,
  method: Schema.String,
  /** With the query. */
  path: Schema.String,
  /** The route that answers it, `GET /repos/:owner/:repo`; `null` where there is none. */
  route: Schema.NullOr(Schema.String),
  /** Who asked; `null` where that is not known. */
  caller: Schema.NullOr(Schema.String),
  headers: Headers,
  /** Bounded, as is the answer's. */
  body: Schema.String,
  /** `null`: there was none. */
  answer: Schema.NullOr(Schema.Struct({ status: Schema.Int, headers: Headers, body: Schema.String })),
  /** The fault that it met. */
  fault: Schema.NullOr(Schema.String),
  /** Whether the state is another one after it. */
  changed: Schema.Boolean
})
/** A request that a twin got and what it answered. */
export type Exchange = typeof Exchange.Type

/** A webhook. */
export const Delivery = Schema.Struct({
  /** As the service names it. A doubled one has the same twice. */
  id: Schema.String,
  event: Schema.String,
  url: Schema.String,
  headers: Headers,
  /** As it was sent, but for the twin's own address and what is secret; bounded. */
  body: Schema.String,
  /** `refused`: the host has not allowed the address. `waiting`: its time has not come. */
  outcome: Schema.Literals(["waiting", "delivered", "failed", "dropped", "refused"]),
  /** What came back for each attempt, or why nothing did. */
  attempts: Schema.Array(
    Schema.Struct({ at: Schema.Int, status: Schema.NullOr(Schema.Int), problem: Schema.NullOr(Schema.String) })
  )
})
/** A webhook. */
export type Delivery = typeof Delivery.Type

/** What a twin holds at one moment. `state` is for people, without tokens; the digest is over all of it, the clock and the ids. */
export const Snapshot = Schema.Struct({ digest: Digest.Digest, now: Schema.Int, state: Schema.Json })
/** What a twin holds at one moment. */
export type Snapshot = typeof Snapshot.Type

/** What can be set when a twin is started. */
export interface Options {
  /** Default: any that is free. */
  readonly port?: number | undefined
  /** What its clock shows at first, in milliseconds since 1970. Default: the beginning of 2026. */
  readonly now?: number | undefined
  /** How many milliseconds pass with each request that changes something. Default 1,000. */
  readonly tick?: number | undefined
  /** Where ids come from: the id of the `n`th thing of a kind, from 1. It gives each number once. Default: `n`. */
  readonly ids?: ((kind: string, n: number) => number) | undefined
  /** How many exchanges, and how many deliveries, are kept: the last ones. Default 10,000. */
  readonly keep?: number | undefined
  /** How much of the service it is known to answer as the service does, as a drift check found. */
  readonly fidelity?: Verdict.Fidelity | undefined
}

/** A running twin. It stops with the scope that it was started in. */
export interface Twin<Seed = never> {
  /** Of the service. */
  readonly name: string
  /** Where it listens, `http://127.0.0.1:PORT`, without a slash at its end. */
  readonly url: string
  readonly supports: {
    /** Whether it sends webhooks. */
    readonly webhooks: boolean
    /** Whether its state can be read as a snapshot that tells more than its seed. */
    readonly state: boolean
  }
  readonly fidelity: Verdict.Fidelity
  /** Puts another seed in the place of everything. `reset` goes back to this one from then on. */
  readonly seed: (seed: Seed) => Effect.Effect<void, TwinError>
  readonly reset: Effect.Effect<void>
  /** Puts these rules in the place of those that were there. */
  readonly faults: (rules: ReadonlyArray<TwinFault.Rule>) => Effect.Effect<void, TwinError>
  /** The requests so far. */
  readonly journal: Effect.Effect<ReadonlyArray<Exchange>>
  readonly snapshot: Effect.Effect<Snapshot>
  readonly clock: {
    /** In milliseconds since 1970. */
    readonly now: Effect.Effect<number>
    /** Lets time pass, in milliseconds. Ends when every webhook whose time came with it was delivered. */
    readonly advance: (millis: number) => Effect.Effect<void>
  }
  readonly webhooks: {
    /** Lets webhooks go to an address: its scheme, host and port count. Survives a reset. */
    readonly allow: (url: string) => Effect.Effect<void, TwinError>
    /** Those so far, in the order in which they were made. */
    readonly deliveries: Effect.Effect<ReadonlyArray<Delivery>>
    /** Ends when every webhook whose time has come was delivered. */
    readonly settled: Effect.Effect<void>
  }
}

/** The fidelity of a twin that was never compared. */
export const neverCompared = (twin: string): Verdict.Fidelity => ({ twin, fidelity: null, comparedAt: null })

/**
 * A validator whose verdicts say which twins stood in for services, and how good each is known to be. A twin that a verdict
 * has already stands in it once, as it is said here.
 */
export const witnessed = <R>(
  validator: Validator.Validator<R>,
  twins: ReadonlyArray<{ readonly fidelity: Verdict.Fidelity }>
): Validator.Validator<R> => ({
  name: validator.name,
  judge: (subject) =>
    Effect.map(validator.judge(subject), (verdict): Verdict.Verdict => {
      const all = [...(verdict.twins ?? []), ...twins.map(({ fidelity }) => fidelity)]
      return { ...verdict, twins: [...new Map(all.map((each) => [each.twin, each])).values()] }
    })
})
