/**
 * **Outages**: providers that did not answer, and when each is tried again. A provider rests after it failed, longer
 * each time; then one asks it, and it rests on until that one has had an answer.
 */

/** How often a provider failed since it last answered, and until when it is left alone, in milliseconds since 1970. */
export interface Outage {
  readonly times: number
  readonly until: number
}

/** The providers that did not answer, by name. */
export type Outages = ReadonlyMap<string, Outage>

/**
 * How long providers are left alone, in milliseconds: after the first failure, twice that after the second, and so on,
 * and never longer than `longest`.
 */
export interface Rest {
  readonly first: number
  readonly longest: number
}

/** Half a minute, and at most ten. */
export const usualRest: Rest = { first: 30_000, longest: 600_000 }

/** Everybody answers. */
export const none: Outages = new Map()

const restOf = (times: number, { first, longest }: Rest): number =>
  Math.min(longest, first * 2 ** Math.min(times - 1, 30))

/** A provider failed. `retryAfter` is what it asks for, and is waited for even where it is longer than the longest rest. */
export const failed = (
  outages: Outages,
  provider: string,
  {
    now,
    rest = usualRest,
    retryAfter = 0
  }: { readonly now: number; readonly rest?: Rest; readonly retryAfter?: number }
): Outages => {
  const times = (outages.get(provider)?.times ?? 0) + 1
  return new Map(outages).set(provider, { times, until: now + Math.max(restOf(times, rest), retryAfter) })
}

/** A provider answered. */
export const answered = (outages: Outages, provider: string): Outages => {
  if (!outages.has(provider)) return outages
  const others = new Map(outages)
  others.delete(provider)
  return others
}

/**
 * Who is to be left alone now. Who has rested is tried by whoever asks here, and by nobody else for as long as it
 * rested.
 */
export const down = (
  outages: Outages,
  { now, rest = usualRest }: { readonly now: number; readonly rest?: Rest }
): { readonly providers: ReadonlyArray<string>; readonly outages: Outages } => {
  const next = new Map(outages)
  const providers: Array<string> = []
  for (const [provider, { times, until }] of outages) {
    if (now < until) providers.push(provider)
    else next.set(provider, { times, until: now + restOf(times, rest) })
  }
  return { providers, outages: next }
}
