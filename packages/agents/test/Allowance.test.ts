import { assert, describe, it } from "@effect/vitest"
import * as MemoryEngine from "@millwright/core/adapters/MemoryEngine"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import type * as Budget from "@millwright/core/Budget"
import * as Line from "@millwright/core/Line"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { existsSync, readFileSync } from "node:fs"
import * as LoopHarness from "../src/adapters/LoopHarness.ts"
import * as Allowance from "../src/Allowance.ts"
import type * as Harness from "../src/Harness.ts"
import * as Role from "../src/Role.ts"
import * as Skill from "../src/Skill.ts"
import * as Lab from "./adapters/LoopLab.ts"
import { sessionsIn } from "./LoopSessions.ts"
import { workspace } from "./ToolsWorkplace.ts"

const Worker = Role.make("Worker", {
  input: Schema.Struct({ text: Tainted.text("the issue") }),
  outcome: Lab.Outcome,
  skill: Skill.parse("---\nname: worker\ndescription: Works.\n---\nWork.", "inline"),
  grants: ["bash"],
  tier: "small"
})

const usage = { input: 100, cacheRead: 0, cacheWrite: 0, output: 20 }
const turns: ReadonlyArray<ProviderTwin.Turn> = [
  { text: "First I look.", ...Lab.bash("echo one >> done"), usage },
  { text: "Now the rest.", ...Lab.bash("echo two >> done"), usage },
  { ...Lab.done("ok"), usage }
]

const item: WorkItem.WorkItem = {
  id: "issue-1",
  title: "It breaks",
  body: WorkItem.bodyOf("It breaks."),
  labels: [],
  source: "x"
}

/** With what it is gone on with, where that is not what it had. */
interface Then {
  readonly input: { readonly text: Tainted.Tainted }
  readonly session: string
}

/** A line that gives the role an allowance, and then as much as it needs. */
const Working = Line.make("Working", {
  payload: { item: WorkItem.WorkItem },
  success: Schema.Array(Schema.Union([Lab.Outcome, Allowance.OutOfBudget]))
})

const worked = (first: Budget.Limits, then: Partial<Then> = {}) =>
  Effect.gen(function* () {
    const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] } })
    const model = yield* Lab.modelAt("anthropic", twin.anthropicUrl)
    const code = Working.toLayer(
      Effect.fnUntraced(function* ({ item }) {
        const input = { text: item.body }
        const outcome = yield* Allowance.within(Worker, first).run(input)
        if (outcome._tag !== "OutOfBudget" || outcome.soFar.session === null) return [outcome]
        return [
          outcome,
          yield* Worker.run({ ...input, ...then.input }).pipe(Role.goingOn(then.session ?? outcome.soFar.session))
        ]
      })
    )
    const process = code.pipe(
      Layer.provide(LoopHarness.layer),
      Layer.provide([
        Layer.succeed(Model.Models, Model.single(model)),
        Layer.succeed(Pricing.Pricing, Lab.cents),
        sessionsIn("sessions")
      ]),
      Layer.provideMerge(Layer.mergeAll(MemoryEngine.layer, Lab.Services)),
      Layer.provideMerge(MemoryJournal.layer),
      Layer.fresh
    )
    const status = yield* Effect.provide(Effect.flatMap(Working.start({ item }), Line.settled), process)
    return { status, asked: (yield* twin.requests).length }
  })

const finished = (first: Budget.Limits) =>
  Effect.flatMap(worked(first), ({ asked, status }) =>
    status._tag === "Finished"
      ? Effect.map(Working.result(status.result), (result) => ({ result, asked }))
      : assert.fail(JSON.stringify(status))
  )

describe("a role within limits", () => {
  const test = (title: string, body: Effect.Effect<void, unknown, never>) => it.live(title, () => body)
  const inside = <A, E>(body: Effect.Effect<A, E, Harness.Workplace | Scope.Scope>) =>
    Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Lab.Services))

  test(
    "has one more outcome, with the work so far, and goes on with it when somebody gives it more",
    inside(
      Effect.gen(function* () {
        const { asked, result } = yield* finished({ tokens: 200 })
        const [first, second] = result
        if (first?._tag !== "OutOfBudget") return assert.fail(`It ended with ${first?._tag}`)
        assert.strictEqual(first.reason, "TokensSpent")
        assert.match(first.message, /The part "Worker" of the run has used 240 of 200 tokens/)
        assert.strictEqual(first.soFar.turns, 2)
        assert.deepStrictEqual(first.soFar.usage, { ...usage, input: 200, output: 40 })
        assert.strictEqual(first.soFar.said, "First I look.\nNow the rest.\n")
        assert.deepStrictEqual(second, { _tag: "Done", note: "ok" })
        assert.strictEqual(readFileSync("done", "utf8"), "one\ntwo\n", "what was done before is done again")
        assert.strictEqual(asked, 3)
      })
    )
  )

  const others: ReadonlyArray<readonly [string, Partial<Then>, RegExp]> = [
    [
      "another input",
      { input: { text: Tainted.of("the issue", "Other") } },
      /asked for something else\. Run the role Worker/
    ],
    ["a name that nobody has", { session: "nobody" }, /conversation nobody can not be gone on with: it is not in/]
  ]
  for (const [what, then, message] of others) {
    test(
      `is not begun anew where somebody goes on with ${what}`,
      inside(
        Effect.gen(function* () {
          const { asked, status } = yield* worked({ tokens: 200 }, then)
          assert.match(status._tag === "Stalled" ? status.fault.message : status._tag, message)
          assert.strictEqual(asked, 2, "a model was called")
        })
      )
    )
  }

  test(
    "is as it is when the limits suffice",
    inside(
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* finished({ tokens: 10_000, usd: 1, time: "1 minute" })).result, [
          { _tag: "Done", note: "ok" }
        ])
      })
    )
  )

  test(
    "that are nothing calls no model until somebody gives it more",
    inside(
      Effect.gen(function* () {
        const { result } = yield* finished({ tokens: 0 })
        assert.strictEqual(result[0]?._tag, "OutOfBudget")
        assert.isTrue(existsSync("done"), "the work was not gone on with")
      })
    )
  )
})
