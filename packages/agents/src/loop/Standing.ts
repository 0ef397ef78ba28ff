/** Where a conversation stands, for whoever chooses its model: all of it is in its transcript. */
import * as TokenBudget from "@millwright/context/TokenBudget"
import * as Usage from "@millwright/core/Usage"
import type * as Prompt from "effect/ai/Prompt"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Harness from "../Harness.ts"
import * as ModelChoice from "../ModelChoice.ts"
import type * as Conversation from "./Conversation.ts"
import * as Weight from "./Weight.ts"

/** How long a provider keeps a prompt in its cache at least, in milliseconds. */
const cacheLife = 5 * 60_000

/** What is known of a conversation now. */
export const of = Effect.fnUntraced(function* ({
  conversation: { transcript },
  request
}: {
  readonly conversation: Pick<Conversation.Conversation, "transcript">
  readonly request: Harness.Request
}) {
  const { candidate, evidence, failed, items, path } = transcript
  const pin = yield* yield* ModelChoice.Pin
  const apart = yield* ModelChoice.Apart
  const now = yield* Clock.currentTimeMillis
  const since = path.findLastIndex(({ body }) => body._tag === "Answered" || body._tag === "Compacted")
  const entry = path[since]
  // What a summary stands for is no part of the prompt any more, however much the last answer had read.
  const answer = entry?.body._tag === "Answered" ? { at: entry.at, usage: entry.body.usage } : undefined
  const isOwn = since > path.findLastIndex(({ body }) => body._tag === "Routed")
  const isWarm = answer !== undefined && isOwn && now - answer.at <= cacheLife
  const prompt = answer === undefined ? 0 : Usage.total(answer.usage) - answer.usage.output
  const added =
    items.length === 0
      ? TokenBudget.estimate(request.system + request.prompt)
      : Weight.sum(items.filter(({ at }) => answer === undefined || at > since + 1))
  const standing: ModelChoice.Standing = {
    request,
    current: candidate === undefined ? undefined : { candidate, cached: isWarm ? prompt : 0 },
    evidence,
    failed,
    context: prompt + (answer?.usage.output ?? 0) + added,
    hasImages: items.some(({ message }) => partsOf(message).some(hasImage)),
    tools: items.flatMap(({ message }) =>
      partsOf(message).flatMap((part) =>
        part.type === "tool-result" ? [{ tool: part.name, ok: !part.isFailure }] : []
      )
    ),
    pin,
    ...(apart && { apart })
  }
  return standing
})

type Part = Prompt.UserMessagePart | Prompt.AssistantMessagePart | Prompt.ToolMessagePart

const partsOf = (message: Prompt.Message): ReadonlyArray<Part> => (message.role === "system" ? [] : message.content)

const hasImage = (part: Part): boolean =>
  part.type === "tool-result" ? part.modelOutput?.some(isImage) === true : isImage(part)

const isImage = (part: { readonly type: string; readonly mediaType?: string }): boolean =>
  part.type === "file" && part.mediaType?.startsWith("image/") === true
