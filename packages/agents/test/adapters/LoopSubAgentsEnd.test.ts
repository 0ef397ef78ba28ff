import { assert, describe, it } from "@effect/vitest"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Budget from "@millwright/core/Budget"
import * as Journal from "@millwright/core/Journal"
import type * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { existsSync, readFileSync, watch, writeFileSync } from "node:fs"
import type * as Harness from "../../src/Harness.ts"
import * as Session from "../../src/Session.ts"
import * as Sessions from "../../src/Sessions.ts"
import type * as SubAgent from "../../src/SubAgent.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"
import * as Team from "./LoopTeam.ts"

const usage = { input: 100, cacheRead: 0, cacheWrite: 0, output: 0 }

/** Sub-agents that break off: how, what with, and what the parent reads of it. */
const breaking: ReadonlyArray<{
  readonly reason: string
  readonly turns: ReadonlyArray<ProviderTwin.Turn>
  readonly changes?: Partial<SubAgent.SubAgent<"read" | "grep">>
  readonly refused?: boolean
  readonly reads: RegExp
}> = [
  {
    reason: "NoOutcome",
    turns: [{ text: "I found half of it." }, { text: "That is all." }],
    reads:
      /after 2 turns \(NoOutcome\): .*\nThe last that it said:\n<untrusted \w{20} origin="report of Tester\/scout">[^]*That is all\./
  },
  {
    reason: "TooManyTurns",
    turns: [
      { text: "I look.", calls: [Lab.call("read", { path: "a" })] },
      { calls: [Lab.call("read", { path: "b" })] }
    ],
    changes: { maxTurns: 2 },
    reads: /after 2 turns \(TooManyTurns\): [^]*I look\./
  },
  {
    reason: "InACircle",
    turns: Array.from({ length: 8 }, () => ({ calls: [Lab.call("read", { path: "no" })] })),
    reads: /after 6 turns \(InACircle\): .*\nIt said nothing\.$/
  },
  {
    reason: "TokensSpent",
    turns: [{ text: "I look.", calls: [Lab.call("read", { path: "a" })], usage }, Team.handover("never")],
    changes: { limits: { tokens: 100 } },
    reads: /after 1 turn \(TokensSpent\): The part "Tester\/scout" of the run has used 100 of 100 tokens[^]*I look\./
  },
  {
    reason: "MoneySpent",
    turns: [],
    changes: { limits: { usd: 0 } },
    reads: /after 0 turns \(MoneySpent\): .*\nIt said nothing\.$/
  },
  {
    reason: "TokensSpent",
    turns: [],
    changes: { limits: { tokens: 0 } },
    reads: /after 0 turns \(TokensSpent\)/
  },
  { reason: "TimeSpent", turns: [], changes: { limits: { time: 0 } }, reads: /after 0 turns \(TimeSpent\)/ },
  { reason: "Unauthorized", turns: [], refused: true, reads: /after 0 turns \(Unauthorized\)/ }
]

/** A store that breaks at one write, whatever is written. */
const dying = (sessions: Sessions.Sessions["Service"], at: number): Sessions.Sessions["Service"] => {
  let writes = 0
  return {
    read: sessions.read,
    append: (id, entries) =>
      ++writes >= at
        ? Effect.fail(new Session.SessionError({ reason: "NotWritable", message: "The disk is full." }))
        : sessions.append(id, entries)
  }
}

const memory = Effect.map(Layer.build(Layer.fresh(Sessions.layerMemory)), (built) =>
  Context.get(built, Sessions.Sessions)
)

for (const protocol of Lab.protocols) {
  const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
    it.live(title, () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Lab.Services)))

  describe(`sub-agents that come to no end, over ${protocol}`, () => {
    for (const { changes = {}, reads, reason, refused = false, turns } of breaking) {
      test(
        `are a failed result that says so, and their parent goes on: ${reason} ${JSON.stringify(changes)}`,
        Effect.gen(function* () {
          const team = yield* Team.start(protocol, {
            Tester: [Team.delegating("scout"), Lab.done("without it")],
            "Tester/scout": turns
          })
          if (refused) yield* team.twin.breakNext([{ _tag: "Refuse", status: 401 }], "Tester/scout")
          const ended = yield* team.run({ list: [Team.but(Team.scout, changes)] })
          assert.deepStrictEqual(ended?._tag === "Ended" && ended.outcome, { _tag: "Done", note: "without it" })
          assert.match((yield* team.results())[0] ?? "", reads)
          const facts = yield* team.all
          const called = Team.factsOf(facts, "ToolCalled").filter(({ tool }) => tool === "delegate")
          assert.deepStrictEqual(
            called.map(({ ok }) => ok),
            [false]
          )
        })
      )
    }

    test(
      "share the limits of all of them, and each next one is refused",
      Effect.gen(function* () {
        const team = yield* Team.start(protocol, {
          Tester: [Team.delegating("scout"), Team.delegating("scout", "And there?"), Lab.done("ok")],
          "Tester/scout": [{ ...Team.handover("Found."), usage }]
        })
        yield* team.run({ ...Team.both, limits: { tokens: 100 } })
        assert.match(
          (yield* team.results())[0] ?? "",
          /\(TokensSpent\): The part "sub-agents of Tester" of the run has used 100 of 100/
        )
        assert.lengthOf(yield* team.requests("Tester/scout"), 1)
      })
    )

    test(
      "end their parent with the failure itself when the budget of the run, or a slice around both, is spent",
      Effect.gen(function* () {
        const scripts = {
          Tester: [{ ...Team.delegating("scout"), usage }, Lab.done("never")],
          "Tester/scout": [{ calls: [Lab.call("read", { path: "a" })], usage }, Team.handover("never")]
        }
        for (const around of [
          (journal: Journal.Journal["Service"]) =>
            Effect.provide(Budget.layer({ tokens: 200 }).pipe(Layer.provide(Layer.succeed(Journal.Journal, journal)))),
          () => Budget.slice("all of it", { tokens: 200 })
        ]) {
          const team = yield* Team.start(protocol, scripts)
          const error = yield* Effect.flip(
            team.run(Team.both).pipe(around(team.journal), Effect.provideService(Journal.Journal, team.journal))
          )
          assert.strictEqual(error._tag, "BudgetError")
          assert.strictEqual(error.reason, "TokensSpent")
          assert.lengthOf(yield* team.requests("Tester"), 1, "the parent asked a model once more")
          assert.lengthOf(yield* team.requests("Tester/scout"), 1)
        }
      })
    )

    test(
      "that a limit around their parent ended go on when it is raised",
      Effect.gen(function* () {
        const team = yield* Team.start(
          protocol,
          {
            Tester: [{ ...Team.delegating("fixer"), usage }, Lab.done("ok")],
            "Tester/fixer": [{ ...Lab.bash("echo x >> log"), usage }, Team.handover("Mended.")]
          },
          { sessions: yield* memory }
        )
        const run = team.run(Team.both, { id: "raised" })
        const limited = run.pipe(
          Budget.slice("all of it", { tokens: 200 }),
          Effect.provideService(Journal.Journal, team.journal)
        )
        assert.strictEqual((yield* Effect.flip(limited))._tag, "BudgetError")
        const ended = yield* run
        assert.deepStrictEqual(ended?._tag === "Ended" && ended.outcome, { _tag: "Done", note: "ok" })
        assert.match((yield* team.results())[0] ?? "", /^fixer came to an end after 2 turns/)
        assert.strictEqual(readFileSync("log", "utf8"), "x\n")
      })
    )

    test(
      "end their parent when the journal can not be written",
      Effect.gen(function* () {
        const team = yield* Team.start(protocol, {
          Tester: [Team.delegating("scout"), Lab.done("never")],
          "Tester/scout": [Team.handover("never")]
        })
        const { journal } = yield* MemoryJournal.make
        const full = new Journal.JournalError({ reason: "NotWritable", message: "The disk is full." })
        const harness = yield* team.harnessWith({
          ...journal,
          append: (entries) =>
            entries.some((entry) => Team.actorOf(entry) === "Tester/scout")
              ? Effect.fail(full)
              : journal.append(entries)
        })
        const run = Stream.runDrain(harness.run(Lab.request({ agents: Team.both })))
        assert.strictEqual(yield* Effect.flip(run), full)
        assert.lengthOf(yield* team.requests("Tester"), 1)
      })
    )

    test(
      "and their processes end with their parent",
      Effect.gen(function* () {
        const said = yield* Deferred.make<number>()
        const watcher = watch(".", () => {
          const text = existsSync("pid") ? readFileSync("pid", "utf8") : ""
          if (text.endsWith("\n")) Deferred.doneUnsafe(said, Effect.succeed(Number(text)))
        })
        yield* Effect.addFinalizer(() => Effect.sync(() => watcher.close()))
        const team = yield* Team.start(protocol, {
          Tester: [Team.delegating("fixer"), Lab.done("never")],
          "Tester/fixer": [Team.delegating("fixer"), Team.handover("never")],
          "Tester/fixer/fixer": [Lab.bash("echo $$ > pid; sleep 300"), Team.handover("never")]
        })
        const fiber = yield* Effect.forkChild(team.run({ ...Team.both, depth: 2 }))
        const pid = yield* Deferred.await(said)
        yield* Fiber.interrupt(fiber)
        assert.throws(() => process.kill(pid, 0), /ESRCH/, "the process of a sub-agent outlived its parent")
        assert.lengthOf(yield* team.requests("Tester"), 1)
      })
    )
  })

  describe(`sub-agents and a process that dies, over ${protocol}`, () => {
    const scripts = {
      Tester: [Lab.bash("echo parent >> log"), Team.delegating("fixer"), Lab.done("ok")],
      "Tester/fixer": [Lab.bash("echo child >> log"), Team.delegating("fixer"), Team.handover("Mended.")],
      "Tester/fixer/fixer": [Lab.bash("echo grandchild >> log"), Team.handover("Looked.")]
    }

    test(
      "go on where they were, whatever was written last, and no tool that ended runs again",
      Effect.gen(function* () {
        const { twin } = yield* Team.start(protocol, scripts)
        for (let at = 1; ; at++) {
          writeFileSync("log", "")
          const sessions = yield* memory
          const agents = { ...Team.both, depth: 2 }
          const dead = yield* Team.at(protocol, twin.anthropicUrl, { sessions: dying(sessions, at) })
          const exit = yield* Effect.exit(dead.run(agents, { id: "one" }))
          if (exit._tag === "Failure") {
            const error = yield* Effect.flip(exit)
            assert.strictEqual(error._tag, "SessionError", `A store that breaks at write ${at} is not the failure`)
          }
          const kept = yield* sessions.read("one")
          const again = yield* Team.at(protocol, twin.anthropicUrl, { sessions })
          const before = (yield* twin.requests).length
          const ended = yield* again.run(agents, { id: "one" })
          assert.deepStrictEqual(ended?._tag === "Ended" && ended.outcome, { _tag: "Done", note: "ok" }, `at ${at}`)
          const lines = readFileSync("log", "utf8")
            .split("\n")
            .filter((line) => line !== "")
          assert.deepStrictEqual(lines, [...new Set(lines)], `a tool ran twice after write ${at}`)
          const delegated = new Set(
            [...(yield* dead.all), ...(yield* again.all)].flatMap(({ fact }) =>
              fact._tag === "AgentDelegated" ? [fact.session] : []
            )
          )
          assert.strictEqual(delegated.size, 2, `a task was worked on in two conversations after write ${at}`)
          if (exit._tag === "Success") {
            assert.isAbove(at, 15, "the store did not break where it had to")
            assert.isAbove(kept.length, 0)
            assert.lengthOf(yield* twin.requests, before, "a conversation that ended asked a model")
            return
          }
        }
      })
    )

    test(
      "beside each other go on each from its own place",
      Effect.gen(function* () {
        const many = {
          Tester: [
            { calls: Array.from({ length: 8 }, (_, at) => Team.delegate("scout", `Task ${at}.`)) },
            Lab.done("ok")
          ],
          "Tester/scout": [{ calls: [Lab.call("read", { path: "a" })] }, Team.handover("Read.")]
        }
        writeFileSync("a", "x\n")
        const sessions = yield* memory
        const agents = { ...Team.both, atOnce: 8 }
        const dead = yield* Team.start(protocol, many, { sessions: dying(sessions, 30) })
        yield* Effect.flip(dead.run(agents, { id: "many" }))
        const again = yield* Team.start(protocol, many, { sessions })
        const ended = yield* again.run(agents, { id: "many" })
        assert.deepStrictEqual(ended?._tag === "Ended" && ended.outcome, { _tag: "Done", note: "ok" })
        const results = yield* again.results()
        assert.lengthOf(results, 8)
        for (const result of results) assert.match(result, /^scout came to an end after 2 turns/)
        const asked = (yield* dead.twin.requests).length + (yield* again.twin.requests).length
        // Each of eight may have been interrupted in one answer.
        assert.isAtMost(asked, 2 + 8 * 2 + 8, "finished turns were asked for again")
      })
    )
  })
}
