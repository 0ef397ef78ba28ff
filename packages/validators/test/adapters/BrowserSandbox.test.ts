/** The browser in a sandbox that has no source and no way out but to the app. A machine without bubblewrap, or without a Chromium, skips it and says so. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, it } from "@effect/vitest"
import * as BubblewrapSandbox from "@millwright/sandbox/adapters/BubblewrapSandbox"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import { test } from "vitest"
import * as BrowserSurface from "../../src/adapters/BrowserSurface.ts"
import * as BrowserProcess from "../../src/internal/BrowserProcess.ts"
import * as Surface from "../../src/Surface.ts"
import { css, role, serve } from "./pages.ts"

const bubblewrap = Layer.provide(BubblewrapSandbox.layer, NodeServices.layer)

const lacking = await Effect.runPromise(
  Effect.all([BrowserProcess.program(undefined), Effect.scoped(Layer.build(bubblewrap))]).pipe(
    Effect.match({ onFailure: ({ message }) => message, onSuccess: () => undefined })
  )
)

const name = "runs in a sandbox of its own, and reaches the app and nothing else of the host"
if (lacking !== undefined) test.skip(`${name}: ${lacking}`, () => {})
else {
  it.live(
    name,
    () =>
      Effect.gen(function* () {
        const { address, outside } = yield* serve
        const { port } = new URL(address)
        const sandbox = yield* Sandbox.Sandbox
        const spec = {
          id: `browser-${randomUUID()}`,
          workspace: { _tag: "Empty" },
          egress: { _tag: "Allow", domains: [`host.millwright.internal:${port}`] },
          ports: { CDP: null }
        } as const
        yield* Effect.addFinalizer(() => Effect.ignore(sandbox.discard(spec)))
        yield* Effect.gen(function* () {
          const opened = yield* sandbox.open(spec)
          const layer = BrowserSurface.layerWith({ within: { opened, port: "CDP" } })
          yield* Effect.gen(function* () {
            const surface = yield* Surface.Surface
            const { act, check, look } = yield* surface.open({ address: `http://host.millwright.internal:${port}` })
            yield* act({ _tag: "Visit", address: "/" })
            yield* act({ _tag: "Fill", target: { by: { _tag: "Label", label: "Name" } }, text: "Ada" })
            yield* act({ _tag: "Click", target: role("button", "Greet") })
            const that = { _tag: "Text", target: css("#said"), rule: { _tag: "Is", text: "Hello Ada" } } as const
            const { holds, saw } = yield* check(that)
            assert.isTrue(holds, `the page should greet, and says ${saw}`)
            yield* act({ _tag: "Visit", address: "/leaks" })
            yield* check({ _tag: "Text", target: css("#done"), rule: { _tag: "Is", text: "tried" } }, 10_000)
            assert.match((yield* look).troubles.join("\n"), /refused/)
            const left = yield* Effect.flip(act({ _tag: "Visit", address: "/redirect-out" }))
            assert.strictEqual(left.reason, "OutOfApp")
            assert.deepStrictEqual(outside.asked, [], "something reached a server that is not the app's")
          }).pipe(Effect.scoped, Effect.provide(layer))
        }).pipe(Effect.scoped)
      }).pipe(Effect.scoped, Effect.provide(bubblewrap)),
    90_000
  )
}
