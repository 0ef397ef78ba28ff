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
const sizes = [...small, "30", "--kills", "2", "--seed", "7", "--waiting", "8", "--idle", "1", "--weeks", "2"]
const alone = ["--items", "2000", "--only", "throughput,growth,disk,cold,kill,waiting,dispatcher"]

interface Report {
  readonly figures: ReadonlyArray<Bench.Figure>
  readonly notes: ReadonlyArray<string>
}

const finder =
  (report: Report) =>
  (part: string): Bench.Figure => {
    const found = report.figures.find(({ name }) => name.includes(part))
    assert.isDefined(found, `there is no figure "${part}" in ${JSON.stringify(report)}`)
    return found as Bench.Figure // asserted above
  }

describe("pnpm bench durable", () => {
  it(
    "measures everything that needs no peer, and says why the rest is not measured",
    { timeout: 180_000 },
    async () => {
      const { code, output, stdout } = await bench("--json", ...sizes, ...alone)
      assert.strictEqual(code, 0, output)
      const report: Report = JSON.parse(stdout)
      const find = finder(report)
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
      assert.strictEqual(find("an answered one goes on, after a restart").value, 1, "a waiting line was lost")
      assert.strictEqual(find("dispatcher: items started out of order").value, 0)
      assert.isTrue(find("dispatcher: overhead").holds, "dispatching takes more than 1 % of the time")
      for (const name of ["against DBOS", "LangGraph graph"]) {
        const figure = find(name)
        assert.isString(figure.missing, `${name} was not measured and does not say why`)
        assert.isUndefined(figure.holds, `the goal of ${name} was judged without a number`)
      }
      assert.match(output, /--seed 7/, "the moments of the kills can not be had again")
      assert.match(output, /load average/, "how busy the machine was is not said")
      assert.match(report.notes.join("\n"), /engine FULL: SQLite WAL, synchronous=FULL/, "what a commit promises")
    }
  )

  it("says in its table why a figure is missing, and what the runs lie between", async () => {
    const few = ["--runs", "2", "--stages", "5", "--lines", "2", "--concurrency", "2", "--only", "throughput"]
    const { code, output, stdout } = await bench("--peers", "none", "--packages", "source", ...few)
    assert.strictEqual(code, 0, output)
    assert.match(stdout, /1 × 5 engine FULL +[\d.,]+ +[\d.,]+–[\d.,]+ +stages\/s/)
    assert.match(stdout, /against DBOS: not measured +– .*DBOS: not asked for \(--peers\)/)
    assert.match(stdout, /^engine FULL: SQLite WAL/m, "what a commit promises is not said below the table")
    assert.notInclude(stdout, "NaN")
  })

  it(
    "measures three runners of a cluster, and loses none of its lines with one of them",
    { timeout: 180_000 },
    async ({ skip }) => {
      const few = ["--concurrency", "3", "--waits", "2", "--nap", "1", "--moved", "9", "--only", "cluster"]
      const { code, output, stdout } = await bench("--json", ...sizes, ...few)
      assert.strictEqual(code, 0, output)
      const report: Report = JSON.parse(stdout)
      const find = finder(report)
      const why = report.figures.find(({ name }) => name === "cluster: not measured")?.missing
      if (why !== undefined) return skip(why)
      assert.isAbove(find("3 × 10 cluster").value, 0)
      assert.strictEqual(find("3 × 10 cluster against DBOS").missing, "not asked for (--peers)")
      assert.strictEqual(find("gate answered by another process").spread?.runs, 2, "a gate has no figure")
      assert.isAtLeast(find("lateness of a timer").spread?.min ?? -1, 0, "a timer went off before it was due")
      assert.strictEqual(find("lines of 9 not finished").value, 0)
      assert.strictEqual(find("stage results twice").value, 0)
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
