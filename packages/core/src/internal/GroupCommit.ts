/**
 * Group commit: writes that are asked for in one turn of the event loop share one transaction, so that one flush of the
 * disk serves them all. Each is all or nothing by itself: one that fails takes nothing of the others with it. They stand
 * in the order in which they were asked for, also when the store is busy and they have to be tried again.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** What is needed of a connection. */
interface Connection {
  readonly exec: (sql: string) => void
  readonly isTransaction: boolean
}

interface Waiting {
  readonly run: () => unknown
  readonly resume: (exit: Exit.Exit<unknown, unknown>) => void
}

/** How groups are written. */
export interface Options {
  /** Called after each commit, before whoever wrote is answered. */
  readonly committed?: () => void
  /** Whether a group that failed so is tried again as it is. Default: never. */
  readonly isBusy?: (error: unknown) => boolean
}

/** How often a group is tried, and how many milliseconds lie between: a run that gave up would stand still. */
const patience = { times: 25, pause: 50 }

/** Writes in groups. The error is whatever the write, or the commit of its group, threw. `flush` before the end. */
export const make = (db: Connection, { committed = () => {}, isBusy = () => false }: Options = {}) => {
  let queue: Array<Waiting> = []
  let tries = 0
  const flush = (isLast = true) => {
    const group = queue
    queue = []
    if (group.length === 0) return
    const exits = commit(db, group)
    if (!isLast && exits instanceof Failed && isBusy(exits.error) && ++tries <= patience.times) {
      queue = [...group, ...queue]
      setTimeout(flush, patience.pause, false)
      return
    }
    tries = 0
    if (exits instanceof Failed) {
      const failure = Exit.fail(exits.error)
      for (const { resume } of group) resume(failure)
      return
    }
    committed()
    group.forEach(({ resume }, index) => resume(exits[index] ?? Exit.die("a write without an answer")))
  }
  const write = <A>(run: () => A): Effect.Effect<A, unknown> =>
    // What is in the queue will be written, so nobody may stop waiting for the answer.
    Effect.uninterruptible(
      Effect.callback<A, unknown>((resume) => {
        if (queue.length === 0) setImmediate(flush, false)
        queue.push({ run, resume: (exit) => resume(exit as Exit.Exit<A, unknown>) }) // the answer of this very `run`
      })
    )
  return { write, flush: () => flush() }
}

/** A whole group that was not written. */
class Failed {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

const commit = (db: Connection, group: ReadonlyArray<Waiting>): ReadonlyArray<Exit.Exit<unknown, unknown>> | Failed => {
  try {
    db.exec("begin immediate")
    const exits = group.map(({ run }) => (group.length === 1 ? Exit.succeed(run()) : step(db, run)))
    db.exec("commit")
    return exits
  } catch (error) {
    rollBack(db)
    return new Failed(error)
  }
}

const step = (db: Connection, run: () => unknown): Exit.Exit<unknown, unknown> => {
  db.exec("savepoint step")
  try {
    const result = run()
    db.exec("release step")
    return Exit.succeed(result)
  } catch (error) {
    // A full disk ends the transaction of the whole group.
    if (!db.isTransaction) throw error
    db.exec("rollback to step; release step")
    return Exit.fail(error)
  }
}

/** A failed commit may have rolled back by itself, and a connection that is gone has nothing to roll back. */
const rollBack = (db: Connection): void => {
  try {
    if (db.isTransaction) db.exec("rollback")
  } catch {
    // The failure that led here is the one to tell.
  }
}
