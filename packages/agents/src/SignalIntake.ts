/**
 * The **intake** of signals: what is of a kind that was judged already, what goes over a limit, and what is new. It does the same for the
 * same signals and times, and is bounded: whatever comes, it holds so many kinds and sources, and counts the rest.
 */

/** How many new kinds are judged in a while, and how much is remembered. */
export interface Limits {
  /** New kinds of one source, and of all together. Default 10, and 30. */
  readonly perSource: number
  readonly total: number
  /** How long the while is, in milliseconds. Default an hour. */
  readonly window: number
  /** How many kinds are remembered; the oldest go first, and may be judged again. Default 10,000. */
  readonly remembered: number
  /** How many sources are told apart; those beyond are counted as {@link others}. Default 1,000. */
  readonly sources: number
}

/** The limits where nothing else is said. */
export const usual: Limits = { perSource: 10, total: 30, window: 3_600_000, remembered: 10_000, sources: 1_000 }

/** The name under which sources are counted when there are too many. */
export const others = "(others)"

/** Signals of a source that nobody judged: of a kind that was judged before, or over a limit. */
export interface Count {
  readonly source: string
  readonly repeated: number
  readonly held: number
}

/** What becomes of a signal. */
export type Admission = "new" | "repeated" | "held"

/** An intake. */
export interface SignalIntake {
  /** Takes a signal in, and counts it. */
  readonly admit: (signal: { readonly source: string; readonly fingerprint: string; readonly now: number }) => Admission
  /** A kind was judged, now or in an earlier life. */
  readonly judged: (fingerprint: string) => void
  /** A new kind could not be judged: it counts as held back, and is new when it comes again. */
  readonly failed: (source: string) => void
  /** What was counted since the last time, by source. With a time: nothing before the window of it is over. */
  readonly counted: (now?: number) => ReadonlyArray<Count>
}

/** Makes an intake whose first window begins now. */
export const make = (now: number, limits: Limits): SignalIntake => {
  const seen = new Set<string>()
  const counts = new Map<string, { repeated: number; held: number }>()
  const asked = new Map<string, number>()
  let total = 0
  let began = now
  const known = (source: string) => (counts.has(source) || counts.size < limits.sources ? source : others)
  const count = (source: string, what: "repeated" | "held") => {
    const name = known(source)
    const own = counts.get(name) ?? { repeated: 0, held: 0 }
    own[what]++
    counts.set(name, own)
    return what
  }
  // A clock that was set back must not make a window longer.
  const stillOpen = (at: number): boolean => {
    began = Math.min(began, at)
    return at - began < limits.window
  }
  const roll = (at: number) => {
    if (stillOpen(at)) return
    began = at
    total = 0
    asked.clear()
  }
  return {
    admit: ({ fingerprint, now: at, source }) => {
      roll(at)
      if (seen.has(fingerprint)) return count(source, "repeated")
      const own = asked.get(source) ?? 0
      if (total >= limits.total || own >= limits.perSource) return count(source, "held")
      total++
      asked.set(source, own + 1)
      return "new"
    },
    judged: (fingerprint) => {
      seen.delete(fingerprint)
      seen.add(fingerprint)
      const [oldest] = seen.size > limits.remembered ? seen : []
      if (oldest !== undefined) seen.delete(oldest)
    },
    failed: (source) => void count(source, "held"),
    counted: (at) => {
      if (at !== undefined && stillOpen(at)) return []
      const all = [...counts].map(([source, own]) => ({ source, ...own }))
      counts.clear()
      return all
    }
  }
}
