/**
 * A batch of reports of mixed difficulty, each with the cheapest model that is predicted to be good enough:
 *
 *     npx -y pnpm@12.18.0 example 05                                     with the router's choice
 *     npx -y pnpm@12.18.0 example 05 --pin anthropic/claude-sonnet-5-5   with one model for everything
 *     npx -y pnpm@12.18.0 example 05 --threshold 0.9                     only who is predicted to be very good
 *
 * `MILLWRIGHT_PIN` in the environment is the same as `--pin`. One report is pinned to the strongest model; in the
 * rehearsal, an agent asks for a stronger model and a provider goes down, and the rest of the batch goes on with another
 * one. Without a key the models are rehearsed; with one, they are real, and nobody breaks a provider.
 * Exit codes: 0 it did what it shall, 2 bad input, 1 anything else.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Ending from "@millwright-examples/shared/ending"
import * as LoopHarness from "@millwright/agents/adapters/LoopHarness"
import * as RoutedModels from "@millwright/agents/adapters/RoutedModels"
import * as ModelChoice from "@millwright/agents/ModelChoice"
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Journal from "@millwright/core/Journal"
import * as QualityModel from "@millwright/core/QualityModel"
import * as Redaction from "@millwright/core/Redaction"
import * as Router from "@millwright/core/Router"
import * as Scorer from "@millwright/core/Scorer"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { strict as assert } from "node:assert"
import * as Environment from "../01-issue-to-change/environment.ts"
import * as Models from "./models.ts"
import * as Report from "./report.ts"
import { reports, repository } from "./reports.ts"
import { Diagnosis, type Outcome } from "./role.ts"

// What is not a key is read first: everything is gone from the environment afterwards.
const pinned = process.env["MILLWRIGHT_PIN"]
const { keys, secrets } = Environment.take(process.env)

const said = (outcome: Outcome): string =>
  outcome._tag === "Located"
    ? `${outcome.cause} (${outcome.where})`
    : `It needs to know: ${outcome.questions.join(" ")}`

/** What the rehearsal has to come to: who was chosen for what, in order. */
const rehearsed: ReadonlyArray<readonly [string, string]> = [
  ["typo", "anthropic/claude-haiku-4-5"],
  ["colour", "anthropic/claude-opus-5-5"],
  ["flaky", "anthropic/claude-haiku-4-5"],
  ["flaky", "anthropic/claude-sonnet-5-5"],
  ["race", "anthropic/claude-sonnet-5-5"],
  ["leak", "anthropic/claude-sonnet-5-5"],
  ["leak", "openai/gpt-5.4"],
  ["link", "openai/gpt-5.4"]
]

const program = Effect.fnUntraced(function* ({ pin, threshold }: Settings) {
  const made = yield* Models.make(keys)
  const { candidates, models, outage, strongest } = made
  const all = Option.getOrUndefined(pin) ?? pinned
  const isUsual = all === undefined && Option.isNone(threshold)
  yield* Console.log(`${made.line}\n`)

  const routed = RoutedModels.layer({
    rules: { candidates, threshold: Option.getOrElse(threshold, () => Router.usualThreshold) },
    models,
    features: () => Effect.succeed(repository),
    work: { turns: 3, growth: 500, output: 300 },
    ...(all !== undefined && { pin: all })
  })
  const floor = LoopHarness.layer.pipe(
    Layer.provide(routed),
    Layer.provide([Scorer.layer(QualityModel.assumed), GenAiPrices.layer]),
    Layer.provideMerge(MemoryJournal.layer)
  )
  yield* Effect.gen(function* () {
    const origin = yield* Journal.Origin
    for (const { isInOutage, isPinned, name, text } of reports) {
      // Who is pinned is waited for, whatever happens to its provider.
      if (isInOutage === true && all === undefined) yield* outage ?? Effect.void
      const wanted = isPinned === true ? strongest : undefined
      const outcome = yield* Diagnosis.run({ report: text }).pipe(
        Effect.provideService(ModelChoice.Pin, Effect.succeed(wanted)),
        Effect.provideService(Journal.Origin, { ...origin, item: name })
      )
      yield* Console.log(`${name}: ${said(outcome)}`)
    }

    const events = yield* Stream.runCollect((yield* Journal.Journal).read())
    const choices = Report.choices(events)
    const bill = Report.bill(events, { price: GenAiPrices.price, strongest })
    yield* Console.log(`\nThe decisions\n${Report.decisions(choices)}\n\nThe bill\n${bill.text}`)

    const chosenFor = (report: string) =>
      choices.filter((choice) => choice.report === report).map(({ decision }) => decision)
    for (const { isPinned, name } of reports) {
      const [first] = chosenFor(name)
      assert(first !== undefined, `nobody was chosen for ${name}`)
      if (isPinned === true) assert.deepEqual([first.why, first.chosen], ["Pinned", strongest])
    }
    assert.equal(bill.paid.unpriced, 0, "a call has no price")
    if (outage === undefined || !isUsual) return
    assert.deepEqual(
      choices.map(({ decision, report }) => [report, decision.chosen]),
      rehearsed
    )
    assert.equal(chosenFor("flaky")[1]?.evidence[0]?.kind, "Requested")
    assert.deepEqual(chosenFor("leak")[1]?.outages, ["anthropic"])
    assert.deepEqual(chosenFor("link")[0]?.outages, ["anthropic"], "a provider that is down was asked again at once")
    assert(bill.paid.usd < bill.alone.usd, "the router is dearer than the strongest model for everything")
  }).pipe(Effect.provide(floor))
}, Effect.scoped)

const flags = {
  pin: Flag.String("pin").pipe(
    Flag.withDescription(
      "One candidate for everything, as in anthropic/claude-sonnet-5-5. Default: the router's choice"
    ),
    Flag.optional
  ),
  threshold: Flag.Finite("threshold").pipe(
    Flag.withDescription("The predicted quality that is enough, from 0 to 1. Default: 0.7"),
    Flag.optional
  )
}
type Settings = Command.Command.Config.Infer<typeof flags>

const cli = Command.make("example-05", flags, program).pipe(
  Command.withDescription("Gives each task of a batch the cheapest model that is predicted to be good enough")
)

Command.runWith(cli, { version: "0.0.0" })(process.argv.slice(2)).pipe(
  Effect.catchCause(Ending.explain((fault) => fault instanceof Router.RouteError && fault.reason === "Misconfigured")),
  Effect.provide(NodeServices.layer),
  Effect.provideService(Redaction.Secrets, secrets),
  (main) => NodeRuntime.runMain(main, { disableErrorReporting: true, teardown: Ending.teardown })
)
