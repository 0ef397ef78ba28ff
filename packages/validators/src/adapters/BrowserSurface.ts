/**
 * The browser surface: pages in a Chromium that is installed (Chromium, Chrome, Edge, Brave), driven through `playwright-core`, an optional peer.
 * Nothing is downloaded.
 *
 * One browser is started when the first session opens, and ends with the layer: it is killed, whatever its pages do. Each
 * session is a user of its own, with a window of its own that shares nothing with another's.
 *
 * - The only way out of a page is a proxy that lets through the app's origin and its `origins`. Redirects, frames, workers, web
 *   sockets and prefetches go through it as well; nothing looks up a name. What was refused is in `look`'s troubles.
 * - Dialogs are accepted, windows that a page opens are closed, downloads refused; each is a trouble.
 * - A target is looked for through open shadow roots, and then in frames of the same origins. Names of roles are exact; texts and labels
 *   are part of what is there, without regard to case. Of several, `nth` counts those that can be seen.
 * - After an action the page may come to rest: two pictures without a change and nothing that loads, at most 1.5 s.
 * - A check box that is drawn by its label is clicked there, as a person does.
 * - What a page computes without an end ends the step with `Crashed`, and the session with it; others go on.
 * - What is in the page decides what a check sees: an app that tampers with the DOM's own functions can lie about itself.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Browser } from "playwright-core"
import * as BrowserProcess from "../internal/BrowserProcess.ts"
import * as BrowserSession from "../internal/BrowserSession.ts"
import * as Surface from "../Surface.ts"

/** How the browser is run. */
export interface Options extends BrowserProcess.Options {
  /**
   * A sandbox that it runs in. Its pages reach what the sandbox's egress lets through, by its proxy, and no more; an app that is on
   * this machine is `host.millwright.internal:port` there.
   */
  readonly within?: BrowserProcess.Place
  /** How long an address may take to answer, in milliseconds. Default 15,000. */
  readonly visitWithin?: number
  /** How long an element is waited for, and an expectation that does not say, in milliseconds. Default 3,000. */
  readonly checkWithin?: number
  /** How long a page may compute without answering before its session is given up, in milliseconds. Default 15,000. */
  readonly answerWithin?: number
}

/** Makes the surface, whose browser ends with the scope. Fails with `Unavailable`, and says how to get one, where there is none. */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<Surface.Surface["Service"], Surface.SurfaceError, Scope.Scope> {
  const { answerWithin = 15_000, checkWithin = 3_000, visitWithin = 15_000, within } = options
  yield* within === undefined ? BrowserProcess.program(options.executable) : BrowserProcess.library
  const scope = yield* Effect.scope
  const one = yield* Semaphore.make(1)
  let running: { readonly browser: Browser; readonly scope: Scope.Closeable } | undefined
  const start = Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      if (running?.browser.isConnected() === true) return running.browser
      // One that broke down is put away before the next is started.
      if (running !== undefined) yield* Scope.close(running.scope, Exit.void)
      const own = yield* Scope.fork(scope)
      const starting = within === undefined ? BrowserProcess.start(options) : BrowserProcess.startWithin(within)
      const browser = yield* restore(Scope.provide(starting, own)).pipe(
        Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
      )
      running = { browser, scope: own }
      return browser
    })
  )
  return {
    name: "browser",
    kind: "ui",
    supports: { pictures: true },
    noSource: within?.noSource ?? false,
    open: Effect.fnUntraced(function* (app) {
      const ground = yield* BrowserSession.ground(app)
      const browser = yield* Semaphore.withPermit(one, start)
      return yield* BrowserSession.open(browser, ground, {
        hasOwnWayOut: within !== undefined,
        patience: { visit: visitWithin, check: checkWithin, answer: answerWithin }
      })
    })
  }
})

/** The surface as a layer: its browser ends with it. */
export const layerWith = (options: Options): Layer.Layer<Surface.Surface, Surface.SurfaceError> =>
  Layer.effect(Surface.Surface, make(options))

/** Pages in the browser that this machine has. */
export const layer: Layer.Layer<Surface.Surface, Surface.SurfaceError> = layerWith({})
