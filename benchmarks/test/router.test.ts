import { assert, describe, it } from "@effect/vitest"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Command from "../../scripts/Command.ts"
import type * as Bench from "../Bench.ts"
import * as Outcomes from "../router/Outcomes.ts"

const bench = (...args: ReadonlyArray<string>): Promise<Command.Ended> =>
  Command.run(process.execPath, [
    join(Command.root, "scripts", "bench.ts"),
    "router",
    "--replays",
    "1",
    "--draws",
    "20",
    ...args
  ])

/** The small model does what is easy, the large one everything. */
const table = (count: number) => ({
  models: [
    { id: "a/small", tier: "small" },
    { id: "b/large", tier: "large" }
  ],
  tasks: Array.from({ length: count }, (_, at) => ({
    task: `t${at}`,
    features: { message: at % 2 },
    outcomes: { "a/small": { passed: at % 2 === 0, usd: 0.1 }, "b/large": { passed: true, usd: 1 } }
  }))
})

/** The same, and nothing tells which tasks are easy. */
const blind = (count: number) => {
  const { models, tasks } = table(count)
  return { models, tasks: tasks.map((task) => ({ ...task, features: {} })) }
}

describe("pnpm bench router", () => {
  it("finds in a file what can be saved, and refuses a file with a hole", { timeout: 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "router-test-"))
    try {
      const file = (content: unknown): string => {
        const path = join(folder, "outcomes.json")
        writeFileSync(path, JSON.stringify(content))
        return path
      }
      const { code, output, stdout } = await bench("--json", "--outcomes", file(table(200)))
      assert.strictEqual(code, 0, output)
      const { figures }: { readonly figures: ReadonlyArray<Bench.Figure> } = JSON.parse(stdout)
      const value = (name: string) => figures.find((figure) => figure.name === name && figure.peer === undefined)?.value
      assert.strictEqual(value("cheaper than the best model"), 45, "half of the tasks cost a tenth")
      assert.strictEqual(value("of the best model's pass rate"), 100)
      const seen = await bench("--json", "--caught", "100", "--alarmed", "0", "--outcomes", file(blind(200)))
      const of = (name: string) =>
        (JSON.parse(seen.stdout) as { readonly figures: ReadonlyArray<Bench.Figure> }).figures.find(
          (figure) => figure.name === name && figure.peer === undefined
        )?.value
      assert.strictEqual(of("cheaper than the best model"), 0, "nothing tells the tasks apart")
      assert.strictEqual(
        of("with validation, cheaper than the best model"),
        40,
        "all begin small, and half are paid twice"
      )
      assert.strictEqual(of("with validation, of the best model's pass rate"), 100)
      const [first, ...rest] = table(30).tasks
      const hole = { ...table(30), tasks: [{ ...first, outcomes: {} }, ...rest] }
      const bad = await bench("--outcomes", file(hole))
      assert.strictEqual(bad.code, 2, bad.output)
      assert.match(bad.output, /the task t0 has no outcome of a\/small/)
      assert.match((await bench("--outcomes", file(table(5)))).output, /at least 20 are needed/)
      assert.match((await bench("--outcomes", file({ tasks: 1 }))).output, /holds no table of outcomes/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("makes up the same table for a seed, with about the pass rates that it says", () => {
    const made = Outcomes.generate({ tasks: 4_000, seed: 3, told: 50 })
    assert.deepStrictEqual(Outcomes.generate({ tasks: 4_000, seed: 3, told: 50 }), made)
    const rate = (id: string) => made.tasks.filter(({ outcomes }) => outcomes[id]?.passed).length / 4_000
    assert.closeTo(rate("made/small"), 0.6, 0.03)
    assert.closeTo(rate("made/standard"), 0.65, 0.03)
    assert.closeTo(rate("made/large"), 0.71, 0.03)
  })
})
