/** What every surface holds to, against a real Chromium. Without one it is a reported skip. */
import { afterAll } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { ServerResponse } from "node:http"
import * as BrowserSurface from "../../src/adapters/BrowserSurface.ts"
import type * as Step from "../../src/Step.ts"
import * as SurfaceTest from "../../src/testing/SurfaceTest.ts"
import * as LoopbackServer from "../LoopbackServer.ts"
import { css, role } from "./pages.ts"
import { requires } from "./withBrowser.ts"

const page = (body: string): string => `<!doctype html><meta charset=utf-8><title>page</title><body>${body}`

const home = page(`<h1>Ready</h1><p id=kept></p><p id=came>not yet</p><button>Keep</button><script>
  kept.textContent = [document.cookie, localStorage.getItem("who")].join(" ")
  document.querySelector("button").onclick = () => {
    document.cookie = "who=ada"
    localStorage.setItem("who", "ada")
  }
  new EventSource("/events").onmessage = ({ data }) => (came.textContent = data)
</script>`)

const visit = (address: string): Step.Action => ({ _tag: "Visit", address })
const click = (name: string): Step.Action => ({ _tag: "Click", target: role("button", name) })
const text = (selector: string, is: string): Step.Expectation => ({
  _tag: "Text",
  target: css(selector),
  rule: { _tag: "Is", text: is }
})

// One browser for all claims: their sessions share nothing.
const scope = Scope.makeUnsafe()
const surface = await Effect.runPromise(
  Effect.result(Scope.provide(BrowserSurface.make({ checkWithin: 2_000 }), scope))
)
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

requires("chromium", surface._tag === "Failure" ? surface.failure.message : undefined, () => {
  const fixture = Layer.effect(
    SurfaceTest.Fixture,
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const ended = yield* Deferred.make<void>()
      const gone = yield* Deferred.make<void>()
      const listening = new Set<ServerResponse>()
      const address = yield* LoopbackServer.listening((request, response) => {
        response.setHeader("content-type", "text/html")
        switch (request.url) {
          case "/events":
            listening.add(response)
            response.on("close", () => Deferred.doneUnsafe(gone, Effect.void))
            return void response.writeHead(200, { "content-type": "text/event-stream" }).write(": here\n\n")
          case "/hostile":
            return void response.end(page(`<p>${SurfaceTest.hostile}</p>`))
          case "/huge":
            return void response.end(page(`<p>${"many words ".repeat(100_000)}</p>`))
          case "/endless":
            response.on("close", () => Deferred.doneUnsafe(ended, Effect.void))
            return Deferred.doneUnsafe(begun, Effect.void)
          default:
            return void response.end(home)
        }
      })
      return {
        surface: yield* Effect.fromResult(surface),
        app: { address },
        arrive: [visit("/")],
        holds: text("h1", "Ready"),
        fails: text("h1", "never"),
        keeps: { actions: [click("Keep"), { _tag: "Reload" }], seen: text("#kept", "who=ada ada") },
        shows: { actions: [visit("/hostile")], seen: text("p", SurfaceTest.hostile) },
        huge: [visit("/huge")],
        later: {
          actions: [],
          seen: text("#came", "now"),
          comes: Effect.sync(() => {
            for (const response of listening) response.write("data: now\n\n")
          })
        },
        away: visit("https://example.com/"),
        impossible: click("No such button"),
        beyond: { action: { _tag: "Start", args: [] }, that: { _tag: "Exit", code: 0 } },
        endless: { actions: [visit("/endless")], begun: Deferred.await(begun), ended: Deferred.await(ended) },
        gone: Deferred.await(gone),
        unreachable: { address: yield* LoopbackServer.nobody }
      }
    })
  )
  SurfaceTest.suite("BrowserSurface", fixture)
})
