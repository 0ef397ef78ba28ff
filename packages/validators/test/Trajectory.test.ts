import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@millwright/core/Actor"
import * as Digest from "@millwright/core/Digest"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Schema from "effect/Schema"
import * as Cheats from "../src/Cheats.ts"
import * as Trajectory from "../src/Trajectory.ts"

const events = (
  facts: ReadonlyArray<FactoryEvent.Fact>,
  role = "Implement"
): ReadonlyArray<FactoryEvent.FactoryEvent> =>
  facts.map((fact, index) => ({
    version: 1,
    seq: index + 1,
    at: 0,
    line: null,
    run: "a.1",
    item: null,
    stage: null,
    actor: { _tag: "Agent", role },
    fact
  }))

const called = (summary: string, call: string): FactoryEvent.Fact => ({
  _tag: "ToolCalled",
  tool: "bash",
  summary,
  arguments: Digest.of(summary),
  ok: true,
  outputBytes: 3,
  duration: 1,
  call
})

describe("Trajectory", () => {
  it("is what an agent called, with what is kept of the answers, in their order", () => {
    const all = [
      ...events([
        { _tag: "ToolOutput", call: "s/1", part: 0, text: "1 fai", isLast: false },
        { _tag: "ToolOutput", call: "s/1", part: 1, text: "led\n[exit code 1]", isLast: true },
        called("npm test", "s/1"),
        called("ls", "s/2")
      ]),
      ...events([called("cat x", "s/3")], "Review")
    ]
    const trajectory = Trajectory.ofEvents(all, { role: "Implement", claim: "All tests pass." })
    assert.deepStrictEqual(trajectory, {
      calls: [
        { tool: "bash", input: "npm test", output: "1 failed\n[exit code 1]", ok: true, exit: 1 },
        { tool: "bash", input: "ls", output: null, ok: true, exit: null }
      ],
      claim: "All tests pass.",
      missing: 0
    })
    assert.deepStrictEqual(
      Schema.decodeUnknownSync(Trajectory.Trajectory)(JSON.parse(JSON.stringify(trajectory))),
      trajectory
    )
    assert.strictEqual(Actor.label({ _tag: "Agent", role: "Implement" }), "agent:Implement")
    const files = [{ path: "a.ts", before: "1\n", after: "2\n" }]
    assert.deepStrictEqual(
      Cheats.look({ files, trajectory }).cheats.map(({ rule }) => rule),
      ["claim-against-run"]
    )
  })

  it("is bounded, keeps the last calls, and says what is missing", () => {
    const call = { tool: "bash", input: "x".repeat(10_000), output: "y".repeat(100_000), ok: true, exit: 0 }
    const made = Trajectory.make({ calls: Array.from({ length: Trajectory.limits.calls + 3 }, () => call) })
    assert.strictEqual(made.missing, 3)
    assert.lengthOf(made.calls, Trajectory.limits.calls)
    assert.lengthOf(made.calls[0]?.input ?? "", Trajectory.limits.input)
    assert.lengthOf(made.calls[0]?.output ?? "", Trajectory.limits.output)
  })

  it("does not say that tests were not run where calls are missing", () => {
    const trajectory = { calls: [], claim: "All tests pass.", missing: 2 }
    assert.deepStrictEqual(
      Cheats.look({ files: [{ path: "a.ts", before: "1\n", after: "2\n" }], trajectory }).cheats,
      []
    )
  })
})
