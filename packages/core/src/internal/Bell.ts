/**
 * A **bell** of a process that others ring when they wrote something for it. It is a hint beside the poll: where files
 * can not be watched, what was written is found a little later.
 */
import { utimesSync, watch } from "node:fs"

/** Listens at a file, until it is told to stop. */
export const listen = (file: string, onRing: () => void): (() => void) => {
  try {
    const watcher = watch(file, { persistent: false }, onRing)
    watcher.on("error", () => watcher.close())
    return () => watcher.close()
  } catch {
    return () => {}
  }
}

/** Rings at a file. Whoever listened there may be gone. */
export const ring = (file: string): void => {
  const now = new Date()
  try {
    utimesSync(file, now, now)
  } catch {
    // The poll finds it.
  }
}
