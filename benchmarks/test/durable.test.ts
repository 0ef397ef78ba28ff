import { assert, describe, it } from "@effect/vitest"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Command from "../../scripts/Command.ts"
import type * as Bench from "../Bench.ts"
import * as Child from "../Child.ts"

const bench = (...args: ReadonlyArray<string>): Promise<Command.Ended> =>
  Command.run(process.execPath, [join(Command.root, "scripts", "bench.ts"), "durable", ...args])

/** Everything as small as it gets, without what has to be fetched or built. */
const small = ["--peers", "none", "--packages", "source", "--runs", "1", "--stages", "20", "--lines", "3", "--late"]
const sizes = [...small, "30", "--kills", "2", "--seed", "7", "--waiting", "8", "--idle", "1"]

describe("pnpm bench durable", () => {
  it(
    "measures everything that needs no peer, and says why the rest is not measured",
    { timeout: 180_000 },
    async () => {
      const { code, output, stdout } = await bench("--json", ...sizes)
      assert.strictEqual(code, 0, output)
      const report: { readonly figures: ReadonlyArray<Bench.Figure> } = JSON.parse(stdout)
      const find = (part: string): Bench.Figure => {
        const found = report.figures.find(({ name }) => name.includes(part))
        assert.isDefined(found, `there is no figure "${part}" in ${output}`)
        return found as Bench.Figure // asserted above
      }
      for (const name of [
        "1 × 20 engine NORMAL",
        "3 × 10 engine FULL",
        "cost at stage 30, FULL",
        "cold start to the first"
      ]) {
        assert.isAbove(find(name).value, 0, name)
        assert.isDefined(find(name).spread, `${name} does not say what its runs lie between`)
      }
      for (const name of ["run again", "stages lost", "recorded twice", "did not end"]) {
        assert.strictEqual(find(name).value, 0, `kill -9: ${name}`)
      }
      assert.isAbove(find("disk for a stage, to its 2 KB").value, 1, "a stage takes less than its output")
      assert.isAbove(find("8 waiting: disk for each").value, 0)
      assert.isAbove(find("goes on, in process").value, 0)
      for (const name of ["against DBOS", "LangGraph graph", "cluster, 3 runners", "dispatcher: overhead"]) {
        const figure = find(name)
        assert.isString(figure.missing, `${name} was not measured and does not say why`)
        assert.isUndefined(figure.holds, `the goal of ${name} was judged without a number`)
      }
      assert.match(output, /--seed 7/, "the moments of the kills can not be had again")
      assert.match(output, /load average/, "how busy the machine was is not said")
      assert.match(output, /engine FULL: SQLite WAL, synchronous=FULL/, "what a commit promises is not said")
    }
  )

  const bad: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
    [["--only", "speed"], /--only knows no "speed".*throughput,growth/],
    [["--peers", "temporal"], /--peers knows no "temporal".*dbos,langgraph/],
    [["--packages", "none", "--only", "cluster"], /--packages takes built or source/]
  ]
  for (const [args, message] of bad) {
    it(`ends with 2 on: ${args.join(" ")}`, async () => {
      const { code, output } = await bench("--peers", "none", ...args)
      assert.strictEqual(code, 2, output)
      assert.match(output, message)
    })
  }
})

describe("a bench that is stopped", () => {
  it("leaves no folder and no process behind", async () => {
    const program = join(import.meta.dirname, "fixtures", "stopped.ts")
    const child = Child.start(program, {})
    const { folder, pid } = await child.next()
    assert.isTrue(existsSync(String(folder)), "the bench has no folder to leave behind")
    await child.kill("SIGINT")
    assert.strictEqual(await child.ended, 130)
    assert.isFalse(existsSync(String(folder)), "the folder is still there")
    assert.throws(() => process.kill(Number(pid), 0), /ESRCH/, "the program that it started still runs")
  })

  it("tells what a program said that ended without an answer", async () => {
    const failed = await Child.run(join(import.meta.dirname, "fixtures", "failing.ts"), {}).catch(String)
    assert.match(String(failed), /failing\.ts ended before it answered.*it is broken/s)
  })
})
