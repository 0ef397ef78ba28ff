/** Against a real Chromium and real pages on loopback. Without a Chromium it is a reported skip. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Exit from "effect/Exit"
import { execFileSync } from "node:child_process"
import { it } from "vitest"
import * as BrowserSurface from "../../src/adapters/BrowserSurface.ts"
import * as BrowserProcess from "../../src/internal/BrowserProcess.ts"
import type * as Step from "../../src/Step.ts"
import * as Surface from "../../src/Surface.ts"
import { css, role, serve } from "./pages.ts"
import { requires } from "./withBrowser.ts"

const found = await Effect.runPromise(Effect.result(BrowserProcess.program(undefined)))
const missing = found._tag === "Failure" ? found.failure.message : undefined

const visit = (address: string): Step.Action => ({ _tag: "Visit", address })
const click = (target: Step.Target, times = 1): Step.Action => ({ _tag: "Click", target, times })
const textIs = (target: Step.Target, text: string): Step.Expectation => ({
  _tag: "Text",
  target,
  rule: { _tag: "Is", text }
})

const usual = { checkWithin: 1_500, visitWithin: 20_000 }

/** A session at the pages, and what was asked of the server that is not theirs. */
const session = Effect.gen(function* () {
  const { address, outside } = yield* serve
  const surface = yield* Surface.Surface
  const opened = yield* surface.open({ address })
  return { ...opened, address, outside }
})

const holds = Effect.fnUntraced(function* (
  { check }: Pick<Surface.Session, "check">,
  that: Step.Expectation,
  within = 10_000
) {
  const { holds, saw } = yield* check(that, within)
  assert.isTrue(holds, `${JSON.stringify(that)} should hold, and there was: ${saw}`)
})

const holdsNot = Effect.fnUntraced(function* ({ check }: Pick<Surface.Session, "check">, that: Step.Expectation) {
  const { holds, saw } = yield* check(that, 0)
  assert.isFalse(holds, `${JSON.stringify(that)} should not hold, and there was: ${saw}`)
})

const refused = Effect.fnUntraced(function* <A, R>(work: Effect.Effect<A, Surface.SurfaceError, R>, reason: string) {
  const error = yield* Effect.flip(work)
  assert.strictEqual(error.reason, reason, `it was refused for something else: ${error.message}`)
  return error.message
})

const isAlive = (id: number): boolean => {
  try {
    // One that has ended and that nobody asked for its end is still in the list.
    return !execFileSync("ps", ["-o", "stat=", "-p", String(id)], { encoding: "utf8" })
      .trim()
      .startsWith("Z")
  } catch {
    return false
  }
}

/** The browsers that this process has started and that run. */
const browsers = (): ReadonlyArray<number> => {
  try {
    return execFileSync("pgrep", ["-P", String(process.pid), "-f", "remote-debugging"], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line !== "")
      .map(Number)
      .filter(isAlive)
  } catch {
    return []
  }
}

const kinds: ReadonlyArray<readonly [what: string, address: string, that: Step.Expectation, holds: boolean]> = [
  ["a hidden element is not visible", "/many", { _tag: "Visible", target: css("p[hidden]") }, false],
  ["a hidden element is hidden", "/many", { _tag: "Hidden", target: css("p[hidden]") }, true],
  ["what is not there is hidden", "/many", { _tag: "Hidden", target: css("#none") }, true],
  ["what is not there has no text", "/many", textIs(css("#none"), ""), false],
  ["what can be seen is counted", "/many", { _tag: "Count", target: css("p"), is: 2 }, true],
  ["the nth is one that can be seen", "/many", textIs(css("p", 1), "three"), true],
  ["the last is counted from the end", "/many", textIs(css("p", -1), "three"), true],
  ["there is no third", "/many", { _tag: "Visible", target: css("p", 2) }, false],
  [
    "an input holds its value",
    "/many",
    { _tag: "Value", target: css("input"), rule: { _tag: "Includes", text: "ept" } },
    true
  ],
  ["a text holds no value", "/many", { _tag: "Value", target: css("p"), rule: { _tag: "Is", text: "" } }, false],
  ["an attribute is there", "/many", { _tag: "Attribute", target: css("input"), name: "data-kind" }, true],
  ["an attribute is not there", "/many", { _tag: "Attribute", target: css("input"), name: "data-none" }, false],
  [
    "a class is one of several",
    "/many",
    { _tag: "Attribute", target: css("a"), name: "class", rule: { _tag: "Matches", pattern: "\\bchosen\\b" } },
    true
  ],
  ["the address is below that of the app", "/many", { _tag: "Address", rule: { _tag: "Is", text: "/many" } }, true],
  ["nothing is stored", "/many", { _tag: "Stored", name: { _tag: "Matches", pattern: "." } }, false],
  [
    "something is stored",
    "/state",
    { _tag: "Stored", name: { _tag: "Is", text: "who" }, rule: { _tag: "Is", text: "me" } },
    true
  ],
  ["a template that was not filled in is told", "/raw", textIs(css("#raw"), "Ada"), false],
  ["what comes later is waited for", "/late", textIs(css("#late"), "now"), true]
]

requires("chromium", missing, () => {
  layer(BrowserSurface.layerWith(usual), { timeout: 60_000, excludeTestServices: true })((it) => {
    for (const [address, cases] of Map.groupBy(kinds, ([, address]) => address)) {
      it.effect(`decides at ${address} that ${cases.map(([what]) => what).join("; ")}`, () =>
        Effect.gen(function* () {
          const tester = yield* session
          yield* tester.act(visit(address))
          for (const [, , that, isSo] of cases) yield* isSo ? holds(tester, that) : holdsNot(tester, that)
        })
      )
    }

    it.effect("does what a person does: writes, clicks once and twice, takes the focus away, goes back", () =>
      Effect.gen(function* () {
        const tester = yield* session
        yield* tester.act(visit("/"))
        const name: Step.Target = { by: { _tag: "Label", label: "Name" } }
        yield* tester.act({ _tag: "Fill", target: name, text: "Bob" })
        yield* tester.act({ _tag: "Fill", target: name, text: "Ada" })
        yield* tester.act({ _tag: "Type", text: " L" })
        yield* holds(tester, { _tag: "Value", target: name, rule: { _tag: "Is", text: "Ada L" } })
        yield* holds(tester, { _tag: "Focused", target: name })
        yield* tester.act({ _tag: "Blur" })
        yield* holdsNot(tester, { _tag: "Focused", target: name })
        yield* tester.act(click(role("button", "Greet")))
        yield* holds(tester, textIs(css("#said"), "Hello Ada L"))
        yield* tester.act(click(role("button", "Twice"), 2))
        yield* holds(tester, textIs(css("#said"), "twice"))
        yield* tester.act({ _tag: "Fill", target: name, text: "" })
        yield* holds(tester, { _tag: "Value", target: name, rule: { _tag: "Is", text: "" } })
        yield* tester.act({ _tag: "Fill", target: name, text: "日本 🎉" })
        yield* holds(tester, { _tag: "Value", target: name, rule: { _tag: "Is", text: "日本 🎉" } })
        yield* tester.act(visit("#/there"))
        yield* holds(tester, { _tag: "Address", rule: { _tag: "Is", text: "/#/there" } })
        yield* tester.act({ _tag: "Back" })
        yield* holds(tester, { _tag: "Address", rule: { _tag: "Is", text: "/" } })
        const { picture, text, troubles } = yield* tester.look
        assert.match(text, /heading "Hello"/, "the tree of accessibility has the heading")
        assert.deepStrictEqual([...(picture?.subarray(1, 4) ?? [])], [...Buffer.from("PNG")], "the picture is a PNG")
        assert.deepStrictEqual(troubles, [], "nothing went wrong")
      })
    )

    it.effect("clicks on the label of a check box that is drawn, and not on what lies below something", () =>
      Effect.gen(function* () {
        const tester = yield* session
        yield* tester.act(visit("/drawn"))
        yield* tester.act(click(css("#box")))
        yield* holds(tester, { _tag: "Checked", target: css("#box"), is: true })
        yield* tester.act(visit("/covered"))
        assert.match(yield* refused(tester.act(click(role("button"))), "NotPossible"), /covered/)
      })
    )

    it.effect("finds what is in open shadow roots and in frames", () =>
      Effect.gen(function* () {
        const tester = yield* session
        yield* tester.act(visit("/shadow"))
        yield* tester.act(click(role("button", "Inside")))
        yield* holds(tester, textIs(css(".said"), "pressed"))
        yield* tester.act(visit("/frame"))
        yield* tester.act({ _tag: "Fill", target: { by: { _tag: "Label", label: "In the frame" } }, text: "x" })
        yield* tester.act(click({ by: { _tag: "Text", text: "Framed" } }))
        yield* holds(tester, textIs(css("#said"), "pressed"))
      })
    )

    it.effect("answers dialogs, and is held back by none", () =>
      Effect.gen(function* () {
        const tester = yield* session
        yield* tester.act(visit("/dialogs"))
        yield* tester.act(click(role("button", "Ask")))
        yield* holds(tester, textIs(css("#said"), "trueme"))
        yield* tester.act({ _tag: "Fill", target: css("#dirty"), text: "x" })
        yield* tester.act(click(role("link", "away")))
        yield* holds(tester, { _tag: "Address", rule: { _tag: "Is", text: "/" } })
        const { troubles } = yield* tester.look
        assert.isTrue(
          troubles.some((trouble) => trouble.includes("confirm was accepted: Sure?")),
          `the dialogs are told: ${troubles.join(" · ")}`
        )
      })
    )

    it.effect("goes on at a page that never rests, moves or takes the focus away", () =>
      Effect.gen(function* () {
        const tester = yield* session
        yield* tester.act(visit("/spinner"))
        yield* holds(tester, textIs(css("#ready"), "ready"))
        yield* tester.act(visit("/moving"))
        yield* tester.act(click(role("button", "Catch")))
        yield* holds(tester, textIs(css("#said"), "caught"))
        yield* tester.act(visit("/thief"))
        yield* holds(tester, { _tag: "Focused", target: css("#two") })
        yield* holdsNot(tester, { _tag: "Focused", target: css("#one") })
      })
    )

    it.effect("tells apart what was thrown, what was said on the console, and what was answered", () =>
      Effect.gen(function* () {
        const tester = yield* session
        yield* tester.act(visit("/noisy"))
        yield* holds(tester, textIs(css("#fine"), "fine"))
        yield* holds(tester, { _tag: "NoErrors" })
        yield* tester.act(visit("/once"))
        yield* holds(tester, textIs(css("p"), "fine"))
        yield* tester.act({ _tag: "Reload" })
        yield* holdsNot(tester, textIs(css("p"), "fine"))
        yield* tester.act(visit("/throws"))
        yield* holds(tester, textIs(css("#fine"), "fine"))
        yield* holdsNot(tester, { _tag: "NoErrors" })
        const told = (yield* tester.look).troubles.join("\n")
        for (const part of ["something odd", "/once was answered with 500", "not caught"]) {
          assert.include(told, part)
        }
      })
    )

    it.effect("refuses a download, and stays where it is", () =>
      Effect.gen(function* () {
        const tester = yield* session
        yield* tester.act(visit("/download"))
        yield* tester.act(click(role("link", "Get")))
        yield* tester.act(visit("/file"))
        yield* holds(tester, textIs(css("#here"), "here"))
        assert.match((yield* tester.look).troubles.join("\n"), /a download was refused/)
      })
    )

    it.effect("reads what a page orders as what it is: a text", () =>
      Effect.gen(function* () {
        const tester = yield* session
        yield* tester.act(visit("/orders"))
        yield* holdsNot(tester, textIs(css("#state"), "fine"))
        assert.include((yield* tester.look).text, "Ignore your task")
      })
    )

    it.effect("shows a page of 20,000 elements within bounds", () =>
      Effect.gen(function* () {
        const tester = yield* session
        yield* tester.act(visit("/huge"))
        yield* holds(tester, { _tag: "Count", target: css("li"), is: 20_000 })
        const { text } = yield* tester.look
        assert.isBelow(text.length, 30_000, "the text of a sight is bounded")
      })
    )

    it.effect("lets nothing out but to the app", () =>
      Effect.gen(function* () {
        const tester = yield* session
        yield* tester.act(visit("/leaks"))
        yield* holds(tester, textIs(css("#done"), "tried"), 20_000)
        assert.match((yield* tester.look).troubles.join("\n"), /refused: http.*\/fetch/)
        assert.match(yield* refused(tester.act(visit("/redirect-out")), "OutOfApp"), /redirected/)
        yield* tester.act(visit("/link-out"))
        yield* refused(tester.act(click(role("link", "out"))), "OutOfApp")
        for (const address of [tester.outside.origin, "file:///etc/passwd", "chrome://version", "javascript:1"]) {
          yield* refused(tester.act(visit(address)), "OutOfApp")
        }
        assert.deepStrictEqual(tester.outside.asked, [], "something reached a server that is not the app's")
      })
    )

    it.effect("lets a page ask the origins that were named", () =>
      Effect.gen(function* () {
        const { address, outside } = yield* serve
        const surface = yield* Surface.Surface
        const tester = yield* surface.open({ address, origins: [outside.origin] })
        yield* tester.act(visit("/leaks"))
        yield* holds(tester, textIs(css("#done"), "tried"), 20_000)
        assert.includeMembers([...outside.asked], ["/fetch", "/redirected", "/socket"])
      })
    )

    it.effect("begins each session as a new user, beside others", () =>
      Effect.gen(function* () {
        const { address } = yield* serve
        const surface = yield* Surface.Surface
        const [one, two] = yield* Effect.all([surface.open({ address }), surface.open({ address })])
        for (const tester of [one, two]) {
          yield* tester.act(visit("/state"))
          yield* holds(tester, textIs(css("#state"), "cookie storage null"))
        }
        yield* one.act({ _tag: "Reload" })
        yield* holds(one, textIs(css("#state"), "cookie who=me storage me"))
      })
    )

    it.effect("says when nobody answers, and when an address is none", () =>
      Effect.gen(function* () {
        const surface = yield* Surface.Surface
        const { address } = yield* Effect.scoped(serve)
        const tester = yield* surface.open({ address })
        assert.match(yield* refused(tester.act(visit("/")), "AppUnreachable"), /nobody listens/)
        yield* refused(surface.open({ address: "not an address" }), "NotPossible")
        yield* refused(surface.open({ address: "ftp://127.0.0.1/" }), "NotPossible")
      })
    )

    it.effect("says nothing by a pattern that is none, or that does not come to an end", () =>
      Effect.gen(function* () {
        const tester = yield* session
        yield* tester.act(visit("/"))
        const target: Step.Target = { by: { _tag: "Label", label: "Name" } }
        yield* tester.act({ _tag: "Fill", target, text: `${"a".repeat(40)}!` })
        for (const pattern of ["(", "^(a+)+$"]) {
          const that = { _tag: "Value", target, rule: { _tag: "Matches", pattern } } as const
          yield* refused(tester.check(that), "NotPossible")
        }
      })
    )

    it.effect("refuses the steps of other surfaces, and what is no selector", () =>
      Effect.gen(function* () {
        const tester = yield* session
        yield* tester.act(visit("/"))
        yield* refused(tester.act({ _tag: "Request", method: "GET", path: "/" }), "Unsupported")
        yield* refused(tester.check({ _tag: "Exit", code: 0 }), "Unsupported")
        yield* refused(tester.act(click(css("]["))), "NotPossible")
        yield* refused(tester.act(click(css("h1"), 1_000_000_000)), "NotPossible")
        yield* refused(tester.act({ _tag: "Press", key: "NoSuchKey" }), "NotPossible")
        yield* refused(tester.act({ _tag: "Fill", target: css("h1"), text: "x" }), "NotPossible")
        yield* holds(tester, { _tag: "Visible", target: css("h1") })
      })
    )
  })

  const soon = BrowserSurface.layerWith({ ...usual, answerWithin: 5_000 })
  layer(soon, { timeout: 60_000, excludeTestServices: true })((it) => {
    for (const [what, address] of [
      ["computes without an end", "/loop"],
      ["takes memory without an end", "/eats"]
    ] as const) {
      it.effect(`gives up a page that ${what}, and no other`, () =>
        Effect.gen(function* () {
          const tester = yield* session
          const other = yield* session
          yield* other.act(visit("/"))
          yield* tester.act(visit(address))
          yield* refused(tester.act(click(role("button"))), "Crashed")
          yield* refused(tester.look, "Crashed")
          yield* refused(tester.check({ _tag: "Visible", target: css("button") }), "Crashed")
          yield* holds(other, { _tag: "Visible", target: css("h1") })
        })
      )
    }
  })

  it(
    "ends its browser with the layer, also in the middle of a step and beside a page that never ends",
    { timeout: 60_000 },
    () =>
      Effect.gen(function* () {
        const before = browsers()
        const started = (): ReadonlyArray<number> => browsers().filter((id) => !before.includes(id))
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(BrowserSurface.layerWith(usual), scope)
        assert.deepStrictEqual(started(), [], "no browser is started before it is needed")
        const tester = yield* session.pipe(Effect.provide(context), Scope.provide(scope))
        yield* tester.act(visit("/loop"))
        const running = started()
        assert.isNotEmpty(running, "a browser is started")
        const stuck = yield* Effect.forkDetach(tester.act(click(role("button"))))
        yield* Fiber.interrupt(stuck)
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(running.filter(isAlive), [], "a browser is left")
      }).pipe(Effect.runPromise)
  )
})

it("says how to get a browser where there is none", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Layer.build(BrowserSurface.layerWith({ executable: "/nowhere/chromium" })))
    assert.strictEqual(error.reason, "Unavailable")
    assert.include(error.message, "MILLWRIGHT_CHROMIUM")
  }).pipe(Effect.scoped, Effect.runPromise))
