import { assert, describe, it } from "@effect/vitest"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as Effect from "effect/Effect"
import * as ChildProcess from "effect/process/ChildProcess"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import { spawnSync } from "node:child_process"
import { workspace } from "../ToolsWorkplace.ts"
import * as Fake from "./AcpFake.ts"
import * as Agent from "./AcpLab.ts"

/** Each program in a box of its own: no network, and processes that see nothing of each other. */
const box = [
  "--unshare-net",
  "--unshare-pid",
  "--unshare-ipc",
  "--dev-bind",
  "/",
  "/",
  "--proc",
  "/proc",
  "--die-with-parent",
  "--"
]

const works = spawnSync("bwrap", [...box, "true"]).status === 0
const missing = "skipped, since bubblewrap can make no box on this machine: apt-get install bubblewrap"
if (!works && (process.env["MILLWRIGHT_REQUIRES"] ?? "").split(" ").includes("bwrap")) throw new Error(missing)

const boxed = Effect.map(ChildProcessSpawner.ChildProcessSpawner, (spawner) =>
  ChildProcessSpawner.make((command) =>
    spawner.spawn(
      command._tag === "StandardCommand"
        ? ChildProcess.make("bwrap", [...box, command.command, ...command.args], command.options)
        : command
    )
  )
)

describe.skipIf(!works)(works ? "ACP without a network" : `ACP without a network (${missing})`, () => {
  it.live(
    "the outcome and the tool index reach the agent all the same",
    () =>
      Effect.gen(function* () {
        yield* workspace({})
        Fake.write({
          prompt: `
            const found = await mcp(servers.find(({ name }) => name === "millwright-index"), "tool_call", { name: "desk/create_ticket", arguments: {} })
            await outcome([found.isError === true, Object.keys(require("node:os").networkInterfaces()).filter((name) => name !== "lo").length].join(" "))`
        })
        const desk = ScriptedSource.make("desk")
        desk.lists({ name: "create_ticket", description: "Creates a ticket.", inputSchema: { type: "object" } })
        const index = yield* SourceIndex.make([desk.source])
        yield* index.settled
        const lab = yield* Agent.running({ name: "fake", command: "./fake" }, index)
        const { outcome } = yield* Effect.provideServiceEffect(
          lab.run({ tools: ["desk/*"] }),
          ChildProcessSpawner.ChildProcessSpawner,
          boxed
        )
        assert.deepStrictEqual(outcome, { _tag: "Done", note: "false 0" })
        assert.strictEqual(desk.count.call, 1)
      }).pipe(Effect.scoped, Effect.provide(Agent.Services)),
    60_000
  )
})
