/** A **cleanup**: what has to be undone when a bench is stopped half way: folders, processes, a database. */

const pending = new Set<() => unknown>()

const stop = (signal: NodeJS.Signals): void => {
  const undo = async () => {
    for (const work of [...pending].reverse()) await work()
    process.exit(signal === "SIGINT" ? 130 : 143)
  }
  void undo()
}

/** Undoes this when the bench is stopped by a signal, the latest first. Answers with the way to forget it. */
export const add = (work: () => unknown): (() => void) => {
  if (pending.size === 0) process.on("SIGINT", stop).on("SIGTERM", stop)
  pending.add(work)
  return () => {
    pending.delete(work)
    if (pending.size === 0) process.off("SIGINT", stop).off("SIGTERM", stop)
  }
}
