/**
 * The **index** of transcripts: each thing once, however often, in how many files and in which order it was sighted. What the sightings
 * of one thing say is joined by rules that know no order: of tokens the largest count of each kind, of times the first and the last, of
 * names the first in the alphabet, and what one of them knows rather than what another does not.
 *
 * It grows with the number of answers, calls and turns, not with how much was said.
 */
import type * as Usage from "@millwright/core/Usage"
import type * as Transcript from "./Transcript.ts"

type Told = Exclude<Transcript.Entry, { readonly _tag: "Unparsed" }>

/**
 * A thing that was sighted. `at` and `session` are those of its first sighting, `until` is the time of the last, and `sessions` are all
 * that tell of it, by name: a session that was resumed may have what was said before it in its own file.
 */
export type Thing<Tag extends Told["_tag"]> = Seen<Transcript.Of<Tag>>

type Seen<E> = E & { readonly sessions: ReadonlyArray<string>; readonly until: number | null }

/** A call of a tool, and what it came to. */
export interface Use {
  readonly key: string
  /** `null`: only what it came to was found. */
  readonly call: Thing<"Called"> | null
  /** `null`: it was broken off, or goes on. */
  readonly result: Thing<"Returned"> | null
}

/** What was sighted so far. It is changed by {@link take}. */
export interface TranscriptIndex {
  readonly sessions: Map<string, Thing<"Session">>
  readonly answers: Map<string, Thing<"Answered">>
  readonly unanswered: Map<string, Thing<"Unanswered">>
  readonly calls: Map<string, Thing<"Called">>
  readonly results: Map<string, Thing<"Returned">>
  readonly turns: Map<string, Thing<"Said">>
  readonly compactions: Map<string, Thing<"Compacted">>
  readonly loadings: Map<string, Thing<"Loaded">>
  readonly unparsed: Map<string, Transcript.Of<"Unparsed">>
}

/** Nothing was sighted yet. */
export const make = (): TranscriptIndex => ({
  sessions: new Map(),
  answers: new Map(),
  unanswered: new Map(),
  calls: new Map(),
  results: new Map(),
  turns: new Map(),
  compactions: new Map(),
  loadings: new Map(),
  unparsed: new Map()
})

/** The index of some entries. */
export const of = (entries: Iterable<Transcript.Entry>): TranscriptIndex => {
  const index = make()
  for (const entry of entries) take(index, entry)
  return index
}

/** Takes one more sighting. The index is the same one, grown. */
export const take = (index: TranscriptIndex, entry: Transcript.Entry): TranscriptIndex => {
  enter(index, entry)
  return index
}

const enter = (index: TranscriptIndex, entry: Transcript.Entry): void => {
  switch (entry._tag) {
    case "Session":
      return put(index.sessions, entry, (a, b) => ({
        event: first(a.event, b.event),
        program: first(a.program, b.program),
        version: known(a.version, b.version, first),
        from: known(a.from, b.from, first)
      }))
    case "Answered":
      return put(index.answers, entry, (a, b) => ({
        provider: known(a.provider, b.provider, first),
        model: known(a.model, b.model, first),
        request: known(a.request, b.request, first),
        usage: known(a.usage, b.usage, largest),
        longCacheWrite: Math.max(a.longCacheWrite, b.longCacheWrite),
        purpose: first(a.purpose, b.purpose)
      }))
    case "Unanswered":
      return put(index.unanswered, entry, (a, b) => ({ isFailure: a.isFailure || b.isFailure }))
    case "Called":
      return put(index.calls, { ...entry, answer: nameOf(index, entry.answer) }, (a, b) => ({
        ...least(made(a), made(b)),
        answer: known(a.answer, b.answer, first)
      }))
    case "Returned":
      return put(index.results, { ...entry, key: index.calls.get(entry.key)?.key ?? entry.key }, (a, b) => ({
        characters: known(a.characters, b.characters, Math.max),
        output: known(a.output, b.output, first),
        isError: a.isError || b.isError,
        isRejected: a.isRejected || b.isRejected
      }))
    case "Said":
      return put(index.turns, entry, (a, b) => ({
        speech: first(a.speech, b.speech),
        characters: Math.max(a.characters, b.characters)
      }))
    case "Compacted":
      return put(index.compactions, entry, (a, b) => ({
        trigger: known(a.trigger, b.trigger, first),
        before: known(a.before, b.before, Math.max),
        after: known(a.after, b.after, Math.max)
      }))
    case "Loaded":
      return put(index.loadings, entry, (a, b) => ({ tools: least(a.tools, b.tools) }))
    case "Unparsed":
      return void index.unparsed.set(entry.key, entry)
  }
}

/** The name that its answer has already, so that the same text is in memory once. */
const nameOf = ({ answers }: TranscriptIndex, answer: string | null): string | null =>
  answer === null ? null : (answers.get(answer)?.key ?? answer)

interface Sighting {
  readonly key: string
  readonly session: string
  readonly agent: string | null
  readonly at: number | null
}

const put = <E extends Sighting>(things: Map<string, Seen<E>>, entry: E, join: (a: E, b: E) => Partial<E>): void => {
  const before = things.get(entry.key)
  if (before === undefined) {
    things.set(entry.key, { ...entry, sessions: only(entry.session), until: entry.at })
    return
  }
  const { at, session } = byTime(entry, before) < 0 ? entry : before
  const isNew = !before.sessions.includes(entry.session)
  // In its place: most things are sighted several times, and another object for each would be as much memory again.
  Object.assign(before, join(before, entry), {
    at,
    session,
    // What one sighting says to be of a sub-agent, is.
    agent: known(before.agent, entry.agent, first),
    until: known(before.until, entry.at, Math.max),
    sessions: isNew ? [...before.sessions, entry.session].sort(order) : before.sessions
  })
}

/** The list of one session. What follows each other is mostly of the same one, and shares it. */
const only = (session: string): ReadonlyArray<string> => {
  if (session !== last[0]) last = [session]
  return last
}
let last: ReadonlyArray<string> = []

/** What is known: of two values that are, what `join` makes of them. */
const known = <A>(a: A | null, b: A | null, join: (a: A, b: A) => A): A | null =>
  a === null ? b : b === null ? a : join(a, b)

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const first = <A extends string>(a: A, b: A): A => (b < a ? b : a)

/** Of two that are the same wherever they are told of, and of two that are not, one that does not depend on which came first. */
const least = <A>(a: A, b: A): A => (JSON.stringify(b) < JSON.stringify(a) ? b : a)

const made = ({ command, doing, file, input, path, range, tool }: Transcript.Of<"Called">) => ({
  tool,
  doing,
  input,
  file,
  range,
  command,
  ...(path !== undefined && { path })
})

/** The first as it is where it is the larger in all: mostly it is, and needs no more memory. */
const largest = (a: Usage.Usage, b: Usage.Usage): Usage.Usage =>
  isWithin(b, a)
    ? a
    : {
        input: Math.max(a.input, b.input),
        cacheRead: Math.max(a.cacheRead, b.cacheRead),
        cacheWrite: Math.max(a.cacheWrite, b.cacheWrite),
        output: Math.max(a.output, b.output)
      }

const isWithin = (a: Usage.Usage, b: Usage.Usage): boolean =>
  a.input <= b.input && a.cacheRead <= b.cacheRead && a.cacheWrite <= b.cacheWrite && a.output <= b.output

/** In order of time, what has none last; things of one time by session and key. */
export const inOrder = <E extends Sighting>(things: ReadonlyMap<string, E>): ReadonlyArray<E> =>
  [...things.values()].sort(byTime)

const byTime = (a: Sighting, b: Sighting): number =>
  (a.at ?? never) - (b.at ?? never) || order(a.session, b.session) || order(a.key, b.key)

/** Later than any time. */
const never = Number.MAX_SAFE_INTEGER

/** The calls of tools with what they came to, in order of time. */
export const uses = ({ calls, results }: TranscriptIndex): ReadonlyArray<Use> => {
  const lone = inOrder(results).filter(({ key }) => !calls.has(key))
  return [
    ...inOrder(calls).map((call) => ({ key: call.key, call, result: results.get(call.key) ?? null })),
    ...lone.map((result) => ({ key: result.key, call: null, result }))
  ]
}
