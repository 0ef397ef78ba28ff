/**
 * Who of the runners is alive: each holds a lock in the database on a connection of its own. The server gives it back
 * when the process dies, since the kernel closes the connection, and when the runner is silent for longer than its
 * lease. So there is nobody who has to look after the others, and what a killed runner ran can be taken over at once.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Journal from "../Journal.ts"
import { type Postgres, toError } from "../Postgres.ts"

/** Marks these locks among those of the database. */
const space = 1_296_854_860

/** Holds the lock of an address for as long as the scope is open, and takes it again when its connection is lost. */
export const hold = (
  postgres: Postgres["Service"],
  { address, lease }: { readonly address: string; readonly lease: Duration.Duration }
): Effect.Effect<void, Journal.JournalError, Scope.Scope> =>
  Effect.gen(function* () {
    const { server, sql } = postgres
    const held = yield* Deferred.make<void>()
    const live = Effect.scoped(
      Effect.gen(function* () {
        const connection = yield* sql.reserve
        yield* connection.executeValues("select set_config('idle_session_timeout', $1, false)", [
          String(Math.min(Duration.toMillis(lease), 2_147_483_647))
        ])
        yield* Effect.addFinalizer(() =>
          Effect.ignore(
            connection.executeValues(
              "select pg_advisory_unlock_all(), set_config('idle_session_timeout', '0', false)",
              []
            )
          )
        )
        const taken = connection.executeValues("select pg_try_advisory_lock($1, hashtext($2))", [space, address])
        yield* Effect.repeat(taken, { until: ([row]) => row?.[0] === true, schedule: Schedule.spaced("250 millis") })
        yield* Deferred.succeed(held, undefined)
        yield* Effect.repeat(connection.executeValues("select 1", []), Schedule.spaced(Duration.divideUnsafe(lease, 5)))
      })
    )
    const first = yield* Deferred.make<never, Journal.JournalError>()
    yield* live.pipe(
      Effect.tapError((error) => Deferred.fail(first, toError(server, error))),
      Effect.ignore,
      Effect.repeat(Schedule.spaced("250 millis")),
      Effect.forkScoped
    )
    yield* Effect.raceFirst(Deferred.await(held), Deferred.await(first)).pipe(
      Effect.timeoutOrElse({
        duration: "5 seconds",
        orElse: () =>
          Effect.fail(
            new Journal.JournalError({
              reason: "Busy",
              message:
                `Another living runner has the address ${address} on ${server}. ` +
                `Give each runner a host and a port of its own, or end the other one.`
            })
          )
      })
    )
  })

/** The addresses among these whose runner is alive. Fails with whatever the server says. */
export const living = (postgres: Postgres["Service"], addresses: ReadonlyArray<string>) =>
  Effect.map(
    postgres.sql<{ address: string }>`
      select address from jsonb_array_elements_text(${JSON.stringify(addresses)}::jsonb) as runners (address)
      where exists (
        select 1 from pg_locks where locktype = 'advisory' and granted and objsubid = 2 and classid = ${space}::bigint::oid
        and objid = (hashtext(address)::bigint & 4294967295)::oid
        and database = (select oid from pg_database where datname = current_database())
      )`,
    (rows) => new Set(rows.map(({ address }) => address))
  )
