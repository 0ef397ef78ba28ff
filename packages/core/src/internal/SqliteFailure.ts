/** What SQLite's errors mean for a store, and how each is mended. */
import * as Journal from "../Journal.ts"

const codes: Record<number, { readonly reason: Journal.JournalError["reason"]; readonly mend: string }> = {
  1: { reason: "Corrupt", mend: "Its tables are not those of a store. Restore it from a back-up or move it away." },
  5: { reason: "Busy", mend: "Another process keeps it locked. End that process, or try again." },
  8: {
    reason: "NotWritable",
    mend: "The file is read-only for this user. Give write permission to it and to its folder."
  },
  10: { reason: "NotWritable", mend: "The device reports an input/output error. Check the disk." },
  11: { reason: "Corrupt", mend: "The file is damaged. Restore it from a back-up or move it away." },
  13: { reason: "NotWritable", mend: "The disk is full. Make room and run again; the last complete step is kept." },
  14: {
    reason: "NotWritable",
    mend: "The file can not be opened or made. Check that its folder exists and is writable."
  },
  26: { reason: "Corrupt", mend: "The file is not an SQLite database. Name another file or move it away." }
}

/** Whether SQLite raised it. */
export const isSqliteError = (cause: unknown): cause is { readonly errcode: number } =>
  typeof cause === "object" && cause !== null && "errcode" in cause && typeof cause.errcode === "number"

/** Whether somebody else holds the lock. */
export const isBusy = (error: unknown): boolean => isSqliteError(error) && (error.errcode & 0xff) === 5

/** The store's error for whatever was thrown while it was used. */
export const toError = (path: string, cause: unknown): Journal.JournalError => {
  if (cause instanceof Journal.JournalError) return cause
  const code = isSqliteError(cause) ? cause.errcode & 0xff : -1
  const detail = cause instanceof Error ? cause.message : String(cause)
  const known = codes[code] ?? {
    reason: "NotWritable" as const,
    mend: "Check that the path is a file on a disk with room, in a writable folder."
  }
  return new Journal.JournalError({
    reason: known.reason,
    message: `The store ${path} can not be used: ${detail}. ${known.mend}`,
    cause
  })
}
