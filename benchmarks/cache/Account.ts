/** What a session cost, as **figures**: the share of its input that was read from the cache, what was not, and the money. */
import type * as Usage from "@millwright/core/Usage"
import * as Bench from "../Bench.ts"

/** The least share that ours reads from the cache, in percent. */
export const goal = 96

/** What a participant's runs cost, or why there is nothing. */
export interface Account {
  readonly name: string
  /** Ours is nobody's peer. */
  readonly isOwn: boolean
  readonly runs: ReadonlyArray<Usage.Usage>
  readonly missing?: string | undefined
}

/** How much of all input was read from the cache, in percent. */
export const share = ({ cacheRead, cacheWrite, input }: Usage.Usage): number =>
  (100 * cacheRead) / (input + cacheRead + cacheWrite)

/** US dollars, at prices for a million tokens. */
export const cost = (usage: Usage.Usage, price: Readonly<Record<keyof Usage.Usage, number>>): number =>
  (usage.input * price.input +
    usage.cacheRead * price.cacheRead +
    usage.cacheWrite * price.cacheWrite +
    usage.output * price.output) /
  1e6

/** To two digits behind the point: three digits tell no 96.1 from a 96.2. */
const hundredths = (value: number): number => Math.round(100 * value) / 100

const middle = (values: ReadonlyArray<number>): Pick<Bench.Measured, "value" | "spread"> => ({
  value: hundredths(Bench.median(values)),
  spread: { min: hundredths(Math.min(...values)), max: hundredths(Math.max(...values)), runs: values.length }
})

/** The figures of one provider: everybody's share, tokens and money, and by how much ours leads the best peer. */
export const figures = (
  provider: { readonly name: string; readonly price: Readonly<Record<keyof Usage.Usage, number>> },
  accounts: ReadonlyArray<Account>
): ReadonlyArray<Bench.Measured> => {
  const each = accounts.flatMap(({ isOwn, missing, name, runs }): ReadonlyArray<Bench.Measured> => {
    const of = (what: string, unit: string, value: (usage: Usage.Usage) => number): Bench.Measured => ({
      name: `${provider.name}: ${what}`,
      unit,
      ...(missing === undefined ? middle(runs.map(value)) : { value: Number.NaN, missing }),
      ...(isOwn ? {} : { peer: name })
    })
    const read = of("read from the cache", "%", share)
    return [
      isOwn ? { ...read, goal: { op: ">=", value: goal } } : read,
      of("written to the cache", "tokens", ({ cacheWrite }) => cacheWrite),
      of("neither", "tokens", ({ input }) => input),
      of("cost", "USD", (usage) => cost(usage, provider.price))
    ]
  })
  return [...each, ...lead(provider.name, accounts)]
}

/** Of ours, the worst run, and of the peers the best, so that no run is lucky. */
const lead = (provider: string, accounts: ReadonlyArray<Account>): ReadonlyArray<Bench.Measured> => {
  const shares = (isOwn: boolean) =>
    accounts.filter((each) => each.isOwn === isOwn && each.missing === undefined).flatMap(({ runs }) => runs.map(share))
  const [ours, theirs] = [shares(true), shares(false)]
  if (ours.length === 0 || theirs.length === 0) return []
  const value = Math.min(...ours) - Math.max(...theirs)
  return [
    {
      name: `${provider}: more than the best peer reads`,
      value: hundredths(value),
      unit: "points",
      goal: { op: ">=", value: 0.01 }
    }
  ]
}

/** Which goals are missed, as the sentence that the bench ends with; `undefined` where all hold. */
export const missed = (figures: ReadonlyArray<Bench.Measured>): string | undefined => {
  const names = figures.filter((figure) => Bench.judge(figure).holds === false).map(({ name }) => name)
  return names.length === 0 ? undefined : `Goals that do not hold: ${names.join("; ")}.`
}
