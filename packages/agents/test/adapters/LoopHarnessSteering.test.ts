import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@millwright/core/Actor"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Intervention from "@millwright/core/Intervention"
import * as Journal from "@millwright/core/Journal"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as LoopHarness from "../../src/adapters/LoopHarness.ts"
import type * as Harness from "../../src/Harness.ts"
import * as Sessions from "../../src/Sessions.ts"
import * as Steering from "../../src/Steering.ts"
import { walk } from "../LoopSessions.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"

const ada = Journal.as(Actor.human("Ada"))

/** What the user and the system say in a request, one text after the other. */
const saidIn = (body: unknown): ReadonlyArray<string> =>
  Lab.blocksOf(body).flatMap(({ block, role }) =>
    role === "user" && block.type !== "tool_result" ? [String(block.text ?? block.content)] : []
  )

/** A loop in which `during` happens when a tool of the first turn starts. */
const steered = Effect.fnUntraced(function* (options: {
  readonly protocol: Lab.Protocol
  readonly turns: ReadonlyArray<ProviderTwin.Turn>
  readonly during: (session: string) => Effect.Effect<unknown, unknown, Journal.Journal>
  readonly request?: Partial<Harness.Request>
  readonly lanes?: NonNullable<LoopHarness.Options["lanes"]>
}) {
  const lab = yield* Lab.start(options.protocol, options.turns, {
    options: options.lanes === undefined ? {} : { lanes: options.lanes }
  })
  let isSaid = false
  const events = yield* Stream.runCollect(
    lab.harness.run(Lab.request({ id: "s", ...options.request })).pipe(
      Stream.tap((event) => {
        if (event._tag !== "ToolStarted" || isSaid) return Effect.void
        isSaid = true
        return Effect.provideService(options.during("s"), Journal.Journal, lab.journal)
      })
    )
  )
  const last = events.at(-1)
  return {
    outcome: last?._tag === "Ended" ? last.outcome : undefined,
    said: (yield* lab.twin.requests).map(({ body }) => saidIn(body)),
    facts: yield* lab.facts("AgentPrompted"),
    all: yield* lab.all
  }
})

for (const protocol of Lab.protocols) {
  const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
    it.live(title, () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Lab.Services)))

  describe(`steering, over ${protocol}`, () => {
    const slow = Lab.bash("sleep 0.05")

    test(
      "what somebody says is heard at the next turn, behind the results, once, and it is on record who said it",
      Effect.gen(function* () {
        const { all, outcome, said } = yield* steered({
          protocol,
          turns: [slow, Lab.bash("true"), Lab.done("ok")],
          during: (session) => ada(Steering.say({ to: { session }, lane: "steer", text: "Use tabs." }))
        })
        assert.deepStrictEqual(outcome, { _tag: "Done", note: "ok" })
        assert.deepStrictEqual(said, [["Try it."], ["Try it.", "Use tabs."], ["Try it.", "Use tabs."]])
        const prompted = all.find(({ fact }) => fact._tag === "AgentPrompted")
        assert.deepStrictEqual(prompted?.actor, Actor.human("Ada"))
        const agents = all.flatMap(({ fact }) => (fact._tag.startsWith("Agent") ? [fact._tag] : []))
        assert.deepStrictEqual(agents, ["AgentStarted", "AgentPrompted", "AgentEnded"])
        const interventions = [...all.reduce(Intervention.step, Intervention.empty).values()]
        assert.deepStrictEqual(
          interventions.map(({ answered, kind, name, question }) => [kind, name, question, answered?.by]),
          [["steer", "steer", "Use tabs.", Actor.human("Ada")]],
          "to steer is to step in, once"
        )
      })
    )

    const two = (session: string) =>
      Effect.forEach(["One.", "Two."], (text) => Steering.say({ to: { session }, lane: "steer", text }))

    test(
      "several things are heard at once, or one at a time",
      Effect.gen(function* () {
        const turns = [slow, Lab.bash("true"), Lab.done("ok")]
        const all = yield* steered({ protocol, turns, during: two })
        assert.deepStrictEqual(
          all.said.map(({ length }) => length),
          [1, 3, 3]
        )
        const single = yield* steered({ protocol, turns, during: two, lanes: { steer: "one" } })
        assert.deepStrictEqual(single.said.at(-1), ["Try it.", "One.", "Two."])
      })
    )

    test(
      "a follow-up is heard when the outcome is given, those of the request come last, and the last outcome counts",
      Effect.gen(function* () {
        const { outcome, said } = yield* steered({
          protocol,
          turns: [slow, Lab.done("first"), Lab.bash("true"), Lab.done("second"), Lab.done("third")],
          during: (session) => Steering.say({ to: { session }, lane: "follow-up", text: "And the docs." }),
          request: { followUps: ["Go over your own work."] }
        })
        assert.deepStrictEqual(outcome, { _tag: "Done", note: "third" })
        assert.deepStrictEqual(said.at(1), ["Try it."], "a follow-up was heard before the work was done")
        assert.deepStrictEqual(said.at(2), ["Try it.", "And the docs."])
        assert.deepStrictEqual(said.at(4), ["Try it.", "And the docs.", "Go over your own work."])
      })
    )

    test(
      "what was said while nobody ran the agent is heard when it goes on, and what it had heard is not said again",
      Effect.gen(function* () {
        const turns = [slow, Lab.bash("true"), Lab.bash("true"), Lab.done("ok")]
        const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] } })
        const { journal } = yield* MemoryJournal.make
        const store = yield* Layer.build(Sessions.layerMemory)
        const sessions = Layer.succeed(Sessions.Sessions, Context.get(store, Sessions.Sessions))
        const base = { protocol, url: twin.anthropicUrl, sessions, journal, request: { id: "s" } }
        const say = (text: string) =>
          Effect.provideService(Steering.say({ to: { session: "s" }, lane: "steer", text }), Journal.Journal, journal)
        yield* journal.append([
          yield* Journal.entry({ _tag: "AgentStarted", role: "Tester", session: "s", resumed: false })
        ])
        yield* say("Before.")
        yield* twin.breakNext([{ _tag: "Refuse", status: 401 }])
        const broken = yield* walk(base)
        assert.isTrue(Exit.isFailure(broken.exit))
        yield* journal.append([
          yield* Journal.entry({ _tag: "AgentStarted", role: "Tester", session: "s", resumed: true })
        ])
        yield* say("Between.")
        yield* twin.breakNext([{ _tag: "Refuse", status: 401 }])
        yield* walk(base)
        const { events } = yield* walk(base)
        assert.strictEqual(events.at(-1)?._tag, "Ended")
        const said = saidIn((yield* twin.requests).at(-1)?.body)
        assert.deepStrictEqual(
          said.filter((text) => text === "Between."),
          ["Between."]
        )
      })
    )
  })
}

describe("who is at work", () => {
  const started = (session: string, run: string | null) =>
    Effect.flatMap(Journal.Origin, (origin) =>
      Effect.provideService(
        Journal.record({ _tag: "AgentStarted", role: "Tester", session, resumed: false }),
        Journal.Origin,
        { ...origin, run }
      )
    )
  const refused = (prompt: Steering.Prompt) =>
    Effect.map(Effect.flip(Steering.say(prompt)), (error) => `${error.reason}: ${error.message}`)

  it.effect("is named to whoever speaks to somebody else, or to several", () =>
    Effect.gen(function* () {
      yield* started("one", "issue-1.1")
      yield* started("two", "issue-1.1")
      yield* started("three", "issue-2.1")
      assert.match(
        yield* refused({ to: { session: "nobody" }, lane: "steer", text: "x" }),
        /^NotAtWork: No agent works in the session nobody\. At work: one \(Tester\), two \(Tester\), three/
      )
      assert.match(
        yield* refused({ to: { run: "issue-1.1" }, lane: "steer", text: "x" }),
        /^Several: .*one \(Tester\), two \(Tester\)\. Name a session/
      )
      assert.match(yield* refused({ to: { session: "one" }, lane: "steer", text: " \n" }), /^Empty/)
      const { session } = yield* Steering.say({ to: { run: "issue-2.1" }, lane: "steer", text: "x" })
      assert.strictEqual(session, "three")
    }).pipe(Effect.provide(MemoryJournal.layer))
  )

  it.effect("is nobody of an attempt that was killed, once its stage runs again", () =>
    Effect.gen(function* () {
      const record = (stage: string, fact: FactoryEvent.Fact) =>
        Effect.flatMap(Journal.Origin, (origin) =>
          Effect.provideService(Journal.record(fact), Journal.Origin, { ...origin, run: "issue-1.1", stage })
        )
      const begun = (session: string) => ({ _tag: "AgentStarted", role: "Tester", session, resumed: false }) as const
      yield* record("work", begun("killed"))
      yield* record("other", begun("beside"))
      yield* record("work", { _tag: "StageStarted", attempt: 2 })
      yield* record("work", begun("again"))
      assert.deepStrictEqual(
        (yield* Steering.atWork("issue-1.1")).map(({ session }) => session),
        ["beside", "again"]
      )
    }).pipe(Effect.provide(MemoryJournal.layer))
  )

  it.effect("is nobody who ended, or whose run did", () =>
    Effect.gen(function* () {
      yield* started("one", null)
      yield* Journal.record({ _tag: "AgentEnded", session: "one", fault: null })
      yield* started("two", "issue-1.1")
      const origin = yield* Journal.Origin
      yield* Effect.provideService(Journal.record({ _tag: "LineFinished", result: null }), Journal.Origin, {
        ...origin,
        run: "issue-1.1"
      })
      assert.deepStrictEqual(yield* Steering.atWork(), [])
    }).pipe(Effect.provide(MemoryJournal.layer))
  )
})
