import { assert, describe, it } from "@effect/vitest"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Role from "../src/Role.ts"
import * as Skill from "../src/Skill.ts"
import * as Rehearsal from "../src/testing/Rehearsal.ts"

const namer = (name: string) =>
  Role.make(name, {
    input: Schema.Struct({ text: Schema.String }),
    outcome: Schema.TaggedUnion({ Named: { name: Schema.String } }),
    skill: Skill.parse("---\nname: namer\ndescription: Names things.\n---\nName it.", "inline"),
    grants: ["bash"],
    tier: "small"
  })
const named = (name: string) => ({ _tag: "Named", name })
const text = { text: "a thing" }

const facts = Effect.gen(function* () {
  const journal = yield* Journal.Journal
  return (yield* Stream.runCollect(journal.read())).map(({ fact }) => fact)
})

describe("a rehearsal", () => {
  it.live("plays the same outcomes for every role, or each role its own", () =>
    Effect.gen(function* () {
      const both = Effect.all([namer("One").run(text), namer("Two").run(text)])
      const same = yield* Effect.provide(both, Rehearsal.layer([named("x")]))
      assert.deepStrictEqual(
        same.map(({ name }) => name),
        ["x", "x"]
      )
      const own = yield* Effect.provide(both, Rehearsal.layer({ One: [named("a")], Two: [named("b")] }))
      assert.deepStrictEqual(
        own.map(({ name }) => name),
        ["a", "b"]
      )
    })
  )

  it.live("goes on to the next outcome when one has to be mended, and fails when there is none", () =>
    Effect.gen(function* () {
      const mended = yield* Effect.provide(namer("One").run(text), Rehearsal.layer([{ _tag: "Nothing" }, named("x")]))
      assert.strictEqual(mended.name, "x")
      const failure = yield* Effect.flip(Effect.provide(namer("One").run(text), Rehearsal.layer({ Two: [] })))
      assert.include(failure.message, "no conversation for the role One")
    })
  )

  it.live("runs the tools of a script, says that it is one, costs nothing, and shares no journal with another", () =>
    Effect.gen(function* () {
      const bash = { calls: [{ tool: "bash", arguments: { script: "true" } }] }
      const layer = Rehearsal.layerOf({ conversations: [{ turns: [bash, Rehearsal.turn(named("x"))] }] })
      const alone = Effect.provide(Effect.andThen(namer("One").run(text), facts), layer)
      const [first, second] = yield* Effect.all([alone, alone], { concurrency: 2 })
      for (const all of [first, second]) {
        assert.lengthOf(
          all.filter(({ _tag }) => _tag === "RoleStarted"),
          1,
          "the facts of another rehearsal"
        )
        assert.lengthOf(
          all.filter((fact) => fact._tag === "ToolCalled" && fact.ok),
          1
        )
        const calls = all.flatMap((fact) => (fact._tag === "ModelCalled" ? [fact] : []))
        assert.deepStrictEqual(
          calls.map(({ cost, rehearsed }) => [rehearsed, cost]),
          [
            [true, { _tag: "Known", usd: 0 }],
            [true, { _tag: "Known", usd: 0 }]
          ]
        )
      }
    })
  )
})
