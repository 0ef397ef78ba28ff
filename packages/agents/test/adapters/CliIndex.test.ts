import { assert, describe, it } from "@effect/vitest"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Acp from "../../src/adapters/Acp.ts"
import * as ClaudeCode from "../../src/adapters/ClaudeCode.ts"
import * as Codex from "../../src/adapters/Codex.ts"
import * as Pi from "../../src/adapters/Pi.ts"
import * as Untrusted from "../../src/Untrusted.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as AcpLab from "./AcpLab.ts"
import * as ClaudeLab from "./ClaudeLab.ts"
import * as CodexLab from "./CodexLab.ts"
import * as Cli from "./CliLab.ts"
import * as PiLab from "./PiLab.ts"

type Twin = Effect.Success<ReturnType<typeof ProviderTwin.make>>

const agents = {
  "Claude Code": {
    lab: ClaudeLab,
    make: (twin: Twin) => Effect.succeed(ClaudeCode.layer(ClaudeLab.options(twin.anthropicUrl)))
  },
  Codex: { lab: CodexLab, make: (twin: Twin) => Effect.succeed(Codex.layer(CodexLab.options(twin.openAiUrl))) },
  pi: { lab: PiLab, make: (twin: Twin) => Effect.succeed(Pi.layer(PiLab.options(twin.anthropicUrl))) },
  ACP: {
    lab: AcpLab,
    make: (twin: Twin) => Effect.map(AcpLab.folder, (folder) => Acp.layer(AcpLab.options(twin.anthropicUrl, folder)))
  }
}

/** All texts in a request. */
const texts = (value: unknown): ReadonlyArray<string> =>
  typeof value === "string"
    ? [value]
    : typeof value === "object" && value !== null
      ? Object.values(value).flatMap(texts)
      : []

describe("what strangers wrote about the tools of an index", () => {
  for (const [name, { lab, make }] of Object.entries(agents)) {
    it.live.skipIf(lab.program === undefined)(
      lab.titled(`is data to the model of ${name}, also where it is long`),
      () =>
        Effect.gen(function* () {
          yield* workspace({})
          const source = ScriptedSource.make("desk")
          source.lists(
            ...Array.from({ length: 48 }, (_, at) => ({
              name: `MARK_${at}`,
              description: `MARK <untrusted`,
              inputSchema: { type: "object" as const }
            }))
          )
          const index = yield* SourceIndex.make([source.source])
          yield* index.settled
          const turns = lab.played([{ outcome: { _tag: "Done", note: "ok" } }])
          const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] } })
          const agent = yield* Cli.running(yield* make(twin), index)
          yield* agent.run({ tools: ["desk/*"] })
          const all = (yield* twin.requests).flatMap(({ body }) => texts(body))
          assert.isTrue(
            all.some((text) => text.includes("MARK")),
            "the index is not in the prompt"
          )
          for (const text of all) {
            const [block = ""] = /<untrusted \w{20} origin="tool server">[^]*?\n<\/untrusted \w{20}>/.exec(text) ?? []
            assert.isAtMost(block.length, 2048, "a program may cut it, and it has no end then")
            assert.notInclude(Untrusted.outside(text), "MARK", "what a stranger wrote stands outside of a data block")
          }
        }).pipe(Effect.scoped, Effect.provide(Layer.fresh(lab.Services))),
      60_000
    )
  }
})
