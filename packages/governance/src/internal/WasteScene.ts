/** A conversation as one session tells it: what an agent was sent and did, in order of time. */
import type * as Transcript from "../Transcript.ts"
import * as TranscriptIndex from "../TranscriptIndex.ts"

/** An answer of which the tokens and the time are known. */
export interface Answer {
  readonly thing: TranscriptIndex.Thing<"Answered">
  readonly at: number
  /** All tokens that it was sent. */
  readonly prompt: number
  /** By how much the prompt is smaller than the one before it. */
  readonly dropped: number
  /** What came into the prompt since the one before it, beside the answer to that one. */
  readonly added: number
  /** How often what was said before stood in the conversation no more, until then. */
  readonly epoch: number
  readonly usage: NonNullable<Transcript.Of<"Answered">["usage"]>
}

/** A call with its result. */
export interface Use {
  readonly call: TranscriptIndex.Thing<"Called">
  readonly result: TranscriptIndex.Thing<"Returned"> | null
}

/** What happens in a conversation. */
export type Event =
  | { readonly is: "answer"; readonly at: number; readonly answer: Answer }
  | { readonly is: "use"; readonly at: number; readonly use: Use }
  | { readonly is: "turn"; readonly at: number }
  | { readonly is: "break"; readonly at: number }

/** A conversation of an agent, as one session tells it. */
export interface Scene {
  readonly session: string
  readonly agent: string | null
  readonly answers: ReadonlyArray<Answer>
  /** Whether there is an answer of which nobody knows the tokens or the time. */
  readonly isPartial: boolean
  readonly uses: ReadonlyArray<Use>
  readonly turns: ReadonlyArray<TranscriptIndex.Thing<"Said">>
  readonly loadings: ReadonlyArray<TranscriptIndex.Thing<"Loaded">>
  /** Nothing, where something has no time: nobody knows what came first. */
  readonly events: ReadonlyArray<Event>
}

/** The conversations of a session. */
export interface Session {
  readonly scenes: ReadonlyArray<Scene>
  /** The names of the tools that were called, by whichever agent. */
  readonly called: ReadonlySet<string>
}

interface Found {
  readonly session: string
  readonly agent: string | null
  readonly answers: Array<TranscriptIndex.Thing<"Answered">>
  readonly uses: Array<Use>
  readonly turns: Array<TranscriptIndex.Thing<"Said">>
  /** When what was said before stood in the conversation no more: it was compacted, or an agent began one of its own. */
  readonly breaks: Array<number | null>
  readonly loadings: Array<TranscriptIndex.Thing<"Loaded">>
}

/** The sessions of an index, in the order of their names. What several tell is in each of them. */
export const sessions = (index: TranscriptIndex.TranscriptIndex): ReadonlyArray<Session> => {
  const found = new Map<string, Map<string, Found>>()
  const put = (
    { agent, sessions }: { readonly agent: string | null; readonly sessions: ReadonlyArray<string> },
    to: (found: Found) => void
  ) => {
    for (const session of sessions) {
      const agents = found.get(session) ?? new Map<string, Found>()
      found.set(session, agents)
      const name = JSON.stringify(agent)
      const its = agents.get(name) ?? {
        session,
        agent,
        answers: [],
        uses: [],
        turns: [],
        breaks: [],
        loadings: []
      }
      agents.set(name, its)
      to(its)
    }
  }
  for (const each of TranscriptIndex.inOrder(index.answers)) put(each, ({ answers }) => answers.push(each))
  for (const { call, result } of TranscriptIndex.uses(index)) {
    if (call !== null) put(call, ({ uses }) => uses.push({ call, result }))
  }
  for (const each of TranscriptIndex.inOrder(index.turns)) put(each, ({ turns }) => turns.push(each))
  for (const each of TranscriptIndex.inOrder(index.compactions)) put(each, ({ breaks }) => breaks.push(each.at))
  for (const each of TranscriptIndex.inOrder(index.sessions)) {
    if (each.event === "begun" && each.at !== null) put(each, ({ breaks }) => breaks.push(each.at))
  }
  for (const each of TranscriptIndex.inOrder(index.loadings)) put(each, ({ loadings }) => loadings.push(each))
  return sorted(found).map((agents) => {
    const all = sorted(agents)
    return {
      scenes: all.map(scene),
      called: new Set(all.flatMap(({ uses }) => uses.map(({ call }) => call.tool)))
    }
  })
}

const sorted = <A>(map: ReadonlyMap<string, A>): ReadonlyArray<A> =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each)

const scene = ({ agent, answers: all, breaks, loadings, session, turns, uses }: Found): Scene => {
  const answers: Array<Answer> = []
  const times = breaks.filter((at) => at !== null).sort((a, b) => a - b)
  let epoch = 0
  for (const thing of all) {
    const { at, purpose, usage } = thing
    if (at === null || usage === null || purpose === "compaction") continue
    while ((times[epoch] ?? Number.POSITIVE_INFINITY) <= at) epoch++
    const before = answers.at(-1)
    const prompt = usage.input + usage.cacheRead + usage.cacheWrite
    answers.push({
      thing,
      at,
      usage,
      prompt,
      dropped: Math.max(0, (before?.prompt ?? prompt) - prompt),
      added: before === undefined ? 0 : Math.max(0, prompt - before.prompt - before.usage.output),
      epoch
    })
  }
  const isTimed = [...uses.map(({ call }) => call.at), ...turns.map(({ at }) => at), ...breaks].every(
    (at) => at !== null
  )
  const events: ReadonlyArray<Event> = [
    ...answers.map((answer) => ({ is: "answer", at: answer.at, answer }) as const),
    ...times.map((at) => ({ is: "break", at }) as const),
    ...turns.map(({ at }) => ({ is: "turn", at: at ?? 0 }) as const),
    ...uses.map((use) => ({ is: "use", at: use.call.at ?? 0, use }) as const)
  ]
  return {
    session,
    agent,
    answers,
    isPartial: all.some(({ at, usage }) => at === null || usage === null),
    uses,
    turns,
    loadings,
    events: isTimed ? events.toSorted((a, b) => a.at - b.at) : []
  }
}
