/**
 * A hundred and eighty tools of real MCP servers, and a handful in the prompt:
 *
 *     npx -y pnpm@12.18.0 example 04                  in every mode, and with all tools from the start to compare it with
 *     npx -y pnpm@12.18.0 example 04 --mode inline    in one mode, and in the one to compare it with
 *
 * The servers are started over stdio; one is killed while it works, and one does not exist. The model is always rehearsed:
 * the bill is made from the requests that went over the wire to it. `serve.ts` gives the same index to other harnesses.
 *
 * Exit codes: 0 it did what it shall, 2 bad input, 1 anything else.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Ending from "@millwright-examples/shared/ending"
import * as SourceIndex from "@millwright/context/SourceIndex"
import type * as ToolIndex from "@millwright/context/ToolIndex"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { strict as assert } from "node:assert"
import { join } from "node:path"
import * as Bill from "./bill.ts"
import * as Conversation from "./conversation.ts"
import * as Rehearsal from "./rehearsal.ts"
import * as Report from "./report.ts"
import * as Servers from "./servers.ts"

/** A role begins without those that are late; this program counts them all. */
const everyServer = (index: ToolIndex.ToolIndex) =>
  index.stats.pipe(
    Effect.repeat({
      until: ({ servers }) => servers.every(({ status }) => status !== "waiting"),
      schedule: Schedule.spaced(100)
    }),
    Effect.timeout(20_000)
  )

type Played = Effect.Success<ReturnType<typeof Conversation.play>>

/** That a conversation did its work, and only what it shall. */
const verify = ({ bodies, killing, mode, outcome }: Played) => {
  const all = bodies.map(Bill.results)
  const answered = (text: string) =>
    assert(
      all.some((each) => each.includes(text)),
      `${mode}: no tool answered "${text}"`
    )
  assert.deepEqual(outcome, { _tag: "Counted", total: Rehearsal.total, remembered: true })
  answered("hammers: 12")
  answered(`${Rehearsal.total} things`)
  answered("there again")
  if (mode !== "upfront") {
    const loaded = Bill.loaded(bodies.at(-1))
    for (const id of ["files/read_text_file", "memory/create_entities"]) {
      // Over the bridge a tool is loaded when its schema was read.
      const isLoaded =
        mode === "bridge"
          ? all.some((each) => each.includes(`${id}: `) && each.includes('"properties"'))
          : loaded.includes(`mcp__${id.replace("/", "__")}`)
      assert(isLoaded, `${mode}: no search loaded ${id}`)
    }
  }
  assert.match(all[killing] ?? "", /Disconnected/, `${mode}: the call that was broken off did not say so`)
  assert.equal(Bill.of(bodies).changed, 0, `${mode}: a load changed what was sent before`)
}

const program = Effect.fnUntraced(function* ({ mode }: Settings) {
  const files = yield* FileSystem.FileSystem
  const own = yield* files.makeTempDirectoryScoped({ prefix: "millwright-tools-" })
  const place = { own, files: join(yield* files.realPath(own), "workspace") }
  yield* files.makeDirectory(place.files)
  yield* files.writeFileString(join(place.files, "inventory.txt"), Rehearsal.inventory)

  const index = yield* SourceIndex.make(yield* Servers.sources(place))
  const stats = yield* everyServer(index)
  yield* Console.log(
    `Servers\n${Report.servers(stats)}\n\nTo look at before a run\n${Report.findings(yield* index.lint)}\n`
  )
  assert(stats.entries >= 100, `there are ${stats.entries} tools and not a hundred`)
  assert.equal(stats.servers.find(({ name }) => name === Servers.missing)?.status, "failed")

  const chosen = Conversation.modes.filter((each) => each === "upfront" || each === Option.getOrElse(mode, () => each))
  const played: Array<Played> = []
  for (const each of chosen) {
    const one = yield* Conversation.play(each, { index, place })
    verify(one)
    played.push(one)
  }

  const shown = played.at(1)
  if (shown !== undefined) {
    const [first, second] = shown.bodies
    const opening = Bill.system(first)
    const loaded = Bill.loaded(second)
    yield* Console.log(
      `What the model reads of the index (${shown.mode})\n${Report.excerpt(opening.slice(opening.indexOf("# Tools that can")), 16)}\n`
    )
    yield* Console.log(
      `What its first search finds${loaded.length === 0 ? "" : `; it loads ${loaded.join(", ")}`}\n${Report.excerpt(Bill.results(second), 14)}\n`
    )
    yield* Console.log(
      `${Servers.killed} was killed while it worked. The model was told, and went on\n${Report.excerpt(Bill.results(shown.bodies[shown.killing]), 4)}\n`
    )
  }
  const processes = Servers.processes(place).length
  yield* Console.log(
    `${Servers.killed} was started ${processes} times; ${Servers.missing} never was: ${stats.servers.find(({ name }) => name === Servers.missing)?.reason}\n`
  )
  assert(processes > played.length, "the server that was killed was not started again")

  const rows = played.map(({ bodies, mode }) => ({ mode, bill: Bill.of(bodies) }))
  yield* Console.log(`The bill, in estimated tokens\n${Report.bills(rows)}`)
  const [upfront, ...deferred] = rows
  assert(upfront !== undefined)
  for (const { bill, mode } of deferred) {
    assert(Report.saved(bill.tokens, upfront.bill.tokens) > 0.8, `${mode} saves too little`)
    assert(Report.saved(bill.cached, upfront.bill.cached) > 0.8, `${mode} saves too little with a cache`)
  }
}, Effect.scoped)

const flags = {
  mode: Flag.Literals("mode", ["native", "inline", "bridge"]).pipe(
    Flag.withDescription("How tools come into the conversation. Default: each"),
    Flag.optional
  )
}
type Settings = Command.Command.Config.Infer<typeof flags>

const cli = Command.make("example-04", flags, program).pipe(
  Command.withDescription("Gives an agent a hundred and eighty tools of real MCP servers, with a handful in its prompt")
)

Command.runWith(cli, { version: "0.0.0" })(process.argv.slice(2)).pipe(
  Effect.catchCause(Ending.explain(() => false)),
  Effect.provide(NodeServices.layer),
  (main) => NodeRuntime.runMain(main, { disableErrorReporting: true, teardown: Ending.teardown })
)
