/**
 * The router on tasks that it was not calibrated with: five parts, each judged by what the four others say. Threshold
 * and slack too are chosen on the four, by weights of three that are tried on the fourth: those that cost least there and
 * pass 99.5 % as often as the best single model does.
 *
 * It works alone, and with validation as a factory has it: what fails there is evidence, and the router is asked again. What
 * was paid for the failed attempt is paid, and what nobody stronger mends has not passed, whatever it was.
 */
import * as Candidate from "@millwright/core/Candidate"
import * as Digest from "@millwright/core/Digest"
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

/** What validation sees: that part of the failures, and that part of what is good, from 0 to 1. */
export interface Validation {
  readonly caught: number
  readonly alarmed: number
}

/** Nobody looks. */
const none: Validation = { caught: 0, alarmed: 0 }

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

interface How {
  readonly limits: Limits
  readonly validation: Validation
}

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

/** What is known of a task before it is begun. */
const known = ({ candidates, model, usd }: Trained, task: Outcomes.Task) => ({
  task,
  candidates,
  knowledge: {
    scorer: model.name,
    scores: Object.fromEntries(
      candidates.map((one) => [Candidate.idOf(one), QualityModel.predict(model, one, task.features)])
    ),
    pricing: { price: (call) => Usage.known(usd[Candidate.idOf(call)] ?? 0) }
  } satisfies Router.Knowledge
})

/** What the router makes of a task, from its first choice to the last one. */
const work = (
  { candidates, knowledge, task }: ReturnType<typeof known>,
  { limits, validation }: How
): Judged["router"] => {
  let request: Router.Request = { task: { message: "" }, work: { context: 1, turns: 1, growth: 0, output: 0 } }
  for (let spent = 0; ;) {
    const answer = Router.select({ candidates, ...limits }, request, knowledge)
    if (Result.isFailure(answer)) return { passed: false, usd: spent }
    const { chosen } = answer.success
    const { passed, usd } = outcomeOf(task, chosen)
    spent += usd
    // The same look at the same work, whichever limits are tried.
    const look = Chance.make(Number.parseInt(Digest.of(`${task.task} ${chosen}`).slice(0, 8), 16))()
    if (look >= (passed ? validation.alarmed : validation.caught)) return { passed, usd: spent }
    request = Router.escalate(request, { kind: "FailedValidation", candidate: chosen })
  }
}

const parts = (tasks: ReadonlyArray<Outcomes.Task>, count: number) =>
  Array.from({ length: count }, (_, part) => ({
    own: tasks.filter((_task, at) => at % count === part),
    others: tasks.filter((_task, at) => at % count !== part)
  }))

const limitsOf = (
  models: Outcomes.Outcomes["models"],
  { tasks, validation }: { readonly tasks: ReadonlyArray<Outcomes.Task>; readonly validation: Validation }
): Limits => {
  const rate = (its: ReadonlyArray<{ readonly passed: boolean }>) => mean(its.map(({ passed }) => Number(passed)))
  const best = Math.max(...models.map(({ id }) => rate(tasks.map((task) => outcomeOf(task, id)))))
  const before = parts(tasks, folds - 1).flatMap(({ others, own }) => {
    const by = train(models, others)
    return own.map((task) => known(by, task))
  })
  const tried = limits.map((one) => {
    const its = before.map((task) => work(task, { limits: one, validation }))
    return { one, rate: rate(its), usd: mean(its.map(({ usd }) => usd)) }
  })
  const enough = tried.filter((each) => each.rate >= asked * best)
  return (enough.sort((a, b) => a.usd - b.usd)[0] ?? { one: { threshold: 1, slack: 0 } }).one
}

const judge = (
  { models, tasks }: Outcomes.Outcomes,
  { seed, validation }: { readonly seed: number; readonly validation: Validation }
) => {
  const judged = parts(Chance.shuffled(tasks, Chance.make(seed)), folds).map(({ others, own }) => {
    const best = limitsOf(models, { tasks: others, validation })
    const trained = train(models, others)
    const its = own.map((task): Judged => ({
      router: work(known(trained, task), { limits: best, validation }),
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

/** How it is judged. */
export interface Judging {
  readonly draws: number
  readonly seed: number
  readonly validation: Validation
}

/** The figures of the router, each with the interval in which 95 of 100 draws of as many tasks lie. */
const routed = (
  judged: ReadonlyArray<Judged>,
  { draws, name, seed }: { readonly draws: number; readonly seed: number; readonly name: (what: string) => string }
): ReadonlyArray<Bench.Measured> => {
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
  const goal = (value: number) => ({ op: ">=", value }) as const
  return [
    { name: "cheaper than the best model", value: all.saved, unit: "%", goal: goal(25), pick: "saved" as const },
    { name: "of the best model's pass rate", value: all.share, unit: "%", goal: goal(99), pick: "share" as const },
    {
      name: "above the best single model at no more cost",
      value: all.lead,
      unit: "points",
      goal: goal(0),
      pick: "lead" as const
    },
    { name: "pass rate", value: all.router.rate, unit: "%" },
    { name: "cost of a task", value: all.router.usd, unit: "US dollars" }
  ].map(({ pick, ...figure }) => ({
    ...figure,
    name: name(figure.name),
    value: Bench.round(figure.value),
    ...(pick && { spread: spread((one) => one[pick]) })
  }))
}

/** The router by itself, with validation behind it, and each model alone. */
export const measure = (
  table: Outcomes.Outcomes,
  { draws, seed, validation }: Judging
): { readonly figures: ReadonlyArray<Bench.Measured>; readonly note: string } => {
  const alone = judge(table, { seed, validation: none })
  const validated = judge(table, { seed, validation })
  return {
    figures: [
      ...routed(alone.judged, { draws, seed, name: (what) => what }),
      ...routed(validated.judged, { draws, seed, name: (what) => `with validation, ${what}` }),
      ...summary(alone.judged).alone.flatMap(({ id, rate, usd }) => [
        { name: "pass rate", peer: id, value: Bench.round(rate), unit: "%" },
        { name: "cost of a task", peer: id, value: Bench.round(usd), unit: "US dollars" }
      ])
    ],
    note:
      `${alone.judged.length} tasks in ${folds} parts, each judged by thresholds and weights of the others; thresholds ${alone.used.join(", ")}; ` +
      `with validation that sees ${100 * validation.caught} % of failures and ${100 * validation.alarmed} % of what is good as one: ${validated.used.join(", ")}. ` +
      `min–max: 95 % of ${draws} draws.`
  }
}
