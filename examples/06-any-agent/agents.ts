/** The agents that can take the place of each other, and how each is set up: with a key it is real, without one rehearsed. */
import * as Acp from "@millwright/agents/adapters/Acp"
import * as ClaudeCode from "@millwright/agents/adapters/ClaudeCode"
import * as Codex from "@millwright/agents/adapters/Codex"
import * as LoopHarness from "@millwright/agents/adapters/LoopHarness"
import * as Pi from "@millwright/agents/adapters/Pi"
import type * as Harness from "@millwright/agents/Harness"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as OpenAiModel from "@millwright/core/adapters/OpenAiModel"
import type * as Journal from "@millwright/core/Journal"
import type * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Keys } from "../01-issue-to-change/models.ts"
import * as Rehearsal from "./rehearsal.ts"

/** Whom an agent asks, over which protocol. */
interface Provider {
  readonly apiKey: Redacted.Redacted<string>
  /** `undefined`: the provider's own address. */
  readonly baseUrl: string | undefined
  readonly rehearsed: boolean
  readonly model: string
  /** Where a program stands that is started, by its usual name. */
  readonly program: (name: string) => string
  /** A folder for what a program keeps of itself. */
  readonly folder: string
}

/** An agent that can do the task. */
interface Agent {
  readonly protocol: "anthropic" | "openai"
  readonly dialect: Rehearsal.Dialect
  readonly harness: (provider: Provider) => Layer.Layer<Harness.Harness, unknown, Journal.Journal | Pricing.Pricing>
}

const own: Rehearsal.Dialect = {
  shell: (script) => ({ tool: "bash", arguments: { script } }),
  outcome: (outcome) => ({ calls: [{ tool: "outcome", arguments: { outcome } }] })
}

/** What Claude Code has beside the tools that a role may be granted. */
const others = ["Agent", "Skill", "Task", "WebFetch", "WebSearch"]

const tiers = (model: string) => ({ small: model, standard: model, large: model })

const all: Readonly<Record<string, Agent>> = {
  "loop-anthropic": {
    protocol: "anthropic",
    dialect: own,
    harness: (provider) => Layer.provide(LoopHarness.layer, AnthropicModel.layer(provider))
  },
  "loop-openai": {
    protocol: "openai",
    dialect: own,
    harness: (provider) => Layer.provide(LoopHarness.layer, OpenAiModel.layer(provider))
  },
  "claude-code": {
    protocol: "anthropic",
    dialect: {
      shell: (command) => ({ tool: "Bash", arguments: { command } }),
      outcome: (outcome) => ({ calls: [{ tool: "StructuredOutput", arguments: { outcome } }] })
    },
    harness: ({ model, program, ...provider }) =>
      ClaudeCode.layer({ ...provider, models: tiers(model), command: program("claude") })
  },
  codex: {
    protocol: "openai",
    // Its tools are those of the loop.
    dialect: own,
    harness: ({ model, program, ...provider }) =>
      Codex.layer({ ...provider, models: tiers(model), command: program("codex") })
  },
  pi: {
    protocol: "anthropic",
    dialect: { ...own, shell: (command) => ({ tool: "bash", arguments: { command } }) },
    harness: ({ model, program, ...provider }) =>
      Pi.layer({ ...provider, models: tiers(model), command: program("pi") })
  },
  // Any other agent that speaks ACP is set up like this one, which is Claude Code behind a door of its own.
  "acp-claude": {
    protocol: "anthropic",
    dialect: {
      shell: (command) => ({ tool: "Bash", arguments: { command } }),
      outcome: (outcome) => ({ calls: [{ tool: "mcp__millwright__outcome", arguments: { outcome } }] })
    },
    harness: ({ apiKey, baseUrl, folder, model, program, rehearsed }) =>
      Acp.layer({
        name: "claude",
        command: program("claude-agent-acp"),
        install: "Install @agentclientprotocol/claude-agent-acp and @anthropic-ai/claude-code with npm.",
        asks: ["edit", "write", "bash"],
        mode: "default",
        meta: () => ({
          claudeCode: { options: { disallowedTools: others, promptSuggestions: false, settingSources: [] } }
        }),
        env: {
          CLAUDE_CONFIG_DIR: folder,
          CLAUDE_CODE_EXECUTABLE: program("claude"),
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
          ANTHROPIC_MODEL: model,
          ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
          ...(baseUrl !== undefined && { ANTHROPIC_BASE_URL: baseUrl })
        },
        key: { variable: "ANTHROPIC_API_KEY", value: apiKey },
        provider: "anthropic",
        rehearsed
      })
  }
}

/** Their names, in the order in which they work. */
export const names = Object.keys(all)

const models = { anthropic: "claude-sonnet-5-5", openai: "gpt-5.4" }

/** Sets an agent up. `programs` are folders in which its program is looked for before the PATH. */
export const make = Effect.fnUntraced(function* (
  name: string,
  { folder, keys, programs }: { readonly keys: Keys; readonly programs: ReadonlyArray<string>; readonly folder: string }
) {
  const { dialect, harness, protocol } = all[name] ?? (yield* Effect.die(`There is no agent ${name}`))
  const key = protocol === "anthropic" ? keys.anthropic : keys.openAi
  const twin = key === undefined ? yield* ProviderTwin.make({ script: Rehearsal.script(dialect) }) : undefined
  const at =
    protocol === "anthropic"
      ? { given: keys.anthropicUrl, twin: twin?.anthropicUrl }
      : { given: keys.openAiUrl, twin: twin?.openAiUrl }
  const provider: Provider = {
    apiKey: key ?? Redacted.make("rehearsal"),
    baseUrl: twin === undefined ? at.given : at.twin,
    rehearsed: twin !== undefined,
    model: models[protocol],
    program: (program) => programs.map((folder) => join(folder, program)).find((file) => existsSync(file)) ?? program,
    folder
  }
  return { harness: harness(provider), isRehearsed: provider.rehearsed }
})
