/**
 * **pi** as a harness: the program of `@earendil-works/pi-coding-agent`, without a terminal, in the workplace of the call.
 *
 * - What the role may do is decided before it starts: only the tools of its grants exist. pi itself knows no walls; an extension
 *   of ours refuses a path that leads out of the workspace to the tools that take one. Nobody is asked.
 * - It reads no settings, extensions, skills, templates, packages or `AGENTS.md` of whoever's machine or repository it works on.
 * - Its key comes over its input, so neither its tools nor the list of processes show it.
 * - The tool index reaches it through its own input and output: it needs no way to us.
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
import * as CliAgent from "../internal/CliAgent.ts"
import * as CliHarness from "../internal/CliHarness.ts"
import * as CliReport from "../internal/CliReport.ts"
import * as IndexClient from "../internal/IndexClient.ts"
import * as PiConversation from "../internal/PiConversation.ts"
import * as PiExtension from "../internal/PiExtension.ts"
import * as PiFault from "../internal/PiFault.ts"
import * as PiHome from "../internal/PiHome.ts"
import * as PiTools from "../internal/PiTools.ts"

const name = "pi"

/** Which program, which models, and who pays. */
export interface Options extends CliHarness.Options {
  /** The name of the model for each tier, at the provider. */
  readonly models: Readonly<Record<Model.Tier, string>>
  /** The provider, as pi calls it. Default: `anthropic`. */
  readonly provider?: string
  /** The key that pays, call by call. Without it a role fails with `Unauthorized`, unless pi finds one in what it may `inherit`. */
  readonly apiKey?: Redacted.Redacted<string> | undefined
  /** Default: the provider's own address. */
  readonly baseUrl?: string | undefined
  /** What a provider speaks that pi does not know. It needs a `baseUrl`. */
  readonly api?: "anthropic-messages" | "openai-completions" | "openai-responses"
  /** The context of the models of such a provider, in tokens. Default: 128,000, which is pi's. */
  readonly contextTokens?: number
  /** Default: 4 GiB, since it says again and again what its tools have said so far. */
  readonly outputBytes?: number
}

/** pi. Roles with a scope of tools need a `ToolIndex` and a `ToolServer` around it. */
export const layer = (options: Options): Layer.Layer<Harness.Harness, never, Pricing.Pricing | Journal.Journal> =>
  CliHarness.layer({ name, title: "pi", keys: [options.apiKey] }, options, (request, around) =>
    work(request, { options: { outputBytes, ...options }, ...around })
  )

const outputBytes = 4 * 1024 ** 3

interface Around extends CliHarness.Around {
  readonly options: Options
}

const work = Effect.fnUntraced(function* (request: Harness.Request, { emit, id, options, tools }: Around) {
  const { provider = "anthropic", rehearsed = false } = options
  const model = options.models[request.tier]
  const home = yield* PiHome.open(request.session, name)
  const index = tools === undefined ? undefined : yield* IndexClient.open(tools)
  const secrets = yield* Redaction.Secrets
  const run = { role: request.role, model, maxTurns: request.maxTurns, secrets }
  const conversation = PiConversation.make({
    run,
    prompts: [request.prompt, ...(request.followUps ?? [])],
    report: CliReport.make({ provider, rehearsed, paidBy: "key" }, id, emit),
    index,
    scope: yield* Effect.scope
  })
  const end = yield* CliAgent.run(yield* programOf(request, { options, home, id, index, secrets }), {
    begin: conversation.begin,
    hear: conversation.hear
  }).pipe(Effect.ensuring(conversation.close))
  const outcome = conversation.outcome()
  if (outcome === undefined || !conversation.isOver()) {
    const known = end.heard === 0 ? PiFault.ofStart(end.errors, run) : undefined
    if (known !== undefined) return yield* known
    return yield* CliHarness.speechless("pi", request, end)
  }
  const session = yield* PiHome.save(home, { harness: name, id })
  yield* emit({ _tag: "Ended", outcome: outcome.value, session })
})

interface Start {
  readonly options: Options
  readonly home: PiHome.Home
  readonly id: string
  readonly index: IndexClient.IndexClient | undefined
  readonly secrets: CliAgent.Program["secrets"]
}

const programOf = Effect.fnUntraced(function* (
  request: Harness.Request,
  { home, id, index, options, secrets }: Start
): Effect.fn.Return<CliAgent.Program, Harness.HarnessError> {
  const { apiKey, command = "pi", inherit = [], models, provider = "anthropic" } = options
  const served = (index?.tools ?? []).map(({ description = "", inputSchema, name }) => ({
    name,
    description,
    parameters: inputSchema
  }))
  const extension = yield* home.folder.write(
    "millwright.mjs",
    PiExtension.source({
      provider,
      hasKey: apiKey !== undefined,
      keyDescriptor: CliAgent.keyDescriptor,
      outcome: Tool.getJsonSchema(outcomeTool(request.outcome)),
      tools: served
    })
  )
  const system =
    index === undefined ? request.system : `${request.system}\n\n${PiTools.opening(served, index.instructions)}`
  const prompt = yield* home.folder.write("system.md", system)
  yield* home.folder.write("settings.json", JSON.stringify(settings))
  yield* home.folder.write("models.json", JSON.stringify({ providers: providersOf(options) }))
  return {
    name: "pi",
    install: PiFault.install,
    command,
    args: [
      ...["--mode", "rpc", "--provider", provider, "--model", models[request.tier]],
      ...["--system-prompt", prompt],
      // What it may do, and nobody to ask for more.
      ...["--tools", PiTools.allowed(request.grants, served)],
      // Nothing of the machine, and nothing of the repository, but what it reads with its tools.
      ...["--no-extensions", "--extension", extension, "--no-skills", "--no-prompt-templates"],
      ...["--no-themes", "--no-context-files", "--no-approve", "--offline"],
      ...["--session-dir", home.sessions, "--session-id", id],
      ...(home.resume === undefined ? [] : ["--fork", home.resume])
    ],
    env: {
      PI_CODING_AGENT_DIR: home.folder.path,
      // It calls the model, and nobody else.
      PI_OFFLINE: "1",
      PI_TELEMETRY: "0",
      PI_SKIP_VERSION_CHECK: "1",
      // What its tools say at length, it puts there.
      TMPDIR: home.folder.path
    },
    inherit,
    key: apiKey,
    secrets,
    limits: CliHarness.limits(options)
  }
})

/** What it is told of a provider, where that is not what it knows. */
const providersOf = ({ api, baseUrl, contextTokens, models, provider = "anthropic" }: Options) => {
  const known = baseUrl === undefined ? {} : { baseUrl }
  const window = contextTokens === undefined ? {} : { contextWindow: contextTokens }
  if (api === undefined) return baseUrl === undefined ? {} : { [provider]: known }
  return { [provider]: { ...known, api, models: [...new Set(Object.values(models))].map((id) => ({ id, ...window })) } }
}

const outcomeTool = (outcome: Harness.Request["outcome"]) =>
  Tool.make("outcome", { parameters: Schema.Struct({ outcome }) })

const settings = {
  // It calls the model when there is something to say.
  cacheWarming: "off",
  enableInstallTelemetry: false,
  defaultProjectTrust: "never",
  // As often as the loop tries, and each time told.
  retry: { maxRetries: 4, provider: { maxRetries: 0 } }
}
