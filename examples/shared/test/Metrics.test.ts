import { assert, describe, it } from "@effect/vitest"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Actor from "@millwright/core/Actor"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll } from "vitest"
import * as Child from "./Child.ts"

const main = fileURLToPath(new URL("../line.ts", import.meta.url))
let folder: string

const hour = 3_600_000
const at = (hours: number, fact: FactoryEvent.Fact): FactoryEvent.Entry => ({
  ...{ at: Date.UTC(2020, 0, 6) + hours * hour, line: "Fix", run: "one.1", item: "one", stage: null, fact },
  actor: Actor.host
})
const usage = { input: 20, cacheRead: 80, cacheWrite: 0, output: 5 }
const facts: ReadonlyArray<FactoryEvent.Entry> = [
  at(0, { _tag: "LineStarted", title: "t", execution: "e", start: "s" }),
  at(1, {
    ...{ _tag: "ModelCalled", model: "m", provider: "p", usage, cost: Usage.known(1.5), latency: 1, rehearsed: false }
  }),
  at(5, {
    ...{ _tag: "Intervened", id: "git:1", kind: "edit", name: "branch", cause: "style\u001b[2J", why: "w" },
    ...{ by: Actor.human("ada"), waited: null, activeMinutes: 30, before: null, after: null, ref: null }
  }),
  at(8, {
    ...{ _tag: "ChangeShipped", change: "1", into: "main", head: "h", commit: "c", by: Actor.host, authors: "mixed" }
  })
]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "millwright-metrics-"))
  await Effect.flatMap(Journal.Journal, ({ append }) => append(facts)).pipe(
    Effect.provide(Layer.provide(SqliteJournal.layer, Sqlite.layer({ path: join(folder, "factory.db") }))),
    Effect.runPromise
  )
})
afterAll(() => {
  Child.endAll()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

const metrics = (...args: ReadonlyArray<string>) =>
  Child.start(process.execPath, [main, "metrics", ...args, "--store", folder], { cwd: folder }).ended
const week = ["--from", "2020-01-06", "--to", "2020-01-13"]

describe("line metrics", () => {
  it("shows every figure of the window with what it is made of", async () => {
    const { code, stderr, stdout } = await metrics(...week, "--rate", "60", "--worth", "100", "--parts")
    assert.strictEqual(code, 0, stderr)
    const rows = stdout.split("\n").map((line) => line.replaceAll(/ {2,}/g, " | "))
    assert.strictEqual(rows[0], "From 2020-01-06 00:00 UTC to before 2020-01-13 00:00 UTC, as of 2020-01-13 00:00 UTC.")
    for (const row of [
      "FIGURE | VALUE | UNIT | MADE OF | UNKNOWN",
      "semiAutomated | 100 | % | 1 / 1",
      " | edited | 100 | % | 1 / 1",
      "costPerShipped | 1.50 | USD per change | 1.50 / 1",
      "humanHours | 0.5000 | hours per change | 0.5000 / 1",
      "roi | 3.17 | USD per USD | 100 / 31.50",
      "leadTime | 8 | hours | p90 8; 1 over, 0 not",
      "cacheRead | 80 | % | 80 / 100",
      "parked | - | share | 0 / 0"
    ]) {
      assert.include(rows, row)
    }
    assert.notInclude(stdout, "\u001b", "a cause may not steer the terminal")
  })

  it("prints the figures as JSON, and says what it has left out", async () => {
    const { stdout } = await metrics(...week, "--json")
    const [printed] = JSON.parse(stdout).metrics
    assert.deepStrictEqual(printed.figures.efficiency.denominator, 1.5)
    assert.include((await metrics(...week)).stdout, "without people's time")
  })

  it("writes a report for a meeting, and says so where it can not", async () => {
    const file = join(folder, "report.html")
    const { code, stderr } = await metrics(...week, "--html", file)
    assert.strictEqual(code, 0, stderr)
    assert.match(readFileSync(file, "utf8"), /Cost per shipped change<\/dt><dd class="big">\$1\.50/)
    const nowhere = await metrics(...week, "--html", join(folder, "no", "report.html"))
    assert.strictEqual(nowhere.code, 2, nowhere.stdout)
    assert.match(nowhere.stderr, /can not be written/)
  })

  it("refuses a window that is none, and an hour that costs less than nothing", async () => {
    for (const asked of [
      ["--days", "0"],
      ["--days", "-3"],
      ["--days", "7", "--from", "2020-01-01"],
      ["--from", "yesterday"],
      ["--from", "2020-02-01", "--to", "2020-01-01"],
      ["--rate", "-1"]
    ]) {
      const { code, stderr, stdout } = await metrics(...asked)
      assert.strictEqual(code, 2, stdout)
      assert.match(stderr, /--days 7|--rate 0/)
    }
  })
})
