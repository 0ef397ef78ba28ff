/**
 * The journal of a store for whoever only looks: it needs no permission to write, takes no lock, changes no table and
 * leaves no file behind. It works beside the processes that write, and on a store that nobody may write.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { statSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { pathToFileURL } from "node:url"
import * as Journal from "../Journal.ts"
import * as JournalTable from "../internal/JournalTable.ts"
import * as Sqlite from "../Sqlite.ts"

/** How the store is looked at. */
export interface Options {
  /** The file. It has to be there. */
  readonly path: string
  /** How often a follower looks for new events. Default 100 ms. */
  readonly poll?: Duration.Input
}

/** The journal of a store, read-only: an append fails with `NotWritable`. */
export const layer = (options: Options): Layer.Layer<Journal.Journal, Journal.JournalError> =>
  Layer.effect(Journal.Journal, make(options))

const make = Effect.fnUntraced(function* ({ path, poll = Duration.millis(100) }: Options) {
  const reader = yield* Effect.acquireRelease(
    Effect.try({ try: () => open(path), catch: (cause) => toError(path, cause) }),
    (reader) => Effect.sync(() => reader.close())
  )
  const read = <A>(run: (prepare: Sqlite.Prepare) => A) =>
    Effect.try({ try: () => reader.read(run), catch: (cause) => toError(path, cause) })
  return Journal.make({
    append: () =>
      Effect.fail(
        new Journal.JournalError({
          reason: "NotWritable",
          message: `The store ${path} is opened only to look. Open it with Sqlite.layer to write.`
        })
      ),
    readAfter: (range, limit) =>
      Effect.flatMap(
        read((prepare) => JournalTable.readAfter(prepare, range, limit)),
        JournalTable.parse
      ),
    awaitAfter: Effect.fnUntraced(function* (range) {
      while ((yield* read((prepare) => JournalTable.readAfter(prepare, range, 1))).length === 0)
        yield* Effect.sleep(poll)
    })
  })
})

const open = (path: string) => {
  let connection = connect(path)
  const reopen = () => {
    connection.db.close()
    connection = connect(path)
  }
  const read = <A>(run: (prepare: Sqlite.Prepare) => A): A => {
    while (true) {
      // What nobody wrote when it was opened may be written by now.
      if (connection.stamp !== undefined && connection.stamp !== stampOf(path)) reopen()
      const { db, stamp } = connection
      try {
        const answer = run((sql) => db.prepare(sql))
        if (stamp === undefined || stamp === stampOf(path)) return answer
      } catch (error) {
        if (stamp === undefined || stamp === stampOf(path)) throw error
      }
    }
  }
  try {
    read((prepare) => check(prepare, path))
  } catch (error) {
    connection.db.close()
    throw error
  }
  return { read, close: () => connection.db.close() }
}

interface Connection {
  readonly db: DatabaseSync
  /** Of a store that nobody has open: what the file was like. */
  readonly stamp: string | undefined
}

/**
 * Where there is a write-ahead log, somebody may be writing. Otherwise the file can be read as it is: SQLite would make
 * the log and its index beside it, and leave them, or fail where it may not.
 */
const connect = (path: string): Connection => {
  const stamp = stampOf(path)
  const isIdle = statSync(`${path}-wal`, { throwIfNoEntry: false }) === undefined
  const url = pathToFileURL(path)
  url.searchParams.set("immutable", "1")
  return isIdle
    ? { db: new DatabaseSync(url, { readOnly: true, timeout: 1_000 }), stamp }
    : { db: new DatabaseSync(path, { readOnly: true, timeout: 1_000 }), stamp: undefined }
}

const stampOf = (path: string): string =>
  ["", "-wal"]
    .map((end) => statSync(`${path}${end}`, { throwIfNoEntry: false }))
    .map((stat) => (stat === undefined ? "" : `${stat.ino}:${stat.mtimeMs}:${stat.size}`))
    .join(" ")

const check = (prepare: Sqlite.Prepare, path: string): void => {
  const tables = prepare("select name from sqlite_master where name in ('meta', 'journal', 'executions')").all()
  if (tables.length < 3) {
    throw new Journal.JournalError({
      reason: "Corrupt",
      message: `The file ${path} is no store of a factory. Name the file of a store, usually factory.db.`
    })
  }
  const found = Number(prepare("select value from meta where key = 'schema'").get()?.["value"])
  if (found > Sqlite.schemaVersion) {
    throw new Journal.JournalError({
      reason: "Newer",
      message:
        `The store ${path} was written by a newer Millwright (tables of version ${found}; this one knows ` +
        `${Sqlite.schemaVersion}). Upgrade @millwright/core to look at it.`
    })
  }
}

const toError = (path: string, cause: unknown): Journal.JournalError =>
  cause instanceof Journal.JournalError
    ? cause
    : new Journal.JournalError({
        reason: "Corrupt",
        message:
          `The store ${path} can not be read: ${cause instanceof Error ? cause.message : String(cause)}. Check that it is ` +
          `there, that this user may read it, and that it is the file of a store.`,
        cause
      })
