/** What programs see of the way out in the sandbox over bubblewrap. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { realpathSync } from "node:fs"
import { createServer } from "node:http"
import { dirname } from "node:path"
import * as Sandbox from "../../src/Sandbox.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import { listening } from "../outbound/Loopback.ts"
import { spec, suite, test } from "./bubblewrapFixture.ts"

/** A server on the host's own loopback, by the name that it has inside. */
const ofHost = Effect.gen(function* () {
  const server = createServer((_, response) => response.end("from the host"))
  const port = yield* listening(server, "127.0.0.1")
  return { port, where: `host.millwright.internal:${port}` }
})

const status = "curl -s -o /dev/null -w '%{http_code}'"

suite("the loopback of the host", () => {
  test("is reached by its name, in plain requests and in tunnels, on the port that is named", ({ workspace }) =>
    Effect.gen(function* () {
      const { port, where } = yield* ofHost
      const other = yield* ofHost
      // The repository, and Node with it, may lie where a sandbox sees nothing of the host.
      const node = realpathSync(process.execPath)
      const mounts = [{ source: dirname(node), access: "Read" as const }]
      yield* Fixture.inside(
        spec(workspace, { egress: { _tag: "Allow", domains: [where] }, mounts }),
        Effect.gen(function* () {
          assert.strictEqual(yield* Fixture.output(`curl -sS http://${where}/`), "from the host")
          assert.strictEqual(yield* Fixture.output(`curl -sS --proxytunnel http://${where}/`), "from the host")
          const fetching = `fetch("http://${where}/").then((answer) => answer.text()).then(console.log)`
          assert.strictEqual(yield* Fixture.output(`${node} -e '${fetching}'`), "from the host")
          assert.strictEqual(yield* Fixture.output(`${status} http://${other.where}/`), "403")
          const own = yield* Fixture.exitCode(`curl -s http://127.0.0.1:${port}/`)
          assert.strictEqual(own, 7, "the sandbox's own loopback has nothing there")
        })
      )
      for (const name of ["127.0.0.1", "localhost", "[::1]"]) {
        const domains = [`${name}:${port}`]
        const opening = Fixture.inside(spec(workspace, { egress: { _tag: "Allow", domains } }), Effect.void)
        const error = yield* Effect.flip(opening)
        assert.instanceOf(error, Sandbox.SandboxError)
        assert.strictEqual(error.reason, "BadSpec")
        assert.include(error.message, where)
      }
    }))
})

suite("a sandbox that lets nothing out", () => {
  test("tells programs of no proxy, until something is let out, and again when nothing is", ({ workspace }) =>
    Effect.gen(function* () {
      const { where } = yield* ofHost
      const sandbox = yield* Sandbox.Sandbox
      const { host, services } = yield* sandbox.open(spec(workspace, { egress: { _tag: "Deny" } }))
      const inside = <A, E>(effect: Effect.Effect<A, E, Sandbox.Services>) => Effect.provideContext(effect, services)
      const shut = Effect.gen(function* () {
        assert.strictEqual(yield* inside(Fixture.output("env | grep -ic proxy; true")), "0")
        assert.strictEqual(yield* inside(Fixture.exitCode(`curl -s http://${where}/`)), 6, "it should not resolve")
        assert.include(
          yield* inside(Fixture.output("curl -sS http://192.0.2.1/ 2>&1; true")),
          "Couldn't connect to server"
        )
      })
      yield* shut
      yield* host.setEgress({ _tag: "Allow", domains: [where] })
      assert.strictEqual(yield* inside(Fixture.output(`curl -sS http://${where}/`)), "from the host")
      assert.strictEqual(yield* inside(Fixture.output(`${status} http://example.invalid/`)), "403")
      yield* host.setEgress({ _tag: "Deny" })
      yield* shut
      // What was started before has the variables still.
      const late = `http_proxy=http://127.0.0.1:62128 ${status} http://${where}/`
      assert.strictEqual(yield* inside(Fixture.output(late)), "403")
    }))
})
