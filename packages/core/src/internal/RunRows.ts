/** The rows of a store that belong to ended runs: finding, counting and deleting them, a bounded number at a time. */
import * as Predicate from "effect/Predicate"
import * as ExecutionTable from "./ExecutionTable.ts"
import type * as Sqlite from "../Sqlite.ts"

/** A run that is over. `end` is the place of the fact that ended it, `at` its time in milliseconds since 1970. */
export interface Ended {
  readonly run: string
  readonly line: string
  readonly end: number
  readonly at: number
}

/** Executions that are all complete: one without a parent, everything that it started, and the runs that they are. */
export interface Family {
  readonly executions: ReadonlyArray<string>
  readonly runs: ReadonlyArray<Ended>
  /** When the last of them ended, in milliseconds since 1970. */
  readonly at: number
}

/** How many rows belong to something. */
export interface Counts {
  readonly executions: number
  readonly results: number
  readonly facts: number
  readonly texts: number
}

/** How many rows one transaction deletes: a few milliseconds for whoever wants to write. */
const batch = 500

/** Complete executions without a parent whose id is greater than `after`, in order. */
export const roots = (prepare: Sqlite.Prepare, after: string): ReadonlyArray<string> =>
  prepare(
    `select id from executions e where id > ? and status = 'complete'
     and (parent is null or not exists (select 1 from executions p where p.id = e.parent)) order by id limit ${batch}`
  )
    .all(after)
    .map(({ id }) => String(id))

/** The family of an execution, `undefined` when one of them goes on, or when no line is in it. */
export const family = (prepare: Sqlite.Prepare, root: string): Family | undefined => {
  const members = prepare(
    `with recursive member (id) as
     (select ? union select e.id from executions e join member m on e.parent = m.id) select id from member`
  )
    .all(root)
    .map(({ id }) => String(id))
  const runs: Array<Ended> = []
  let at = 0
  for (const id of members) {
    const execution = ExecutionTable.find(prepare, id)
    if (execution?.status !== "complete") return undefined
    const run = runOf(execution.payload)
    if (run === undefined) continue
    const end = latest(prepare, `${execution.workflow}/${run}/ended`)
    if (end === undefined && latest(prepare, startOf(run)) !== undefined) return undefined
    if (end === undefined) continue
    runs.push({ run, line: execution.workflow, end: end.seq, at: end.at })
    at = Math.max(at, end.at)
  }
  return runs.length === 0 ? undefined : { executions: members, runs, at }
}

/** The key that a run's start stands under, and that keeps the name of the run taken. */
export const startOf = (run: string): string => `${run}/started`

const runOf = (payload: string): string | undefined => {
  const parsed: unknown = JSON.parse(payload)
  return Predicate.hasProperty(parsed, "run") && typeof parsed.run === "string" ? parsed.run : undefined
}

/** The last fact under a key, also under one that a rewind has numbered: `key@2`. */
const latest = (prepare: Sqlite.Prepare, key: string): { readonly seq: number; readonly at: number } | undefined => {
  const found = prepare("select seq, event from journal where key = ? or (key >= ? and key < ?) order by seq desc").get(
    key,
    `${key}@`,
    `${key}A` // the character after "@"
  )
  if (found === undefined) return undefined
  const event: unknown = JSON.parse(String(found["event"]))
  return { seq: Number(found["seq"]), at: Predicate.hasProperty(event, "at") ? Number(event.at) : 0 }
}

/** How many rows a family has. A text that others refer to as well is not one of them. */
export const count = (prepare: Sqlite.Prepare, { executions, runs }: Family): Counts => {
  const sum = (sql: string, keys: ReadonlyArray<string>) =>
    keys.reduce((total, key) => total + Number(prepare(sql).get(key)?.["count"]), 0)
  const own = new Map<string, number>()
  for (const id of executions) {
    for (const { digest } of prepare("select digest from blob_uses where execution = ?").all(id)) {
      own.set(String(digest), (own.get(String(digest)) ?? 0) + 1)
    }
  }
  const all = prepare("select count(*) as count from blob_uses where digest = ?")
  return {
    executions: executions.length,
    results: sum("select count(*) as count from activities where execution = ?", executions),
    facts: sum(
      "select count(*) as count from journal where run = ?",
      runs.map(({ run }) => run)
    ),
    texts: [...own].filter(([digest, uses]) => Number(all.get(digest)?.["count"]) === uses).length
  }
}

/** Deletes the start of a run. Answers whether it was there. */
export const deleteStart = (prepare: Sqlite.Prepare, start: number, key: string): boolean =>
  prepare("delete from journal where seq = ? and key = ?").run(start, key).changes === 1

/** Deletes facts of a run that stand before its end, oldest first, so that it never looks unfinished. Answers how many more there may be. */
export const deleteFacts = (prepare: Sqlite.Prepare, { end, run }: Ended): boolean =>
  Number(
    prepare(
      `delete from journal where seq in
       (select seq from journal where run = ? and key is not ? and seq < ? order by seq limit ${batch})`
    ).run(run, startOf(run), end).changes
  ) === batch

/** Deletes stored results of an execution. Answers whether there may be more. */
export const deleteResults = (prepare: Sqlite.Prepare, execution: string): boolean =>
  Number(
    prepare(
      `delete from activities where rowid in (select rowid from activities where execution = ? limit ${batch})`
    ).run(execution).changes
  ) === batch

/** Deletes what makes a run findable: the fact that ended it, and what followed. */
export const deleteEnd = (prepare: Sqlite.Prepare, { run }: Ended): void => {
  prepare("delete from journal where run = ? and key is not ?").run(run, startOf(run))
}

/** Deletes an execution, and the texts that nobody else refers to. */
export const deleteExecution = (prepare: Sqlite.Prepare, execution: string): void => {
  const used = prepare("delete from blob_uses where execution = ? returning digest").all(execution)
  for (const { digest } of used) {
    prepare(
      "delete from blobs where digest = ? and not exists (select 1 from blob_uses u where u.digest = blobs.digest)"
    ).run(String(digest))
  }
  for (const table of ["deferreds", "clocks"]) prepare(`delete from ${table} where execution = ?`).run(execution)
  prepare("delete from executions where id = ?").run(execution)
}

/** Gives free pages back to the file system. Answers whether there are more; a store without incremental vacuum has none. */
export const vacuum = (prepare: Sqlite.Prepare): boolean => {
  const before = pragma(prepare, "freelist_count")
  if (before === 0 || pragma(prepare, "auto_vacuum") !== 2) return false
  prepare(`pragma incremental_vacuum(${batch})`).all()
  const after = pragma(prepare, "freelist_count")
  return after > 0 && after < before
}

/** The size of the database in bytes, without what its log still holds. */
export const size = (prepare: Sqlite.Prepare): number => pragma(prepare, "page_count") * pragma(prepare, "page_size")

const pragma = (prepare: Sqlite.Prepare, name: string): number =>
  Number(Object.values(prepare(`pragma ${name}`).get() ?? {})[0])
