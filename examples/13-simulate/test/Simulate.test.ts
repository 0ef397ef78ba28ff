import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { simulate } from "../simulate.ts"

const main = fileURLToPath(new URL("../main.ts", import.meta.url))

describe("13-simulate", () => {
  it("runs the mission of 16 hours and 185 runs, and checks its shape", () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, [main], { encoding: "utf8" })
    assert.strictEqual(status, 0, stdout + stderr)
    assert.match(stdout, /Simulated +16\.\d+ hours, 185 runs/)
  })

  it.live("is the same journal for the same seed, and the same shape in another time for another seed", () =>
    Effect.gen(function* () {
      const first = yield* simulate("a")
      assert.strictEqual(JSON.stringify(yield* simulate("a")), JSON.stringify(first), "it went another way")
      const other = yield* simulate("b")
      assert.notStrictEqual(other.elapsed, first.elapsed, "the seed decides nothing")
      assert.strictEqual(other.runs.length, first.runs.length)
    })
  )

  it.live("sends back what validators find, before they judge again", () =>
    Effect.gen(function* () {
      const { runs } = yield* simulate("a")
      const names = runs.map(({ status }) => status.item)
      const at = (name: string) => names.indexOf(name)
      assert.isBelow(at("milestone-2-round-1-scrutiny"), at("milestone-2-fix-up-1"))
      assert.isBelow(at("milestone-2-fix-up-8"), at("milestone-2-round-2-scrutiny"))
      assert.strictEqual(at("milestone-1-round-2-scrutiny"), -1, "what was accepted is judged once")
      const work = runs.filter(({ status }) => status.line === "Work")
      const overlap = work.filter(({ startedAt }, index) => startedAt < (work[index - 1]?.changedAt ?? 0))
      assert.deepStrictEqual(overlap, [], "workers go one after the other")
    })
  )
})
