/**
 * The router on tasks that it was not calibrated with: five parts, each judged by what the four others say. Threshold
 * and slack too are chosen on the four, by weights of three that are tried on the fourth: those that cost least there and
 * pass 99.5 % as often as the best single model does.
 */
import type * as Candidate from "@millwright/core/Candidate"
import * as QualityModel from "@millwright/core/QualityModel"
import * as Router from "@millwright/core/Router"
import * as Usage from "@millwright/core/Usage"
import * as Result from "effect/Result"
import * as Bench from "../Bench.ts"
import * as Chance from "../Chance.ts"
import type * as Outcomes from "./Outcomes.ts"

/** One task, as the router and as each model alone did it. */
interface Judged {
  readonly router: { readonly passed: boolean; readonly usd: number }
  readonly models: Readonly<Record<string, { readonly passed: boolean; readonly usd: number }>>
}

const folds = 5
/** What is chosen among. */
interface Limits {
  readonly threshold: number
  readonly slack: number
}

const limits: ReadonlyArray<Limits> = [0, 0.02, 0.05, 0.1, 0.15].flatMap((slack) =>
  Array.from({ length: 26 }, (_, at) => ({ threshold: at / 25, slack }))
)

/** What part of the best model's passes is asked for where limits are chosen: half of what the goal gives away. */
const asked = 0.995

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

const candidateOf = ({ id, tier }: Outcomes.Outcomes["models"][number]): Candidate.Candidate => {
  const [provider = "", ...model] = id.split("/")
  return { provider, model: model.join("/"), tier, context: 1_000_000, can: [], cache: "none" }
}

const outcomeOf = ({ outcomes }: Outcomes.Task, id: string) => outcomes[id] ?? { passed: false, usd: Number.NaN }

interface Trained {
  readonly candidates: ReadonlyArray<Candidate.Candidate>
  readonly model: QualityModel.QualityModel
  readonly usd: Readonly<Record<string, number>>
}

const train = (models: Outcomes.Outcomes["models"], tasks: ReadonlyArray<Outcomes.Task>): Trained => {
  const candidates = models.map(candidateOf)
  const trials = tasks.flatMap((task) =>
    models.map(({ id }) => ({ candidate: id, features: task.features, passed: outcomeOf(task, id).passed }))
  )
  return {
    candidates,
    model: QualityModel.fit(QualityModel.assumed, { candidates, trials }),
    usd: Object.fromEntries(models.map(({ id }) => [id, mean(tasks.map((task) => outcomeOf(task, id).usd))]))
  }
}

const choose = ({ candidates, model, usd }: Trained, task: Outcomes.Task, { slack, threshold }: Limits): string => {
  const scores = Object.fromEntries(
    candidates.map((one) => [`${one.provider}/${one.model}`, QualityModel.predict(model, one, task.features)])
  )
  const answer = Router.select(
    { candidates, threshold, slack },
    { task: { message: "" }, work: { context: 1, turns: 1, growth: 0, output: 0 } },
    {
      scorer: model.name,
      scores,
      pricing: { price: (call) => Usage.known(usd[`${call.provider}/${call.model}`] ?? 0) }
    }
  )
  return Result.getOrThrow(answer).chosen
}

const parts = (tasks: ReadonlyArray<Outcomes.Task>, count: number) =>
  Array.from({ length: count }, (_, part) => ({
    own: tasks.filter((_task, at) => at % count === part),
    others: tasks.filter((_task, at) => at % count !== part)
  }))

const limitsOf = (models: Outcomes.Outcomes["models"], tasks: ReadonlyArray<Outcomes.Task>): Limits => {
  const rate = (its: ReadonlyArray<{ readonly passed: boolean }>) => mean(its.map(({ passed }) => Number(passed)))
  const best = Math.max(...models.map(({ id }) => rate(tasks.map((task) => outcomeOf(task, id)))))
  const trained = parts(tasks, folds - 1).map(({ others, own }) => ({ own, by: train(models, others) }))
  const tried = limits.map((one) => {
    const its = trained.flatMap(({ by, own }) => own.map((task) => outcomeOf(task, choose(by, task, one))))
    return { one, rate: rate(its), usd: mean(its.map(({ usd }) => usd)) }
  })
  const enough = tried.filter((each) => each.rate >= asked * best)
  return (enough.sort((a, b) => a.usd - b.usd)[0] ?? { one: { threshold: 1, slack: 0 } }).one
}

const judge = ({ models, tasks }: Outcomes.Outcomes, seed: number) => {
  const judged = parts(Chance.shuffled(tasks, Chance.make(seed)), folds).map(({ others, own }) => {
    const best = limitsOf(models, others)
    const trained = train(models, others)
    const its = own.map((task): Judged => ({
      router: outcomeOf(task, choose(trained, task, best)),
      models: task.outcomes
    }))
    return { its, best }
  })
  return {
    judged: judged.flatMap(({ its }) => its),
    used: judged.map(({ best }) => `${best.threshold} (slack ${best.slack})`)
  }
}

/** What some judged tasks come to. */
const summary = (judged: ReadonlyArray<Judged>) => {
  const of = (its: ReadonlyArray<{ readonly passed: boolean; readonly usd: number }>) => ({
    rate: 100 * mean(its.map(({ passed }) => Number(passed))),
    usd: mean(its.map(({ usd }) => usd))
  })
  const router = of(judged.map((one) => one.router))
  const alone = Object.keys(judged[0]?.models ?? {}).map((id) => ({
    id,
    ...of(judged.map(({ models }) => models[id] ?? { passed: false, usd: Number.NaN }))
  }))
  const [best] = [...alone].sort((a, b) => b.rate - a.rate || a.usd - b.usd)
  const affordable = alone.filter(({ usd }) => usd <= router.usd).map(({ rate }) => rate)
  return {
    router,
    alone,
    saved: 100 * (1 - router.usd / (best?.usd ?? Number.NaN)),
    share: (100 * router.rate) / (best?.rate ?? Number.NaN),
    lead: router.rate - Math.max(0, ...affordable)
  }
}

/** The figures, each with the interval in which 95 of 100 draws of as many tasks lie. */
export const measure = (
  table: Outcomes.Outcomes,
  { draws, seed }: { readonly draws: number; readonly seed: number }
): { readonly figures: ReadonlyArray<Bench.Measured>; readonly note: string } => {
  const { judged, used } = judge(table, seed)
  const all = summary(judged)
  const chance = Chance.make(seed + 1)
  const drawn = Array.from({ length: draws }, () =>
    summary(
      judged.map(
        () => judged[Math.floor(chance() * judged.length)] ?? { router: { passed: false, usd: 0 }, models: {} }
      )
    )
  )
  const spread = (pick: (one: ReturnType<typeof summary>) => number): Bench.Spread => {
    const sorted = drawn.map(pick).sort((a, b) => a - b)
    const at = (part: number) => Bench.round(sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN)
    return { min: at(0.025), max: at(0.975), runs: draws }
  }
  return {
    figures: [
      {
        name: "cheaper than the best model",
        value: Bench.round(all.saved),
        unit: "%",
        goal: { op: ">=", value: 25 },
        spread: spread(({ saved }) => saved)
      },
      {
        name: "of the best model's pass rate",
        value: Bench.round(all.share),
        unit: "%",
        goal: { op: ">=", value: 99 },
        spread: spread(({ share }) => share)
      },
      {
        name: "above the best single model at no more cost",
        value: Bench.round(all.lead),
        unit: "points",
        goal: { op: ">=", value: 0 },
        spread: spread(({ lead }) => lead)
      },
      { name: "pass rate", value: Bench.round(all.router.rate), unit: "%" },
      { name: "cost of a task", value: Bench.round(all.router.usd), unit: "US dollars" },
      ...all.alone.flatMap(({ id, rate, usd }) => [
        { name: "pass rate", peer: id, value: Bench.round(rate), unit: "%" },
        { name: "cost of a task", peer: id, value: Bench.round(usd), unit: "US dollars" }
      ])
    ],
    note: `${judged.length} tasks in ${folds} parts, each judged by thresholds and weights of the others; thresholds ${used.join(", ")}. min–max: 95 % of ${draws} draws.`
  }
}
