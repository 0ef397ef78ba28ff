/**
 * The **transcript**: what a session comes to, entry by entry: the messages that a model is shown, the calls that wait for
 * a result, and where the loop stands. It is a fold, so a loop that takes a session up knows all that the one before it knew.
 */
import type * as SavedTools from "@millwright/context/SavedTools"
import type * as RouteDecision from "@millwright/core/RouteDecision"
import * as Usage from "@millwright/core/Usage"
import * as Prompt from "effect/ai/Prompt"
import type * as SessionEntry from "../SessionEntry.ts"
import type * as ModelTurn from "./ModelTurn.ts"
import * as Repetition from "./Repetition.ts"

/** A call of the last answer, and how far it got. */
export interface Call extends ModelTurn.ToolCall {
  /** It may have changed something. */
  isBegun: boolean
  part: Prompt.ToolResultPart | undefined
}

/** A message, and how many entries there were with the one that it is of. */
export interface Item {
  readonly at: number
  readonly message: Prompt.Message
  /** It says what is to be done, so it outlives every summary. */
  readonly isInstruction: boolean
}

/** What a session comes to. It grows with {@link take}. */
export interface Transcript {
  readonly path: Array<SessionEntry.SessionEntry>
  items: Array<Item>
  /** The calls of the last answer, until each of them has its result. */
  calls: ReadonlyArray<Call>
  /** What was said while calls were open. It stands behind their results. */
  waiting: Array<Item>
  /** Answers since the last task. */
  turns: number
  /** The last answer, if nothing was said since. */
  answer: { readonly isCut: boolean; readonly isSilent: boolean } | undefined
  /** All tokens of the last answer and of what it answers, and how many entries there were with it; unless it was compacted since. */
  used: { readonly tokens: number; readonly at: number } | undefined
  /** How often the conversation was compacted since the last answer. */
  compactions: number
  steps: ReadonlyArray<Repetition.Step>
  isReminded: boolean
  isWarned: boolean
  outcome: { readonly value: unknown } | undefined
  tools: SavedTools.Saved | undefined
  /** The name of the model that has the conversation, and of the candidate that it is, where somebody chose it. */
  model: string | undefined
  candidate: string | undefined
  hasStronger: boolean
  /** What speaks against those who had it, and who of them did not answer since the last answer. */
  evidence: ReadonlyArray<RouteDecision.Evidence>
  failed: ReadonlyArray<string>
  /** Ids of all calls: no two may have one. */
  readonly ids: Set<string>
  /** How many follow-ups of requests were said. */
  followUps: number
  /** What of the journal was said here, by its place there. */
  readonly prompts: Set<number>
}

/** Nothing was said yet. */
export const make = (): Transcript => ({
  path: [],
  items: [],
  calls: [],
  waiting: [],
  turns: 0,
  answer: undefined,
  used: undefined,
  compactions: 0,
  steps: [],
  isReminded: false,
  isWarned: false,
  outcome: undefined,
  tools: undefined,
  model: undefined,
  candidate: undefined,
  hasStronger: false,
  evidence: [],
  failed: [],
  ids: new Set(),
  followUps: 0,
  prompts: new Set()
})

/** What entries come to. */
export const of = (entries: ReadonlyArray<SessionEntry.SessionEntry>): Transcript => {
  const transcript = make()
  for (const entry of entries) take(transcript, entry)
  return transcript
}

const shown = new WeakMap<ReadonlyArray<Item>, Prompt.Prompt>()

/** What a model is shown. It is asked for several times in a turn, and what is new of it is added; items only join. */
export const prompt = ({ items }: Transcript): Prompt.Prompt => {
  const before = shown.get(items) ?? Prompt.empty
  const { length } = before.content
  if (length === items.length) return before
  const made = Prompt.fromMessages([...before.content, ...items.slice(length).map(({ message }) => message)])
  shown.set(items, made)
  return made
}

/** The role that it was begun with. */
export const roleOf = ({ path }: Transcript): string | undefined => {
  const root = path[0]?.body
  return root?._tag === "Opened" ? root.role : undefined
}

/** The calls that have no result yet. */
export const open = ({ calls }: Transcript): ReadonlyArray<Call> => calls.filter(({ part }) => part === undefined)

/** Takes the next entry. */
export const take = (transcript: Transcript, entry: SessionEntry.SessionEntry): void => {
  transcript.path.push(entry)
  const at = transcript.path.length
  const { body } = entry
  switch (body._tag) {
    case "Opened":
      transcript.items.push({ at, message: Prompt.systemMessage({ content: body.system }), isInstruction: true })
      return
    case "Said":
      return said(transcript, { at, message: body.message, isInstruction: isInstruction(body.by) }, body)
    case "Answered":
      return answered(transcript, { ...body, at })
    case "Begun":
      for (const call of transcript.calls) if (call.id === body.call) call.isBegun = true
      return
    case "Returned":
      for (const call of transcript.calls) if (call.id === body.part.id) call.part ??= body.part
      return close(transcript)
    case "Tooled":
      transcript.tools = body.tools
      return
    case "Compacted":
      return compacted(transcript, body)
    case "Routed":
      return routed(transcript, body)
    case "Ended":
      transcript.outcome = { value: body.outcome }
      for (const call of transcript.calls) call.part ??= received(call)
      return close(transcript)
  }
}

const isInstruction = (by: SessionEntry.Speaker): boolean => by === "task" || by === "steer" || by === "follow-up"

type Of<Tag extends SessionEntry.Body["_tag"]> = Extract<SessionEntry.Body, { readonly _tag: Tag }>

const said = (transcript: Transcript, item: Item, { by, prompt }: Of<"Said">): void => {
  if (prompt !== undefined) transcript.prompts.add(prompt)
  if (by === "task") transcript.turns = 0
  if (by === "follow-up" && prompt === undefined) transcript.followUps++
  if (isInstruction(by)) {
    transcript.isReminded = false
    transcript.isWarned = false
    transcript.outcome = undefined
  }
  if (by === "reminder") transcript.isReminded = true
  if (by === "warning") transcript.isWarned = true
  if (by !== "reminder" && by !== "notice") transcript.steps = []
  if (open(transcript).length > 0) return void transcript.waiting.push(item)
  transcript.items.push(item)
  transcript.answer = undefined
}

const nothing = Prompt.assistantMessage({ content: [] })

const answered = (
  transcript: Transcript,
  { at, isCut, messages, model, usage }: Of<"Answered"> & { readonly at: number }
) => {
  givenTo(transcript, model)
  transcript.turns++
  transcript.failed = []
  transcript.calls = messages.flatMap((message) =>
    message.role !== "assistant"
      ? []
      : message.content.flatMap((part): ReadonlyArray<Call> =>
          part.type === "tool-call" && !part.providerExecuted
            ? [{ id: part.id, name: part.name, params: part.params, isBegun: false, part: undefined }]
            : []
        )
  )
  for (const { id } of transcript.calls) transcript.ids.add(id)
  // An answer without a word is one: what is said next stands behind it.
  for (const message of messages.length === 0 ? [nothing] : messages) {
    transcript.items.push({ at, message, isInstruction: false })
  }
  transcript.answer = { isCut, isSilent: transcript.calls.length === 0 }
  transcript.used = { tokens: Usage.total(usage), at }
  transcript.compactions = 0
}

/** When the last call has its result, all of them are one message, in the order of the calls. */
const close = (transcript: Transcript): void => {
  const { calls, path } = transcript
  const parts = calls.flatMap(({ part }) => (part === undefined ? [] : [part]))
  if (calls.length === 0 || parts.length < calls.length) return
  transcript.items.push(
    { at: path.length, message: Prompt.toolMessage({ content: parts }), isInstruction: false },
    ...transcript.waiting
  )
  transcript.waiting = []
  transcript.steps = Repetition.after(transcript.steps, calls)
  transcript.calls = []
}

/** The summary stands where what it is about ended: a later one, of whatever follows, is in its place as well. */
const compacted = (transcript: Transcript, { joined = [], kept, summary }: Of<"Compacted">): void => {
  const { items, path } = transcript
  const until = kept === null ? path.length : path.findIndex(({ id }) => id === kept) + 1
  transcript.items = [
    ...items.filter((item) => item.isInstruction && item.at <= until),
    ...[summary, ...joined].map((message) => ({ at: until, message, isInstruction: false })),
    ...items.filter((item) => item.at > until)
  ]
  forget(transcript)
  transcript.answer = undefined
  transcript.used = undefined
  transcript.compactions++
}

const routed = (transcript: Transcript, { candidate, hasStronger, why }: Of<"Routed">): void => {
  const { candidate: before } = transcript
  transcript.candidate = candidate
  transcript.hasStronger = hasStronger
  if (before === candidate) return
  forget(transcript)
  afresh(transcript)
  if (before === undefined) return
  if (why === "Failed") transcript.failed = [...transcript.failed, before]
  if (why === "FailedValidation" || why === "DoomLoop" || why === "Requested") {
    transcript.evidence = [...transcript.evidence, { kind: why, candidate: before }]
  }
}

/** Another model has the conversation, which nobody has to have chosen: its tier may have been given another one. */
export const givenTo = (transcript: Transcript, model: string): void => {
  if (transcript.model !== undefined && transcript.model !== model) forget(transcript)
  transcript.model = model
}

/**
 * What a model thought is bound to it and to all that stood before it, the tools included: Anthropic refuses it behind
 * anything else. No cache is lost by leaving it out, since what stands before it is new to the cache as well.
 */
export const forget = (transcript: Transcript): void => {
  transcript.items = transcript.items.map((item) => ({ ...item, message: withoutReasoning(item.message) }))
}

/** Somebody goes on with it: what was held against whoever had it before does not end it at once. */
export const afresh = (transcript: Transcript): void => {
  transcript.steps = []
  transcript.isWarned = false
  transcript.isReminded = false
}

const withoutReasoning = (message: Prompt.Message): Prompt.Message =>
  message.role === "assistant" && message.content.some(({ type }) => type === "reasoning")
    ? Prompt.assistantMessage({
        content: message.content.filter(({ type }) => type !== "reasoning"),
        options: message.options
      })
    : message

/** The result of the call that an outcome was given with. */
const received = ({ id, name }: Call): Prompt.ToolResultPart =>
  Prompt.toolResultPart({ id, name, isFailure: false, result: "Received.", providerExecuted: false })
