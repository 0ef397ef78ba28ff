/** Hooks that answer what they should not: they end the role by name, and change nothing by the way. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Harness from "../src/Harness.ts"
import * as Hook from "../src/Hook.ts"
import * as Role from "../src/Role.ts"
import * as Skill from "../src/Skill.ts"
import * as ScriptedHarness from "../src/testing/ScriptedHarness.ts"

const Outcome = Schema.TaggedUnion({
  Counted: { big: Schema.BigInt, words: Schema.ReadonlyMap(Schema.String, Schema.Number) }
})
type Outcome = typeof Outcome.Type

const run = (...hooks: ReadonlyArray<Hook.Hook<Outcome, Outcome>>) =>
  Effect.gen(function* () {
    const { journal } = yield* MemoryJournal.make
    const { harness } = yield* Effect.provideService(
      ScriptedHarness.make(() => [{ outcome: { _tag: "Counted", big: "1", words: [["a", 1]] } }]),
      Journal.Journal,
      journal
    )
    const result = yield* Role.make("Counter", {
      input: Schema.Struct({ text: Schema.String }),
      outcome: Outcome,
      skill: Skill.parse("---\nname: counter\ndescription: Counts.\n---\nCount.", "inline"),
      grants: [],
      tier: "small",
      hooks
    })
      .run({ text: "x" })
      .pipe(
        Effect.provideService(Harness.Harness, harness),
        Effect.provideService(Journal.Journal, journal),
        Effect.provide(NodeServices.layer),
        Effect.result
      )
    const events = yield* Stream.runCollect(journal.read())
    return { result, acted: events.flatMap(({ fact }) => (fact._tag === "HookActed" ? [fact.digest] : [])) }
  })

const throwing = new Proxy(
  {},
  {
    get: () => {
      throw new Error("not this way")
    },
    has: () => {
      throw new Error("not this way")
    }
  }
)

describe("a hook", () => {
  const failing = (title: string, hook: Hook.Points<Outcome, Outcome>, reason: string) =>
    it.live(`ends the role by name when it ${title}`, () =>
      Effect.gen(function* () {
        const { result } = yield* run(Hook.make("odd", hook))
        const error = result._tag === "Failure" ? result.failure : assert.fail("it came to an outcome")
        assert.deepStrictEqual([error._tag, error.reason], ["HookError", reason])
        assert.include(error.message, "odd")
      })
    )
  // A program without types may give anything.
  const given = (answer: unknown): Hook.Answer<never> => answer as Hook.Answer<never>
  failing("answers what throws when it is looked at", { request: () => Effect.succeed(given(throwing)) }, "Failed")
  failing(
    "makes what throws when it is looked at",
    { request: () => Effect.succeed(given({ _tag: "Transform", to: [throwing] })) },
    "BadTransform"
  )
  failing(
    "throws before it answers",
    {
      request: () => {
        throw new Error("at once")
      }
    },
    "Failed"
  )
  failing("throws what says nothing of itself", { request: () => Effect.die(throwing) }, "Failed")
  failing("gives nothing to be run", { request: () => given(undefined) as never }, "Failed")
  failing("may take for ever", { time: Infinity, request: () => Effect.never }, "Failed")
  failing("stops itself", { request: () => Effect.interrupt }, "Failed")

  it.live("makes an outcome of any type, and its digest is of what was made", () =>
    Effect.gen(function* () {
      const making = (n: number) =>
        run(
          Hook.make<Outcome, Outcome>("more", {
            outcome: ({ outcome }) =>
              Effect.succeed(Hook.transform({ ...outcome, big: 2n, words: new Map([["b", n]]) }))
          })
        )
      const { acted, result } = yield* making(2)
      assert.strictEqual(result._tag === "Success" && result.success.words.get("b"), 2, String(result))
      const other = yield* making(3)
      assert.lengthOf([...acted, ...other.acted], 2)
      assert.notStrictEqual(acted[0], other.acted[0], "two outcomes have one digest")
    })
  )

  it.live("that looks on at the end changes nothing of the outcome", () =>
    Effect.gen(function* () {
      const { result } = yield* run(
        Hook.make("touch", {
          end: ({ outcome }) =>
            Effect.sync(() => {
              if (Schema.is(Outcome)(outcome)) Reflect.set(outcome, "big", 9n)
            })
        })
      )
      assert.strictEqual(result._tag === "Success" && result.success.big, 1n)
    })
  )
})
