import { assert, describe, it } from "@effect/vitest"
import * as AnthropicModel from "@millwright/core/adapters/AnthropicModel"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as FileSessions from "../../src/adapters/FileSessions.ts"
import type * as Harness from "../../src/Harness.ts"
import * as Session from "../../src/Session.ts"
import * as Sessions from "../../src/Sessions.ts"
import { sessionsIn, walk } from "../LoopSessions.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"

const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
  it.live(title, () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Lab.Services)))

/** One store for several loops. */
const memory = Effect.map(Layer.build(Sessions.layerMemory), Layer.succeedContext)

const kept = (id: string) =>
  Effect.map(
    Effect.fromResult(Session.fromText(readFileSync(join("sessions", FileSessions.fileOf(id)), "utf8"))),
    ({ session }) => session
  )

describe.each(Lab.protocols)("results that come at once, over %s", (protocol) => {
  test(
    "stand one behind the other in the session, so that none is lost to whoever goes on with it",
    Effect.gen(function* () {
      for (const name of ["a", "b", "c", "d"]) writeFileSync(name, `${name}\n`)
      const turns = [{ calls: ["a", "b", "c", "d"].map((path) => Lab.call("read", { path })) }, Lab.done("ok")]
      const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] } })
      const base = { protocol, url: twin.anthropicUrl, sessions: sessionsIn("sessions") }
      const { events } = yield* walk({ ...base, request: { id: "s" } })
      assert.strictEqual(events.at(-1)?._tag, "Ended")
      const session = yield* kept("s")
      const way = yield* Effect.fromResult(Session.path(session))
      assert.deepStrictEqual(
        session.entries.map(({ id }) => id),
        way.map(({ id }) => id),
        "the conversation took two ways"
      )
    })
  )

  test(
    "are all there when the process dies after them",
    Effect.gen(function* () {
      for (const name of ["a", "b", "c", "d"]) writeFileSync(name, `${name}\n`)
      const looks = { calls: ["a", "b", "c", "d"].map((path) => Lab.call("read", { path })) }
      const twin = yield* ProviderTwin.make({
        script: { conversations: [{ turns: [looks, Lab.bash("true"), Lab.done("ok")] }] }
      })
      const base = { protocol, url: twin.anthropicUrl, sessions: sessionsIn("sessions"), request: { id: "s" } }
      yield* twin.breakNext([
        { _tag: "Slow", delay: 0 },
        { _tag: "Slow", delay: 0 },
        { _tag: "Refuse", status: 401 }
      ])
      yield* walk(base)
      const { events, exit } = yield* walk(base)
      assert.strictEqual(events.at(-1)?._tag, "Ended", String(exit))
    })
  )
})

/** A journal that lets a fiber be interrupted as soon as a fact stands in it. */
const interrupting = (journal: Journal.Journal["Service"], tag: FactoryEvent.Fact["_tag"]) => {
  const running = Deferred.makeUnsafe<Fiber.Fiber<unknown, unknown>>()
  return {
    running,
    journal: Journal.Journal.of({
      ...journal,
      append: (entries) =>
        Effect.tap(journal.append(entries), () =>
          entries.some(({ fact }) => fact._tag === tag)
            ? Effect.gen(function* () {
                yield* Effect.forkDetach(Fiber.interrupt(yield* Deferred.await(running)), { startImmediately: true })
                yield* Effect.yieldNow
              })
            : Effect.void
        )
    })
  }
}

describe.each(Lab.protocols)("an agent over %s", (protocol) => {
  test(
    "that is interrupted as soon as it began has ended as well",
    Effect.gen(function* () {
      const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns: [Lab.done("ok")] }] } })
      const { journal } = yield* MemoryJournal.make
      const around = interrupting(journal, "AgentStarted")
      const base = { protocol, url: twin.anthropicUrl, sessions: Sessions.layerMemory, journal: around.journal }
      const fiber = yield* Effect.forkChild(walk({ ...base, request: { id: "s" } }))
      yield* Deferred.succeed(around.running, fiber)
      yield* Fiber.await(fiber)
      const [started, ended, ...more] = (yield* Stream.runCollect(journal.read())).map(({ fact }) => fact)
      assert.strictEqual(started?._tag, "AgentStarted")
      assert.deepStrictEqual(ended?._tag === "AgentEnded" && [ended.fault?.tag, ended.fault?.reason], [
        "HarnessError",
        "Interrupted"
      ])
      assert.lengthOf(more, 0)
    })
  )

  test(
    "that gave its outcome with its last turn has it, whatever it was to do when it was done",
    Effect.gen(function* () {
      const lab = yield* Lab.start(protocol, [Lab.bash("true"), Lab.done("first"), Lab.done("second")])
      const { outcome } = yield* lab.run({ maxTurns: 2, followUps: ["Go over your own work."] })
      assert.deepStrictEqual(outcome, { _tag: "Done", note: "first" })
      const more = yield* Lab.start(protocol, [Lab.bash("true"), Lab.done("first"), Lab.done("second")])
      const last = yield* more.run({ maxTurns: 3, followUps: ["Go over your own work.", "And once more."] })
      assert.deepStrictEqual(last.outcome, { _tag: "Done", note: "second" })
    })
  )

  test(
    "that was stopped while it mended its outcome does not hear its follow-ups again",
    Effect.gen(function* () {
      const turns = [Lab.done("first"), Lab.done("second"), Lab.bash("true"), Lab.done("third"), Lab.done("fourth")]
      const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] } })
      const sessions = yield* memory
      const base = { protocol, url: twin.anthropicUrl, sessions, loop: {} }
      const request = { id: "s", followUps: ["Go over your own work."] }
      const end = (yield* walk({ ...base, request })).events.at(-1)
      if (end?._tag !== "Ended") return assert.fail("There is no outcome")
      const mending = { ...request, followUps: [], session: end.session, prompt: "Mend it." }
      yield* twin.breakNext([
        { _tag: "Slow", delay: 0 },
        { _tag: "Refuse", status: 401 }
      ])
      yield* walk({ ...base, request: mending })
      const { events } = yield* walk({ ...base, request })
      const last = events.at(-1)
      assert.deepStrictEqual(last?._tag === "Ended" && last.outcome, { _tag: "Done", note: "third" })
    })
  )

  test(
    "whose own follow-ups come after those of the request before hears them",
    Effect.gen(function* () {
      const turns = ["first", "second", "third", "fourth"].map(Lab.done)
      const lab = yield* Lab.start(protocol, turns)
      const { session } = yield* lab.run({ followUps: ["One."] })
      const { outcome } = yield* lab.run({ session, prompt: "More.", followUps: ["Two."] })
      assert.deepStrictEqual(outcome, { _tag: "Done", note: "fourth" })
    })
  )

  test(
    "that ended without an outcome, or in a circle, is asked again when somebody takes it up",
    Effect.gen(function* () {
      const same = Lab.bash("echo same")
      for (const [reason, turns] of [
        ["NoOutcome", [{ text: "Well." }, { text: "Well." }, Lab.done("ok")]],
        ["InACircle", [same, same, same, same, same, same, Lab.done("ok")]]
      ] as const) {
        const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] } })
        const base = {
          protocol,
          url: twin.anthropicUrl,
          sessions: yield* memory,
          request: { id: "s" }
        }
        const { exit } = yield* walk(base)
        const failure = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
        assert.propertyVal(failure, "reason", reason)
        const { events } = yield* walk(base)
        const last = events.at(-1)
        assert.deepStrictEqual(last?._tag === "Ended" && last.outcome, { _tag: "Done", note: "ok" }, reason)
      }
    })
  )
})

describe("a conversation whose tier has another model now", () => {
  test(
    "goes on without what the first one thought, which its provider would refuse, also in the next process",
    Effect.gen(function* () {
      const turns = [
        { ...Lab.bash("echo one"), reasoning: "alpha" },
        { ...Lab.bash("echo two"), reasoning: "beta" },
        { ...Lab.bash("echo three"), reasoning: "gamma" },
        Lab.done("ok")
      ]
      const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] } })
      const of = (model: string) =>
        AnthropicModel.make({ apiKey: Redacted.make(Lab.key), model, baseUrl: twin.anthropicUrl, rehearsed: true })
      const base = {
        protocol: "anthropic",
        url: twin.anthropicUrl,
        sessions: yield* memory,
        request: { id: "s" }
      } as const
      const [once, twice] = [1, 2].map((answers) => [
        ...Array.from({ length: answers }, () => ({ _tag: "Slow", delay: 0 }) as const),
        { _tag: "Refuse", status: 401 } as const
      ])
      yield* twin.breakNext(once ?? [])
      yield* walk({ ...base, model: yield* of("small") })
      yield* twin.breakNext(twice ?? [])
      yield* walk({ ...base, model: yield* of("large") })
      yield* walk({ ...base, model: yield* of("large") })
      const bodies = (yield* twin.requests).map(({ body }) => JSON.stringify(body))
      const thought = (at: number) => ["alpha", "beta", "gamma"].filter((word) => bodies.at(at)?.includes(word))
      assert.deepStrictEqual(thought(1), ["alpha"])
      assert.deepStrictEqual(thought(2), [])
      assert.deepStrictEqual(thought(3), ["beta"])
      assert.deepStrictEqual(thought(-1), ["beta", "gamma"])
    })
  )
})
