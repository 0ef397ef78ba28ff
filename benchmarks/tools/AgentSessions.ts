/** Real **agent sessions**: what each request of a coding agent sent, in tokens. */
import { readFileSync } from "node:fs"
import * as Bench from "../Bench.ts"

/** One request of a session. */
export interface Request {
  /** What the conversation had grown by since the session's first request, in tokens. */
  readonly history: number
  /** The provider read less than half of it from its cache. */
  readonly isMiss: boolean
}

/** The requests of one session, in order. */
export type Session = ReadonlyArray<Request>

const sample = new URL("../data/agent-sessions/sessions.jsonl", import.meta.url)

/** The sessions of the sample. */
export const read = (): ReadonlyArray<Session> =>
  readFileSync(sample, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { requests }: { readonly requests: ReadonlyArray<readonly [number, number]> } = JSON.parse(line)
      const start = requests[0]?.[0] ?? 0
      return requests.map(([total, read]) => ({ history: Math.max(0, total - start), isMiss: read < 0.5 * total }))
    })

/** A session of so many requests in which nothing is said but what tools bring. */
export const silent = (turns: number): Session => Array.from({ length: turns }, () => ({ history: 0, isMiss: false }))

/** A session of so many requests that grows as the middle one of some sessions does. */
export const grown = (sessions: ReadonlyArray<Session>, turns: number): Session =>
  Array.from({ length: turns }, (_, turn) => ({
    history: Bench.median(sessions.flatMap((session) => session[turn]?.history ?? [])),
    isMiss: false
  }))
