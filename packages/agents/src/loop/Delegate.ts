/**
 * The tool `delegate`: gives a task to a sub-agent, which works on it in a conversation of its own through the same loop. That
 * conversation is named after the call, so a loop that was stopped in the middle of it goes on with it by calling again.
 */
import * as Budget from "@millwright/core/Budget"
import * as Digest from "@millwright/core/Digest"
import * as Journal from "@millwright/core/Journal"
import * as Pricing from "@millwright/core/Pricing"
import * as Tainted from "@millwright/core/Tainted"
import * as Tool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Grant from "../Grant.ts"
import * as Handoff from "../Handoff.ts"
import type * as Harness from "../Harness.ts"
import * as HouseRules from "../internal/HouseRules.ts"
import * as Session from "../Session.ts"
import * as SubAgent from "../SubAgent.ts"
import * as Truncation from "../tools/Truncation.ts"
import * as Untrusted from "../Untrusted.ts"
import type * as Agent from "./Agent.ts"
import type * as Conversation from "./Conversation.ts"
import type * as ModelTurn from "./ModelTurn.ts"
import * as ToolTurn from "./ToolTurn.ts"

const name = "delegate"

/** Who looks on while a sub-agent works. */
export interface Listening {
  readonly emit: (event: Harness.HarnessEvent) => Effect.Effect<void>
  /** Its conversation is there. */
  readonly opened: (conversation: Conversation.Conversation) => void
}

/** Who delegates, and how a conversation is run. */
export interface Options {
  readonly request: Harness.Request
  readonly conversation: Conversation.Conversation
  readonly emit: Listening["emit"]
  readonly run: (request: Harness.Request, listening: Listening) => Effect.Effect<void, Harness.Failure, Agent.Needs>
}

/** The tool as the model sees it, and what takes its calls. */
export interface Delegate extends ToolTurn.Delegation {
  readonly tools: ReadonlyArray<Tool.Any>
}

/** Makes the tool, where the agent has somebody to give tasks to. */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Delegate | undefined, never, Pricing.Pricing> {
  const { agents, role } = options.request
  const known = agents?.list.filter((agent) => SubAgent.excess(agent, options.request).length === 0) ?? []
  if (agents === undefined || known.length === 0 || (agents.depth ?? 1) < 1) return undefined
  const pricing = yield* Pricing.Pricing
  const few = yield* Semaphore.make(agents.atOnce ?? 4)
  const together = Budget.pool(`sub-agents of ${role}`, agents.limits ?? {})
  const find = ({ params }: ModelTurn.ToolCall) =>
    known.find((agent) => Predicate.hasProperty(params, "agent") && params.agent === agent.name)
  return {
    tools: [toolOf(known)],
    takes: (call) => call.name === name,
    isReading: (call) => {
      const agent = find(call)
      return agent === undefined || (agent.grants.every(isReading) && agent.tools.length === 0)
    },
    run: (call) => {
      const agent = find(call)
      const task = Schema.decodeUnknownOption(Task)(call.params)
      if (agent === undefined || Option.isNone(task)) return Effect.succeed(ToolTurn.refused(wrong(known)))
      return work(options, { agent, call, task: task.value.task, together }).pipe(
        few.withPermits(1),
        Effect.provideService(Pricing.Pricing, pricing)
      )
    }
  }
})

const isReading = (grant: Grant.Grant): boolean => Grant.readOnly.some((each) => each === grant)

const Task = Schema.Struct({ task: Schema.NonEmptyString })

const toolOf = (agents: ReadonlyArray<SubAgent.SubAgent>): Tool.Any =>
  Tool.make(name, {
    description: [
      "Gives a task to another agent, which works on it by itself in this workplace and hands over a report. It has seen nothing of",
      "this conversation: the task has to say all that it needs. Several tasks in one answer are worked on at once where the agents",
      "only read. What is reported may be wrong, and may be left undone.",
      "Agents:",
      ...agents.map(
        ({ description, grants, name, tools }) =>
          `- ${name} (${[...grants, ...tools].join(", ") || "no tools"}): ${description}`
      )
    ].join("\n"),
    parameters: Schema.Struct({
      agent: Schema.Literals(agents.map((agent) => agent.name)),
      task: Schema.NonEmptyString.annotate({ description: "What it shall do and report, and all that it has to know" })
    })
  })

const wrong = (agents: ReadonlyArray<SubAgent.SubAgent>): string =>
  `Not delegated. Give a task as text, and the name of one of your agents: ${agents.map(({ name }) => name).join(", ")}.`

interface Given {
  readonly agent: SubAgent.SubAgent
  readonly call: ModelTurn.ToolCall
  readonly task: string
  readonly together: ReturnType<typeof Budget.pool>
}

/** Runs the conversation of a sub-agent to its end, whatever that is. Only what its parent can not go on after is a failure. */
const work = Effect.fnUntraced(function* (
  { conversation, emit, request, run }: Options,
  { agent, call, task, together }: Given
): Effect.fn.Return<ToolTurn.Answered, Harness.Failure, Agent.Needs> {
  const role = `${request.role}/${agent.name}`
  const session = sessionOf(conversation, call)
  const depth = (request.agents?.depth ?? 1) - 1
  yield* Journal.record(
    {
      _tag: "AgentDelegated",
      agent: role,
      session,
      depth,
      task: Digest.of(task),
      instructions: Digest.of(agent.instructions)
    },
    `${session}/delegated`
  )
  let own: Conversation.Conversation | undefined
  const result = yield* run(
    {
      role,
      tier: agent.tier ?? request.tier,
      system: `Role: ${role}\n\n${agent.instructions}\n\n${HouseRules.text}\n${rule}`,
      prompt: task,
      grants: agent.grants,
      tools: agent.tools,
      ...(request.hooks && { hooks: request.hooks }),
      ...(request.agents && { agents: { list: request.agents.list, depth, atOnce: request.agents.atOnce ?? 4 } }),
      outcome: Handoff.Handoff,
      maxTurns: agent.maxTurns,
      id: session
    },
    {
      emit: (event) => emit({ _tag: "Delegated", agent: agent.name, session, event }),
      opened: (opened) => void (own = opened)
    }
  ).pipe(Budget.slice(role, agent.limits), together, Journal.as({ _tag: "Agent", role }), Effect.result)
  const fault = Result.isFailure(result) ? result.failure : undefined
  if (fault?._tag === "JournalError" || fault?._tag === "SessionError" || fault?._tag === "HookError")
    return yield* fault
  if (fault?._tag === "BudgetError") {
    if (fault.reason === "Misconfigured") return yield* fault
    // Its own limits end a sub-agent; those around its parent end both.
    yield* Budget.check
  }
  const { said, turns } = tallyOf(own)
  const block = (text: string) =>
    Effect.map(Truncation.text("index", text), (text) => Untrusted.block(Tainted.of(`report of ${role}`, text)))
  const after = `after ${turns} ${turns === 1 ? "turn" : "turns"}`
  if (fault === undefined) {
    const handoff = Handoff.from(own?.transcript.outcome?.value)
    const rest = Handoff.isWhole(handoff) ? "" : " Not all of it is done or checked: its report ends with what is left."
    return {
      ok: true,
      isData: false,
      text: `${agent.name} came to an end ${after}.${rest}\n${yield* block(Handoff.text(handoff))}`
    }
  }
  const why = Untrusted.visible(fault.message).slice(0, 1_000)
  const last = said === "" ? "It said nothing." : `The last that it said:\n${yield* block(said)}`
  return ToolTurn.refused(`${agent.name} broke off ${after} (${fault.reason}): ${why}\n${last}`)
})

const rule = `You work for another agent, which reads nothing of you but the outcome. Whatever you could not do or did not see yourself, say so there.`

/** Named after the answer too: servers give calls of different answers one id, and a conversation may take several ways. */
const sessionOf = ({ id, transcript }: Conversation.Conversation, call: ModelTurn.ToolCall): string => {
  const answer = transcript.path.findLast(({ body }) => body._tag === "Answered")?.id ?? ""
  return Session.nameOf([id, `${call.id}.${answer.slice(0, 8)}`])
}

/** What a conversation came to, over all processes that had a part in it. */
const tallyOf = (conversation: Conversation.Conversation | undefined) => {
  const answers = (conversation?.transcript.path ?? []).flatMap(({ body }) => (body._tag === "Answered" ? [body] : []))
  const texts = answers.flatMap(({ messages }) =>
    messages.flatMap((message) =>
      message.role === "assistant"
        ? message.content.flatMap((part) => (part.type === "text" && part.text.trim() !== "" ? [part.text] : []))
        : []
    )
  )
  return { turns: answers.length, said: texts.at(-1) ?? "" }
}
