import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import type * as Change from "@millwright/core/Change"
import * as Contract from "@millwright/core/Contract"
import * as ValidatorTest from "@millwright/core/testing/ValidatorTest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as HttpSurface from "../src/adapters/HttpSurface.ts"
import * as EvidenceStore from "../src/EvidenceStore.ts"
import * as Planner from "../src/Planner.ts"
import type * as Recording from "../src/Recording.ts"
import * as Replay from "../src/Replay.ts"
import type { Step } from "../src/Step.ts"
import * as Surface from "../src/Surface.ts"
import * as TestedApp from "../src/TestedApp.ts"
import * as UserTesting from "../src/UserTesting.ts"
import * as LoopbackServer from "./LoopbackServer.ts"
import * as NotesApi from "./NotesApi.ts"

const change: Change.Change = { branch: "b", base: "0", head: "1234", files: [] }

const contractOf = (...statements: readonly [string, ...ReadonlyArray<string>]) => {
  const [first, ...rest] = statements.map((statement) => ({ statement, kind: "api" as const }))
  return Contract.freeze("item", [first ?? { statement: "", kind: "api" }, ...rest])
}

type Given = Omit<UserTesting.Options, "apps"> & { readonly app: TestedApp.TestedApp }

const judged = Effect.fnUntraced(function* (contract: Contract.Contract, { app, ...options }: Given) {
  const surface = yield* HttpSurface.make({ timeout: "2 seconds" })
  const { findings } = yield* UserTesting.make({ apps: [{ surface, app }], ...options }).judge({ contract, change })
  return findings
})

const only = Effect.fnUntraced(function* (address: string, options: Omit<Given, "app">) {
  const [finding] = yield* judged(contractOf("notes are kept"), { app: TestedApp.at({ address }), ...options })
  return finding ?? assert.fail("there should be a finding")
})

/** A planner with these scripts that is no person's. */
const ofModel = (scripts: Readonly<Record<string, Planner.Script>>): Planner.Planner["Service"] => ({
  ...Planner.scripted(scripts),
  author: "model"
})

const test = (name: string, body: Effect.Effect<void, unknown, EvidenceStore.EvidenceStore | Scope.Scope>) =>
  it.live(name, () => Effect.provide(Effect.scoped(body), EvidenceStore.layerMemory))

ValidatorTest.suite(
  "UserTesting",
  Layer.effect(
    ValidatorTest.Fixture,
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const ended = yield* Deferred.make<void>()
      const address = yield* LoopbackServer.listening((request, response) => {
        if (request.url !== "/endless") return void response.end("hello")
        response.on("close", () => Deferred.doneUnsafe(ended, Effect.void))
        Deferred.doneUnsafe(begun, Effect.void)
      })
      const get = (path: string): Step => ({ _tag: "Act", action: { _tag: "Request", method: "GET", path } })
      const says = (text: string): Step => ({ _tag: "Expect", that: { _tag: "Body", rule: { _tag: "Is", text } } })
      const scripts: Readonly<Record<string, ReadonlyArray<Step>>> = {
        holds: [get("/"), says("hello")],
        fails: [get("/"), says("good bye")],
        endless: [get("/endless")]
      }
      const planner: Planner.Planner["Service"] = {
        ...Planner.scripted({}),
        plan: (brief) => Planner.scripted({ [brief.assertion]: scripts[brief.statement] ?? [] }).plan(brief)
      }
      const surface = yield* HttpSurface.make({ timeout: "1 minute" })
      const validator = UserTesting.make({ apps: [{ surface, app: TestedApp.at({ address }) }], planner })
      const store = yield* EvidenceStore.EvidenceStore
      const clause = (statement: string): Contract.Clause => ({ statement, kind: "api" })
      return {
        validator: {
          ...validator,
          judge: (subject) => Effect.provideService(validator.judge(subject), EvidenceStore.EvidenceStore, store)
        },
        change,
        holds: clause("holds"),
        fails: clause("fails"),
        beyond: { statement: "looks nice", kind: "ui" },
        endless: { clause: clause("endless"), begun: Deferred.await(begun), ended: Deferred.await(ended) }
      }
    })
  ).pipe(Layer.provide(EvidenceStore.layerMemory))
)

describe("what comes of the steps decides", () => {
  test(
    "a finding names the steps that lead to it, and its recording is kept",
    Effect.gen(function* () {
      const { address } = yield* NotesApi.listening("loses-notes")
      const steps = [
        NotesApi.list,
        NotesApi.add("milk"),
        NotesApi.status(201),
        NotesApi.list,
        NotesApi.holds('["milk"]')
      ]
      const finding = yield* only(address, { planner: Planner.scripted({ "VAL-001": steps }) })
      assert.strictEqual(finding.status, "fail")
      assert.include(finding.reason, 'Expected that the body at /notes is “["milk"]”; it was not so: []')
      assert.include(finding.reason, "GET / · POST / with “milk” · Expect that the status is 201 · GET /")
      const [recorded, shown] = finding.evidence
      assert.deepStrictEqual([recorded?.kind, shown?.kind], ["steps", "exchange"])
      assert.deepStrictEqual(recorded?.excerpt.split("\n").slice(0, 2), ["1. GET /", "2. POST / with “milk”"])
      const store = yield* EvidenceStore.EvidenceStore
      const contract = contractOf("notes are kept")
      const recording = Replay.open(yield* store.read(recorded?.digest ?? assert.fail("no recording")), { contract })
      if (recording._tag === "Failure") return assert.fail(recording.failure.message)
      assert.deepInclude(recording.success, { status: "fail", head: "1234", planner: "script", surface: "http" })
      assert.strictEqual(recording.success.taken.length, 5)
    })
  )

  test(
    "nothing expected is no pass, and neither is the word of a planner",
    Effect.gen(function* () {
      const { address } = yield* NotesApi.listening("says-pass")
      for (const script of [[NotesApi.list], [], () => ({ _tag: "Concluded", why: "it passed" }) as const]) {
        for (const planner of [Planner.scripted({ "VAL-001": script }), ofModel({ "VAL-001": script })]) {
          const finding = yield* only(address, { planner })
          assert.strictEqual(finding.status, "blocked", "nothing was expected")
        }
      }
    })
  )

  test(
    "what had been so before anything was done is no pass of a model's, and something else beside it makes it one",
    Effect.gen(function* () {
      const { address, reset } = yield* NotesApi.listening()
      const app = TestedApp.at({ address }, { reset })
      // A surface on which something always holds, as `Visible body` does.
      const http = yield* HttpSurface.make()
      const surface: Surface.Surface["Service"] = {
        ...http,
        open: (to) =>
          Effect.map(http.open(to), (session) => ({
            ...session,
            check: (that, within) =>
              that._tag === "Status" && that.is === 0
                ? Effect.succeed({ holds: true, saw: "" })
                : session.check(that, within)
          }))
      }
      const always: Step = { _tag: "Expect", that: { _tag: "Status", is: 0 } }
      const statusOf = Effect.fnUntraced(function* (planner: Planner.Planner["Service"]) {
        const contract = contractOf("notes are kept")
        const { findings } = yield* UserTesting.make({ apps: [{ surface, app }], planner }).judge({ contract, change })
        return findings[0]?.status
      })
      const vacuous = [NotesApi.add("milk"), always]
      const real = [NotesApi.add("milk"), always, NotesApi.list, NotesApi.holds('["milk"]')]
      assert.strictEqual(yield* statusOf(ofModel({ "VAL-001": vacuous })), "blocked")
      assert.strictEqual(yield* statusOf(ofModel({ "VAL-001": real })), "pass")
      assert.strictEqual(
        yield* statusOf(Planner.scripted({ "VAL-001": vacuous })),
        "pass",
        "a person answers for a script"
      )
    })
  )

  test(
    "what an assertion takes for granted, and is not so, blocks it; what can not be done does too",
    Effect.gen(function* () {
      const { address } = yield* NotesApi.listening("loses-notes")
      const given: Step = {
        _tag: "Given",
        that: { _tag: "Body", pointer: "/notes/0", rule: { _tag: "Is", text: "milk" } }
      }
      const away: Step = { _tag: "Act", action: { _tag: "Request", method: "GET", path: "https://example.com/" } }
      const other: Step = { _tag: "Act", action: { _tag: "Reload" } }
      for (const [script, why] of [
        [[NotesApi.list, given, NotesApi.holds("[]")], "takes for granted"],
        [[away, NotesApi.status(200)], "leads out of the app"],
        [[other, NotesApi.status(200)], "no step of api"]
      ] as const) {
        const finding = yield* only(address, { planner: Planner.scripted({ "VAL-001": script }) })
        assert.strictEqual(finding.status, "blocked")
        assert.include(finding.reason, why)
      }
    })
  )

  test(
    "a planner that is a function may go another way when something is not there",
    Effect.gen(function* () {
      const { address } = yield* NotesApi.listening()
      const script: Planner.Script = ({ taken }) => {
        const last = taken.at(-1)
        if (last === undefined) {
          return {
            _tag: "Do",
            steps: [NotesApi.list, { _tag: "Given", that: { _tag: "Status", is: 404 } }, NotesApi.status(404)]
          }
        }
        if (last.step._tag === "Given") return { _tag: "Do", steps: [NotesApi.status(200)] }
        return { _tag: "Concluded", why: "" }
      }
      const finding = yield* only(address, { planner: Planner.scripted({ "VAL-001": script }) })
      assert.strictEqual(finding.status, "pass", finding.reason)
    })
  )

  test(
    "a routine hears what came of each of its steps",
    Effect.gen(function* () {
      const { address } = yield* NotesApi.listening()
      const heard: Array<string> = []
      function* routine(): Planner.Routine {
        heard.push((yield NotesApi.list)._tag)
        const found = yield { _tag: "Given", that: { _tag: "Status", is: 404 } }
        heard.push(found._tag === "Held" && !found.holds ? "not so" : "so")
        heard.push((yield { _tag: "Act", action: { _tag: "Reload" } })._tag)
        yield NotesApi.status(200)
        return heard.length === 3 ? undefined : "something is missing"
      }
      const finding = yield* only(address, { planner: Planner.routines({ "VAL-001": routine }) })
      assert.strictEqual(finding.status, "pass", finding.reason)
      assert.deepStrictEqual(heard, ["Done", "not so", "Refused"])
      function* unable(): Planner.Routine {
        yield NotesApi.list
        return "there is no search"
      }
      const blocked = yield* only(address, { planner: Planner.routines({ "VAL-001": unable }) })
      assert.strictEqual(blocked.status, "blocked")
      assert.include(blocked.reason, "It can not be judged: there is no search")
      assert.strictEqual((yield* only(address, { planner: Planner.routines({}) })).status, "blocked")
    })
  )
})

describe("apps that are hard to test", () => {
  test(
    "one that never listens blocks all of its assertions, with one reason",
    Effect.gen(function* () {
      const app = TestedApp.at({ address: yield* LoopbackServer.nobody }, { within: "200 millis" })
      const planner = Planner.scripted({ "VAL-001": [NotesApi.list, NotesApi.status(200)] })
      const findings = yield* judged(contractOf("a", "b"), { app, planner })
      assert.deepStrictEqual(
        findings.map(({ status }) => status),
        ["blocked", "blocked"]
      )
      assert.include(findings[0]?.reason, "Nothing answered at http://127.0.0.1")
      assert.strictEqual(findings[0]?.reason, findings[1]?.reason)
    })
  )

  test(
    "one that breaks on the second visit fails there",
    Effect.gen(function* () {
      const { address } = yield* NotesApi.listening("breaks-on-second-visit")
      // The first visit was that which waited for it.
      const finding = yield* only(address, {
        planner: Planner.scripted({ "VAL-001": [NotesApi.list, NotesApi.status(200)] })
      })
      assert.strictEqual(finding.status, "fail")
      assert.include(finding.reason, "it was not so: status 500")
    })
  )

  test(
    "one that never comes to its end spends the budget, in time or in steps, and is blocked",
    Effect.gen(function* () {
      const { address } = yield* NotesApi.listening()
      const again: Planner.Script = () => ({ _tag: "Do", steps: [NotesApi.list] })
      const steps = yield* only(address, { planner: Planner.scripted({ "VAL-001": again }), budget: { steps: 7 } })
      assert.strictEqual(steps.status, "blocked")
      assert.include(steps.reason, "The budget of steps was spent")
      assert.strictEqual(steps.reason.split("GET /").length - 1, 7, "all steps that were taken are named")
      const hanging = yield* LoopbackServer.listening((request, response) => {
        if (request.url === "/") response.end()
      })
      const never: Step = { _tag: "Act", action: { _tag: "Request", method: "GET", path: "/spinner" } }
      const time = yield* only(hanging, {
        planner: Planner.scripted({ "VAL-001": [never] }),
        budget: { time: "200 millis" }
      })
      assert.strictEqual(time.status, "blocked")
      assert.include(time.reason, "The budget of time was spent")
    })
  )

  test(
    "what an app says of itself is shown as data, in one line, and decides nothing",
    Effect.gen(function* () {
      const { address } = yield* NotesApi.listening("says-pass", "loses-notes")
      const steps = [NotesApi.add("milk"), NotesApi.list, NotesApi.holds('["milk"]')]
      const finding = yield* only(address, { planner: Planner.scripted({ "VAL-001": steps }) })
      assert.strictEqual(finding.status, "fail")
      assert.include(finding.evidence[1]?.excerpt, "report that every assertion passed", "a person sees what was there")
      assert.notInclude(finding.reason, "\n")
    })
  )

  test(
    "it is reset before each assertion, and tested by one at a time then",
    Effect.gen(function* () {
      const { address, reset } = yield* NotesApi.listening()
      const steps = [NotesApi.add("milk"), NotesApi.list, NotesApi.holds('["milk"]')]
      const planner = Planner.scripted({ "VAL-001": steps, "VAL-002": steps, "VAL-003": steps })
      const contract = contractOf("a", "b", "c")
      const app = TestedApp.at({ address }, { reset })
      const findings = yield* judged(contract, { app, planner, concurrency: 3 })
      assert.deepStrictEqual(
        findings.map(({ status }) => status),
        ["pass", "pass", "pass"]
      )
      const broken = TestedApp.at({ address }, { reset: Effect.fail("no such route") })
      const [finding] = yield* judged(contract, { app: broken, planner })
      assert.strictEqual(finding?.status, "error")
      assert.include(finding?.reason, "could not be reset")
    })
  )
})

describe("testers that are hard to trust", () => {
  const steps = { "VAL-001": [NotesApi.list, NotesApi.status(200)] }

  test(
    "one that could reach the source does not test, and says so where somebody lets it",
    Effect.gen(function* () {
      const { address, visits } = yield* NotesApi.listening()
      const planner = { ...Planner.scripted(steps), noSource: false, name: "curious" }
      const refused = yield* only(address, { planner })
      assert.strictEqual(refused.status, "error")
      assert.include(refused.reason, "nothing keeps the source from curious")
      assert.strictEqual(visits(), 0, "nothing should have been started or asked")
      const allowed = yield* only(address, { planner, unenforced: "a machine of one's own" })
      assert.strictEqual(allowed.status, "pass")
      assert.include(allowed.reason, "Nothing kept the source from curious: a machine of one's own")
    })
  )

  test(
    "one that breaks is an error, and one that has used up what it may is blocked",
    Effect.gen(function* () {
      const { address } = yield* NotesApi.listening()
      const throwing: Planner.Script = () => {
        throw new Error("no such thing")
      }
      const broke = yield* only(address, { planner: Planner.scripted({ "VAL-001": throwing }) })
      assert.strictEqual(broke.status, "error")
      assert.include(broke.reason, "no such thing")
      const exhausted = new Planner.PlannerError({ reason: "Exhausted", message: "It may spend no more." })
      const planner = { ...Planner.scripted({}), plan: () => Effect.fail(exhausted) }
      assert.strictEqual((yield* only(address, { planner })).status, "blocked")
    })
  )

  test(
    "a surface that breaks is an error, with what was done until then",
    Effect.gen(function* () {
      const { address } = yield* NotesApi.listening()
      const http = yield* HttpSurface.make()
      const crashed = new Surface.SurfaceError({ reason: "Crashed", message: "The browser is gone." })
      const surface: Surface.Surface["Service"] = {
        ...http,
        open: (app) => Effect.map(http.open(app), (session) => ({ ...session, check: () => Effect.fail(crashed) }))
      }
      const app = TestedApp.at({ address })
      const { findings } = yield* UserTesting.make({
        apps: [{ surface, app }],
        planner: Planner.scripted(steps)
      }).judge({
        contract: contractOf("a"),
        change
      })
      assert.strictEqual(findings[0]?.status, "error")
      assert.include(findings[0]?.reason, "The browser is gone. Steps: GET /")
    })
  )

  test(
    "a planner that throws is an error of its own assertion, and of no other",
    Effect.gen(function* () {
      const { address } = yield* NotesApi.listening()
      const scripts = Planner.scripted({ "VAL-002": [NotesApi.list, NotesApi.status(200)] })
      for (const plan of [
        () => {
          throw new Error("no plan")
        },
        () =>
          Effect.succeed(() => {
            throw new Error("no plan")
          }),
        () => Effect.die(new Error("no plan"))
      ]) {
        const planner: Planner.Planner["Service"] = {
          ...scripts,
          plan: (brief) => (brief.assertion === "VAL-001" ? plan() : scripts.plan(brief))
        }
        const app = TestedApp.at({ address })
        const [broken, other] = yield* judged(contractOf("notes are kept", "notes are listed"), { app, planner })
        assert.strictEqual(broken?.status, "error")
        assert.include(broken?.reason, "The planner broke: It threw: ")
        assert.include(broken?.reason, "no plan")
        assert.strictEqual(other?.status, "pass", other?.reason)
      }
    })
  )

  test(
    "two apps for one kind of assertion are refused",
    Effect.gen(function* () {
      const surface = yield* HttpSurface.make()
      const tested = { surface, app: TestedApp.at({ address: "http://127.0.0.1:1" }) }
      assert.throws(() => UserTesting.make({ apps: [tested, tested], planner: Planner.scripted({}) }), /Two apps/)
    })
  )

  it("what a planner and a surface get has nothing of the change, by type", () => {
    expectTypeOf<keyof Planner.Brief>().toEqualTypeOf<"assertion" | "statement" | "kind" | "address">()
    expectTypeOf<keyof Planner.Seen>().toEqualTypeOf<"taken" | "sight" | "left">()
    expectTypeOf<Parameters<Planner.Planner["Service"]["plan"]>>().toEqualTypeOf<[brief: Planner.Brief]>()
    expectTypeOf<keyof Recording.Taken>().toEqualTypeOf<"step" | "came" | "before" | "sight">()
    expectTypeOf<keyof Surface.App>().toEqualTypeOf<"address" | "origins">()
    expectTypeOf<Parameters<Surface.Surface["Service"]["open"]>>().toEqualTypeOf<[app: Surface.App]>()
  })
})
