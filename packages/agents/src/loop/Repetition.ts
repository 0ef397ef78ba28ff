/** Whether an agent goes in a circle: the same calls, with the same results, again and again. */
import * as Digest from "@millwright/core/Digest"
import * as Untrusted from "../Untrusted.ts"

/** How many calls a circle has at most. */
const longest = 3

/** How many steps are looked at. */
const remembered = 60

/** How often a circle is gone through before it counts as one. */
export const enough = 3

/** Calls that are made again and again. */
export interface Circle {
  /** The tools of one round, in their order. */
  readonly tools: ReadonlyArray<string>
  readonly times: number
}

/** A call and what came of it, as far as two of them can be the same. */
export interface Step {
  readonly tool: string
  readonly digest: string
}

/** A call with its result. */
interface Returned {
  readonly name: string
  readonly params: unknown
  readonly part: { readonly result: unknown } | undefined
}

/** The last steps. A call whose result changes is a step forward, however often it is made: somebody waits for something. */
export const after = (steps: ReadonlyArray<Step>, calls: ReadonlyArray<Returned>): ReadonlyArray<Step> => {
  const taken = calls.map(({ name, params, part }) => ({
    tool: name,
    digest: Digest.ofJson([name, params ?? null, part?.result ?? null])
  }))
  return [...steps, ...taken].slice(-remembered)
}

/** The circle that the steps end with, the shortest if there are several. */
export const find = (steps: ReadonlyArray<Step>): Circle | undefined => {
  for (let length = 1; length <= longest; length++) {
    const round = steps.slice(-length)
    if (round.length < length) return undefined
    let times = 1
    while (isSame(steps.slice(-(times + 1) * length, -times * length), round)) times++
    if (times >= enough) return { tools: round.map(({ tool }) => Untrusted.word(tool)), times }
  }
  return undefined
}

const isSame = (a: ReadonlyArray<Step>, b: ReadonlyArray<Step>): boolean =>
  a.length === b.length && a.every(({ digest }, index) => digest === b[index]?.digest)

/** What the agent is told. */
export const warning = ({ times }: Circle): string =>
  `You have made the same calls ${times} times, with the same results each time. They will not change. ` +
  `Look at what the results say and try another way, or end with the outcome that says what you are missing.`
