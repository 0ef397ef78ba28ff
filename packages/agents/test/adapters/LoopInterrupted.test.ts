import { assert, describe, it } from "@effect/vitest"
import * as Journal from "@millwright/core/Journal"
import type * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { readFileSync, writeFileSync } from "node:fs"
import * as Session from "../../src/Session.ts"
import * as Sessions from "../../src/Sessions.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"
import * as Team from "./LoopTeam.ts"

const scripts: Readonly<Record<string, ReadonlyArray<ProviderTwin.Turn>>> = {
  Tester: [
    { calls: [Lab.call("read", { path: "a" }), Lab.call("read", { path: "b" }), Team.delegate("scout")] },
    { calls: [Lab.call("bash", { script: "echo one >> log" }), Lab.call("bash", { script: "echo two >> log" })] },
    Team.delegating("fixer"),
    Lab.done("first"),
    Lab.done("second")
  ],
  "Tester/scout": [{ calls: [Lab.call("read", { path: "a" })] }, Team.handover("Looked.")],
  "Tester/fixer": [Lab.bash("echo three >> log"), Team.handover("Mended.")]
}

/** Interrupts a fiber at the nth thing that is kept, before or after it is. */
const cutting = (nth: number, isBefore: boolean) => {
  const fiber = Deferred.makeUnsafe<Fiber.Fiber<unknown, unknown>>()
  let kept = 0
  const cut = Effect.gen(function* () {
    yield* Effect.forkDetach(Fiber.interrupt(yield* Deferred.await(fiber)), { startImmediately: true })
    yield* Effect.yieldNow
  })
  const around = <A, E, R>(write: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      if (++kept !== nth) return write
      return isBefore ? Effect.andThen(cut, write) : Effect.tap(write, cut)
    })
  return { fiber, around, count: () => kept }
}

describe("an agent that is interrupted anywhere", () => {
  const protocol = "anthropic"

  it.live(
    "before or after something is kept has ended, has its bills, and goes on where it was",
    () =>
      Effect.gen(function* () {
        yield* workspace({ a: "a\n", b: "b\n" })
        for (let nth = 1; ; nth++) {
          writeFileSync("log", "")
          const store = Context.get(yield* Layer.build(Layer.fresh(Sessions.layerMemory)), Sessions.Sessions)
          // Behind one write is before the next one.
          const isBefore = nth % 2 === 0
          const cut = cutting(nth, isBefore)
          const sessions = {
            ...store,
            append: (...of: Parameters<typeof store.append>) => cut.around(store.append(...of))
          }
          const team = yield* Team.start(protocol, scripts, { sessions })
          const harness = yield* team.harnessWith(
            Journal.Journal.of({ ...team.journal, append: (entries) => cut.around(team.journal.append(entries)) })
          )
          const request = Lab.request({ id: "one", agents: Team.both, followUps: ["Once more."], maxTurns: 30 })

          const running = yield* Effect.forkChild(Stream.runDrain(harness.run(request)))
          yield* Deferred.succeed(cut.fiber, running)
          const exit = yield* Fiber.await(running)
          const isWhole = exit._tag === "Success" && cut.count() < nth
          const at = `${isBefore ? "before" : "after"} write ${nth}`
          const facts = yield* team.all
          const started = Team.factsOf(facts, "AgentStarted").map(({ session }) => session)
          const ended = Team.factsOf(facts, "AgentEnded").map(({ session }) => session)
          assert.sameMembers(ended, started, `${at}: an agent that began has not ended, or twice`)
          const answered = (yield* team.twin.requests).filter(({ outcome }) => outcome === "answered").length
          const billed =
            Team.factsOf(facts, "ModelCalled").length +
            Team.factsOf(facts, "ModelFailed").filter(({ billed }) => billed !== undefined).length
          assert.strictEqual(billed, answered, `${at}: an answer has no bill`)
          for (const id of started) {
            const entries = yield* store.read(id)
            const way = yield* Effect.fromResult(Session.path({ id, entries }))
            assert.lengthOf(way, entries.length, `${at}: ${id} went two ways`)
          }
          const again = yield* Team.at(protocol, team.twin.anthropicUrl, { sessions: store })
          const last = yield* again.run(Team.both, { id: "one", followUps: ["Once more."], maxTurns: 30 })
          assert.deepStrictEqual(last?._tag === "Ended" && last.outcome, { _tag: "Done", note: "second" }, at)
          const lines = readFileSync("log", "utf8").trim().split("\n")
          assert.deepStrictEqual(lines, [...new Set(lines)], `${at}: a tool ran twice`)
          if (isWhole) return assert.isAbove(nth, 40, "there was little to interrupt")
        }
      }).pipe(Effect.scoped, Effect.provide(Lab.Services)),
    120_000
  )
})
