import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as TaskFeatures from "../src/TaskFeatures.ts"

const Tasks = Schema.Struct({
  message: Schema.String,
  tools: Schema.Array(Schema.Struct({ tool: Schema.String, ok: Schema.Boolean })),
  lines: Schema.Number,
  languages: Schema.Record(Schema.String, Schema.Number),
  failedAttempts: Schema.Number
})

describe("TaskFeatures.of", () => {
  it.prop("has numbers from 0 to 1 for any task at all", [Tasks], ([task]) => {
    const features = TaskFeatures.of(task)
    assert.isTrue(Schema.is(TaskFeatures.Features)(features), JSON.stringify({ task, features }))
  })

  it("says nothing of a task of which nothing is known", () => {
    assert.deepStrictEqual([...new Set(Object.values(TaskFeatures.of({ message: "" })))], [0])
  })

  it("grows with what it measures", () => {
    const of = (task: Partial<TaskFeatures.Task>, feature: string) =>
      TaskFeatures.of({ message: "", ...task })[feature] ?? Number.NaN
    assert.strictEqual(of({ message: "x".repeat(16_000) }, "message"), 1)
    assert.isBelow(of({ message: "x".repeat(200) }, "message"), of({ message: "x".repeat(2_000) }, "message"))
    assert.strictEqual(of({ message: "It breaks.\n    at src/Line.ts:12:3" }, "detail"), 0.5)
    assert.strictEqual(of({ tools: [{ tool: "a", ok: true }] }, "tools"), 0.05)
    const calls = [...Array<{ tool: string; ok: boolean }>(30).fill({ tool: "a", ok: true })]
    assert.strictEqual(of({ tools: [{ tool: "a", ok: false }, ...calls] }, "toolFailures"), 0, "only the last 20 count")
    assert.strictEqual(of({ lines: 1_000_000 }, "repository"), 1)
    assert.strictEqual(of({ languages: { TypeScript: 5 } }, "languages"), 0)
    assert.closeTo(of({ languages: { TypeScript: 5, Go: 5 } }, "languages"), 1 / 3, 1e-9)
    assert.strictEqual(of({ failedAttempts: 3 }, "failedAttempts"), 1)
  })
})
