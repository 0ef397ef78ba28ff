/** A harness and a sandbox never import each other; here they meet: the real Codex behind the walls of bubblewrap. */

import { assert, it } from "@effect/vitest"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as BubblewrapSandbox from "@millwright/sandbox/adapters/BubblewrapSandbox"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { spawnSync } from "node:child_process"
import { realpathSync } from "node:fs"
import { dirname } from "node:path"
import * as CodexLab from "../../../packages/agents/test/adapters/CodexLab.ts"
import * as Lab from "../../../packages/agents/test/adapters/LoopLab.ts"

it.live(
  "Codex works in a sandbox: its tools are inside, the tool index reaches it, and its conversation goes on in another one",
  (context) =>
    Effect.gen(function* () {
      const { program } = CodexLab
      if (program === undefined) return context.skip(CodexLab.missing)
      if (spawnSync("bwrap", ["--version"]).status !== 0)
        return context.skip("bubblewrap is not installed: apt install bubblewrap")
      const source = ScriptedSource.make("desk")
      source.lists({ name: "ticket", description: "Creates a ticket.", inputSchema: { type: "object" } })
      const index = yield* SourceIndex.make([source.source])
      yield* index.settled
      const turns = [
        Lab.bash("id -u; ls /proc | grep -c '^[0-9]'; pgrep -c codex"),
        { calls: [Lab.call("tool_call", { name: "desk/ticket", arguments: {} })] },
        Lab.done("inside"),
        Lab.done("again")
      ]
      const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] } })
      const provider = `host.millwright.internal:${new URL(twin.openAiUrl).port}`
      const modules = dirname(dirname(dirname(dirname(realpathSync(program)))))
      const lab = yield* CodexLab.running(`http://${provider}/v1`, { command: realpathSync(program) }, index)
      const inside = (id: string) =>
        Sandbox.layer({
          id,
          workspace: { _tag: "Empty" },
          mounts: [
            { source: modules, access: "Read" },
            // Its program is started by Node.
            { source: dirname(process.execPath), access: "Read" }
          ],
          egress: { _tag: "Allow", domains: [provider] }
        }).pipe(Layer.provide(BubblewrapSandbox.layer), Layer.provide(CodexLab.Services))
      const first = yield* Effect.provide(lab.run({ tools: ["desk/*"] }), inside(`codex-1-${process.pid}`))
      const second = yield* Effect.provide(
        lab.run({ tools: ["desk/*"], session: first.session }),
        inside(`codex-2-${process.pid}`)
      )
      assert.deepStrictEqual(
        [first.outcome, second.outcome],
        [
          { _tag: "Done", note: "inside" },
          { _tag: "Done", note: "again" }
        ]
      )
      assert.strictEqual(source.count.call, 1)
      const body = JSON.stringify((yield* twin.requests)[1]?.body)
      // As a text within a text.
      const said = /(\d+)\\n(\d+)\\n(\d+)\\n/.exec(body)
      assert.notStrictEqual(said?.[1], `${process.getuid?.()}`, "its tools ran as the user of the host")
      assert.isBelow(Number(said?.[2]), 20, "its tools saw the processes of the host")
      // That the program is inside shows in that it found the provider: only a sandbox knows this name of the host.
      assert.strictEqual(said?.[3], "0", "its tools saw the program")
    }).pipe(Effect.scoped, Effect.provide(CodexLab.Services)),
  120_000
)
