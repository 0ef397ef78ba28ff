/**
 * **Claude Code** as a harness: the program of `@anthropic-ai/claude-code`, without a terminal, in the workplace of the call.
 *
 * - What the role may do is decided before it starts: only the tools of its grants exist, files are confined to the workspace,
 *   and what is not allowed is refused. Nobody is asked.
 * - It reads no settings, memories, hooks, skills or `CLAUDE.md` of whoever's machine or repository it works on.
 * - Its key comes over its input, so neither its tools nor the list of processes show it.
 * - The tool index reaches it through its own input and output (`ToolServer`): it needs no way to us.
 * - It has a folder of its own for each run, which is gone afterwards; a session to go on with holds the conversation itself.
 *
 * What it has to be able to reach is the provider. Its programs have no more walls around them than its workplace has.
 */
import * as ToolIndex from "@millwright/context/ToolIndex"
import * as ToolServer from "@millwright/context/ToolServer"
import * as Budget from "@millwright/core/Budget"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import type * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as Redaction from "@millwright/core/Redaction"
import * as Tool from "effect/ai/Tool"
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
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import * as Harness from "../Harness.ts"
import * as ClaudeConversation from "../internal/ClaudeConversation.ts"
import * as ClaudeSession from "../internal/ClaudeSession.ts"
import * as ClaudeTools from "../internal/ClaudeTools.ts"
import * as CliAgent from "../internal/CliAgent.ts"
import * as CliReport from "../internal/CliReport.ts"
import * as Telemetry from "../loop/Telemetry.ts"

const name = "claude-code"

/** Which program, which models, and who pays. */
export interface Options {
  /** The name of the model for each tier, as Claude Code takes it. */
  readonly models: Readonly<Record<Model.Tier, string>>
  /** The key that pays, call by call. Without it and without a token a role fails with `Unauthorized`. */
  readonly apiKey?: Redacted.Redacted<string> | undefined
  /** The token of a subscription, as `claude setup-token` makes it. It is taken where there is no key. */
  readonly subscription?: Redacted.Redacted<string> | undefined
  /** Default: Anthropic's own address. */
  readonly baseUrl?: string | undefined
  /** A loopback server answers in the place of Anthropic. */
  readonly rehearsed?: boolean
  /** The program. Default: `claude`, as it is found where the agent works. */
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

/** Claude Code. Roles with a scope of tools need a `ToolIndex` and a `ToolServer` around it. */
export const layer = (options: Options): Layer.Layer<Harness.Harness, never, Pricing.Pricing | Journal.Journal> =>
  Layer.effect(
    Harness.Harness,
    Effect.gen(function* () {
      // Only these: everything else, the workplace above all, is that of each call and never that of this layer.
      const services = Context.make(Pricing.Pricing, yield* Pricing.Pricing).pipe(
        Context.add(Journal.Journal, yield* Journal.Journal)
      )
      const index = Option.getOrUndefined(yield* Effect.serviceOption(ToolIndex.ToolIndex))
      const server = Option.getOrUndefined(yield* Effect.serviceOption(ToolServer.ToolServer))
      return Harness.make({
        name,
        supports: { subAgents: false, sessions: false },
        run: (request) =>
          Stream.callback<Harness.HarnessEvent, Harness.Failure, Harness.Workplace>((queue) =>
            work(request, { options, index, server, emit: (event) => Effect.asVoid(Queue.offer(queue, event)) }).pipe(
              limited(request, options),
              Telemetry.agent(request),
              Effect.andThen(Queue.end(queue)),
              Effect.provideContext(services)
            )
          )
      })
    })
  )

interface Around {
  readonly options: Options
  readonly index: ToolIndex.ToolIndex | undefined
  readonly server: ToolServer.ToolServer["Service"] | undefined
  readonly emit: (event: Harness.HarnessEvent) => Effect.Effect<void>
}

const work = (request: Harness.Request, { emit, index, options, server }: Around) =>
  Effect.gen(function* () {
    yield* Budget.check
    const { apiKey, rehearsed = false } = options
    const paidBy = apiKey === undefined && options.subscription !== undefined ? "subscription" : "key"
    const id = randomUUID()
    const model = options.models[request.tier]
    const tools = yield* served(request, { index, server })
    const home = yield* ClaudeSession.open(request.session, name)
    const secrets = [...(yield* Redaction.Secrets), ...[apiKey, options.subscription].filter(Predicate.isNotUndefined)]
    const conversation = ClaudeConversation.make({
      run: { role: request.role, model, maxTurns: request.maxTurns, secrets },
      system: `${request.system}\n\n${naming}`,
      schema: Tool.getJsonSchema(outcomeTool(request.outcome)),
      prompts: [request.prompt, ...(request.followUps ?? [])],
      report: CliReport.make({ provider: "anthropic", rehearsed, paidBy }, id, emit)
    })
    yield* Telemetry.conversation(id)
    yield* Journal.record({ _tag: "AgentStarted", role: request.role, session: id, resumed: false })
    yield* Effect.addFinalizer((exit) => {
      const fault = Exit.isSuccess(exit) ? null : Fault.record(Cause.squash(exit.cause))
      return Effect.ignore(Journal.record({ _tag: "AgentEnded", session: id, fault }))
    })
    const connection = yield* tools?.(conversation.send) ?? Effect.undefined
    const end = yield* CliAgent.run(programOf(request, { options, home, id, model, hasIndex: tools !== undefined }), {
      begin: (talk) => conversation.begin(talk, connection),
      hear: conversation.hear
    }).pipe(Effect.ensuring(conversation.close))
    const outcome = conversation.outcome()
    if (outcome === undefined || !conversation.isOver()) {
      return yield* CliAgent.broken(
        { name: "Claude Code" },
        `ended${end.code === undefined ? "" : ` with code ${end.code}`} in the role ${request.role}, and did not say how its work ended. ` +
          `${Redaction.scrub(end.errors, secrets).slice(-600)} Try again; where it happens again, update it, or this package.`
      )
    }
    const session = yield* ClaudeSession.save(home, { harness: name, id })
    yield* emit({ _tag: "Ended", outcome: outcome.value, session })
  }).pipe(Effect.scoped)

/** It calls the tool of the outcome by a name of its own. */
const naming = `What is called the \`outcome\` tool is called \`${ClaudeTools.outcome}\` here. Your outcome is its field \`outcome\`.`

const outcomeTool = (outcome: Harness.Request["outcome"]) =>
  Tool.make("outcome", { parameters: Schema.Struct({ outcome }) })

const limited =
  ({ role }: Harness.Request, { total }: Options) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | Harness.HarnessError, R> =>
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

/** How the tools that the role may find are served to it. */
const served = Effect.fnUntraced(function* (
  { role, tools: scope = [] }: Harness.Request,
  { index, server }: Pick<Around, "index" | "server">
) {
  if (scope.length === 0) return undefined
  if (index === undefined || server === undefined) {
    return yield* new Harness.HarnessError({
      reason: "NoToolIndex",
      message: `The role ${role} may use ${scope.join(", ")}, and there is no tool ${index === undefined ? "index" : "server"}. Provide SourceIndex.layer([…]) and McpToolServer.layer to the layer of Claude Code.`
    })
  }
  return (send: (message: unknown) => Effect.Effect<void>) => server.connect(index.within(scope), { send })
})

interface Start {
  readonly options: Options
  readonly home: ClaudeSession.Home
  readonly id: string
  readonly model: string
  readonly hasIndex: boolean
}

const programOf = (request: Harness.Request, { hasIndex, home, id, model, options }: Start): CliAgent.Program => {
  const {
    apiKey,
    baseUrl,
    command = "claude",
    inherit = [],
    outputBytes = 256 * 1024 ** 2,
    silence = "20 minutes"
  } = options
  const servers = hasIndex ? { [ClaudeTools.server]: { type: "sdk", name: ClaudeTools.server } } : {}
  const allowed = ClaudeTools.allowed(request.grants, { hasIndex })
  const key = apiKey ?? options.subscription
  const descriptor = `CLAUDE_CODE_${apiKey === undefined ? "OAUTH_TOKEN" : "API_KEY"}_FILE_DESCRIPTOR`
  return {
    name: "Claude Code",
    install: "Install @anthropic-ai/claude-code with npm, or say in `command` where it is.",
    command,
    args: [
      ...["-p", "--verbose", "--input-format", "stream-json", "--output-format", "stream-json"],
      "--include-partial-messages",
      ...["--model", model, "--max-turns", `${request.maxTurns}`],
      // What it may do, and nobody to ask for more.
      ...["--tools", ClaudeTools.offered(request.grants).join(",")],
      ...(allowed.length === 0 ? [] : ["--allowed-tools", allowed.join(",")]),
      ...["--restricted", "--permission-mode", "dontAsk", "--permission-prompts", "none"],
      ...["--strict-mcp-config", "--mcp-config", JSON.stringify({ mcpServers: servers })],
      // Nothing of the machine, and nothing of the repository, but what it reads with its tools.
      ...["--setting-sources", "", "--settings", JSON.stringify(settings), "--disable-slash-commands"],
      ...["--session-id", id],
      ...(home.resume === undefined ? [] : ["--resume", home.resume, "--fork-session"])
    ],
    env: {
      ...environment,
      CLAUDE_CONFIG_DIR: home.folder,
      CLAUDE_CODE_TMPDIR: home.folder,
      ...(key !== undefined && { [descriptor]: `${CliAgent.keyDescriptor}` }),
      ...(baseUrl !== undefined && { ANTHROPIC_BASE_URL: baseUrl })
    },
    inherit,
    key,
    limits: { silence: Duration.toMillis(silence), line: longestLine, output: outputBytes }
  }
}

/** Who wrote a change is said by the factory. */
const settings = { attribution: { commit: "", pr: "" }, disableAllHooks: true }

const environment = {
  // It calls the model, and nobody else.
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  DISABLE_TELEMETRY: "1",
  DISABLE_ERROR_REPORTING: "1",
  DISABLE_AUTOUPDATER: "1",
  DISABLE_UPDATES: "1",
  // What stands in the task and in the repository is read, and neither obeyed nor expanded.
  CLAUDE_CODE_DISABLE_CLAUDE_MDS: "1",
  CLAUDE_CODE_DISABLE_AUTO_MEMORY: "1",
  CLAUDE_CODE_DISABLE_FILE_MENTIONS: "1",
  CLAUDE_CODE_DISABLE_BUNDLED_SKILLS: "1",
  // As often as the loop tries.
  CLAUDE_CODE_MAX_RETRIES: "4",
  // Its tools end with it.
  CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
  CLAUDE_CODE_DISABLE_CRON: "1",
  // An outcome that does not fit is mended by whoever asked.
  MAX_STRUCTURED_OUTPUT_RETRIES: "1"
}
