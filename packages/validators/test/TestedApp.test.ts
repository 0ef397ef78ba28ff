import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import type * as Change from "@millwright/core/Change"
import * as Contract from "@millwright/core/Contract"
import * as WorktreeSandbox from "@millwright/sandbox/adapters/WorktreeSandbox"
import type * as Sandbox from "@millwright/sandbox/Sandbox"
import type { SandboxSpec } from "@millwright/sandbox/SandboxSpec"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as HttpSurface from "../src/adapters/HttpSurface.ts"
import * as EvidenceStore from "../src/EvidenceStore.ts"
import * as Planner from "../src/Planner.ts"
import type { Step } from "../src/Step.ts"
import * as TestedApp from "../src/TestedApp.ts"
import * as UserTesting from "../src/UserTesting.ts"
import { isAlive } from "./LivingProcess.ts"

/** Counts its visits in memory, and says its process id. */
const server = `
import { createServer } from "node:http"
let visits = 0
console.log("\\u001b[31mbegins\\u001b[0m")
createServer((request, response) => {
  if (request.url === "/count") visits++
  response.end(request.url === "/pid" ? String(process.pid) : String(visits))
}).listen(Number(process.env.PORT), "127.0.0.1")
`

const folder = Effect.acquireRelease(
  Effect.sync(() => {
    const path = realpathSync(mkdtempSync(join(tmpdir(), "millwright-app-")))
    writeFileSync(join(path, "server.mjs"), server)
    return path
  }),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
)

const node = JSON.stringify(process.execPath)
const spec: Effect.Effect<SandboxSpec, never, Scope.Scope> = Effect.map(folder, (path) => ({
  id: "app",
  workspace: { _tag: "Folder", path }
}))

const text = (address: string) => Effect.promise(() => fetch(address).then((answer) => answer.text()))

const test = (
  name: string,
  body: Effect.Effect<void, unknown, Sandbox.Sandbox | Scope.Scope | EvidenceStore.EvidenceStore>
) =>
  it.live(
    name,
    () =>
      body.pipe(
        Effect.scoped,
        Effect.provide(Layer.merge(Layer.provide(WorktreeSandbox.layer, NodeServices.layer), EvidenceStore.layerMemory))
      ),
    60_000
  )

describe("an app that a command starts", () => {
  test(
    "runs until the scope closes, is started anew for each assertion, and its log is kept",
    Effect.gen(function* () {
      const app = TestedApp.command({ spec: yield* spec, run: `exec ${node} server.mjs` })
      const pids = yield* Effect.scoped(
        Effect.gen(function* () {
          const running = yield* app.start
          const { address } = running.app
          yield* text(`${address}count`)
          assert.strictEqual(yield* text(address), "1")
          const before = Number(yield* text(`${address}pid`))
          yield* running.reset ?? assert.fail("it should have a reset")
          assert.strictEqual(yield* text(address), "0", "it should have begun anew")
          assert.isFalse(isAlive(before), "the one before it should be gone")
          return [before, Number(yield* text(`${address}pid`))]
        })
      )
      assert.isFalse(isAlive(pids[1] ?? 0), "it should end with its scope")
      assert.strictEqual(yield* app.log, "begins\nbegins\n", "the log has nothing that steers a terminal")
    })
  )

  test(
    "that ends before it answers says so, with the end of its log",
    Effect.gen(function* () {
      const app = TestedApp.command({ spec: yield* spec, run: "echo 'no such module'; exit 3" })
      const { message, reason } = yield* Effect.flip(Effect.scoped(app.start))
      assert.strictEqual(reason, "Ended", message)
      assert.include(message, "exit 3")
      assert.include(message, "no such module")
    })
  )

  test(
    "that listens elsewhere is not waited for without end, and blocks its assertions with its log as evidence",
    Effect.gen(function* () {
      const run = `echo listening on 9; exec ${node} -e 'setInterval(() => {}, 1000)'`
      const app = TestedApp.command({ spec: yield* spec, run, within: "2 seconds" })
      const surface = yield* HttpSurface.make()
      const contract = Contract.freeze("item", [{ statement: "it answers", kind: "api" }])
      const change: Change.Change = { branch: "b", base: "0", head: "1", files: [] }
      const { findings } = yield* UserTesting.make({ apps: [{ surface, app }], planner: Planner.scripted({}) }).judge({
        contract,
        change
      })
      const [finding] = findings
      assert.strictEqual(finding?.status, "blocked")
      assert.include(finding?.reason, "within 2s")
      assert.include(finding?.evidence[0]?.excerpt, "listening on 9")
    })
  )

  test(
    "that can not be started at all says why",
    Effect.gen(function* () {
      const app = TestedApp.command({
        spec: { id: "app", workspace: { _tag: "Folder", path: "/no/such/folder" } },
        run: "true"
      })
      assert.strictEqual((yield* Effect.flip(Effect.scoped(app.start))).reason, "NotStarted")
    })
  )

  test(
    "keeps nothing from one assertion for the next",
    Effect.gen(function* () {
      const app = TestedApp.command({ spec: yield* spec, run: `exec ${node} server.mjs` })
      const surface = yield* HttpSurface.make()
      const request = (path: string): Step => ({ _tag: "Act", action: { _tag: "Request", method: "GET", path } })
      const is = (text: string): Step => ({ _tag: "Expect", that: { _tag: "Body", rule: { _tag: "Is", text } } })
      const steps = [request("/count"), is("1")]
      const planner = Planner.scripted({ "VAL-001": steps, "VAL-002": steps })
      const contract = Contract.freeze("item", [
        { statement: "it counts", kind: "api" },
        { statement: "from the beginning", kind: "api" }
      ])
      const change: Change.Change = { branch: "b", base: "0", head: "1", files: [] }
      const { accepted } = yield* UserTesting.make({ apps: [{ surface, app }], planner }).judge({ contract, change })
      assert.isTrue(accepted)
    })
  )
})
