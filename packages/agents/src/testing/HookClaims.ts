/** What a harness holds to about hooks at the calls of tools, or says that it can not do. */
import { assert } from "@effect/vitest"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { existsSync } from "node:fs"
import { join } from "node:path"
import type * as Harness from "../Harness.ts"
import * as Hook from "../Hook.ts"
import type * as DelegationClaims from "./DelegationClaims.ts"
import type * as ScriptedHarness from "./ScriptedHarness.ts"

type Bench = DelegationClaims.Bench

const writing = (path: string): ScriptedHarness.Turn => ({
  calls: [{ tool: "write", arguments: { path, content: "x\n" } }]
})

/** What the agent does that the claims are about. */
export const turns: ReadonlyArray<ScriptedHarness.Turn> = [
  { calls: [{ tool: "bash", arguments: { script: "echo x > ran" } }] },
  writing("moved"),
  writing("malformed"),
  writing("outside"),
  { outcome: { answer: "done" } }
]

const observe = Effect.fnUntraced(function* (
  { harness, place, request }: Bench,
  hooks: NonNullable<Harness.Request["hooks"]>
) {
  const events: Array<Harness.HarnessEvent> = []
  const exit = yield* harness.run({ ...request, hooks }).pipe(
    Stream.runForEach((event) => Effect.sync(() => events.push(event))),
    Journal.as({ _tag: "Agent", role: request.role }),
    Effect.provideContext(place.services),
    Effect.exit
  )
  return { events, exit }
})

const others: Readonly<Record<string, unknown>> = {
  moved: { path: "there", content: "y\n" },
  malformed: { path: 7 },
  outside: { path: "../outside", content: "y\n" }
}

const guard = Hook.make("guard", {
  beforeTool: ({ arguments: given, tool }) => {
    const path = Predicate.hasProperty(given, "path") && Predicate.isString(given.path) ? given.path : ""
    if (tool === "bash") return Effect.succeed(Hook.veto("Nothing is run here."))
    return Effect.succeed(path in others ? Hook.transform(others[path]) : Hook.pass)
  }
})

/** A veto, other arguments, malformed ones, and some that the agent could not have used either. */
export const heeded = Effect.fnUntraced(function* (bench: Bench) {
  const { events, exit } = yield* observe(bench, [guard])
  if (!bench.harness.supports.toolHooks) {
    const error = yield* Effect.flip(exit)
    assert.deepStrictEqual([error._tag, error.reason], ["HarnessError", "Unsupported"])
    assert.deepStrictEqual(events, [], "It began to work before it refused")
    return
  }
  assert.strictEqual(exit._tag, "Success", String(exit))
  const has = (path: string) => existsSync(join(bench.place.folder, path))
  assert.isFalse(has("ran"), "What a hook refused was run")
  assert.deepStrictEqual([has("there"), has("moved")], [true, false], "The arguments of the hook were not taken")
  assert.isFalse(has("../outside"), "A hook widened what the agent may do")
  assert.deepStrictEqual(
    events.flatMap((event) => (event._tag === "ToolEnded" ? [`${event.tool} ${event.ok}`] : [])),
    ["bash false", "write true", "write false", "write false"]
  )
  const acted = (yield* Stream.runCollect(bench.journal.read())).flatMap(({ fact }) =>
    fact._tag === "HookActed" ? [`${fact.hook} ${fact.point} ${fact.did}`] : []
  )
  assert.deepStrictEqual(acted, [
    "guard beforeTool veto",
    "guard beforeTool transform",
    "guard beforeTool transform",
    "guard beforeTool transform"
  ])
})

/** One that throws, one that fails, one that hangs, and those that answer nothing or nonsense, from programs without types. */
export const closed = Effect.fnUntraced(function* (bench: Bench) {
  if (!bench.harness.supports.toolHooks) return
  const nonsense = { _tag: "Maybe" } as unknown as Hook.Answer<never>
  for (const [hook, reason] of [
    [
      Hook.make("thrower", {
        beforeTool: () => {
          throw new Error("it broke")
        }
      }),
      "Failed"
    ],
    [Hook.make("failer", { beforeTool: () => Effect.fail("it failed") }), "Failed"],
    [Hook.make("silent", { beforeTool: () => undefined as unknown as Effect.Effect<Hook.Answer<never>> }), "Failed"],
    [Hook.make("timeless", { time: "soon" as "1 second", beforeTool: () => Effect.succeed(Hook.pass) }), "Failed"],
    [Hook.make("sleeper", { time: "20 millis", beforeTool: () => Effect.never }), "TimedOut"],
    [Hook.make("muddler", { afterTool: () => Effect.succeed(nonsense) }), "Failed"]
  ] as const) {
    const { exit } = yield* observe(bench, [hook])
    const error = yield* Effect.flip(exit)
    assert.deepStrictEqual([error._tag, error.reason], ["HookError", reason])
    assert.include(error.message, hook.name, "The message does not name the hook")
  }
})
