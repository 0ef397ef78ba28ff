/** Candidates, prices and requests, as the tests of the router need them. */
import type * as Candidate from "../src/Candidate.ts"
import type * as Pricing from "../src/Pricing.ts"
import type * as Router from "../src/Router.ts"
import * as Usage from "../src/Usage.ts"

export const candidate = (model: string, rest: Partial<Candidate.Candidate> = {}): Candidate.Candidate => ({
  provider: "maker",
  model,
  tier: "standard",
  context: 200_000,
  can: ["tools"],
  cache: "written",
  ...rest
})

export const little = candidate("little", { tier: "small" })
export const usual = candidate("usual")
export const big = candidate("big", { tier: "large" })

/** US dollars for a million tokens of input, by model. Output is five times that, a write 1.25 and a read a tenth. */
export const pricing = (input: Readonly<Record<string, number>>): Pricing.Pricing["Service"] => ({
  price: ({ model, usage }) => {
    const each = input[model]
    const weighed = usage.input + 1.25 * usage.cacheWrite + 0.1 * usage.cacheRead + 5 * usage.output
    return each === undefined ? Usage.unknown(`no price for ${model}`) : Usage.known((each * weighed) / 1e6)
  }
})

export const rules: Router.Rules = { candidates: [little, usual, big] }

export const request: Router.Request = {
  task: { message: "Fix the typo." },
  work: { context: 10_000, turns: 5, growth: 500, output: 200 }
}

export const knowledge: Router.Knowledge = {
  pricing: pricing({ little: 1, usual: 3, big: 15 }),
  scorer: "test",
  scores: { "maker/little": 0.5, "maker/usual": 0.8, "maker/big": 0.95 }
}
