import { assert, describe, it } from "@effect/vitest"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as FileSessions from "../../src/adapters/FileSessions.ts"
import type * as Harness from "../../src/Harness.ts"
import * as Session from "../../src/Session.ts"
import { sessionsIn, walk } from "../LoopSessions.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"

/** A call of a script: one that leaves a line behind each time it runs, or one that only looks. */
const Step = Schema.Union([
  Schema.Struct({ does: Schema.Literal("write"), slow: Schema.Boolean }),
  Schema.Struct({ does: Schema.Literal("look") })
])
const Script = Schema.NonEmptyArray(Schema.NonEmptyArray(Step).check(Schema.isMaxLength(4))).check(
  Schema.isMaxLength(3)
)

const turnsOf = (script: typeof Script.Type): ReadonlyArray<ProviderTwin.Turn> => [
  ...script.map((steps, turn) => ({
    text: `turn ${turn}`,
    calls: steps.map((step, at) =>
      // Never the same call, or the agent would go in a circle.
      step.does === "look"
        ? Lab.call("read", { path: `there-${turn}-${at}` })
        : Lab.call("bash", {
            script: `echo ${turn}-${at} >> done${step.slow ? "; sleep 0.01" : ""}; echo did ${turn}-${at}`
          })
    )
  })),
  Lab.done("ok")
]

const done = () =>
  existsSync("done")
    ? readFileSync("done", "utf8")
        .split("\n")
        .filter((line) => line !== "")
    : []

const last = (events: ReadonlyArray<Harness.HarnessEvent>) => {
  const event = events.at(-1)
  return event?._tag === "Ended" ? event.outcome : undefined
}

/** Runs the agent in a process of its own, and kills it when it has told so many events. Answers with how it ended. */
const lived = (url: string, events: number) =>
  Effect.callback<number | "killed">((resume) => {
    let told = 0
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL("../session-process.ts", import.meta.url)), url, "sessions"],
      {
        stdio: ["ignore", "pipe", "inherit"]
      }
    )
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      told += text.split("\n").length - 1
      if (told >= events) child.kill("SIGKILL")
    })
    child.once("close", (code) => resume(Effect.succeed(code ?? "killed")))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

describe("an agent in a process that is killed again and again", () => {
  it.live(
    "comes to its outcome, and no tool runs twice",
    () =>
      Effect.gen(function* () {
        const turns = [
          ...Array.from({ length: 4 }, (_, turn) => ({
            calls: [0, 1].map((at) => Lab.call("bash", { script: `echo ${turn}-${at} >> done` }))
          })),
          Lab.done("ok")
        ]
        const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] } })
        const ends: Array<number | "killed"> = []
        // Each life gets a little further: the first events of each are those of the life before it.
        for (let life = 0; ends.at(-1) !== 0 && life < 40; life++) {
          ends.push(yield* lived(twin.anthropicUrl, 3 + (life % 4)))
        }
        assert.strictEqual(ends.at(-1), 0, `it never ended: ${ends.join(" ")}`)
        assert.isAtLeast(ends.filter((end) => end === "killed").length, 3, "it was hardly killed")
        const lines = done()
        assert.strictEqual(new Set(lines).size, lines.length, `a tool ran twice: ${lines.join(" ")}`)
        const refused = (yield* twin.requests).filter(({ outcome }) => outcome === "refused")
        assert.lengthOf(refused, 0, "the provider refused a transcript")
      }).pipe((test) => Effect.andThen(workspace({}), test), Effect.scoped, Effect.provide(Lab.Services)),
    120_000
  )
})

for (const protocol of Lab.protocols) {
  describe(`sessions of the loop, over ${protocol}`, () => {
    it.live.prop(
      "killed at any byte, it goes on: what finished is not run again, and the provider takes the transcript",
      [Script, Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 }))],
      ([script, share]) =>
        Effect.gen(function* () {
          // Each another one: an agent that looks at one thing again and again is stopped.
          for (const turn of [0, 1, 2]) for (const at of [0, 1, 2, 3]) writeFileSync(`there-${turn}-${at}`, "here\n")
          writeFileSync("done", "")
          const turns = turnsOf(script)
          const twin = yield* ProviderTwin.make({ script: { conversations: [{ turns }] } })
          const base = { protocol, url: twin.anthropicUrl, request: { id: "s" } }
          const whole = yield* walk({ ...base, sessions: sessionsIn("whole") })
          assert.deepStrictEqual(last(whole.events), { _tag: "Done", note: "ok" }, String(whole.exit))
          const wanted = done()
          const bytes = statSync(join("whole", FileSessions.fileOf("s"))).size
          writeFileSync("done", "")
          const killed = yield* walk({ ...base, sessions: sessionsIn("killed", Math.floor(share * (bytes - 1))) })
          assert.isTrue(Exit.isFailure(killed.exit), "it was not killed")
          const before = done()
          const asked = (yield* twin.requests).length
          const resumed = yield* walk({ ...base, sessions: sessionsIn("killed") })
          assert.deepStrictEqual(last(resumed.events), { _tag: "Done", note: "ok" }, String(resumed.exit))
          const lines = done()
          assert.strictEqual(new Set(lines).size, lines.length, `a tool ran twice: ${lines.join(" ")}`)
          // Only a call that was cut off in the middle may be missing: the agent is told so.
          const missing = wanted.filter((line) => !lines.includes(line))
          assert.isAtMost(missing.length, 1, `tools did not run: ${missing.join(" ")}`)
          const requests = (yield* twin.requests).slice(asked)
          assert.isTrue(
            requests.every(({ outcome }) => outcome === "answered"),
            "the provider refused the transcript"
          )
          const told = JSON.stringify(requests.at(-1)?.body)
          for (const line of missing) assert.include(told, "Interrupted", `nobody says that ${line} was cut off`)
          for (const line of before) assert.isAtMost(lines.filter((each) => each === line).length, 1)
        }).pipe((test) => Effect.andThen(workspace({}), test), Effect.scoped, Effect.provide(Lab.Services)),
      { arbitrary: { runs: 25, maxShrinks: 20 }, timeout: 120_000 }
    )

    const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
      it.live(title, () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Lab.Services)))

    test(
      "one that has ended answers again, and no model is called; one that was asked for something else begins anew",
      Effect.gen(function* () {
        const twin = yield* ProviderTwin.make({
          script: { conversations: [{ turns: [Lab.bash("echo x >> done"), Lab.done("ok")] }] }
        })
        const base = { protocol, url: twin.anthropicUrl, sessions: sessionsIn("sessions") }
        const first = yield* walk({ ...base, request: { id: "run/stage" } })
        const again = yield* walk({ ...base, request: { id: "run/stage" } })
        assert.deepStrictEqual(last(again.events), last(first.events))
        assert.deepStrictEqual(
          again.events.map(({ _tag }) => _tag),
          ["Began", "Ended"]
        )
        assert.lengthOf(yield* twin.requests, 2, "a model was called for an outcome that was there")
        yield* walk({ ...base, request: { id: "run/stage", prompt: "Another task." } })
        assert.lengthOf(yield* twin.requests, 4, "another task was given the outcome of the first")
        const { entries } = yield* Effect.fromResult(
          Result.map(
            Session.fromText(readFileSync(join("sessions", FileSessions.fileOf("run/stage")), "utf8")),
            ({ session }) => session
          )
        )
        assert.lengthOf(
          entries.filter(({ parent }) => parent === null),
          2,
          "both conversations are kept"
        )
      })
    )

    test(
      "one that was handed over goes on elsewhere, and two who go on with it do not meet",
      Effect.gen(function* () {
        const twin = yield* ProviderTwin.make({
          script: { conversations: [{ turns: [Lab.done("first"), Lab.done("second")] }] }
        })
        const base = { protocol, url: twin.anthropicUrl }
        const first = yield* walk({ ...base, sessions: sessionsIn("here"), request: { id: "s" } })
        const end = first.events.at(-1)
        if (end?._tag !== "Ended") return assert.fail("There is no outcome")
        const session = JSON.parse(JSON.stringify(end.session)) as Harness.Session
        const [left, right] = yield* Effect.all(
          ["And left?", "And right?"].map((prompt) =>
            walk({ ...base, sessions: sessionsIn("there"), request: { prompt, session } })
          ),
          { concurrency: "unbounded" }
        )
        for (const { events, exit } of [left, right]) {
          assert.deepStrictEqual(last(events ?? []), { _tag: "Done", note: "second" }, String(exit))
        }
        const bodies = (yield* twin.requests).slice(1).map(({ body }) => JSON.stringify(body))
        assert.lengthOf(
          bodies.filter((body) => body.includes("And left?") && !body.includes("And right?")),
          1
        )
        assert.lengthOf(
          bodies.filter((body) => body.includes("And right?") && !body.includes("And left?")),
          1
        )
        const { session: kept } = yield* Effect.fromResult(
          Session.fromText(readFileSync(join("there", FileSessions.fileOf("s")), "utf8"))
        )
        const parents = kept.entries.map(({ parent }) => parent)
        assert.lengthOf(
          parents.filter((parent, at) => parents.indexOf(parent) !== at),
          1,
          "there is no branch in the tree"
        )
      })
    )
  })
}
