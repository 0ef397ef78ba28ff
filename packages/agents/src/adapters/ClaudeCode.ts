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
import type * as Journal from "@millwright/core/Journal"
import type * as Model from "@millwright/core/Model"
import type * as Pricing from "@millwright/core/Pricing"
import * as Redaction from "@millwright/core/Redaction"
import * as Tool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Harness from "../Harness.ts"
import * as ClaudeConversation from "../internal/ClaudeConversation.ts"
import * as ClaudeSession from "../internal/ClaudeSession.ts"
import * as ClaudeTools from "../internal/ClaudeTools.ts"
import * as CliAgent from "../internal/CliAgent.ts"
import * as CliHarness from "../internal/CliHarness.ts"
import * as CliReport from "../internal/CliReport.ts"

const name = "claude-code"

/** Which program, which models, and who pays. */
export interface Options extends CliHarness.Options {
  /** The name of the model for each tier, as Claude Code takes it. */
  readonly models: Readonly<Record<Model.Tier, string>>
  /** The key that pays, call by call. Without it and without a token a role fails with `Unauthorized`. */
  readonly apiKey?: Redacted.Redacted<string> | undefined
  /** The token of a subscription, as `claude setup-token` makes it. It is taken where there is no key. */
  readonly subscription?: Redacted.Redacted<string> | undefined
  /** Default: Anthropic's own address. */
  readonly baseUrl?: string | undefined
}

/** Claude Code. Roles with a scope of tools need a `ToolIndex` and a `ToolServer` around it. */
export const layer = (options: Options): Layer.Layer<Harness.Harness, never, Pricing.Pricing | Journal.Journal> =>
  CliHarness.layer(
    { name, title: "Claude Code", keys: [options.apiKey, options.subscription] },
    options,
    (request, around) => work(request, { options, ...around })
  )

interface Around extends CliHarness.Around {
  readonly options: Options
}

const work = Effect.fnUntraced(function* (request: Harness.Request, { emit, id, options, tools }: Around) {
  const { apiKey, rehearsed = false } = options
  const paidBy = apiKey === undefined && options.subscription !== undefined ? "subscription" : "key"
  const model = options.models[request.tier]
  const home = yield* ClaudeSession.open(request.session, name)
  const secrets = yield* Redaction.Secrets
  const conversation = ClaudeConversation.make({
    run: { role: request.role, model, maxTurns: request.maxTurns, secrets },
    system: `${request.system}\n\n${naming}`,
    schema: Tool.getJsonSchema(outcomeTool(request.outcome)),
    prompts: [request.prompt, ...(request.followUps ?? [])],
    report: CliReport.make({ provider: "anthropic", rehearsed, paidBy }, id, emit)
  })
  const connection = yield* tools?.(conversation.send) ?? Effect.undefined
  const start = { options, home, id, model, secrets, hasIndex: tools !== undefined }
  const end = yield* CliAgent.run(programOf(request, start), {
    begin: (talk) => conversation.begin(talk, connection),
    hear: conversation.hear
  }).pipe(Effect.ensuring(conversation.close))
  const outcome = conversation.outcome()
  if (outcome === undefined || !conversation.isOver()) {
    return yield* CliHarness.speechless("Claude Code", request, end)
  }
  const session = yield* ClaudeSession.save(home, { harness: name, id })
  yield* emit({ _tag: "Ended", outcome: outcome.value, session })
})

/** It calls the tool of the outcome by a name of its own. */
const naming = `What is called the \`outcome\` tool is called \`${ClaudeTools.outcome}\` here. Your outcome is its field \`outcome\`.`

const outcomeTool = (outcome: Harness.Request["outcome"]) =>
  Tool.make("outcome", { parameters: Schema.Struct({ outcome }) })

interface Start {
  readonly options: Options
  readonly home: ClaudeSession.Home
  readonly id: string
  readonly model: string
  readonly secrets: CliAgent.Program["secrets"]
  readonly hasIndex: boolean
}

const programOf = (
  request: Harness.Request,
  { hasIndex, home, id, model, options, secrets }: Start
): CliAgent.Program => {
  const { apiKey, baseUrl, command = "claude", inherit = [] } = options
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
      CLAUDE_CONFIG_DIR: home.folder.path,
      CLAUDE_CODE_TMPDIR: home.folder.path,
      ...(key !== undefined && { [descriptor]: `${CliAgent.keyDescriptor}` }),
      ...(baseUrl !== undefined && { ANTHROPIC_BASE_URL: baseUrl })
    },
    inherit,
    key,
    secrets,
    limits: CliHarness.limits(options)
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
