/** A harness and a sandbox never import each other; here they meet: the real Claude Code behind the walls of bubblewrap. */

import { assert, it } from "@effect/vitest"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as BubblewrapSandbox from "@millwright/sandbox/adapters/BubblewrapSandbox"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { spawnSync } from "node:child_process"
import { dirname } from "node:path"
import * as Claude from "../../../packages/agents/test/adapters/ClaudeLab.ts"

it.live(
  "Claude Code works in a sandbox: its tools are inside, the tool index reaches it, and its conversation goes on in another one",
  (context) =>
    Effect.gen(function* () {
      const { program } = Claude
      if (program === undefined) return context.skip(Claude.missing)
      if (spawnSync("bwrap", ["--version"]).status !== 0)
        return context.skip("bubblewrap is not installed: apt install bubblewrap")
      const source = ScriptedSource.make("desk")
      source.lists({ name: "ticket", description: "Creates a ticket.", inputSchema: { type: "object" } })
      const index = yield* SourceIndex.make([source.source])
      yield* index.settled
      const turns = [
        Claude.bash("id -u; env | grep -c KEY; ls /proc | grep -c '^[0-9]'"),
        { calls: [{ tool: "mcp__tools__tool_call", arguments: { name: "desk/ticket", arguments: {} } }] },
        Claude.outcome({ _tag: "Done", note: "inside" }),
        { text: "No response requested." },
        Claude.outcome({ _tag: "Done", note: "again" })
      ]
      const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] } })
      const provider = `host.millwright.internal:${new URL(twin.anthropicUrl).port}`
      const lab = yield* Claude.running(`http://${provider}`, {}, index)
      const inside = (id: string) =>
        Sandbox.layer({
          id,
          workspace: { _tag: "Empty" },
          mounts: [{ source: dirname(program), access: "Read" }],
          egress: { _tag: "Allow", domains: [provider] }
        }).pipe(Layer.provide(BubblewrapSandbox.layer), Layer.provide(Claude.Services))
      const first = yield* Effect.provide(lab.run({ tools: ["desk/*"] }), inside(`claude-1-${process.pid}`))
      const second = yield* Effect.provide(
        lab.run({ tools: ["desk/*"], session: first.session }),
        inside(`claude-2-${process.pid}`)
      )
      assert.deepStrictEqual(
        [first.outcome, second.outcome],
        [
          { _tag: "Done", note: "inside" },
          { _tag: "Done", note: "again" }
        ]
      )
      assert.strictEqual(source.count.call, 1)
      const said = /"content":"(\d+)\\n(\d+)\\n(\d+)/.exec(JSON.stringify((yield* twin.requests)[1]?.body))
      assert.notStrictEqual(said?.[1], `${process.getuid?.()}`, "its tools ran as the user of the host")
      assert.strictEqual(said?.[2], "0", "a tool saw the key")
      assert.isBelow(Number(said?.[3]), 20, "its tools saw the processes of the host")
    }).pipe(Effect.scoped, Effect.provide(Claude.Services)),
  120_000
)
