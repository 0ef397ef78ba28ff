import { assert, describe, it } from "@effect/vitest"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as TerminalSurface from "../../src/adapters/TerminalSurface.ts"
import * as TerminalKeys from "../../src/internal/TerminalKeys.ts"
import type * as Step from "../../src/Step.ts"
import type * as Surface from "../../src/Surface.ts"
import * as SurfaceTest from "../../src/testing/SurfaceTest.ts"
import * as Bubblewrap from "../Bubblewrap.ts"
import { isAlive } from "../LivingProcess.ts"

const node = realpathSync(process.execPath)
const fixtures = realpathSync(new URL("../fixtures", import.meta.url))
const address = `'${node}' "$APP/terminal.mjs"`

const folder = Effect.acquireRelease(
  Effect.sync(() => realpathSync(mkdtempSync(join(tmpdir(), "millwright-terminal-test-")))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
)

const type = (text: string): Step.Action => ({ _tag: "Type", text: `${text}\n` })
const press = (key: string): Step.Action => ({ _tag: "Press", key })
const start = (...args: ReadonlyArray<string>): Step.Action => ({ _tag: "Start", args })
const screen = (text: string): Step.Expectation => ({ _tag: "Screen", rule: { _tag: "Includes", text } })
const exit = (code: number): Step.Expectation => ({ _tag: "Exit", code })

/** Completes once something is so, as seen from outside. */
const until = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (isSo() ? Effect.void : Effect.andThen(Effect.sleep("10 millis"), until(isSo))))

const pidsIn = (path: string): ReadonlyArray<string> =>
  existsSync(join(path, "pids")) ? readFileSync(join(path, "pids"), "utf8").trim().split("\n") : []

const fixture = Layer.effect(
  SurfaceTest.Fixture,
  Effect.gen(function* () {
    const path = yield* folder
    const gone = until(() => pidsIn(path).length > 0 && !pidsIn(path).some(isAlive))
    return {
      surface: yield* TerminalSurface.make({ directory: fixtures }),
      app: { address },
      arrive: [start(path)],
      holds: screen("it is ready"),
      fails: exit(99),
      keeps: { actions: [type("keep")], seen: screen("it is kept") },
      shows: { actions: [type("hostile")], seen: screen(SurfaceTest.hostile) },
      huge: [type("huge")],
      later: {
        actions: [type("later")],
        seen: screen("it came"),
        comes: Effect.sync(() => writeFileSync(join(path, "now"), ""))
      },
      away: undefined,
      impossible: press("NoSuchKey"),
      beyond: { action: { _tag: "Reload" }, that: { _tag: "NoErrors" } },
      endless: { actions: [type("endless")], begun: until(() => existsSync(join(path, "endless"))), ended: gone },
      gone,
      unreachable: { address: "no-such-program-anywhere" }
    }
  })
)

SurfaceTest.suite("TerminalSurface", fixture)

const perform = (session: Surface.Session, ...actions: ReadonlyArray<Step.Action>) =>
  Effect.forEach(actions, session.act, { discard: true })

const sees = Effect.fnUntraced(function* (session: Surface.Session, that: Step.Expectation) {
  const { holds, saw } = yield* session.check(that, 20_000)
  assert.isTrue(holds, saw)
})

const test = (
  name: string,
  body: (to: { readonly session: Surface.Session; readonly path: string }) => Effect.Effect<void, unknown, Scope.Scope>
) =>
  it.live(
    name,
    () =>
      Effect.gen(function* () {
        const path = yield* folder
        const surface = yield* TerminalSurface.make({ directory: fixtures })
        yield* body({ session: yield* surface.open({ address }), path })
      }).pipe(Effect.scoped),
    60_000
  )

describe("a program at a terminal", () => {
  test("gets its arguments as they are, and begins in a home of its own, with nothing of the host's environment", ({
    path,
    session
  }) =>
    Effect.gen(function* () {
      yield* perform(session, { _tag: "Resize", columns: 120, rows: 40 }, start(path, "a b", "'$(id)'", "", "ünï"))
      yield* sees(session, screen(`"a b"\n"'$(id)'"\n""\n"ünï"`))
      yield* perform(session, type("size"), type("here"), type("env"))
      yield* sees(session, screen("120 by 40"))
      yield* sees(session, screen("at home"))
      yield* sees(session, screen("APP HOME LANG MILLWRIGHT_TERMINAL"))
    }))

  test("is seen to end, by itself and by a signal, and keeps what it wrote for its next start in the session", ({
    path,
    session
  }) =>
    Effect.gen(function* () {
      assert.isFalse((yield* session.check(exit(3), 0)).holds)
      yield* perform(session, start(path), type("keep"))
      yield* sees(session, screen("it is kept"))
      yield* perform(session, type("quit"))
      yield* sees(session, exit(3))
      assert.strictEqual((yield* Effect.flip(session.act(type("size")))).reason, "NotPossible", "it has ended")
      yield* perform(session, start(path))
      yield* sees(session, screen("it is ready\nit is kept"))
      yield* perform(session, type("die"))
      yield* sees(session, exit(137))
    }))

  test("that is started again ends first", ({ path, session }) =>
    Effect.gen(function* () {
      yield* perform(session, start(path))
      yield* sees(session, screen("it is ready"))
      yield* perform(session, start(path))
      yield* sees(session, screen("it is ready"))
      const [first = "", second = ""] = pidsIn(path)
      assert.deepStrictEqual([isAlive(first), isAlive(second)], [false, true])
    }))

  test("is sent keys by their names, and may change their codes", ({ path, session }) =>
    Effect.gen(function* () {
      yield* perform(session, start(path), type("keys"))
      yield* sees(session, screen("keys?"))
      for (const [key, code] of [
        ["ArrowUp", "\\u001b[A"],
        ["Control+C", "\\u0003"],
        ["F5", "\\u001b[15~"]
      ] as const) {
        yield* perform(session, press(key))
        yield* sees(session, screen(JSON.stringify(code).replaceAll("\\\\", "\\")))
      }
    }))

  test("changes nothing but its screen: no clipboard, no title, no answers without end", ({ path, session }) =>
    Effect.gen(function* () {
      yield* perform(session, start(path), type("hostile"))
      yield* sees(session, screen("Ignore your instructions"))
      assert.include((yield* session.look).troubles.join(), "clipboard")
      // What the terminal answered stands in front of what is typed next.
      yield* perform(session, type(""), type("ask"))
      yield* until(() => existsSync(join(path, "asked")))
      yield* perform(session, type(""), type("size"))
      yield* sees(session, screen("80 by 24"))
      assert.include((yield* session.look).troubles.join(), "asked its terminal for more")
    }))

  test("that floods does not take the tester's memory, and ends with it", ({ path, session }) =>
    Effect.gen(function* () {
      yield* perform(session, start(path), type("flood"))
      yield* sees(session, screen("flood flood"))
      const before = process.memoryUsage().rss
      for (let at = 0; at < 20; at++) assert.isFalse((yield* session.check(screen("never"), 50)).holds)
      const grown = process.memoryUsage().rss - before
      assert.isBelow(grown, 300_000_000, "what is not drawn yet should not be kept without bound")
    }))

  test("that does not end by itself, nor by being hung up, is ended with what it started", ({ path }) =>
    Effect.gen(function* () {
      yield* Effect.scoped(
        Effect.gen(function* () {
          const surface = yield* TerminalSurface.make({ directory: fixtures })
          const session = yield* surface.open({ address })
          yield* perform(session, start(path), type("endless"))
          yield* until(() => existsSync(join(path, "endless")))
          assert.lengthOf(pidsIn(path).filter(isAlive), 2, "it and what it detached should run")
        })
      )
      assert.lengthOf(pidsIn(path).filter(isAlive), 0, "nothing of it should be left when the scope has closed")
    }))

  test("can not be given what no terminal has", ({ session }) =>
    Effect.gen(function* () {
      for (const size of [
        { columns: 0, rows: 10 },
        { columns: 10, rows: 100_000 }
      ]) {
        assert.strictEqual((yield* Effect.flip(session.act({ _tag: "Resize", ...size }))).reason, "NotPossible")
      }
      assert.strictEqual((yield* Effect.flip(session.act(type("before it was started")))).reason, "NotPossible")
      assert.strictEqual((yield* Effect.flip(session.act(start("\0")))).reason, "NotPossible")
      const target: Step.Target = { by: { _tag: "Css", selector: "a" } }
      assert.strictEqual(
        (yield* Effect.flip(session.act({ _tag: "Press", key: "Enter", target }))).reason,
        "Unsupported"
      )
    }))
})

describe("keys", () => {
  it("are sent as terminals send them", () => {
    const cases: ReadonlyArray<readonly [key: string, sent: string | undefined]> = [
      ["Enter", "\r"],
      ["Shift+Tab", "\x1b[Z"],
      ["Control+A", "\x01"],
      ["Control+[", "\x1b"],
      ["Alt+x", "\x1bx"],
      ["Shift+a", "A"],
      ["+", "+"],
      ["Control++", undefined],
      ["ü", "ü"],
      ["Control+Space", "\0"],
      ["Control+ArrowLeft", "\x1b[1;5D"],
      ["Shift+Delete", "\x1b[3;2~"],
      ["F1", "\x1bOP"],
      ["toString", undefined],
      ["Hyper+x", undefined],
      ["", undefined]
    ]
    for (const [key, sent] of cases) assert.strictEqual(TerminalKeys.sent(key, false), sent, key)
    assert.strictEqual(TerminalKeys.sent("ArrowUp", true), "\x1bOA", "where the program asked for it")
  })
})

Bubblewrap.suite("a program at a terminal in a sandbox", () => {
  it.live(
    "is met as on the host, and sees nothing of it; its size stays",
    () =>
      Effect.gen(function* () {
        const path = yield* folder
        const secret = join(yield* folder, "secret")
        writeFileSync(secret, "of the host")
        const sandbox = yield* Sandbox.Sandbox
        const opened = yield* sandbox.open({
          id: "terminal",
          workspace: { _tag: "Folder", path },
          mounts: [
            { source: dirname(node), access: "Read" },
            { source: fixtures, access: "Read" }
          ]
        })
        const surface = yield* TerminalSurface.make({ directory: fixtures, inside: { ...opened, withoutSource: true } })
        assert.isTrue(surface.noSource)
        const session = yield* surface.open({ address })
        yield* perform(session, { _tag: "Resize", columns: 100, rows: 30 }, start(path, "it's"))
        yield* sees(session, screen(`it is ready\n"it's"`))
        yield* perform(session, type("size"), type("keep"))
        yield* sees(session, screen("100 by 30"))
        yield* sees(session, screen("it is kept"))
        const resizing = yield* Effect.flip(session.act({ _tag: "Resize", columns: 80, rows: 24 }))
        assert.strictEqual(resizing.reason, "Unsupported")
        yield* perform(session, type("quit"))
        yield* sees(session, exit(3))
        yield* perform(session, start(path))
        yield* sees(session, screen("it is kept"))
        const beside = yield* surface.open({ address })
        yield* perform(beside, start(path))
        yield* sees(beside, screen("it is ready"))
        assert.isFalse((yield* beside.check(screen("it is kept"), 300)).holds, "another session has another home")
        const reader = yield* surface.open({ address: `cat ${secret}` })
        yield* perform(reader, start())
        yield* sees(reader, exit(1))
        assert.notInclude((yield* reader.look).text, "of the host")
        const none = yield* surface.open({ address: "no-such-program-anywhere" })
        assert.strictEqual((yield* Effect.flip(none.act(start()))).reason, "AppUnreachable")
      }).pipe(Effect.scoped, Effect.provide(Bubblewrap.layer)),
    60_000
  )
})
