import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { randomUUID } from "node:crypto"
import * as ModalSandbox from "../../src/adapters/ModalSandbox.ts"
import * as Sandbox from "../../src/Sandbox.ts"
import type { SandboxSpec } from "../../src/SandboxSpec.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import * as Double from "../doubles/Double.ts"
import * as Faults from "../doubles/Faults.ts"
import { key } from "../doubles/Machine.ts"
import { lengthy } from "../Requires.ts"

const double = await Double.start("modal")

// The SDK takes the address from its own settings only. It warns of every machine that is reached without TLS.
process.env["MODAL_SERVER_URL"] = double.url
process.env["MODAL_LOGLEVEL"] = "error"

const layer = (secret: string, patience: number, life = 600_000) =>
  Layer.provide(
    ModalSandbox.layer({ tokenId: "ak-double", tokenSecret: Redacted.make(secret), patience, life }),
    NodeServices.layer
  )

// On the same relay as that of E2B, which always runs.
lengthy("modal", () => SandboxTest.suite("modal", layer(key, 20_000), { timeout: 300_000 }))

Faults.suite({
  name: "modal",
  double,
  key,
  layer,
  requests: { create: "SandboxCreateV2", find: "SandboxGetFromNameV2", run: "TaskExecStart" }
})

const spec = (more: Partial<SandboxSpec> = {}): SandboxSpec => ({
  id: `m-${randomUUID()}`,
  workspace: { _tag: "Empty" },
  ...more
})
const open = (asked: SandboxSpec) => Effect.flatMap(Sandbox.Sandbox, (sandbox) => sandbox.open(asked))
const discard = (asked: SandboxSpec) => Effect.flatMap(Sandbox.Sandbox, (sandbox) => sandbox.discard(asked))
/** What the double knows of the newest machine. */
const told = Effect.map(double.machines, (machines) => machines.at(-1))
const made = Effect.map(double.calls, (calls) => calls.filter((call) => call.includes("SandboxCreate")).length)
const text = (services: Sandbox.Opened["services"]) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.readFileString("kept.txt")).pipe(
    Effect.provideContext(services)
  )
const write = (services: Sandbox.Opened["services"], text: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.writeFileString("kept.txt", text)).pipe(
    Effect.provideContext(services)
  )
const busy = { status: 429 }
const always = [
  "what was committed is on the branch",
  "a command sees the spec's variables",
  "output streams while",
  "a command that never ends"
]

describe("modal", () => {
  const test = <E>(what: string, body: Effect.Effect<void, E, Sandbox.Sandbox>) =>
    it.live(what, () => body.pipe(Effect.provide(layer(key, 20_000)), Effect.ensuring(double.faults([]))), 60_000)

  // The rest of them takes minutes.
  for (const { holds, name } of SandboxTest.claims.filter(({ name }) => always.some((part) => name.startsWith(part)))) {
    test(name, holds)
  }

  test(
    "a machine is made as the spec says: network, limits, ports, and an end when nobody asks it any more",
    Effect.gen(function* () {
      const asked = spec({
        egress: { _tag: "Allow", domains: ["*.example.org", "192.0.2.7"] },
        limits: { cpus: 0.5, memory: 1_073_741_824 },
        ports: { WEB: 8_080, API: null }
      })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { host } = yield* open(asked)
          const settings = (yield* told)?.settings
          const lists = { allowedCidrs: ["192.0.2.7/32"], allowedDomains: ["*.example.org"] }
          assert.deepInclude(settings?.["networkAccess"], { networkAccessType: 3, ...lists })
          assert.deepInclude(settings?.["resources"], { milliCpuMax: 250, milliCpu: 125, memoryMbMax: 1_024 })
          assert.deepInclude(settings, { timeoutSecs: 86_400, idleTimeoutSecs: 600 })
          assert.deepStrictEqual(yield* Effect.scoped(host.expose("WEB")), {
            host: "8080.modal.invalid",
            port: 443,
            url: "https://8080.modal.invalid/"
          })
          assert.match((yield* Effect.scoped(host.expose("API"))).host, /^20001\./, "a counted port should be open too")

          yield* host.setEgress({ _tag: "Deny" })
          const denied = (yield* told)?.settings["networkAccess"]
          assert.deepInclude(denied, { networkAccessType: 3, allowedCidrs: [], allowedDomains: [] })
          const refused = yield* Effect.flip(host.setEgress({ _tag: "Allow", domains: ["example.org:8443"] }))
          assert.strictEqual(refused.reason, "Unsupported", refused.message)
        })
      )
      yield* discard(asked)
    })
  )

  test(
    "a network that the spec does not name is closed, and one that it opens is open",
    Effect.forEach(
      [
        [undefined, 3],
        [{ _tag: "Open" as const }, 1]
      ] as const,
      ([egress, type]) => {
        const asked = spec({ ...(egress && { egress }) })
        const look = Effect.scoped(Effect.andThen(open(asked), told))
        return Effect.flatMap(look, (machine) =>
          Effect.andThen(
            Effect.sync(() =>
              assert.deepInclude(machine?.settings["networkAccess"], { networkAccessType: type, allowedCidrs: [] })
            ),
            discard(asked)
          )
        )
      },
      { discard: true }
    )
  )

  test(
    "a closed workspace is no machine that runs, and is opened again from its files; discarded, nothing of it is left",
    Effect.gen(function* () {
      const asked = spec()
      const before = yield* double.machines
      yield* Effect.scoped(Effect.flatMap(open(asked), ({ services }) => write(services, "one")))
      const closed = yield* told
      assert.strictEqual(closed?.state, "paused", "it should have ended")
      // The SDK asks a second time then, and is told that the name is taken.
      yield* double.faults([{ on: "SandboxCreateV2", times: 1, how: "lose" }])
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { services } = yield* open(asked)
          assert.strictEqual(yield* text(services), "one", "its files should be there")
          assert.notStrictEqual((yield* told)?.id, closed?.id, "it should be another machine")
        })
      )
      yield* discard(asked)
      assert.deepStrictEqual(yield* double.machines, before)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const error = yield* Effect.flip(text((yield* open(asked)).services))
          assert.strictEqual(error.reason._tag, "NotFound", "a discarded workspace should be new")
        })
      )
      yield* discard(asked)
    })
  )

  for (const [what, more, machines] of [
    ["used as it is", {}, 1],
    ["made anew from its files where the spec has limits", { limits: { cpus: 1 } }, 2]
  ] as const) {
    test(
      `a machine that was left running is ${what}`,
      Effect.gen(function* () {
        const asked = spec(more)
        const before = yield* double.machines
        yield* double.calls
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { services } = yield* open(asked)
            yield* write(services, "one")
            yield* double.faults([{ on: "SandboxTerminateV2", times: 1_000, how: busy }])
          })
        )
        yield* double.faults([])
        assert.strictEqual((yield* told)?.state, "running", "it should have been left running")
        yield* Effect.scoped(Effect.flatMap(open(asked), ({ services }) => text(services))).pipe(
          Effect.map((kept) => assert.strictEqual(kept, "one"))
        )
        assert.strictEqual(yield* made, machines)
        yield* discard(asked)
        assert.deepStrictEqual(yield* double.machines, before)
      })
    )
  }

  for (const how of ["drop", "cut", "lose"] as const) {
    test(
      `output and input that break off (${how}) go on where they were`,
      Effect.scoped(
        Effect.gen(function* () {
          const asked = spec()
          const { services } = yield* open(asked)
          yield* double.faults([
            { on: "TaskExecStdioRead", times: 2, how },
            { on: "TaskExecWait", times: 1, how },
            { on: "TaskExecStdinWriteStream", times: 1, how }
          ])
          const much = "0123456789abcdef".repeat(100_000)
          yield* write(services, much)
          assert.isTrue((yield* text(services)) === much, "a file of 1.6 MB should arrive and come back whole")
        })
      )
    )
  }

  it.live(
    "a machine that nobody gives a command is kept up as long as it is open",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          yield* open(spec())
          yield* double.calls
          const isAsked = Effect.map(double.calls, (calls) => calls.some((call) => call.endsWith("TaskExecStart")))
          yield* Effect.repeat(isAsked, { until: (is) => is })
          yield* Effect.repeat(isAsked, { until: (is) => is })
        })
      ).pipe(Effect.provide(layer(key, 20_000, 300))),
    60_000
  )

  test(
    "an image that can not be built is NoSuchSource, and makes no machine",
    Effect.gen(function* () {
      const before = (yield* double.machines).length
      const error = yield* Effect.flip(Effect.scoped(open(spec({ image: "missing" }))))
      assert.strictEqual(error.reason, "NoSuchSource", error.message)
      assert.strictEqual((yield* double.machines).length, before)
    })
  )

  test(
    "a provider that is busy, again and again, without saying how long, is ProviderFailed; once, it is not noticed",
    Effect.gen(function* () {
      const asked = spec()
      yield* double.faults([{ on: "AppGetOrCreate", times: 1_000, how: busy }])
      const error = yield* Effect.flip(Effect.scoped(open(asked)))
      assert.strictEqual(error.reason, "ProviderFailed", error.message)
      yield* double.faults(
        ["AppGetOrCreate", "ImageGetOrCreate", "SandboxGetFromName", "TaskExecStart", "SandboxTerminate"].map((on) => ({
          on,
          times: 1,
          how: busy
        }))
      )
      yield* Effect.scoped(open(asked))
      yield* discard(asked)
    })
  )
})
