/** What a harness holds to about sub-agents and about conversations that it keeps, or says that it can not do. */
import { assert } from "@effect/vitest"
import * as Journal from "@millwright/core/Journal"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type * as Harness from "../Harness.ts"
import * as Progress from "../Progress.ts"
import * as SubAgent from "../SubAgent.ts"
import type * as ScriptedHarness from "./ScriptedHarness.ts"

/** The harness, the request to change, and where its agents work. */
export interface Bench {
  readonly harness: Harness.Harness["Service"]
  readonly journal: Journal.Journal["Service"]
  readonly request: Harness.Request
  readonly place: { readonly folder: string; readonly services: Context.Context<Harness.Workplace> }
}

/** The turns of an agent, and those of its sub-agents by their roles. */
export interface Script {
  readonly turns: ReadonlyArray<ScriptedHarness.Turn>
  readonly agents: Readonly<Record<string, ReadonlyArray<ScriptedHarness.Turn>>>
}

const scout = SubAgent.make("scout", { description: "Looks.", instructions: "You look.", grants: ["read"] })
const fixer = SubAgent.make("fixer", { description: "Mends.", instructions: "You mend.", grants: ["bash"] })

const observe = Effect.fnUntraced(function* ({ harness, place, request }: Bench, changes: Partial<Harness.Request>) {
  const events: Array<Harness.HarnessEvent> = []
  const exit = yield* harness.run({ ...request, ...changes }).pipe(
    Stream.runForEach((event) => Effect.sync(() => events.push(event))),
    Journal.as({ _tag: "Agent", role: request.role }),
    Effect.provideContext(place.services),
    Effect.exit
  )
  return { events, exit }
})

/** A request with sub-agents, where there can be none, or where one may do more than its role. */
export const refused = Effect.fnUntraced(function* (bench: Bench) {
  const { subAgents } = bench.harness.supports
  const wide = { agents: { list: [fixer] }, grants: ["read"] as const }
  for (const [changes, reason] of [
    [wide, subAgents ? "BadAgents" : "Unsupported"],
    [{ agents: { list: [scout, scout] } }, subAgents ? "BadAgents" : "Unsupported"],
    ...(subAgents ? [] : [[{ agents: { list: [scout] } }, "Unsupported"] as const])
  ] as const) {
    const { events, exit } = yield* observe(bench, changes)
    const error = yield* Effect.flip(exit)
    assert.deepStrictEqual([error._tag, error.reason], ["HarnessError", reason])
    assert.deepStrictEqual(events, [], "It began to work before it refused")
  }
})

const outcome = (report: string): ScriptedHarness.Turn => ({ outcome: { report } })

const asks = (agent: string): ScriptedHarness.Turn => ({
  calls: [{ tool: "delegate", arguments: { agent, task: "Do it." } }]
})

/** An agent that gives tasks to one that works and to one that is refused a tool. */
export const delegating: Script = {
  turns: [asks("fixer"), asks("scout"), { outcome: { answer: "done" } }],
  agents: {
    "Tester/fixer": [{ calls: [{ tool: "bash", arguments: { script: "echo x > mended" } }] }, outcome("Mended.")],
    "Tester/scout": [{ calls: [{ tool: "bash", arguments: { script: "echo x > ran" } }] }, outcome("I may not.")]
  }
}

/** What {@link delegating} comes to. */
export const delegated = Effect.fnUntraced(function* (bench: Bench) {
  const { events, exit } = yield* observe(bench, { agents: { list: [scout, fixer] } })
  assert.isTrue(Exit.isSuccess(exit), String(exit))
  assert.isTrue(
    existsSync(join(bench.place.folder, "mended")),
    "A sub-agent did not work in the workplace of its parent"
  )
  assert.isFalse(existsSync(join(bench.place.folder, "ran")), "A sub-agent ran a tool without a grant")
  const tools = events.flatMap((each) => {
    const { event, path } = Progress.unwrap(each)
    return event._tag === "ToolEnded" ? [[...path, event.tool, event.ok].join(" ")] : []
  })
  assert.deepStrictEqual(tools, ["fixer bash true", "delegate true", "scout bash false", "delegate true"])
  assert.deepStrictEqual(
    events.flatMap(({ _tag }, at) => (_tag === "Ended" ? [at] : [])),
    [events.length - 1],
    "The end of a sub-agent is told as that of its parent"
  )
  const facts = yield* Stream.runCollect(bench.journal.read())
  const actors = facts.flatMap(({ actor, fact }) =>
    fact._tag === "ToolCalled" && actor._tag === "Agent" ? [`${actor.role} ${fact.tool}`] : []
  )
  assert.deepStrictEqual(actors, ["Tester/fixer bash", "Tester delegate", "Tester/scout bash", "Tester delegate"])
  const tasks = facts.flatMap(({ fact }) => (fact._tag === "AgentDelegated" ? [fact.agent] : []))
  assert.deepStrictEqual(tasks, ["Tester/fixer", "Tester/scout"])
})

/** An agent whose sub-agent starts a process that does not end. */
export const endless = (turn: ScriptedHarness.Turn): Script => ({
  turns: [asks("fixer"), { outcome: { answer: "never" } }],
  agents: { "Tester/fixer": [turn, outcome("never")] }
})

/** Interrupts it once it has said so. */
export const interrupted = Effect.fnUntraced(function* (bench: Bench, said: Effect.Effect<number>) {
  const fiber = yield* Effect.forkChild(observe(bench, { agents: { list: [fixer] } }))
  yield* said
  yield* Fiber.interrupt(fiber)
})

/** An agent that leaves a line in the workplace. */
export const leaving: ReadonlyArray<ScriptedHarness.Turn> = [
  { calls: [{ tool: "bash", arguments: { script: "echo x >> log" } }] },
  { outcome: { answer: "left" } }
]

/**
 * A conversation that is asked for again by its name is over, where conversations are kept, and begins anew elsewhere; one that has
 * to be there and is not is refused.
 */
export const kept = Effect.fnUntraced(function* (bench: Bench, lines: () => number) {
  writeFileSync(join(bench.place.folder, "log"), "")
  for (const times of [1, bench.harness.supports.sessions ? 1 : 2]) {
    const { events, exit } = yield* observe(bench, { id: "kept" })
    assert.isTrue(Exit.isSuccess(exit), String(exit))
    const last = events.at(-1)
    assert.deepStrictEqual(last?._tag === "Ended" ? last.outcome : undefined, { answer: "left" })
    assert.strictEqual(lines(), times, `supports.sessions is ${bench.harness.supports.sessions}`)
  }
  const done = lines()
  const { events, exit } = yield* observe(bench, { id: "nowhere", resumeOnly: true })
  const error = yield* Effect.flip(exit)
  assert.strictEqual(error.reason, bench.harness.supports.sessions ? "NotFound" : "Unsupported")
  assert.deepStrictEqual([events, lines()], [[], done], "It began to work before it refused")
})
