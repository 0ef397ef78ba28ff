import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import type * as Harness from "../../src/Harness.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"

/** A provider that takes every request, and never says anything. */
const silent = Effect.acquireRelease(
  Effect.callback<Http.Server>((resume) => {
    const server = Http.createServer((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.write(": nothing\n\n")
    })
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) =>
    Effect.callback<void>((resume) => {
      server.close(() => resume(Effect.void))
      server.closeAllConnections()
    })
)

describe.each(Lab.protocols)("a loop over %s", (protocol) => {
  const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
    it.live(title, () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Lab.Services)))

  const again = Lab.bash("cat no-such-file")

  test(
    "tells an agent that it goes in a circle, which may still find its way out",
    Effect.gen(function* () {
      const lab = yield* Lab.start(protocol, [again, again, again, again, Lab.bash("echo out"), Lab.done("ok")])
      yield* lab.run()
      const said = (yield* lab.twin.requests).map(({ body }) =>
        JSON.stringify(body).includes("made the same calls 3 times")
      )
      assert.deepStrictEqual(said, [false, false, false, true, true, true])
      assert.deepStrictEqual(yield* lab.facts("CircleFound"), [
        { _tag: "CircleFound", tools: ["bash"], times: 3, told: true }
      ])
    })
  )

  test(
    "ends an agent that stays in its circle",
    Effect.gen(function* () {
      const lab = yield* Lab.start(
        protocol,
        Array.from({ length: 12 }, () => again)
      )
      const error = yield* Effect.flip(lab.run({ maxTurns: 12 }))
      assert.strictEqual(error.reason, "InACircle")
      assert.include(error.message, "bash")
      assert.lengthOf(yield* lab.twin.requests, 6)
      assert.deepStrictEqual(
        (yield* lab.facts("CircleFound")).map(({ told }) => told),
        [true, false]
      )
    })
  )

  test(
    "lets an agent wait for what changes",
    Effect.gen(function* () {
      const waits = Lab.bash("echo x >> log; wc -l < log")
      const lab = yield* Lab.start(protocol, [waits, waits, waits, waits, Lab.done("ok")])
      yield* lab.run()
      assert.deepStrictEqual(yield* lab.facts("CircleFound"), [])
    })
  )

  test(
    "does not wait for ever for a model that says nothing",
    Effect.gen(function* () {
      const server = yield* silent
      const { port } = server.address() as AddressInfo
      const lab = yield* Lab.at(protocol, `http://127.0.0.1:${port}`, { options: { silence: 200 } })
      const failed = yield* Effect.forkChild(
        Stream.runHead(Stream.filter(lab.journal.follow(), ({ fact }) => fact._tag === "ModelFailed"))
      )
      const running = yield* Effect.forkChild(lab.run())
      const event = yield* Effect.flatMap(Fiber.join(failed), Effect.fromOption)
      yield* Fiber.interrupt(running)
      assert.strictEqual(event.fact._tag === "ModelFailed" ? event.fact.fault.reason : event.fact._tag, "Disconnected")
      assert.include(JSON.stringify(event.fact), "has said nothing for")
    })
  )
})
