/** The store of the embedded engine: its tables and the facts beside them, and the workflows whose rows it can read. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Durable from "../Durable.ts"
import * as ExecutionTable from "./ExecutionTable.ts"
import * as Journal from "../Journal.ts"
import * as JournalTable from "./JournalTable.ts"
import * as Redaction from "../Redaction.ts"
import type * as Sqlite from "../Sqlite.ts"

const { Workflow } = Durable

/** What a workflow runs, once it is registered. */
export type Handler = (payload: object, executionId: string) => Effect.Effect<unknown, unknown, Durable.Execution>

/** A workflow with its codecs. */
export interface Registered {
  readonly workflow: Durable.Workflow.Any
  readonly execute: Handler
  /** What stands where the workflow was given its code: it runs with that alone. */
  readonly services: Context.Context<never>
  readonly payload: Schema.Codec<object, unknown>
  readonly result: Schema.Codec<Durable.Workflow.Result<unknown, unknown>, unknown>
}

/** A workflow with its codecs, and the services here. A workflow's schemas need none: lines are data. */
export const register = (workflow: Durable.Workflow.Any, execute: Handler): Effect.Effect<Registered> =>
  Effect.contextWith((services: Context.Context<never>) =>
    Effect.succeed({
      workflow,
      execute,
      services,
      payload: Schema.toCodecJson(workflow.payloadSchema) as unknown as Registered["payload"],
      result: Schema.toCodecJson(
        Workflow.Result({ success: workflow.successSchema, error: workflow.errorSchema })
      ) as unknown as Registered["result"]
    })
  )

/** The facts of a result, and what must not be in them. */
export interface Facts {
  readonly outbox: Durable.Outbox | undefined
  readonly secrets: typeof Redaction.Secrets.Service
}

/** The facts that wait for the result that is being made. */
export const facts: Effect.Effect<Facts> = Effect.contextWith((context: Context.Context<never>) =>
  Effect.succeed({ outbox: Context.get(context, Durable.Outbox), secrets: Context.get(context, Redaction.Secrets) })
)

/** The store of an engine. One that fails ends a run without a result; `Durable.Failure` tells whoever waits for it. */
export const make = (sqlite: Sqlite.Sqlite["Service"]) => {
  const registered = new Map<string, Registered>()
  const write = <A>(run: (prepare: Sqlite.Prepare) => A) => Effect.orDie(sqlite.write(run))
  const read = <A>(run: (prepare: Sqlite.Prepare) => A) => Effect.orDie(sqlite.read(run))
  const find = (executionId: string) => read((prepare) => ExecutionTable.find(prepare, executionId))
  return {
    registered,
    write,
    read,
    find,
    touch: sqlite.touch,
    until: <A>(topic: string, look: (prepare: Sqlite.Prepare) => A | undefined) =>
      Effect.orDie(sqlite.until(topic, look)),
    /** Writes the facts that belong to a result in its transaction, or none when another result stands. */
    flush: (prepare: Sqlite.Prepare, { outbox, secrets }: Facts, isFirst: boolean): void => {
      if (outbox === undefined) return
      if (isFirst) JournalTable.append(sqlite, prepare, Journal.scrub(outbox.entries, secrets))
      outbox.isWritten = true
    },
    /** The result of an execution, or that it waits; none while it runs. */
    resultOf: Effect.fnUntraced(function* (executionId: string) {
      const row = yield* find(executionId)
      const entry = row === undefined ? undefined : registered.get(row.workflow)
      if (row?.status === "complete" && entry !== undefined && row.result !== null) {
        return Option.some(yield* Effect.orDie(Schema.decodeUnknownEffect(entry.result)(JSON.parse(row.result))))
      }
      return row?.status === "suspended"
        ? Option.some<Durable.Workflow.Result<unknown, unknown>>(new Workflow.Suspended({}))
        : Option.none<Durable.Workflow.Result<unknown, unknown>>()
    })
  }
}

/** The store of an engine. */
export type EngineStore = ReturnType<typeof make>
