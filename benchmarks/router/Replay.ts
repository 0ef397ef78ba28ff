/**
 * Real sessions of a coding agent again, on other models: what their input would have cost on each, and with a router
 * that changes the model in the middle. How long answers were the sessions do not tell, so only input is billed.
 *
 * Each session falls into stretches of easy and hard turns, drawn by chance: an easy one can be done by anybody, a hard one
 * by the large model alone. At the beginning of each the router decides, and knows how long stretches are in the mean
 * and that the large model will be needed again.
 */
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as Candidate from "@millwright/core/Candidate"
import * as Router from "@millwright/core/Router"
import * as Usage from "@millwright/core/Usage"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import * as Bench from "../Bench.ts"
import * as Chance from "../Chance.ts"

/** The input of each request: all of it, and what was read from the cache. */
type Session = ReadonlyArray<readonly [total: number, read: number]>

const sample = new URL("../data/agent-sessions/sessions.jsonl", import.meta.url)

const read = (): ReadonlyArray<Session> =>
  readFileSync(sample, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { requests }: { readonly requests: Session } = JSON.parse(line)
      return requests
    })

const candidate = (model: string, tier: Candidate.Candidate["tier"]): Candidate.Candidate => ({
  provider: "anthropic",
  model,
  tier,
  context: 10_000_000,
  can: ["tools"],
  cache: "written"
})

const [small, standard, large] = [
  candidate("claude-haiku-4-5", "small"),
  candidate("claude-sonnet-4-5", "standard"),
  candidate("claude-opus-4-5", "large")
] as const

const usdOf = ({ model, provider }: Candidate.Candidate, total: number, read: number): number => {
  const usage = { ...Usage.zero, cacheRead: read, cacheWrite: total - read }
  const cost = GenAiPrices.price({ provider, model, usage })
  if (cost._tag === "Unknown") throw new Error(cost.why)
  return cost.usd
}

const alone = (session: Session, one: Candidate.Candidate): number =>
  session.reduce((sum, [total, read]) => sum + usdOf(one, total, Math.min(read, total)), 0)

/** A stretch is this many turns in the mean. */
interface Stretches {
  readonly turns: number
  /** What the router knows: the cache and that the large model will be needed again, the cache, or neither. */
  readonly knows: "all" | "cache" | "nothing"
  readonly chance: () => number
}

const growth = 700

/** A session with a choice at the beginning of each stretch. Who has just got a conversation has none of it in the cache. */
const routed = (session: Session, { chance, knows, turns }: Stretches): number => {
  const candidates = [small, standard, large]
  let [usd, isHard, cached] = [0, false, 0]
  let holder: Candidate.Candidate | undefined
  for (const [at, [total, read]] of session.entries()) {
    let isMoved = false
    if (at === 0 || chance() < 1 / turns) {
      isHard = at === 0 ? false : !isHard
      const decision = Result.getOrThrow(
        Router.select(
          { candidates, threshold: 0.5 },
          {
            task: { message: "" },
            work: { context: total, turns, growth, output: 0, returns: knows === "all" ? 1 : 0 },
            ...(knows !== "nothing" && holder !== undefined
              ? { current: { candidate: Candidate.idOf(holder), cached } }
              : {})
          },
          {
            scorer: "replay",
            pricing: GenAiPrices,
            scores: Object.fromEntries(candidates.map((one) => [Candidate.idOf(one), !isHard || one === large ? 1 : 0]))
          }
        )
      )
      const next = candidates.find((one) => Candidate.idOf(one) === decision.chosen) ?? large
      isMoved = next !== holder
      holder = next
    }
    usd += usdOf(holder ?? large, total, isMoved && at > 0 ? 0 : Math.min(read, total))
    cached = total
  }
  return usd
}

const lengths = [3, 10, 30]

/** What all sessions cost, as a share of the large model's bill. */
export const measure = ({
  draws,
  seed
}: {
  readonly draws: number
  readonly seed: number
}): ReadonlyArray<Bench.Measured> => {
  const sessions = read()
  const sum = (cost: (session: Session) => number) => sessions.reduce((all, session) => all + cost(session), 0)
  const whole = sum((session) => alone(session, large))
  const share = (usd: number) => (100 * usd) / whole
  const fixed = [small, standard, large].map((one) => ({
    name: "sessions again, one model",
    peer: one.model,
    value: Bench.round(share(sum((session) => alone(session, one)))),
    unit: "% of the large model's bill"
  }))
  const changing = lengths.flatMap((turns) =>
    (["all", "cache", "nothing"] as const).map((knows) => {
      const drawn = Array.from({ length: draws }, (_, at) => {
        // The same stretches for all, so that only the choices differ.
        const chance = Chance.make(seed * 1_000 + at)
        return share(sum((session) => routed(session, { turns, knows, chance })))
      })
      return {
        name: `sessions again, stretches of ${turns} turns`,
        ...(knows === "all"
          ? {}
          : { peer: `the same router, ${knows === "cache" ? "blind to the way back" : "blind to the cache"}` }),
        ...Bench.middle(drawn),
        unit: "% of the large model's bill"
      }
    })
  )
  return [...fixed, ...changing]
}
