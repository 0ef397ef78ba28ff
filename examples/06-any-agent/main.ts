/**
 * One role, one task, and every coding agent that is there: our own loop over two protocols, and the programs of others.
 *
 *     npx -y pnpm@12.18.0 example 06                      all of them; one whose program is missing says what to install
 *     npx -y pnpm@12.18.0 example 06 --only claude-code   one of them; can be given several times
 *
 * Each works on a branch of its own in a small repository with a real bug, and ends with the same typed outcome; whether the bug is
 * gone, this program sees for itself. Without a key of its provider an agent is rehearsed: the program is the real one, and a
 * loopback server plays its model. Exit codes: 0 it did what it shall, 2 bad input, 1 anything else.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Ending from "@millwright-examples/shared/ending"
import * as Text from "@millwright-examples/shared/text"
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Budget from "@millwright/core/Budget"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import * as Ledger from "@millwright/core/Ledger"
import * as Redaction from "@millwright/core/Redaction"
import * as Tainted from "@millwright/core/Tainted"
import * as WorktreeSandbox from "@millwright/sandbox/adapters/WorktreeSandbox"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import type { SandboxSpec } from "@millwright/sandbox/SandboxSpec"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { strict as assert } from "node:assert"
import { fileURLToPath } from "node:url"
import * as Demo from "../01-issue-to-change/demo.ts"
import * as Environment from "../01-issue-to-change/environment.ts"
import * as Agents from "./agents.ts"
import { Mender } from "./role.ts"
import * as Table from "./table.ts"

const { keys, secrets } = Environment.take(process.env)

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const report = Tainted.of(
  "issue 12",
  "`node src/cli.js --ms 5400000` prints `1h` and loses the half hour. I expect `1h 30m`."
)

interface Place {
  readonly repository: string
  /** Goes away with the program. */
  readonly folder: string
}

/** What this program sees of the work, whatever the agent says of it. */
const look = Effect.gen(function* () {
  const spawner = yield* ChildProcessSpawner
  const printed = yield* spawner.string(ChildProcess.make("node", ["src/cli.js", "--ms", "5400000"]))
  const tests = yield* Effect.scoped(
    Effect.flatMap(
      spawner.spawn(ChildProcess.make("npm", ["test"], { stdin: "ignore", stdout: "ignore", stderr: "ignore" })),
      ({ exitCode }) => exitCode
    )
  )
  const changed = yield* spawner.string(ChildProcess.make("git", ["diff", "--name-only", "HEAD"]))
  return { printed: printed.trim(), tests, changed: changed.trim().split("\n") }
})

/** Where the programs stand that the tests of the harnesses run. */
const programs = ["programs", "programs/acp"].map((folder) =>
  here(`../../packages/agents/test/${folder}/node_modules/.bin`)
)

const compete = Effect.fnUntraced(function* (name: string, { folder, repository }: Place) {
  const { harness, isRehearsed } = yield* Agents.make(name, { keys, programs, folder: `${folder}/${name}` })
  const spec: SandboxSpec = {
    id: name,
    workspace: { _tag: "Checkout", repository, base: "main", branch: `agents/${name}` }
  }
  const floor = Layer.merge(harness, Budget.layer({ usd: 2 })).pipe(
    Layer.provide(GenAiPrices.layer),
    Layer.provideMerge(MemoryJournal.layer)
  )
  return yield* Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    const result = yield* Effect.result(Mender.run({ report }))
    const time = (yield* Clock.currentTimeMillis) - began
    const seen = Result.isSuccess(result) ? yield* look : undefined
    const events = yield* Stream.runCollect((yield* Journal.Journal).read())
    const turns = events.filter(({ fact }) => fact._tag === "ModelCalled").length
    const account = Ledger.total(Ledger.charges(events.reduce(Ledger.step, Ledger.empty)))
    const row = { agent: name, turns, account, time, isRehearsed }
    if (Result.isFailure(result)) {
      const { message, reason } = Fault.record(result.failure)
      yield* Console.log(`${name}: ${Text.oneLine(message)}`)
      return { ...row, outcome: reason ?? "failed", seen }
    }
    const { success } = result
    yield* Console.log(`${name}: ${Text.oneLine(success._tag === "Mended" ? success.summary : success.missing)}`)
    return { ...row, outcome: success._tag, seen }
  }).pipe(Sandbox.within(spec), Effect.provide(floor))
}, Effect.scoped)

const program = Effect.fnUntraced(function* ({ only }: Settings) {
  const files = yield* FileSystem.FileSystem
  const folder = yield* files.makeTempDirectoryScoped({ prefix: "millwright-agents-" })
  const place = {
    folder,
    repository: yield* Demo.repository(here("../01-issue-to-change/demo"), `${folder}/repository`)
  }
  const wanted = only.length === 0 ? Agents.names : Agents.names.filter((name) => only.some((each) => each === name))

  const rows = yield* Effect.forEach(wanted, (name) => compete(name, place))
  yield* Console.log(`\n${Table.text(rows)}`)
  yield* Console.log("")
  if (rows.some(({ agent, seen }) => seen !== undefined && agent.startsWith("acp-"))) {
    yield* Console.log(
      "acp-*: an agent that speaks ACP says what it used once for each thing that it is told, which counts as one turn."
    )
  }
  if (rows.some(({ isRehearsed }) => isRehearsed)) {
    yield* Console.log("In brackets: REHEARSED, a loopback server played the model, and nobody pays.")
  }

  for (const { agent, outcome, seen } of rows) {
    if (seen === undefined) {
      assert.equal(outcome, "NotInstalled", `${agent} has no outcome`)
      continue
    }
    assert.equal(outcome, "Mended", `${agent} did not mend it`)
    assert.deepEqual(
      seen,
      { printed: "1h 30m", tests: 0, changed: ["src/duration.js"] },
      `${agent} says that it is mended`
    )
  }
  const missing = rows.filter(({ seen }) => seen === undefined).length
  yield* Console.log(`\n${rows.length - missing} of ${rows.length} agents did it; ${missing} missing.`)
}, Effect.scoped)

const flags = {
  only: Flag.Literals("only", Agents.names).pipe(
    Flag.withDescription("An agent that is to do it; can be given several times. Default: all of them"),
    Flag.between(0, Agents.names.length)
  )
}
type Settings = Command.Command.Config.Infer<typeof flags>

const cli = Command.make("example-06", flags, program).pipe(
  Command.withDescription("Has every coding agent that is there do the same task in the same role")
)

Command.runWith(cli, { version: "0.0.0" })(process.argv.slice(2)).pipe(
  Effect.catchCause(Ending.explain(() => false)),
  Effect.provide(Layer.provideMerge(WorktreeSandbox.layer, NodeServices.layer)),
  Effect.provideService(Redaction.Secrets, secrets),
  (main) => NodeRuntime.runMain(main, { disableErrorReporting: true, teardown: Ending.teardown })
)
