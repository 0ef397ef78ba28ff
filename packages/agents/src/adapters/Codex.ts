/**
 * **Codex** as a harness: the program of `@openai/codex`, without a terminal, in the workplace of the call.
 *
 * - Its own tools are a shell and patches, which can do anything. None of them exists: it is given the tools of the house, those of
 *   the role's grants, which are run in the workplace, as those of the loop are. So every set of grants holds exactly.
 * - It sees no configuration, memories, hooks, skills, MCP servers or `AGENTS.md` of whoever's machine or repository it works on: its
 *   own folder is all that it works in.
 * - Its key comes over its input and stays in its memory: in no argument, no environment and no file.
 * - The tool index reaches it through its own input and output (`ToolServer`): it needs no way to us.
 * - It has a folder of its own for each run, which is gone afterwards; a session to go on with holds the conversation itself.
 *
 * What it has to be able to reach is the provider.
 */
import type * as Journal from "@millwright/core/Journal"
import type * as Model from "@millwright/core/Model"
import type * as Pricing from "@millwright/core/Pricing"
import * as Redaction from "@millwright/core/Redaction"
import * as Tool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import type * as Harness from "../Harness.ts"
import * as CliAgent from "../internal/CliAgent.ts"
import * as CliHarness from "../internal/CliHarness.ts"
import * as CliReport from "../internal/CliReport.ts"
import * as CodexConversation from "../internal/CodexConversation.ts"
import * as CodexFault from "../internal/CodexFault.ts"
import * as CodexSession from "../internal/CodexSession.ts"
import * as IndexClient from "../internal/IndexClient.ts"
import type * as ModelTurn from "../loop/ModelTurn.ts"
import * as Offer from "../loop/Offer.ts"
import * as ToolTurn from "../loop/ToolTurn.ts"
import * as Tools from "../Tools.ts"

const name = "codex"

/** Which program, which models, and who pays. */
export interface Options extends CliHarness.Options {
  /** The name of the model for each tier, as OpenAI's API takes it. */
  readonly models: Readonly<Record<Model.Tier, string>>
  /** The key that pays, call by call. Without it a role fails with `Unauthorized`. */
  readonly apiKey?: Redacted.Redacted<string> | undefined
  /** A server of the Responses API, with its `/v1`. Default: OpenAI's own. */
  readonly baseUrl?: string | undefined
}

/** Codex. Roles with a scope of tools need a `ToolIndex` and a `ToolServer` around it. */
export const layer = (options: Options): Layer.Layer<Harness.Harness, never, Pricing.Pricing | Journal.Journal> =>
  CliHarness.layer({ name, title: "Codex", keys: [options.apiKey] }, options, (request, around) =>
    work(request, options, around)
  )

const work = Effect.fnUntraced(function* (request: Harness.Request, options: Options, around: CliHarness.Around) {
  const { apiKey, rehearsed = false } = options
  const { emit, id } = around
  const model = options.models[request.tier]
  const home = yield* CodexSession.open(request.session, name)
  if (apiKey === undefined) return yield* CodexFault.noKey(model)
  const secrets = yield* Redaction.Secrets
  const served = around.tools === undefined ? undefined : yield* IndexClient.open(around.tools)
  const toolkit = yield* Effect.provide(Tools.toolkit, Tools.layer)
  const granted: Record<string, Tool.Any> = Offer.named(request.grants.map((grant) => toolkit.tools[grant]))
  const working = yield* FiberSet.make<void, Harness.Failure>()
  const one = yield* Semaphore.make(1)
  const conversation = CodexConversation.make({
    run: { role: request.role, model, maxTurns: request.maxTurns, secrets },
    key: apiKey,
    thread: {
      ...{ model, cwd: home.folder.path, environments: [], sandbox: "read-only", approvalPolicy: "never" },
      experimentalRawEvents: true,
      baseInstructions: request.system,
      ...(served !== undefined && { developerInstructions: served.instructions }),
      dynamicTools: [
        ...[...Object.values(granted), outcomeTool(request.outcome)].map(described),
        ...(served?.tools ?? []).map(plain)
      ]
    },
    items: home.items,
    prompts: [request.prompt, ...(request.followUps ?? [])],
    report: CliReport.make({ provider: "openai", rehearsed, paidBy: "key" }, id, emit),
    tool: runner({
      // Tools by name, whichever they are.
      toolkit: { ...toolkit, tools: granted } as unknown as ToolTurn.Bench["toolkit"],
      conversation: id,
      emit,
      served
    }),
    lane: (step) => Effect.asVoid(FiberSet.run(working, one.withPermits(1)(step)))
  })
  const end = yield* CliAgent.run(programOf(home, { options, secrets }), conversation).pipe(
    Effect.raceFirst(Effect.andThen(FiberSet.join(working), Effect.never)),
    Effect.ensuring(conversation.close)
  )
  const outcome = conversation.outcome()
  if (outcome === undefined || !conversation.isOver()) {
    return yield* CliHarness.speechless("Codex", request, end)
  }
  const session = yield* CodexSession.save(home, { harness: name, outcome: CodexConversation.outcomeTool })
  yield* emit({ _tag: "Ended", outcome: outcome.value, session })
})

interface Running extends Pick<ToolTurn.Bench, "toolkit" | "conversation" | "emit"> {
  readonly served: IndexClient.IndexClient | undefined
}

/** Runs the calls of the program as the loop runs those of its model. Calls of the tool index go to its server. */
const runner = ({ served, ...bench }: Running) => {
  const forwarded = new Map<ModelTurn.ToolCall, string>()
  const delegation: ToolTurn.Delegation = {
    takes: (call) => forwarded.has(call),
    isReading: () => false,
    run: (call) =>
      served === undefined
        ? Effect.succeed(ToolTurn.refused("There is no index."))
        : Effect.map(served.call(forwarded.get(call) ?? "", call.params), (answer) => ({
            ok: !answer.isError,
            text: IndexClient.text(answer),
            isData: true
          }))
  }
  return Effect.fnUntraced(function* (asked: CodexConversation.Call) {
    const { id, input, name: called } = asked
    const isServed = served?.tools.some(({ name }) => name === called) === true
    // A tool of the index is called by its id, by whichever way it was called.
    const tool = isServed && called === "tool_call" && Predicate.hasProperty(input, "name") ? input.name : called
    const call = { id, name: Predicate.isString(tool) ? tool : called, params: input }
    if (isServed) forwarded.set(call, called)
    const [outcome] = yield* ToolTurn.run([call], { ...bench, delegation })
    forwarded.delete(call)
    return { ok: outcome?.part.isFailure === false, text: String(outcome?.part.result ?? "") }
  })
}

const described = (tool: Tool.Any): object =>
  plain({ name: tool.name, description: Tool.getDescription(tool), inputSchema: Tool.getJsonSchema(tool) })

const plain = ({
  description,
  inputSchema,
  name
}: {
  readonly name: string
  readonly description?: string | undefined
  readonly inputSchema: unknown
}): object => ({ type: "function", name, description: description ?? name, inputSchema })

const outcomeTool = (outcome: Harness.Request["outcome"]) =>
  Tool.make(CodexConversation.outcomeTool, {
    description: "Ends your work with its outcome. Call it exactly once, when everything else is done.",
    parameters: Schema.Struct({ outcome })
  })

interface Start {
  readonly options: Options
  readonly secrets: CliAgent.Program["secrets"]
}

const programOf = ({ folder: { path } }: CodexSession.Home, { options, secrets }: Start): CliAgent.Program => {
  const { baseUrl = "https://api.openai.com/v1", command = "codex", inherit = [] } = options
  const config = { ...settings, [`${provider}.base_url`]: baseUrl }
  return {
    name: "Codex",
    install: "Install @openai/codex with npm, or say in `command` where it is.",
    command,
    args: [
      // What it does not know is no reason to do as it likes.
      ...["app-server", "--strict-config"],
      ...Object.entries(config).flatMap(([key, value]) => ["-c", `${key}=${JSON.stringify(value)}`])
    ],
    // The home of whoever's machine it is holds skills.
    env: { CODEX_HOME: path, HOME: path },
    inherit,
    // It is said with the first messages.
    key: undefined,
    secrets,
    limits: CliHarness.limits(options)
  }
}

const provider = "model_providers.millwright"

const settings = {
  model_provider: "millwright",
  [`${provider}.name`]: "millwright",
  [`${provider}.wire_api`]: "responses",
  [`${provider}.requires_openai_auth`]: true,
  [`${provider}.supports_websockets`]: false,
  // As often as the loop tries, and each time told.
  [`${provider}.request_max_retries`]: 0,
  [`${provider}.stream_max_retries`]: 4,
  "features.unbounded_connection_retries": false,
  // The key is kept nowhere.
  cli_auth_credentials_store: "ephemeral",
  "history.persistence": "none",
  // Nothing of the machine, and nothing of the repository, but what it reads with the tools that it was granted.
  project_doc_max_bytes: 0,
  "skills.include_instructions": false,
  "skills.bundled.enabled": false,
  include_permissions_instructions: false,
  include_environment_context: false,
  include_apps_instructions: false,
  include_collaboration_mode_instructions: false,
  // No tool but those that are given to it, and nobody to ask.
  web_search: "disabled",
  "tools.update_plan.enabled": false,
  "tools.experimental_request_user_input.enabled": false,
  "agents.enabled": false,
  "features.shell_tool": false,
  "features.unified_exec": false,
  "features.view_image": false,
  "features.image_generation": false,
  "features.apps": false,
  "features.plugins": false,
  "features.hooks": false,
  "features.goals": false,
  "features.skill_search": false,
  "features.tool_suggest": false,
  "features.shell_snapshot": false,
  "features.browser_use": false,
  "features.computer_use": false,
  // It calls the model, and nobody else.
  "analytics.enabled": false,
  check_for_update_on_startup: false
}
