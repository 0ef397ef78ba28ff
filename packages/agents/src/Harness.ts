/**
 * A **harness** drives a model through turns and tools until it gives an outcome: our own loop, or a coding agent's CLI.
 *
 * An adapter gives one primitive: `run`. It answers with a stream of events and ends it with exactly one `Ended`. What
 * the agent wrote to the workspace is not in the events; the host reads that from git.
 */
import type * as Budget from "@millwright/core/Budget"
import * as Fault from "@millwright/core/Fault"
import type * as Journal from "@millwright/core/Journal"
import type * as Model from "@millwright/core/Model"
import type * as Router from "@millwright/core/Router"
import type * as Scorer from "@millwright/core/Scorer"
import type * as Usage from "@millwright/core/Usage"
import type { ToolScope } from "@millwright/context/ToolScope"
import * as Context from "effect/Context"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Grant from "./Grant.ts"
import * as Hook from "./Hook.ts"
import type { SessionError } from "./Session.ts"
import * as SubAgent from "./SubAgent.ts"

/** The harness can not go on. */
export class HarnessError extends Fault.Class<HarnessError>()("HarnessError", {
  /** The program of the coding agent is not installed, or is too old. */
  NotInstalled: false,
  /** More turns than the request allows, without an outcome. */
  TooManyTurns: false,
  /** The request has a scope of tools, and the harness no index to take them from. */
  NoToolIndex: false,
  /** The agent makes the same calls again and again, with the same results, after it was told so. */
  InACircle: false,
  /** The agent ended without an outcome. */
  NoOutcome: false,
  /** The request asks for what the harness can not do. */
  Unsupported: false,
  /** The request asks for more than whoever made it may have. */
  NotGranted: false,
  /** The sub-agents of the request can not be those of its role. */
  BadAgents: false,
  /** Whoever shall judge would have a model of the family of an author. */
  SameFamily: false,
  /** Whoever shall judge would go on with a conversation of an author. */
  SharedSession: false,
  /** The agent took longer in all than it may. */
  TimedOut: false,
  /** Whoever waited for the agent stopped it. Nobody gets this as an error; the journal says it of the agent. */
  Interrupted: true,
  /** The agent's program broke, or said what this package does not understand. */
  Broken: true
}) {}

/** A conversation that can be taken up again. `data` is the harness's own and JSON. */
export interface Session {
  readonly harness: string
  readonly data: unknown
}

/** One task for an agent. */
export interface Request {
  readonly role: string
  readonly tier: Model.Tier
  /** Who the agent is and how it works. Stable from run to run, so that a provider can cache it. */
  readonly system: string
  /** The task. Untrusted text in it is already inside delimited data blocks. */
  readonly prompt: string
  /** What the agent may do. Checked when a tool is called, not only when it is offered. */
  readonly grants: ReadonlyArray<Grant.Grant>
  /** What of the tool index the agent may see and call. Left out: nothing. Checked at each call as well. */
  readonly tools?: ToolScope
  /** Whom the agent may give tasks to. None of them may do more than it may itself. */
  readonly agents?: SubAgent.Agents
  /** What has a say at the calls of its tools, and at those of its sub-agents, in order. */
  readonly hooks?: ReadonlyArray<Pick<Hook.Anywhere, "name" | "time" | keyof Hook.AtTools>>
  /** The shape that the agent has to answer in. */
  readonly outcome: Schema.Codec<unknown, unknown>
  readonly maxTurns: number
  /** Goes on with an earlier conversation instead of a new one. */
  readonly session?: Session
  /**
   * The name of the conversation, for a harness that keeps conversations. One of this name that was asked for the same and broke
   * off is gone on with where it was; one that has ended answers with its outcome, and no model is called.
   */
  readonly id?: string
  /** The conversation of this name has to be there, and asked for the same: no other one is begun in its place. */
  readonly resumeOnly?: boolean
  /** What is said to the agent when it gives its outcome, one after the other: to go over its own work again, say. The last outcome counts. */
  readonly followUps?: ReadonlyArray<string>
}

/** What an agent does while it works. */
export type HarnessEvent =
  /** The first event of a harness that keeps conversations. */
  | { readonly _tag: "Began"; readonly session: string; readonly isResumed: boolean }
  | { readonly _tag: "Text"; readonly text: string }
  | { readonly _tag: "ToolStarted"; readonly tool: string; readonly summary: string }
  | { readonly _tag: "ToolEnded"; readonly tool: string; readonly ok: boolean }
  | { readonly _tag: "Turn"; readonly number: number; readonly usage: Usage.Usage }
  /** What a sub-agent does, in its own conversation. */
  | {
      readonly _tag: "Delegated"
      readonly agent: string
      readonly session: string
      readonly event: HarnessEvent
    }
  /** The last event. `outcome` is what the agent answered, not yet decoded. */
  | { readonly _tag: "Ended"; readonly outcome: unknown; readonly session: Session }

/** Everything that can end a harness before there is an outcome. */
export type Failure =
  | HarnessError
  | Hook.HookError
  | SessionError
  | Model.ModelError
  | Budget.BudgetError
  | Journal.JournalError
  | Router.RouteError
  | Scorer.ScorerError

/** What a harness needs around it: a place to work in. */
export type Workplace = ChildProcessSpawner | FileSystem.FileSystem | Path.Path

/** What a harness can do beyond a conversation with tools. */
export interface Supports {
  /** Its agents can give tasks to sub-agents. */
  readonly subAgents: boolean
  /** It keeps conversations, so that one that broke off is gone on with by its name. */
  readonly sessions: boolean
  /** Its calls of tools go by the hooks of a request. */
  readonly toolHooks: boolean
}

/** What an adapter gives. */
export interface Primitive {
  readonly name: string
  readonly supports: Supports
  readonly run: (request: Request) => Stream.Stream<HarnessEvent, Failure, Workplace>
}

/** Drives a model through turns and tools. */
export class Harness extends Context.Service<Harness, Primitive>()("@millwright/agents/Harness") {}

/** Derives a harness: a request that it can not do, or that gives a sub-agent more than its role has, is refused at once. */
export const make = (primitive: Primitive): Harness["Service"] =>
  Harness.of({
    ...primitive,
    run: (request) => {
      const error = refusal(primitive, request)
      return error === undefined ? primitive.run(request) : Stream.fail(error)
    }
  })

const refusal = ({ name, supports }: Primitive, request: Request): HarnessError | undefined => {
  if (request.resumeOnly === true && !supports.sessions) {
    return new HarnessError({
      reason: "Unsupported",
      message:
        `The role ${request.role} shall go on with the conversation ${request.id}, and the harness ${name} keeps none. ` +
        `Provide the store to the layer of the loop that the conversation is in, as FileSessions.layer does.`
    })
  }
  if (Hook.atTools(request.hooks ?? []) && !supports.toolHooks) {
    const names = request.hooks?.filter((hook) => Hook.atTools([hook])).map((hook) => hook.name)
    return new HarnessError({
      reason: "Unsupported",
      message:
        `The role ${request.role} has hooks at its tools (${names?.join(", ")}), and the harness ${name} asks nobody before it calls one. ` +
        `Take LoopHarness, or hooks at the request, the outcome and the end.`
    })
  }
  if (request.agents === undefined) return undefined
  if (!supports.subAgents) {
    return new HarnessError({
      reason: "Unsupported",
      message: `The role ${request.role} has sub-agents, and the harness ${name} can not run any. Take LoopHarness, or leave them out.`
    })
  }
  const message = SubAgent.problem(request.agents, request)
  return message === undefined
    ? undefined
    : new HarnessError({ reason: "BadAgents", message: `The role ${request.role}: ${message}` })
}
