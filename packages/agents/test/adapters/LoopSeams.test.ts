import { assert, describe, it } from "@effect/vitest"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as FileSessions from "../../src/adapters/FileSessions.ts"
import type * as Harness from "../../src/Harness.ts"
import * as Session from "../../src/Session.ts"
import { sessionsIn, walk } from "../LoopSessions.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"

const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
  it.live(title, () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Lab.Services)))

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
