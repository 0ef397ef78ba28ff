/**
 * Models that the **router** chooses: the cheapest that is predicted to do the task well enough begins, a stronger one
 * goes on where there is evidence against it, and one of another provider where its own does not answer. Every choice is
 * a `ModelChosen` in the journal.
 *
 * Providers that are down are known to all roles of the process that share the layer.
 */
import * as Budget from "@millwright/core/Budget"
import * as Candidate from "@millwright/core/Candidate"
import type * as Forecast from "@millwright/core/Forecast"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as Router from "@millwright/core/Router"
import * as Scorer from "@millwright/core/Scorer"
import * as TaskFeatures from "@millwright/core/TaskFeatures"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Harness from "../Harness.ts"
import * as FailedAttempts from "../internal/FailedAttempts.ts"
import * as ModelChoice from "../ModelChoice.ts"
import * as Outages from "../Outages.ts"

/** How models are chosen. */
export interface Options {
  readonly rules: Router.Rules
  /** The model of each candidate, by its name. */
  readonly models: Readonly<Record<string, Model.Model>>
  /** A candidate by name, for every role: what a user asked for. `ModelChoice.Pin` wins over it. */
  readonly pin?: string
  /** What is known of the repository that a role works in. */
  readonly features?: (
    request: Harness.Request
  ) => Effect.Effect<Pick<TaskFeatures.Task, "languages" | "lines">, never, Harness.Workplace>
  /**
   * What work is expected of a role, from each choice on. Default: 20 turns, each with 1,500 tokens more and 500 in its
   * answer.
   */
  readonly work?: Partial<Pick<Forecast.Work, "growth" | "output" | "returns" | "turns">>
  /**
   * Roles whose work the verdicts of their run judge: a choice for them is a trial, and a rejection a failed attempt.
   * Default: none.
   */
  readonly judged?: ReadonlyArray<string>
  /** Whether an agent may ask for a stronger model. Default `true`; then the scorer is asked for every choice. */
  readonly escalate?: boolean
  /** How long a provider is left alone that does not answer. */
  readonly rest?: Outages.Rest
}

/**
 * The router as the choice of models, and for everybody else the first candidate of each tier, or of the next one that
 * there is.
 */
export const layer = (
  options: Options
): Layer.Layer<
  ModelChoice.ModelChoice | Model.Models,
  Router.RouteError,
  Scorer.Scorer | Pricing.Pricing | Journal.Journal
> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const models = yield* Effect.fromResult(tiersOf(options))
      const services = Context.make(Pricing.Pricing, yield* Pricing.Pricing).pipe(
        Context.add(Journal.Journal, yield* Journal.Journal)
      )
      const choice = make(options, { services, scorer: yield* Scorer.Scorer })
      return Context.make(ModelChoice.ModelChoice, choice).pipe(Context.add(Model.Models, models))
    })
  )

const tiersOf = ({ models, rules }: Options): Result.Result<Model.Models["Service"], Router.RouteError> => {
  const ids = rules.candidates.map(Candidate.idOf)
  const missing = ids.filter((id) => !Object.hasOwn(models, id))
  const firstOf = (tier: Model.Tier) => rules.candidates.find((candidate) => candidate.tier === tier)
  const [small, standard, large] = [firstOf("small"), firstOf("standard"), firstOf("large")]
  const modelOf = (...order: ReadonlyArray<Candidate.Candidate | undefined>): Model.Model | undefined => {
    const first = order.find((candidate) => candidate !== undefined)
    return first === undefined ? undefined : models[Candidate.idOf(first)]
  }
  const byTier = {
    small: modelOf(small, standard, large),
    standard: modelOf(standard, large, small),
    large: modelOf(large, standard, small)
  }
  const { large: some } = byTier
  return missing.length > 0 || some === undefined
    ? Result.fail(
        new Router.RouteError({
          reason: "Misconfigured",
          message:
            ids.length === 0
              ? "The router has no candidates. Give it at least one."
              : `There is no model for ${missing.join(", ")}. Add it to the models of RoutedModels, or take the candidate out.`
        })
      )
    : Result.succeed({ forTier: (tier) => byTier[tier] ?? some })
}

interface Around {
  readonly services: Context.Context<Pricing.Pricing | Journal.Journal>
  readonly scorer: Scorer.Scorer["Service"]
}

/** What a request of the router says beside its standing. */
type Further = Partial<Pick<Router.Request, "evidence" | "outages">> & { readonly atLeast?: number }

const make = (options: Options, { scorer, services }: Around): ModelChoice.ModelChoice["Service"] => {
  const { models, rules } = options
  let outages = Outages.none
  const rest = options.rest ?? Outages.usualRest
  const candidateOf = (id: string) => rules.candidates.find((candidate) => Candidate.idOf(candidate) === id)
  const providerOf = (id: string) => candidateOf(id)?.provider ?? id
  // A session may have come from anywhere, and names whom it likes.
  const modelOf = (id: string) => (Object.hasOwn(models, id) ? models[id] : undefined)

  const down = Effect.map(Clock.currentTimeMillis, (now) => {
    const { outages: next, providers } = Outages.down(outages, { now, rest })
    outages = next
    return providers
  })

  const requestOf = Effect.fnUntraced(function* (standing: ModelChoice.Standing, { atLeast = 0, ...further }: Further) {
    const { apart, context, current, evidence, hasImages, pin = options.pin, request, tools } = standing
    const { growth = 1_500, output = 500, returns = 0, turns = 20 } = options.work ?? {}
    const repository = yield* options.features?.(request) ?? Effect.succeed({})
    const isJudged = options.judged?.includes(request.role) ?? false
    const { run, stage } = yield* Journal.Origin
    const before =
      run === null || stage === null
        ? FailedAttempts.none
        : yield* Journal.fold(FailedAttempts.none, FailedAttempts.see({ stage, isJudged }), run)
    const failedAttempts = before.count + evidence.filter(({ kind }) => kind !== "Requested").length
    const routed: Router.Request = {
      task: { ...repository, message: request.prompt, tools, failedAttempts },
      work: { context: Math.max(context, atLeast), turns: Math.min(turns, request.maxTurns), growth, output, returns },
      needs: hasImages ? ["tools", "images"] : ["tools"],
      role: request.role,
      evidence,
      left: yield* Budget.left,
      ...(current !== undefined && { current }),
      ...(pin !== undefined && { pin }),
      ...(apart && { avoid: apart.families }),
      ...further
    }
    return routed
  })

  const route = Effect.fnUntraced(function* (request: Router.Request) {
    const { candidates } = rules
    // The question is the same for the choice and for whether there would be another one.
    const scores = yield* Effect.cached(
      scorer.score({ features: TaskFeatures.of(request.task), task: request.task, candidates })
    )
    const judged = options.judged?.includes(request.role ?? "") ?? false
    const decision = yield* Router.route(rules, request, { judged }).pipe(
      Effect.provideService(Scorer.Scorer, { name: scorer.name, score: () => scores })
    )
    const { chosen } = decision
    const model = modelOf(chosen)
    if (model === undefined) return yield* Effect.die(`${chosen} was chosen, and has no model`)
    const mayAsk = (options.escalate ?? true) && request.pin === undefined
    const known = mayAsk ? yield* Effect.option(scores) : undefined
    if (known?._tag !== "Some") return { model, candidate: chosen, hasStronger: false }
    const stronger = Router.select(rules, Router.escalate(request, { kind: "Requested", candidate: chosen }), {
      pricing: yield* Pricing.Pricing,
      scorer: scorer.name,
      scores: known.value
    })
    return { model, candidate: chosen, hasStronger: Result.isSuccess(stronger) }
  })

  /** The request for who goes on, where there is one. */
  const onward = Effect.fnUntraced(function* (standing: ModelChoice.Standing, signal: ModelChoice.Signal) {
    const { current, failed } = standing
    const candidate = current === undefined ? undefined : candidateOf(current.candidate)
    if (candidate === undefined) return undefined
    const error = signal._tag === "Failed" ? signal.error : undefined
    if (error?.isRetryable === true) {
      const now = yield* Clock.currentTimeMillis
      const { retryAfter = 0 } = error
      outages = Outages.failed(outages, candidate.provider, { now, rest, retryAfter })
    }
    if ((standing.pin ?? options.pin) !== undefined) return undefined
    const others = { outages: [...new Set([...(yield* down), ...failed.map(providerOf)])] }
    if (signal._tag !== "Failed") {
      const evidence = { kind: signal._tag, candidate: Candidate.idOf(candidate) }
      return Router.escalate(yield* requestOf(standing, others), evidence)
    }
    if (signal.error.reason === "ContextOverflow") {
      return yield* requestOf(standing, { ...others, atLeast: candidate.context })
    }
    const request = yield* requestOf(standing, others)
    return Result.getOrUndefined(Router.failOver(request, { candidate, error: signal.error }))
  })

  return {
    choose: Effect.fnUntraced(function* (standing: ModelChoice.Standing) {
      const { apart, current, pin = options.pin } = standing
      const held = current === undefined ? undefined : modelOf(current.candidate)
      if (
        current !== undefined &&
        held !== undefined &&
        ModelChoice.isApart(apart, held) &&
        (pin === undefined || pin === current.candidate)
      ) {
        return { model: held, candidate: current.candidate, hasStronger: false }
      }
      const request = yield* requestOf(standing, { outages: yield* down })
      // Where all are down, there is nothing to lose by asking one of them.
      const chosen = Effect.catchIf(
        route(request),
        ({ _tag, reason }) => _tag === "RouteError" && reason === "Unavailable",
        () => route({ ...request, outages: [] })
      )
      return yield* apart?.orElse === "warn"
        ? Effect.catchTag(chosen, "RouteError", () => route({ ...request, avoid: [] }))
        : chosen
    }, Effect.provideContext(services)),
    after: Effect.fnUntraced(function* (standing: ModelChoice.Standing, signal: ModelChoice.Signal) {
      const request = yield* onward(standing, signal)
      if (request === undefined) return undefined
      const chosen = yield* Effect.catchTags(route(request), {
        RouteError: ({ message }) => stays(standing, message),
        ScorerError: ({ message }) => stays(standing, message)
      })
      return chosen?.candidate === standing.current?.candidate ? undefined : chosen
    }, Effect.provideContext(services)),
    answered: (candidate) =>
      Effect.sync(() => {
        outages = Outages.answered(outages, providerOf(candidate))
      })
  }
}

const stays = ({ current, request }: ModelChoice.Standing, why: string) =>
  Effect.as(Effect.logWarning(`The role ${request.role} stays with ${current?.candidate}. ${why}`), undefined)
