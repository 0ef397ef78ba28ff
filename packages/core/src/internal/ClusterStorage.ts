/**
 * What the cluster keeps in PostgreSQL, with two things added: the facts of a step's result are written in the
 * transaction of the result, and a runner whose life lock is free is not among the runners any more.
 */
import * as ClusterError from "effect/cluster/ClusterError"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as ShardId from "effect/cluster/ShardId"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Snowflake from "effect/cluster/Snowflake"
import * as SqlMessageStorage from "effect/cluster/SqlMessageStorage"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import type * as Digest from "effect/crypto/Digest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import type * as Durable from "../Durable.ts"
import type * as FactoryEvent from "../FactoryEvent.ts"
import type * as Journal from "../Journal.ts"
import { isPassing, Postgres, toError } from "../Postgres.ts"
import * as PostgresTable from "./PostgresTable.ts"
import * as ClusterStop from "./ClusterStop.ts"
import * as LifeLock from "./LifeLock.ts"

/** The steps whose results this process has made and not stored yet, by execution, name and attempt. */
export type Made = Map<string, Facts>

/** The facts of a result. */
export interface Facts {
  readonly outbox: Durable.Outbox
  readonly scrub: (entries: Durable.Outbox["entries"]) => ReadonlyArray<FactoryEvent.Entry>
}

/** How a step is called in {@link Made}. */
export const stepKey = (execution: string, name: string, attempt: number): string =>
  JSON.stringify([execution, name, attempt])

/** What the engine and its storage tell each other. */
export interface Wires {
  readonly made: Made
  /** Is told which executions are interrupted, as soon as this process hears of it. */
  readonly stop: (execution: string) => void
}

/** Messages and their replies. A read or a message is tried again for as long as the store is patient. */
export const messages = ({
  made,
  stop
}: Wires): Layer.Layer<MessageStorage.MessageStorage, never, Needs | RunnerStorage.RunnerStorage | Digest.Digest> =>
  Layer.effect(
    MessageStorage.MessageStorage,
    Effect.gen(function* () {
      const postgres = yield* Postgres
      const storage = yield* SqlMessageStorage.makeEncoded()
      const requests = new Map<string, string>()
      const runners = yield* RunnerStorage.RunnerStorage
      const config = yield* ShardingConfig.ShardingConfig
      const patient = <A>(effect: Effect.Effect<A, Failure>, patience = postgres.patience) =>
        Effect.retry(effect, {
          while: isPassingFailure,
          schedule: Schedule.spaced("250 millis").pipe(Schedule.upTo({ duration: patience }))
        })

      /** Learns which request is that of a step, and which executions are interrupted. */
      const learn = (envelope: Envelope, id: string) => {
        if (envelope._tag !== "Request") return
        const { address, tag } = envelope
        const { attempt, name } = Object(envelope.payload)
        if (tag === "activity") requests.set(id, stepKey(address.entityId, name, attempt))
        if (tag === "deferred" && name === ClusterStop.signal) stop(address.entityId)
      }
      const learned = <A extends { readonly envelope: Envelope }>(found: Effect.Effect<Array<A>, Failure>) =>
        Effect.tap(patient(found), (all) =>
          Effect.sync(() => {
            for (const { envelope } of all) if (envelope._tag === "Request") learn(envelope, envelope.requestId)
          })
        )

      /** Whether the shard of a request is this runner's. Asked of the server, which says nothing while it has no room. */
      const isHeld = Effect.fnUntraced(function* (requestId: string) {
        const [request] = yield* storage.unprocessedMessagesById(
          [Snowflake.Snowflake(requestId)],
          yield* Clock.currentTimeMillis
        )
        if (request === undefined || Option.isNone(config.runnerAddress)) return false
        const { group, id } = request.envelope.address.shardId
        const shard = ShardId.make(group, id)
        return (yield* runners.refresh(config.runnerAddress.value, [shard])).length > 0
      })
      /**
       * Saves a reply, for as long as that may be mended and this runner has the shard: one that has lost it must not
       * decide the result. Effect's engine gives up a reply after a second, and with it the run, which nobody wakes then.
       */
      const whileHeld = (reply: Reply, saved: Effect.Effect<void, Failure>): Effect.Effect<void, Failure> =>
        Effect.catch(saved, (failure) =>
          isPassingFailure(failure)
            ? Effect.gen(function* () {
                yield* Effect.sleep("250 millis")
                // The answer to what was written may have been lost.
                const standing = yield* patient(storage.repliesForUnfiltered([reply.requestId]), Duration.infinity)
                if (standing.some(({ id }) => id === reply.id)) return
                if (yield* patient(isHeld(reply.requestId), Duration.infinity)) return yield* whileHeld(reply, saved)
                // Not a failure, which would be tried again: the shard's new owner makes the result.
                return yield* Effect.die(failure)
              })
            : Effect.fail(failure)
        )

      return yield* MessageStorage.makeEncoded({
        saveEnvelope: (options) =>
          Effect.tap(patient(storage.saveEnvelope(options)), (saved) =>
            Effect.sync(() => {
              if (options.envelope._tag !== "Request") return
              if (saved._tag === "Success") learn(options.envelope, options.envelope.requestId)
              else if (Option.isNone(saved.lastReceivedReply)) learn(options.envelope, String(saved.originalId))
            })
          ),
        saveReply: Effect.fnUntraced(function* (reply) {
          const key = requests.get(reply.requestId) ?? ""
          const facts = made.get(key)
          const isResult =
            reply._tag === "WithExit" && reply.exit._tag === "Success" && Object(reply.exit.value)._tag === "Complete"
          if (facts === undefined || !isResult) return yield* whileHeld(reply, storage.saveReply(reply))
          const texts = yield* PostgresTable.encode(facts.scrub(facts.outbox.entries)).pipe(
            Effect.mapError((cause) => new ClusterError.PersistenceError({ cause }))
          )
          const saved = Effect.andThen(
            storage.saveReply(reply),
            PostgresTable.append(postgres.sql, texts).pipe(ClusterError.PersistenceError.refail)
          ).pipe(
            postgres.sql.withTransaction,
            Effect.catchTag("SqlError", (cause) => Effect.fail(new ClusterError.PersistenceError({ cause })))
          )
          yield* whileHeld(reply, saved)
          facts.outbox.isWritten = true
          made.delete(key)
          requests.delete(reply.requestId)
        }),
        clearReplies: (requestId, options) => patient(storage.clearReplies(requestId, options)),
        requestIdForPrimaryKey: (key) => patient(storage.requestIdForPrimaryKey(key)),
        repliesFor: (ids) => patient(storage.repliesFor(ids)),
        repliesForUnfiltered: (ids) => patient(storage.repliesForUnfiltered(ids)),
        unprocessedMessages: (shards, now, options) => learned(storage.unprocessedMessages(shards, now, options)),
        unprocessedMessagesById: (ids, now) => learned(storage.unprocessedMessagesById(ids, now)),
        resetRequests: (ids) => patient(storage.resetRequests(ids)),
        resetAddresses: (addresses) => patient(storage.resetAddresses(addresses)),
        clearAddress: (address) => patient(storage.clearAddress(address)),
        resetShards: (shards) => patient(storage.resetShards(shards)),
        withTransaction: storage.withTransaction
      })
    })
  ).pipe(Layer.provide([client, Snowflake.layerGenerator]))

const isPassingFailure = ({ cause }: Failure) => SqlError.isSqlError(cause) && isPassing(cause)

type Failure = ClusterError.PersistenceError
type Reply = Parameters<MessageStorage.Encoded["saveReply"]>[0]
type Needs = Postgres | ShardingConfig.ShardingConfig
type Envelope = Parameters<MessageStorage.Encoded["saveEnvelope"]>[0]["envelope"]

const client = Layer.effect(
  SqlClient.SqlClient,
  Effect.map(Postgres, ({ sql }) => sql)
)

/** Runners and their shards. A runner that is not alive any more is not among them. */
export const runners: Layer.Layer<RunnerStorage.RunnerStorage, Journal.JournalError, Needs> = Layer.effect(
  RunnerStorage.RunnerStorage,
  Effect.gen(function* () {
    const postgres = yield* Postgres
    const storage = yield* SqlRunnerStorage.make({}).pipe(Effect.mapError((error) => toError(postgres.server, error)))
    const nameOf = ({ address }: { readonly address: { readonly host: string; readonly port: number } }) =>
      `${address.host}:${address.port}`
    return RunnerStorage.RunnerStorage.of({
      ...storage,
      getRunners: Effect.gen(function* () {
        const known = yield* storage.getRunners
        const living = yield* LifeLock.living(
          postgres,
          known.map(([runner]) => nameOf(runner))
        ).pipe(ClusterError.PersistenceError.refail)
        return known.filter(([runner]) => living.has(nameOf(runner)))
      })
    })
  })
).pipe(Layer.provide(client))
