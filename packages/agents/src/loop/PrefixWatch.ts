/**
 * Whether each request of a conversation goes on where the one before it ended: only then does the provider read that one from its
 * cache. The loop rewrites nothing, so ordinarily nothing is recorded; whatever does change is named, with what it costs.
 */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import type * as Model from "@millwright/core/Model"
import * as ToolLoading from "@millwright/core/ToolLoading"
import type * as Usage from "@millwright/core/Usage"
import * as ToolSession from "@millwright/context/ToolSession"
import type * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as SessionEntry from "../SessionEntry.ts"
import type * as Transcript from "./Transcript.ts"
import * as Weight from "./Weight.ts"

type Changed = Extract<FactoryEvent.Fact, { readonly _tag: "PrefixChanged" }>

/** What a provider's cache compares. */
export interface Request {
  readonly model: Pick<Model.Model, "name" | "provider">
  readonly messages: ReadonlyArray<Prompt.Message>
  readonly tools: ReadonlyArray<Tool.Any>
}

/** Looks at one request after the other. */
export interface PrefixWatch {
  /** Before a request. `why`: somebody changes it on purpose. */
  readonly asked: (request: Request, why?: Changed["why"]) => Effect.Effect<void, Journal.JournalError, Journal.Journal>
  /** After its answer. */
  readonly answered: (usage: Usage.Usage) => Effect.Effect<void, Journal.JournalError, Journal.Journal>
}

/** Below so many tokens, providers cache nothing. */
const least = 1_024

/** How long a cache is kept at least, in milliseconds. */
const kept = 5 * 60_000

/** How many differences are named. */
const most = 10

/** Watches a conversation from here on. */
export const make = (transcript: Transcript.Transcript): PrefixWatch => {
  let before: Seen | undefined
  let isChanged = false
  let answer: { readonly usage: Usage.Usage; readonly at: number } | undefined
  // Another process asked the last one. Of that request, the model is known.
  const last = transcript.path.findLast(({ body }) => body._tag === "Answered")?.body
  const earlier = last?._tag === "Answered" ? last : undefined
  return {
    asked: Effect.fnUntraced(function* ({ messages, model, tools }) {
      const now: Seen = {
        model,
        messages,
        tools: tools.filter((tool) => !ToolLoading.isDeferred(tool)),
        length: transcript.path.length
      }
      const what = before === undefined ? handedOver(earlier, model) : compare(before, now)
      isChanged = what.length > 0
      if (isChanged) {
        yield* Journal.record({
          _tag: "PrefixChanged",
          model: model.name,
          what: what.slice(0, most).map(({ detail, part }) => ({ part, detail })),
          why: before === undefined ? "handover" : reason(transcript.path.slice(before.length)),
          lost: before === undefined ? (transcript.used?.tokens ?? 0) : lost(before, what)
        })
      }
      before = now
    }),
    answered: Effect.fnUntraced(function* (usage) {
      const at = yield* Clock.currentTimeMillis
      const earlier = answer
      answer = { usage, at }
      if (earlier === undefined || isChanged || before === undefined) return
      const total = whole(earlier.usage)
      // Whoever neither read nor wrote one has none that could be lost.
      const isHeld = earlier.usage.cacheRead + earlier.usage.cacheWrite > 0
      if (!isHeld || total < least || usage.cacheRead >= total / 2) return
      const age = at - earlier.at
      yield* Journal.record({
        _tag: "PrefixChanged",
        model: before.model.name,
        what: [
          {
            part: "provider",
            detail:
              `The prefix is the same, and of ${total} tokens of the request before only ${usage.cacheRead} came from the cache. ` +
              `The last answer was ${Math.round(age / 1_000)} s ago${age > kept ? ": the cache has expired" : ""}.`
          }
        ],
        why: null,
        lost: total - usage.cacheRead
      })
    })
  }
}

interface Seen extends Request {
  /** How many entries the conversation had. */
  readonly length: number
}

interface Difference {
  readonly part: Changed["what"][number]["part"]
  readonly detail: string
  /** The first message that differs. */
  readonly from: number
}

const whole = ({ cacheRead, cacheWrite, input }: Usage.Usage): number => input + cacheRead + cacheWrite

const handedOver = (
  earlier: { readonly model: string } | undefined,
  { name }: Request["model"]
): ReadonlyArray<Difference> =>
  earlier === undefined || earlier.model === name
    ? []
    : [{ part: "model", detail: `${earlier.model} gave the conversation to ${name}.`, from: 0 }]

/** What of the entries since was done on purpose. */
const reason = (since: Transcript.Transcript["path"]): Changed["why"] => {
  const last = since.findLast(({ body }) => body._tag === "Compacted" || body._tag === "Routed")?.body
  if (last?._tag === "Compacted") return "compaction"
  if (last?._tag !== "Routed") return null
  return escalations.has(last.why) ? "escalation" : "handover"
}

/** Reasons to want somebody stronger. */
const escalations = new Set<SessionEntry.Routing>(["FailedValidation", "DoomLoop", "Requested"])

const compare = (before: Seen, now: Seen): ReadonlyArray<Difference> => [
  ...(before.model.name === now.model.name && before.model.provider === now.model.provider
    ? []
    : [{ part: "model" as const, detail: `${before.model.name} became ${now.model.name}.`, from: 0 }]),
  ...compareTools(before.tools, now.tools),
  ...compareMessages(before.messages, now.messages)
]

const compareMessages = (
  before: ReadonlyArray<Prompt.Message>,
  now: ReadonlyArray<Prompt.Message>
): ReadonlyArray<Difference> => {
  let from = 0
  // Nearly always they are the same objects, and there may be thousands.
  while (from < before.length && before[from] === now[from]) from++
  while (from < before.length && isSame(before[from], now[from])) from++
  const message = before[from]
  if (message === undefined) return []
  if (from === 0 && message.role === "system") return [{ part: "system", detail: "The system prompt changed.", from }]
  const after = now[from]
  const how =
    after === undefined
      ? "is gone"
      : after.role === message.role
        ? "is another one"
        : `was of the role ${message.role}, and is one of ${after.role}`
  return [{ part: "messages", detail: `Message ${from + 1} of ${before.length} ${how}.`, from }]
}

const isSame = (a: Prompt.Message | undefined, b: Prompt.Message | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && written(a) === written(b))

const written = ({ content, options, role }: Prompt.Message): string => JSON.stringify([role, content, options])

const compareTools = (before: ReadonlyArray<Tool.Any>, now: ReadonlyArray<Tool.Any>): ReadonlyArray<Difference> => {
  if (before.length === now.length && before.every((tool, at) => isSameTool(tool, now[at]))) return []
  const here = new Map(now.map((tool) => [tool.name, tool]))
  const had = new Set(before.map(({ name }) => name))
  const said = (how: string) => (name: string) => ({ part: "tools" as const, detail: `${name} ${how}.`, from: 0 })
  const differences = [
    ...before.filter(({ name }) => !here.has(name)).map(({ name }) => said("left")(name)),
    ...now.filter(({ name }) => !had.has(name)).map(({ name }) => said("joined")(name)),
    ...before
      .filter((tool) => here.has(tool.name) && !isSameTool(tool, here.get(tool.name)))
      .map(({ name }) => said("changed")(name))
  ]
  return differences.length > 0
    ? differences
    : [{ part: "tools", detail: "They are the same, in another order.", from: 0 }]
}

const isSameTool = (a: Tool.Any, b: Tool.Any | undefined): boolean => {
  if (a === b) return true
  if (b === undefined || a.name !== b.name || Tool.getDescription(a) !== Tool.getDescription(b)) return false
  const [one, other] = [Tool.getJsonSchema(a), Tool.getJsonSchema(b)]
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

/** All that is behind the first difference, and no more than there was. */
const lost = ({ messages, tools }: Seen, what: ReadonlyArray<Difference>): number => {
  const from = Math.min(...what.map((difference) => difference.from))
  const isAll = what.some(({ part }) => part === "model" || part === "tools")
  return messages
    .slice(from)
    .reduce((sum, message) => sum + Weight.of(message), isAll ? ToolSession.estimate(tools) : 0)
}
