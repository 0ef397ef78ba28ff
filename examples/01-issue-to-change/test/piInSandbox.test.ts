/** A harness and a sandbox never import each other; here they meet: the real pi behind the walls of bubblewrap. */

import { assert, it } from "@effect/vitest"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as BubblewrapSandbox from "@millwright/sandbox/adapters/BubblewrapSandbox"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { spawnSync } from "node:child_process"
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as Pi from "../../../packages/agents/test/adapters/PiLab.ts"

it.live(
  "pi works in a sandbox: its tools are inside, the tool index reaches it, and its conversation goes on in another one",
  (context) =>
    Effect.gen(function* () {
      const { program } = Pi
      if (program === undefined) return context.skip(Pi.missing)
      if (spawnSync("bwrap", ["--version"]).status !== 0)
        return context.skip("bubblewrap is not installed: apt install bubblewrap")
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "millwright-pi-program-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
      )
      // It is run by the Node of this test, whatever the machine has.
      const command = join(folder, "pi")
      const node = realpathSync(process.execPath)
      writeFileSync(command, `#!/bin/sh\nexec '${node}' '${program}' "$@"\n`)
      chmodSync(command, 0o755)
      const source = ScriptedSource.make("desk")
      source.lists({ name: "ticket", description: "Creates a ticket.", inputSchema: { type: "object" } })
      const index = yield* SourceIndex.make([source.source])
      yield* index.settled
      const turns = [
        Pi.bash("id -u; env | grep -c KEY; ls /proc | grep -c '^[0-9]'"),
        { calls: [{ tool: "tool_call", arguments: { name: "desk/ticket", arguments: {} } }] },
        Pi.outcome({ _tag: "Done", note: "inside" }),
        Pi.outcome({ _tag: "Done", note: "again" })
      ]
      const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] } })
      const provider = `host.millwright.internal:${new URL(twin.anthropicUrl).port}`
      const lab = yield* Pi.running(`http://${provider}`, { command }, index)
      const inside = (id: string) =>
        Sandbox.layer({
          id,
          workspace: { _tag: "Empty" },
          mounts: [folder, dirname(node), program.slice(0, program.indexOf("/@earendil-works/"))].map((source) => ({
            source,
            access: "Read" as const
          })),
          egress: { _tag: "Allow", domains: [provider] }
        }).pipe(Layer.provide(BubblewrapSandbox.layer), Layer.provide(Pi.Services))
      const first = yield* Effect.provide(lab.run({ tools: ["desk/*"] }), inside(`pi-1-${process.pid}`))
      const second = yield* Effect.provide(
        lab.run({ tools: ["desk/*"], session: first.session }),
        inside(`pi-2-${process.pid}`)
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
    }).pipe(Effect.scoped, Effect.provide(Pi.Services)),
  120_000
)
