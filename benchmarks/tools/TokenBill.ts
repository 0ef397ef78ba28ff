/** What a session's requests cost: the same session again, with other tools at its beginning and turns that load some. */
import type { Session } from "./AgentSessions.ts"

/** How the tools come into the prompt of a session. */
export interface Plan {
  /** Before the tools: system prompt, task, tools of the role's own. */
  readonly prefix: number
  /** Definitions and text of the index that are there from the start. */
  readonly start: number
  /** For each tool that is needed, what each turn that looks for it leaves in the conversation. */
  readonly needs: ReadonlyArray<ReadonlyArray<number>>
}

/** What it costs. */
export interface Bill {
  /** Input of all requests, those that search as well. */
  readonly tokens: number
  /** The same, as a provider bills it that reads at 0.1 what it wrote into its cache at 1.25. */
  readonly cost: number
  /** Input of the session's own requests: without those that only search, with what they left. */
  readonly own: number
  /** Input of the session's own requests, without what was said in it. */
  readonly fixed: number
}

const weights = { read: 0.1, write: 1.25 }

/** The bill of a session. Tools are first needed at turns with even distances. */
export const of = (session: Session, { needs, prefix, start }: Plan): Bill => {
  let [tokens, cost, own, fixed] = [0, 0, 0, 0]
  let loaded = 0
  let before = 0
  const send = (history: number, isMiss: boolean) => {
    const input = prefix + start + loaded + history
    const known = isMiss ? 0 : input >= before ? before : Math.min(before, prefix + start)
    tokens += input
    cost += weights.read * known + weights.write * (input - known)
    before = input
    return input
  }
  for (const [turn, { history, isMiss }] of session.entries()) {
    let isCold = isMiss || turn === 0
    for (const adds of needs.filter((_, at) => turnOf(at, needs.length, session.length) === turn).flat()) {
      send(history, isCold)
      isCold = false
      loaded += adds
    }
    const input = send(history, isCold)
    own += input
    fixed += input - history
  }
  return { tokens, cost, own, fixed }
}

const turnOf = (at: number, count: number, turns: number): number => Math.floor(((at + 0.5) / count) * turns)

/** What of a bill is saved, in percent. */
export const saved = (upfront: number, deferred: number): number => 100 * (1 - deferred / upfront)
