/** The review role with a model: the one that there is a key for, or one that plays what the defects of the file are. */
import * as LoopHarness from "@millwright/agents/adapters/LoopHarness"
import * as Review from "@millwright/agents/roles/Review"
import * as Rehearsal from "@millwright/agents/testing/Rehearsal"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import * as Contract from "@millwright/core/Contract"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Tainted from "@millwright/core/Tainted"
import * as Usage from "@millwright/core/Usage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Bench from "../Bench.ts"
import type { Change } from "./Changes.ts"
import type * as Score from "./Score.ts"

/** What a rehearsed reviewer answers: the defects, each as a comment. */
export const told = ({ defects }: Change): Schema.Json => ({
  _tag: defects.some(({ severity }) => severity === "critical" || severity === "important")
    ? "RequestChanges"
    : "Approve",
  summary: "This is a rehearsal.",
  comments: defects.map(({ what, ...place }) => ({
    ...place,
    body: what,
    ...(place.severity === "nit" && { replacement: "" })
  }))
})

const script = (changes: ReadonlyArray<Change>): ProviderTwin.Script => ({
  conversations: changes.map((change) => ({
    role: "Review",
    when: { promptIncludes: `"title": ${JSON.stringify(change.title)}` },
    turns: [Rehearsal.turn(told(change))]
  }))
})

/** The model: `provider/name` of `--model`, or that of the key that there is, or a rehearsed one. Keys leave the environment. */
export const model = Effect.fnUntraced(function* (wanted: string | undefined, changes: ReadonlyArray<Change>) {
  const take = (name: string) => {
    const value = process.env[name]
    delete process.env[name]
    return value === undefined || value === "" ? undefined : value
  }
  const [anthropic, openAi] = [take("ANTHROPIC_API_KEY"), take("OPENAI_API_KEY")]
  const baseUrls = { anthropic: take("ANTHROPIC_BASE_URL"), openAi: take("OPENAI_BASE_URL") }
  if (anthropic !== undefined) {
    return yield* AnthropicModel.make({
      apiKey: Redacted.make(anthropic),
      model: wanted ?? "claude-sonnet-5-5",
      ...(baseUrls.anthropic !== undefined && { baseUrl: baseUrls.anthropic })
    })
  }
  if (openAi !== undefined || baseUrls.openAi !== undefined) {
    return yield* OpenAiModel.make({
      apiKey: Redacted.make(openAi ?? "none"),
      model: wanted ?? "gpt-5",
      ...(baseUrls.openAi !== undefined && { baseUrl: baseUrls.openAi })
    })
  }
  if (wanted !== undefined) {
    return yield* Effect.die(new Bench.BadInput("--model needs ANTHROPIC_API_KEY, OPENAI_API_KEY or OPENAI_BASE_URL."))
  }
  const twin = yield* ProviderTwin.make({ script: script(changes) })
  return yield* AnthropicModel.make({
    apiKey: Redacted.make("rehearsal"),
    baseUrl: twin.anthropicUrl,
    model: "claude-sonnet-5-5",
    rehearsed: true
  })
})

/** Reviews one change, in an empty workspace: the patch is all that there is. */
const review = (change: Change) =>
  Effect.gen(function* () {
    const item = yield* WorkItem.fromMarkdown(`# ${change.title}\n\n${change.body}`, `${change.id}.md`)
    const contract = Contract.freeze(item.id, [{ statement: "The change does what its task asks." }])
    const patch = Tainted.of("the bench", change.patch)
    const repository = Tainted.of("the bench", "Only the patch is there.")
    return yield* Review.Review.run({ item, contract, patch, repository })
  })

/** What a review came to, for the score. */
const answer = (id: string, reviewed: Review.Reviewed): Score.Answer => ({
  id,
  verdict: reviewed._tag,
  comments: reviewed.comments,
  dropped: reviewed.dropped.length
})

/** Reviews all changes, and adds up what it cost. */
export const all = (changes: ReadonlyArray<Change>, model: Model.Model, progress: Bench.Progress) =>
  Effect.gen(function* () {
    const answers = yield* Effect.forEach(changes, (change) =>
      Effect.map(Effect.result(review(change)), (result): Score.Answer => {
        progress(`${change.id}: ${Result.isSuccess(result) ? result.success._tag : "failed"}`)
        return Result.isSuccess(result)
          ? answer(change.id, result.success)
          : { id: change.id, fault: Fault.record(result.failure).message }
      })
    )
    const bill = yield* Journal.fold(Usage.emptyBill, (sum, { fact }) =>
      fact._tag === "ModelCalled" ? Usage.charge(sum, fact) : sum
    )
    return { answers, bill }
  }).pipe(
    Effect.provide(
      LoopHarness.layer.pipe(
        Layer.provide([GenAiPrices.layer, Layer.succeed(Model.Models, Model.single(model))]),
        Layer.provideMerge(Layer.merge(Layer.fresh(MemoryJournal.layer), NodeServices.layer))
      )
    )
  )
