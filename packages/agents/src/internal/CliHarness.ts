/**
 * What every coding agent's program has around it as a harness: its limits, the tools that the role may find, the facts that it
 * began and ended, and the words for an end that is none.
 */
import * as ToolIndex from "@millwright/context/ToolIndex"
import * as ToolServer from "@millwright/context/ToolServer"
import * as Budget from "@millwright/core/Budget"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import * as Pricing from "@millwright/core/Pricing"
import * as Redaction from "@millwright/core/Redaction"
import * as Tainted from "@millwright/core/Tainted"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Queue from "effect/Queue"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import * as Harness from "../Harness.ts"
import * as Telemetry from "../loop/Telemetry.ts"
import * as Untrusted from "../Untrusted.ts"
import * as CliAgent from "./CliAgent.ts"

/** What can be said of every program. */
export interface Options {
  /** A loopback server answers in the place of the provider. */
  readonly rehearsed?: boolean
  /** The program. Default: by its usual name, as it is found where the agent works. */
  readonly command?: string
  /** Variables of the workplace's environment that it may see, beside those that programs need to find each other. */
  readonly inherit?: ReadonlyArray<string>
  /** How long it may say nothing, while its tools run too, until it is ended. Default: 20 minutes. */
  readonly silence?: Duration.Input
  /** How long all of it may take. Default: no limit. */
  readonly total?: Duration.Input
  /** All that it may say in one run, in bytes. Default: 256 MiB. */
  readonly outputBytes?: number
}

/** The longest line that is read, in bytes: what a tool said is one. */
const longestLine = 32 * 1024 * 1024

/** The limits of a program. */
export const limits = ({ outputBytes = 256 * 1024 ** 2, silence = "20 minutes" }: Options): CliAgent.Limits => ({
  silence: Duration.toMillis(silence),
  line: longestLine,
  output: outputBytes
})

/** What a run of a program has around it. */
export interface Around {
  /** Its conversation in the journal. */
  readonly id: string
  /** Serves what the role may find of the tool index, over MCP, to whoever `send` reaches. `undefined`: it may find nothing. */
  readonly tools: ((send: Send) => ReturnType<ToolServer.ToolServer["Service"]["connect"]>) | undefined
  readonly emit: (event: Harness.HarnessEvent) => Effect.Effect<void>
}

type Send = (message: unknown) => Effect.Effect<void>
type Needs = Harness.Workplace | Journal.Journal | Pricing.Pricing | Scope.Scope

/** How a harness is called: in facts and sessions, and by people. */
export interface Named {
  readonly name: string
  readonly title: string
  /** What pays: it is in none of its facts, whatever its tools and its model saw of it. */
  readonly keys: ReadonlyArray<Redacted.Redacted<string> | undefined>
}

/** The harness of a program. `work` emits `Ended` last. */
export const layer = (
  { keys, name, title }: Named,
  options: Options,
  work: (request: Harness.Request, around: Around) => Effect.Effect<void, Harness.Failure, Needs>
): Layer.Layer<Harness.Harness, never, Pricing.Pricing | Journal.Journal> =>
  Layer.effect(
    Harness.Harness,
    Effect.gen(function* () {
      // Only these: everything else, the workplace above all, is that of each call and never that of this layer.
      const services = Context.make(Pricing.Pricing, yield* Pricing.Pricing).pipe(
        Context.add(Journal.Journal, yield* Journal.Journal)
      )
      const index = Option.getOrUndefined(yield* Effect.serviceOption(ToolIndex.ToolIndex))
      const server = Option.getOrUndefined(yield* Effect.serviceOption(ToolServer.ToolServer))
      const run = Effect.fnUntraced(function* (
        request: Harness.Request,
        emit: Around["emit"]
      ): Effect.fn.Return<void, Harness.Failure, Needs> {
        yield* Budget.check
        const tools = yield* served(request, { index, server, title })
        const id = randomUUID()
        yield* Telemetry.conversation(id)
        yield* Effect.acquireRelease(
          Journal.record({ _tag: "AgentStarted", role: request.role, session: id, resumed: false }),
          (_, exit) => {
            const fault = Exit.isSuccess(exit) ? null : Fault.record(why(request, exit.cause))
            return Effect.ignore(Journal.record({ _tag: "AgentEnded", session: id, fault }))
          }
        )
        yield* limited(work(request, { id, tools, emit }), request, options)
      }, Effect.scoped)
      return Harness.make({
        name,
        supports: { subAgents: false, sessions: false, toolHooks: false },
        run: (request) =>
          Stream.callback<Harness.HarnessEvent, Harness.Failure, Harness.Workplace>((queue) =>
            run(request, (event) => Effect.asVoid(Queue.offer(queue, event))).pipe(
              Telemetry.agent(request),
              Effect.andThen(Queue.end(queue)),
              Effect.updateService(Redaction.Secrets, (known) => [...known, ...keys.filter(Predicate.isNotUndefined)]),
              Effect.provideContext(services)
            )
          )
      })
    })
  )

/** A program that ended, and did not say how its work ended. `errors` is the last that it said of it, without secrets. */
export const speechless = (
  title: string,
  { role }: Harness.Request,
  { code, errors }: Pick<CliAgent.End, "code" | "errors">
): Harness.HarnessError =>
  CliAgent.broken(
    { name: title },
    `ended${code === undefined ? "" : ` with code ${code}`} in the role ${role}, and did not say how its work ended. ` +
      `${errors.slice(-600)} Try again; where it happens again, update it, or this package.`
  )

/** Why an agent stopped. To be stopped is no defect. */
const why = ({ role }: Harness.Request, cause: Cause.Cause<unknown>): unknown =>
  Cause.hasInterruptsOnly(cause)
    ? new Harness.HarnessError({
        reason: "Interrupted",
        message: `The role ${role} was stopped by whoever waited for it. It begins anew when it is run again.`
      })
    : Cause.squash(cause)

const limited = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  { role }: Harness.Request,
  { total }: Options
): Effect.Effect<A, E | Harness.HarnessError, R> =>
  total === undefined
    ? effect
    : Effect.timeoutOrElse(effect, {
        duration: total,
        orElse: () =>
          new Harness.HarnessError({
            reason: "TimedOut",
            message: `The role ${role} took longer than ${Duration.format(Duration.fromInputUnsafe(total))}. Give it more time, or a smaller task.`
          })
      })

interface Serving {
  readonly index: ToolIndex.ToolIndex | undefined
  readonly server: ToolServer.ToolServer["Service"] | undefined
  readonly title: string
}

/** How the tools that the role may find are served to it. */
const served = Effect.fnUntraced(function* (
  { role, tools: scope = [] }: Harness.Request,
  { index, server, title }: Serving
) {
  if (scope.length === 0) return undefined
  if (index === undefined || server === undefined) {
    return yield* new Harness.HarnessError({
      reason: "NoToolIndex",
      message: `The role ${role} may use ${scope.join(", ")}, and there is no tool ${index === undefined ? "index" : "server"}. Provide SourceIndex.layer([…]) and McpToolServer.layer to the layer of ${title}.`
    })
  }
  return (send: Send) => server.connect(index.within(scope), { send: (message) => send(asData(message)) })
})

/**
 * What a server says of itself at first is put into the system prompt by programs, and names tools and servers as strangers wrote
 * them: it is data there too.
 */
const asData = (message: unknown): unknown => {
  const result = Predicate.hasProperty(message, "result") ? message.result : undefined
  if (!Predicate.hasProperty(result, "instructions") || !Predicate.isString(result.instructions)) return message
  return { ...Object(message), result: { ...Object(result), instructions: block(result.instructions) } }
}

/** A program may cut behind this many characters, and a block that is cut has no end. */
const mostInstructions = 2048

const block = (text: string): string => {
  const whole = Untrusted.block(Tainted.of("tool server", text))
  const over = whole.length - mostInstructions
  if (over <= 0) return whole
  const most = Math.max(0, text.length - over)
  const line = text.lastIndexOf("\n", most)
  return block(text.slice(0, line > 0 ? line : most))
}
