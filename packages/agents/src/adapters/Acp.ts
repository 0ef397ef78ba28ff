/**
 * Any coding agent that speaks the **Agent Client Protocol** as a harness: its program, without a terminal, in the workplace of the
 * call, with JSON-RPC over its input and output (`@agentclientprotocol/sdk`).
 *
 * - What the agent asks for is answered at once, by the grants of the role: nobody is asked. Files and commands that it leaves to us
 *   are those of the workplace, inside of the workspace, and only offered as far as they are granted.
 * - What it does **without asking** only its own settings and its sandbox hold. So a role that may not do everything runs only on an
 *   agent of which `asks` says that it asks for what the role may not do.
 * - The outcome and the tool index are MCP servers that the agent starts: a few lines of shell that carry the messages through the
 *   folder of the run. They need no network, and work in any sandbox.
 * - Its temporary files, and those of its tools, are in a folder of the run, and go with it.
 * - What it used is billed as it says it; where it says nothing the cost is unknown, never zero.
 */
import type * as Journal from "@millwright/core/Journal"
import type * as Model from "@millwright/core/Model"
import type * as Pricing from "@millwright/core/Pricing"
import * as Redaction from "@millwright/core/Redaction"
import * as Tool from "effect/ai/Tool"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Grant from "../Grant.ts"
import type * as Harness from "../Harness.ts"
import * as AcpAnswer from "../internal/AcpAnswer.ts"
import * as AcpBridge from "../internal/AcpBridge.ts"
import * as AcpConnection from "../internal/AcpConnection.ts"
import * as AcpConversation from "../internal/AcpConversation.ts"
import * as AcpFault from "../internal/AcpFault.ts"
import * as AcpFiles from "../internal/AcpFiles.ts"
import * as AcpOutcome from "../internal/AcpOutcome.ts"
import * as AcpSession from "../internal/AcpSession.ts"
import * as AcpTerminals from "../internal/AcpTerminals.ts"
import * as AcpTools from "../internal/AcpTools.ts"
import * as CliAgent from "../internal/CliAgent.ts"
import * as CliHarness from "../internal/CliHarness.ts"
import * as CliReport from "../internal/CliReport.ts"
import * as RunFolder from "../internal/RunFolder.ts"

/** Which program, what it can be relied on for, and who pays. */
export interface Options extends CliHarness.Options {
  /** What the agent is called, in facts, sessions and messages: `gemini`, say. */
  readonly name: string
  /** The program, as it is found where the agent works. */
  readonly command: string
  /** Its arguments, with those that make it speak ACP. */
  readonly args?: ReadonlyArray<string>
  /** How it is installed, as a sentence. */
  readonly install?: string
  /**
   * What the agent, as it is set up, never does without asking, or can not do at all. Default: nothing. A role that lacks a grant
   * which is not named here is refused with `Unsupported`.
   */
  readonly asks?: ReadonlyArray<Grant.Grant>
  /** Variables of its environment. Nothing of it is secret: it stands in the list of processes. */
  readonly env?: Readonly<Record<string, string>>
  /** The key that pays, and the variable in which the program looks for it. Its tools see that too, unless it hides it from them. */
  readonly key?: { readonly variable: string; readonly value: Redacted.Redacted<string> } | undefined
  /** The model for each tier, by the name that the agent has for it. Default: the agent's own. */
  readonly models?: Readonly<Record<Model.Tier, string>>
  /** The mode that sessions work in, by the agent's name for it: one that asks. Default: the agent's own. */
  readonly mode?: string
  /** What only this agent understands, as `_meta` of its session: to take tools away that are not granted, say. */
  readonly meta?: (request: Harness.Request) => Readonly<Record<string, unknown>>
  /** By whose prices tokens are priced. Default: the agent's name, of which no prices are known. */
  readonly provider?: string
  /** Who pays. Default: a key. */
  readonly paidBy?: "key" | "subscription"
}

/** An agent that speaks ACP. Roles with a scope of tools need a `ToolIndex` and a `ToolServer` around it. */
export const layer = (options: Options): Layer.Layer<Harness.Harness, never, Pricing.Pricing | Journal.Journal> =>
  CliHarness.layer(
    { name: harness(options), title: options.name, keys: [options.key?.value] },
    options,
    (request, around) => work(request, { options, ...around })
  )

const harness = ({ name }: Options): string => `acp/${name}`

interface Around extends CliHarness.Around {
  readonly options: Options
}

/** How long a program may take to end when its work is done, and when it was told to stop. */
const farewell = "2 seconds"

const work = Effect.fnUntraced(function* (request: Harness.Request, { emit, id, options, tools }: Around) {
  const { asks = [], models, name: title, paidBy = "key", provider = title, rehearsed = false } = options
  const { grants, role } = request
  const missing = Grant.all.filter((grant) => !grants.includes(grant) && !asks.includes(grant))
  if (missing.length > 0) return yield* AcpFault.unconfined(missing, { role, title })
  const earlier = yield* AcpSession.earlier(request.session, harness(options))
  const model = models?.[request.tier]
  const secrets = yield* Redaction.Secrets
  const run = { title, role, model: model ?? title, maxTurns: request.maxTurns, secrets }

  const folder = yield* RunFolder.make("acp", title)
  const schema = Tool.getJsonSchema(outcomeTool(request.outcome))
  const outcome = AcpOutcome.make(schema)
  const bridge = yield* AcpBridge.make({
    [AcpTools.servers.outcome]: outcome.serve,
    ...(tools !== undefined && { [AcpTools.servers.index]: tools })
  })
  const conversation = AcpConversation.make({
    run,
    grants,
    emit,
    report: CliReport.make({ provider, rehearsed, paidBy }, id, emit),
    isContinued: earlier !== undefined,
    isGiven: outcome.isGiven
  })
  const connection = yield* AcpConnection.make({
    permission: conversation.permission,
    files: AcpFiles.make(grants),
    terminals: grants.includes("bash") ? yield* AcpTerminals.make() : undefined
  })

  const failed = yield* Deferred.make<never, AcpConversation.Failure>()
  const opened = yield* Deferred.make<CliAgent.Talk>()
  const program = yield* Effect.forkScoped(
    CliAgent.run(programOf(options, { secrets, temporary: folder.path }), {
      begin: (talk) => Effect.andThen(connection.open(talk), Deferred.succeed(opened, talk)),
      hear: (message) =>
        Effect.flatMap(
          Effect.catch(conversation.hear(message), (error) => Effect.as(Deferred.fail(failed, error), true)),
          (isHeard) => (isHeard ? Effect.void : connection.hear(message))
        )
    })
  )

  /** Why its program ended, once it did. */
  const over = Effect.match(Fiber.join(program), {
    onFailure: (fault) => fault,
    onSuccess: (end) => CliHarness.speechless(title, request, end)
  })
  const ask: AcpConnection.AcpConnection["ask"] = (schema, method, params) =>
    Effect.raceFirst(
      connection.ask(schema, method, params),
      Effect.flatMap(over, (fault) => Effect.fail({ code: 0, message: fault.message, fault }))
    )

  const told = Effect.fnUntraced(function* (session: string, text: string) {
    yield* conversation.begin(session)
    const asked = yield* Effect.forkChild(
      ask(AcpAnswer.Done, "session/prompt", { sessionId: session, prompt: [{ type: "text", text }] })
    )
    // Who is told to stop says what it used until then.
    const stop = conversation.cancel.pipe(
      Effect.andThen(connection.tell("session/cancel", { sessionId: session })),
      Effect.andThen(
        // A fiber of its own: this one is being interrupted.
        Effect.forkChild(Effect.timeout(Fiber.join(asked), farewell))
      ),
      Effect.flatMap(Fiber.join),
      Effect.flatMap(({ usage }) => conversation.end(AcpAnswer.tokens(usage))),
      Effect.ignore
    )
    const { stopReason, usage } = yield* Fiber.join(asked).pipe(
      Effect.mapError((refusal) => AcpFault.refused(refusal, "do its work", run)),
      Effect.tapError((fault) => (fault._tag === "ModelError" ? conversation.close(fault) : Effect.void)),
      Effect.onInterrupt(() => stop)
    )
    const said = yield* conversation.end(AcpAnswer.tokens(usage))
    return { stopReason, outcome: outcome.take(said) }
  })

  /** Says something, and once more that there has to be an outcome. */
  const prompted = Effect.fnUntraced(function* (session: string, text: string) {
    const first = yield* told(session, text)
    if (tools !== undefined && !bridge.isUsed()) {
      return yield* AcpFault.unsupported(
        "it does not start the MCP servers that it is given, and so has no tool index.",
        run
      )
    }
    if (first.outcome !== undefined) return first.outcome
    if (first.stopReason === "max_turn_requests") return yield* AcpFault.tooManyTurns(run)
    const second = yield* told(session, AcpOutcome.reminder(schema))
    return second.outcome ?? (yield* AcpFault.noOutcome(second.stopReason, run))
  })

  const drive = Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const session = yield* AcpSession.open(
      { ask, capabilities: connection.capabilities },
      {
        cwd: yield* Effect.mapError(fs.realPath("."), ({ message }) =>
          CliAgent.broken({ name: title }, `has no place: ${message}`)
        ),
        mcpServers: bridge.servers,
        system: `${request.system}\n\n${naming}`,
        meta: options.meta?.(request),
        model,
        mode: options.mode,
        earlier
      },
      run
    )
    let last: unknown
    const prompts = [request.prompt, ...(request.followUps ?? [])]
    for (const [index, prompt] of prompts.entries()) {
      const preface = index === 0 && session.preface !== undefined ? `${session.preface}\n\n` : ""
      const { value } = yield* prompted(session.id, plain(`${preface}${prompt}`))
      last = value
    }
    return { outcome: last, session: { harness: harness(options), data: { id: session.id } } }
  })

  const talk = yield* Effect.raceFirst(Deferred.await(opened), Effect.flatMap(over, Effect.fail))
  const result = yield* drive.pipe(Effect.raceFirst(Deferred.await(failed)), Effect.ensuring(conversation.close()))
  yield* talk.close
  yield* Effect.timeoutOption(Fiber.await(program), farewell)
  yield* emit({ _tag: "Ended", ...result })
})

/** It finds the tool of the outcome at a server. */
const naming = `What is called the \`outcome\` tool is the tool \`outcome\` of the MCP server \`${AcpTools.servers.outcome}\` here. If you have no such tool, end your last answer with a block that begins with \`\`\`json and holds the object that you would give to it.`

const outcomeTool = (outcome: Harness.Request["outcome"]) =>
  Tool.make("outcome", { parameters: Schema.Struct({ outcome }) })

/** What begins with a slash is a command to most agents, and what stands in a task is for the model. */
const plain = (text: string): string => (text.trimStart().startsWith("/") ? `Your task:\n${text}` : text)

interface Start extends Pick<CliAgent.Program, "secrets"> {
  /** The folder for what it and its tools put down for a while. */
  readonly temporary: string
}

const programOf = (options: Options, { secrets, temporary }: Start): CliAgent.Program => {
  const { args = [], command, env = {}, inherit = [], install, key, name } = options
  return {
    name,
    install: install ?? `Install it, or say in \`command\` where it is.`,
    command,
    args,
    env: { TMPDIR: temporary, ...env },
    inherit,
    key: key?.value,
    keyVariable: key?.variable,
    secrets,
    limits: CliHarness.limits(options)
  }
}
