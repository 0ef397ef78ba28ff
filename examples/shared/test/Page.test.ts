import { assert, describe, it } from "@effect/vitest"
import * as RunManifest from "@millwright/agents/RunManifest"
import * as MemoryEngine from "@millwright/core/adapters/MemoryEngine"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as Gate from "@millwright/core/Gate"
import * as GateSight from "@millwright/core/GateSight"
import * as Line from "@millwright/core/Line"
import * as Stage from "@millwright/core/Stage"
import * as Simulation from "@millwright/core/testing/Simulation"
import * as Watch from "@millwright/core/Watch"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Page from "../page.ts"
import * as Prose from "../prose.ts"
import * as RunTable from "../run-table.ts"
import * as Stages from "../stages.ts"
import * as Telling from "../telling.ts"

class BuildError extends Fault.Class<BuildError>()("BuildError", { Flaky: true }) {}

const payload = { item: WorkItem.WorkItem }
const Part = Line.make("Part", { payload, success: Schema.Struct({ url: Schema.String, notes: Schema.String }) })
const Whole = Line.make("Whole", { payload, success: Schema.String })

/** A whole with a part: it is tried twice, costs something, and asks a person when. */
const code = () => {
  let tries = 0
  const part = Part.toLayer(
    Effect.fnUntraced(function* () {
      const build = Effect.gen(function* () {
        if (++tries === 1) return yield* new BuildError({ reason: "Flaky", message: "The registry did not answer" })
        return yield* Simulation.act({
          outcome: "built",
          takes: "3 minutes",
          usage: { input: 900, cacheRead: 0, cacheWrite: 0, output: 100 },
          usd: 0.25
        })
      })
      yield* Stage.run({ name: "build", success: Schema.String, retry: Schedule.spaced("10 seconds") }, build)
      const when = yield* Gate.choose("when", { options: ["now", "later"], question: "When?", cause: "downtime" })
      return { url: `https://preview.example/${when}`, notes: "First.\n\nSecond." }
    })
  )
  const whole = Whole.toLayer(
    Effect.fnUntraced(function* ({ item }) {
      const { url } = yield* Part.child({ item: { ...item, id: "part" } }).pipe(
        Effect.catchTag("ChildStopped", ({ reason }) => Line.park(item, { reason }))
      )
      return url
    })
  )
  return Layer.merge(part, whole)
}

const simulate = (answer?: string) =>
  Simulation.run(Whole, {
    code: code(),
    services: Layer.merge(MemoryEngine.layer, MemoryJournal.layer),
    payloads: [{ item: { id: "shop", title: "A shop", body: WorkItem.bodyOf(""), labels: [], source: "test" } }],
    answers: () => (answer === undefined ? undefined : { answer: { _tag: "Give", value: answer }, after: "2 hours" })
  })

/** The page of a run of a simulation, a minute after it went as far as it could. */
const pageOf = ({ events, runs }: Simulation.Report, name: string) => {
  const progress = runs.find(({ status }) => status.run === name) ?? assert.fail(`no run ${name}`)
  const own = events.filter(({ run }) => run === name)
  return Page.of({
    progress,
    gates: [...own.reduce(GateSight.step, new Map()).values()],
    stages: [...own.reduce(Stages.step, new Map<string, Stages.Row>()).values()],
    children: runs.filter(({ status }) => status.parent?.run === name),
    manifest: events.reduce(RunManifest.step, RunManifest.empty(name)),
    now: progress.changedAt + 60_000,
    command: (rest) => `line ${rest}`
  }).join("\n")
}

const childOf = ({ runs }: Simulation.Report) =>
  runs.find(({ status }) => status.line === "Part")?.status.run ?? assert.fail("no child")

describe("a run on a page", () => {
  it.live("says what its agents ran with", () =>
    Effect.gen(function* () {
      const report = yield* simulate()
      const child = childOf(report)
      const [first = assert.fail("no event")] = report.events.filter(({ run }) => run === child)
      const told = (fact: typeof first.fact) => ({ ...first, actor: { _tag: "Agent", role: "Builder" } as const, fact })
      const digest = Digest.of("x")
      const events = [
        ...report.events,
        told({
          _tag: "RoleStarted",
          role: "Builder",
          skill: "build",
          skillDigest: digest,
          harness: "loop",
          tier: "small"
        }),
        told({ _tag: "SkillUsed", skill: "style", digest, source: "s", trust: "house", file: "a.md" })
      ]
      const page = pageOf({ ...report, events }, child)
      assert.match(
        page,
        /^Ran with\n {2}Builder {2}build 2d711642b726 +loop\n {2}Builder {2}style\/a\.md 2d711642b726 {2}read when/m
      )
      assert.notInclude(pageOf(report, child), "Ran with", "a run without agents says nothing of them")
    })
  )

  it.live("shows what is tried again and why, what it cost, what is asked, and who waits for whom", () =>
    Effect.gen(function* () {
      const report = yield* simulate()
      const child = childOf(report)
      const page = pageOf(report, child)
      assert.match(page, /^Parent {4}shop\.1, in its stage child-Part$/m)
      assert.match(page, /^Status {4}Waiting for when, 1m$/m)
      assert.match(
        page,
        /^ {2}build +3m 10s +2 attempts, 1000 tokens, \$0\.25\n {4}attempt 1: The registry did not answer$/m
      )
      for (const option of ["now", "later"]) {
        assert.include(page, `line answer ${child}:when --json-answer '"${option}"'`, "what can be answered")
      }
      const whole = pageOf(report, "shop.1")
      assert.include(whole, `Running: waits for its child ${child}`)
      assert.match(whole, new RegExp(`^Children\\n {2}${child} +Part +Waiting for when, `, "m"))
    })
  )

  it.live("shows answers and results in words", () =>
    Effect.gen(function* () {
      const report = yield* simulate("now")
      const page = pageOf(report, childOf(report))
      assert.match(page, /^Answered {2}by simulated, after 2h\n {10}now$/m)
      assert.include(page, "Came to\n  url    https://preview.example/now\n  notes  First.\n\n         Second.\n")
    })
  )

  it.live("tells each thing that happens once", () =>
    Effect.gen(function* () {
      const report = yield* simulate("later")
      const child = childOf(report)
      let progress: Watch.Progress | undefined
      const told: Array<string> = []
      for (const event of report.events.filter(({ run }) => run === child)) {
        const before = progress
        progress = Watch.step(progress, event)
        if (progress !== undefined) told.push(...Telling.told(before, progress))
      }
      assert.deepStrictEqual(told, [
        "Started: A shop",
        "build begins",
        "build begins, attempt 2",
        "build done in 3m 10s; in all 1 stage, 1000 tokens, $0.25",
        "Waiting for when; in all 1 stage, 1000 tokens, $0.25",
        "when is closed",
        "Finished after 2h 3m; in all 1 stage, 1000 tokens, $0.25"
      ])
    })
  )
})

describe("runs in a table", () => {
  const tableOf = ({ runs }: Simulation.Report, shown: ReadonlyArray<Watch.Progress>, columns?: number) => {
    const { head, lines } = RunTable.make(shown, { all: runs, now: 0, ...(columns === undefined ? {} : { columns }) })
    return [head, ...lines].map((line) => line.map(({ text }) => text).join(""))
  }

  it.live("has children below their parents, and says whose child one is that stands alone", () =>
    Effect.gen(function* () {
      const report = yield* simulate()
      const child = childOf(report)
      const [head, whole, part] = tableOf(report, report.runs.toReversed())
      assert.match(head ?? "", /^RUN +STATUS +AGE +LINE +PARENT +USED +TITLE$/)
      assert.match(whole ?? "", new RegExp(`^shop\\.1 +Running: waits for its child ${child} +0s +Whole `))
      assert.match(
        part ?? "",
        new RegExp(`^ {2}${child} +Waiting for when, 0s +0s +Part +shop\\.1 +1 stage, 1000 tokens`)
      )
      const alone = report.runs.filter(({ status }) => status.run === child)
      assert.match(tableOf(report, alone)[1] ?? "", new RegExp(`^${child} .* Part +shop\\.1 `))
    })
  )

  it.live("keeps the end of a name, however narrow the terminal is", () =>
    Effect.gen(function* () {
      const report = yield* simulate()
      const child = childOf(report)
      const rows = tableOf(report, report.runs, 24)
      assert.match(rows[2] ?? "", new RegExp(`^…${child.slice(-9)} `), rows.join("\n"))
    })
  )
})

describe("Prose", () => {
  it("says values as a person does", () => {
    const value = { name: "a", list: ["x", { y: 1, longer: true }], none: null, text: "one\ntwo" }
    assert.deepStrictEqual(Prose.lines(value), [
      "name  a",
      "list  - x",
      "      - y       1",
      "        longer  true",
      "none  none",
      "text  one",
      "      two"
    ])
    assert.deepStrictEqual(
      [{ approved: true, note: "" }, { approved: false, note: "no\u001b[2J" }, { text: "hi" }, { value: 3 }, null].map(
        Prose.answer
      ),
      ["yes", "no: no\ufffd[2J", "hi", "3", "nobody, in time"]
    )
  })
})
