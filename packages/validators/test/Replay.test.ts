import { assert, describe, it } from "@effect/vitest"
import type * as Change from "@millwright/core/Change"
import * as Contract from "@millwright/core/Contract"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as HttpSurface from "../src/adapters/HttpSurface.ts"
import * as EvidenceStore from "../src/EvidenceStore.ts"
import * as Planner from "../src/Planner.ts"
import type * as Recording from "../src/Recording.ts"
import * as Replay from "../src/Replay.ts"
import type { Step } from "../src/Step.ts"
import * as TestedApp from "../src/TestedApp.ts"
import * as UserTesting from "../src/UserTesting.ts"
import * as LoopbackServer from "./LoopbackServer.ts"
import * as NotesApi from "./NotesApi.ts"

const change: Change.Change = { branch: "b", base: "0", head: "1", files: [] }
const contract = Contract.freeze("item", [
  { statement: "notes are kept", kind: "api" },
  { statement: "there are no notes at first", kind: "api" },
  { statement: "notes can be searched", kind: "api" }
])

const steps: ReadonlyArray<Step> = [NotesApi.add("milk"), NotesApi.list, NotesApi.holds('["milk"]')]
const scripts: Readonly<Record<string, Planner.Script>> = {
  "VAL-001": steps,
  "VAL-002": [NotesApi.list, NotesApi.holds("[]")],
  "VAL-003": [NotesApi.list, { _tag: "Given", that: { _tag: "Status", is: 404 } }, NotesApi.status(404)]
}

/** What a validator keeps of an app. */
const recorded = Effect.fnUntraced(function* (api: Api, planner = Planner.scripted(scripts)) {
  const surface = yield* HttpSurface.make()
  const apps = [{ surface, app: TestedApp.at({ address: api.address }, { reset: api.reset }) }] as const
  const { findings } = yield* UserTesting.make({ apps, planner }).judge({ contract, change })
  const store = yield* EvidenceStore.EvidenceStore
  const contents = yield* Effect.forEach(findings, ({ evidence }) =>
    store.read(evidence[0]?.digest ?? assert.fail("every test should leave a recording"))
  )
  return contents.map((content) => Buffer.from(content).toString("utf8"))
})

type Api = Effect.Success<ReturnType<typeof NotesApi.listening>>

const opened = (content: string) => Result.getOrThrow(Replay.open(content, { contract }))

const replayed = Effect.fnUntraced(function* (contents: ReadonlyArray<string>, api: Pick<Api, "address" | "reset">) {
  const surface = yield* HttpSurface.make()
  const app = TestedApp.at({ address: api.address }, { reset: api.reset, within: "300 millis" })
  return yield* Replay.run(contents.map(opened), { apps: [{ surface, app }] })
})

const test = (name: string, body: Effect.Effect<void, unknown, EvidenceStore.EvidenceStore | Scope.Scope>) =>
  it.live(name, () => Effect.provide(Effect.scoped(body), EvidenceStore.layerMemory))

describe("Replay", () => {
  test(
    "comes to the same verdicts at the same app, for passes, fails and what was blocked",
    Effect.gen(function* () {
      const api = yield* NotesApi.listening("loses-notes")
      const contents = yield* recorded(api)
      assert.deepStrictEqual(
        contents.map((content) => opened(content).status),
        ["fail", "pass", "blocked"]
      )
      const report = yield* replayed(contents, api)
      assert.deepStrictEqual([report.agreed, report.disagreed], [3, 0], JSON.stringify(report.replayed))
      assert.deepStrictEqual(
        report.replayed.map(({ now, otherSights }) => [now, otherSights]),
        [
          ["fail", 0],
          ["pass", 0],
          ["blocked", 0]
        ]
      )
    })
  )

  test(
    "names the step at which another app does otherwise",
    Effect.gen(function* () {
      const contents = yield* recorded(yield* NotesApi.listening())
      const { disagreed, replayed: all } = yield* replayed(contents, yield* NotesApi.listening("loses-notes"))
      assert.strictEqual(disagreed, 1)
      const [first] = all
      assert.deepInclude(first, { assertion: "VAL-001", recorded: "pass", now: "fail" })
      assert.deepStrictEqual(first?.difference, {
        _tag: "Came",
        at: 2,
        recorded: { _tag: "Held", holds: true, saw: '["milk"]' },
        now: { _tag: "Held", holds: false, saw: "[]" }
      })
    })
  )

  test(
    "does an expectation again that can not be said, with what it came to",
    Effect.gen(function* () {
      const api = yield* NotesApi.listening()
      const unsayable: Step = {
        _tag: "Expect",
        that: { _tag: "Body", pointer: "no-slash", rule: { _tag: "Is", text: "" } }
      }
      const [content = ""] = yield* recorded(api, Planner.scripted({ "VAL-001": [NotesApi.list, unsayable] }))
      const { status, taken } = opened(content)
      assert.deepStrictEqual([status, taken.at(-1)?.came._tag], ["blocked", "Refused"])
      const report = yield* replayed([content], api)
      assert.deepStrictEqual([report.agreed, report.disagreed], [1, 0], JSON.stringify(report.replayed))
    })
  )

  test(
    "names an app that is not always the same",
    Effect.gen(function* () {
      const api = yield* NotesApi.listening("breaks-on-second-visit")
      const scripted = { "VAL-001": [NotesApi.list, NotesApi.status(500)] }
      const contents = yield* recorded(api, Planner.scripted(scripted))
      // The first visit of another one is not the second of this one.
      let visits = 0
      const address = yield* LoopbackServer.listening((_, response) =>
        response.writeHead(visits++ % 2 === 0 ? 500 : 200).end()
      )
      const other = { address, reset: Effect.void }
      const [first] = contents
      const runs = yield* Effect.forEach([1, 2, 3], () => replayed([first ?? ""], other))
      assert.isAbove(
        runs.reduce((sum, { disagreed }) => sum + disagreed, 0),
        0,
        "a run that disagrees should be named"
      )
    })
  )

  test(
    "an app that is gone is a difference of its own",
    Effect.gen(function* () {
      const contents = yield* recorded(yield* NotesApi.listening())
      const report = yield* replayed(contents, { address: yield* LoopbackServer.nobody, reset: Effect.void })
      assert.strictEqual(report.disagreed, 3)
      assert.strictEqual(report.replayed[0]?.difference?._tag, "NotTried")
    })
  )

  test(
    "a model's recording is held to the same: something has to have become so",
    Effect.gen(function* () {
      const api = yield* NotesApi.listening()
      const model = { ...Planner.scripted(scripts), author: "model" as const }
      const contents = yield* recorded(api, model)
      assert.strictEqual(opened(contents[0] ?? "").status, "pass")
      assert.isFalse(
        opened(contents[0] ?? "").taken.at(-1)?.before,
        "it should be known that it had not been so before"
      )
      const report = yield* replayed(contents, api)
      assert.strictEqual(report.disagreed, 0, JSON.stringify(report.replayed))
    })
  )

  test(
    "refuses a recording that somebody changed, or that leads elsewhere",
    Effect.gen(function* () {
      const [content = ""] = yield* recorded(yield* NotesApi.listening())
      type Mutable = { -readonly [Key in keyof Recording.Recording]: Recording.Recording[Key] }
      const changed = (change: (recording: Mutable) => void) => {
        const recording = JSON.parse(content) as Mutable
        change(recording)
        return JSON.stringify(recording)
      }
      const act = (action: unknown) => ({ step: { _tag: "Act", action }, came: { _tag: "Done" }, sight: null })
      const put = (...taken: ReadonlyArray<unknown>) =>
        changed((recording) => (recording.taken = [...(taken as Recording.Recording["taken"]), ...recording.taken]))
      const request = (path: string) => put(act({ _tag: "Request", method: "GET", path }))
      const wrong: ReadonlyArray<readonly [what: string, content: string, reason: Replay.ReplayError["reason"]]> = [
        ["no JSON", "{", "NotARecording"],
        ["something else", "[]", "NotARecording"],
        ["another field", changed((recording) => Object.assign(recording, { run: "rm -rf" })), "NotARecording"],
        ["too many steps", put(...Array.from({ length: 1_001 }, () => act({ _tag: "Reload" }))), "NotARecording"],
        ["a million steps", `{"taken":[${"0,".repeat(999_999)}0]}`, "NotARecording"],
        ["too large", `${content}${" ".repeat(9_000_000)}`, "NotARecording"],
        [
          "another contract",
          changed((recording) => (recording.contract = "0".repeat(64) as Contract.Contract["digest"])),
          "OtherContract"
        ],
        ["another assertion", changed((recording) => (recording.assertion = "VAL-999")), "OtherContract"],
        ["another kind", changed((recording) => (recording.kind = "ui")), "Altered"],
        ["a better status", changed((recording) => (recording.status = "blocked")), "Altered"],
        ["another ending", changed((recording) => (recording.ending = { _tag: "Cannot", why: "" })), "Altered"],
        ["steps of another kind", put(act({ _tag: "Reload" })), "Altered"],
        ["another origin", request("https://example.com/"), "OutOfApp"],
        ["another origin without a scheme", request("//example.com/"), "OutOfApp"],
        ["another origin with backslashes", request("\\\\example.com/"), "OutOfApp"],
        ["another origin behind a blank", request("\t https://example.com/"), "OutOfApp"],
        ["a script", request("java\nscript:alert(1)"), "OutOfApp"]
      ]
      for (const [what, given, reason] of wrong) {
        const result = Replay.open(given, { contract })
        assert.strictEqual(Result.isFailure(result) ? result.failure.reason : "nothing", reason, what)
      }
      const named = Replay.open(request("https://twin.test/mail"), { contract, origins: ["https://twin.test"] })
      assert.isTrue(Result.isSuccess(named), "an origin that was named may be asked")
    })
  )
})
