/** What a store in SQLite holds of its runs, as texts that another engine of this package understands. */
import type * as Sqlite from "../Sqlite.ts"
import * as BlobTable from "./BlobTable.ts"

/** An event as it is stored. */
export interface Event {
  readonly seq: number
  readonly key: string | null
  readonly run: string | null
  readonly event: string
}

/** An execution that is not over. */
export interface Execution {
  readonly id: string
  readonly workflow: string
  readonly payload: string
  readonly parent: string | null
  readonly interrupted: number
}

/** The result of an attempt of a step: the JSON of its exit. */
export interface Result {
  readonly execution: string
  readonly name: string
  readonly attempt: number
  readonly result: string
}

/** Everything that a run needs in order to go on elsewhere. */
export interface Contents {
  readonly events: ReadonlyArray<Event>
  readonly executions: ReadonlyArray<Execution>
  /** Of executions that are not over, and of children: a parent that goes on asks for those once more. */
  readonly results: ReadonlyArray<Result>
  readonly answers: ReadonlyArray<{ readonly execution: string; readonly name: string; readonly exit: string }>
  /** `due` is in milliseconds since 1970. */
  readonly clocks: ReadonlyArray<{ readonly execution: string; readonly name: string; readonly due: number }>
}

/** Reads a store, in one transaction. */
export const read = (prepare: Sqlite.Prepare): Contents => {
  const open = "select id from executions where status <> 'complete'"
  // The columns are what the queries name.
  const all = <A>(sql: string) => prepare(sql).all() as unknown as ReadonlyArray<A>
  const resolve = (text: string) => BlobTable.resolve(prepare, text)
  return {
    events: all("select seq, key, run, event from journal order by seq"),
    executions: all<Execution>(
      "select id, workflow, payload, parent, interrupted from executions where status <> 'complete' order by id"
    ).map((row) => ({ ...row, payload: resolve(row.payload) })),
    results: all<Result & { readonly packed: Uint8Array | null }>(
      `select execution, name, attempt, result, packed from activities
       where execution in (select id from executions where status <> 'complete' or parent is not null)`
    ).map(({ packed, result, ...row }) => ({ ...row, result: BlobTable.unpack(prepare, { packed, result }) })),
    answers: all<Contents["answers"][number]>(
      `select execution, name, exit from deferreds where execution in (${open})`
    ).map((row) => ({ ...row, exit: resolve(row.exit) })),
    clocks: all(`select execution, name, due from clocks where execution in (${open})`)
  }
}
