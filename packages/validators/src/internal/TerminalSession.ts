/** One tester at a terminal: the program that it started last, and its screen. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type * as Step from "../Step.ts"
import * as Surface from "../Surface.ts"
import * as StepText from "./StepText.ts"
import * as TerminalDevice from "./TerminalDevice.ts"
import * as TerminalKeys from "./TerminalKeys.ts"
import * as TerminalScreen from "./TerminalScreen.ts"
import * as TextMatch from "./TextMatch.ts"

/** What a session is made of. */
export interface Options {
  /** The program, and the folder that it knows as `APP`. */
  readonly program: Pick<TerminalDevice.Program, "line" | "directory">
  readonly start: (
    program: TerminalDevice.Program
  ) => Effect.Effect<TerminalDevice.Device, Surface.SurfaceError, Scope.Scope>
  /** Makes an empty screen. */
  readonly screen: (size: Size, options: TerminalScreen.Options) => TerminalScreen.TerminalScreen
  /** The usual time for an expectation to come true, in milliseconds. */
  readonly within: number
}

/** The size of a terminal, in characters. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

/** The largest terminal. */
const largest = 500

/** How often a screen that changes is looked at, in milliseconds. */
const between = 20

interface Running {
  readonly device: TerminalDevice.Device
  readonly screen: TerminalScreen.TerminalScreen
  readonly exited: () => TerminalDevice.Exited | undefined
}

const error = (reason: Surface.SurfaceError["reason"], message: string) =>
  Effect.fail(new Surface.SurfaceError({ reason, message }))

/** Opens a session. */
export const open = Effect.fnUntraced(function* (options: Options) {
  const outer = yield* Effect.scope
  const troubles: Array<string> = []
  const note = (trouble: string) => {
    if (troubles.length < 100) troubles.push(StepText.inOneLine(trouble, 1_000))
  }
  let size: Size = { columns: 80, rows: 24 }
  let current: Running | undefined
  let own: Scope.Closeable | undefined

  const end = Effect.suspend(() => {
    current = undefined
    return own === undefined ? Effect.void : Scope.close(own, Exit.void)
  })
  const begin = (args: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      yield* end
      own = yield* Scope.fork(outer)
      current = yield* Scope.provide(started({ ...options, args, note, size }), own)
    })
  const running = (what: string) =>
    current === undefined
      ? error("NotPossible", `${what}: nothing was started. Start it first.`)
      : current.exited() !== undefined
        ? error("NotPossible", `${what}: the program has ended. Start it again.`)
        : Effect.succeed(current)
  const resize = (to: Size) =>
    Effect.gen(function* () {
      if (Math.min(to.columns, to.rows) < 1 || Math.max(to.columns, to.rows) > largest) {
        return yield* error("NotPossible", `A terminal has 1 to ${largest} columns and rows.`)
      }
      if (current !== undefined && current.exited() === undefined) {
        if (current.device.resize === undefined) {
          return yield* error(
            "Unsupported",
            "In a sandbox, a terminal has the size that it had at the start. Resize it before that."
          )
        }
        current.device.resize(to.columns, to.rows)
        current.screen.resize(to.columns, to.rows)
      }
      size = to
    })

  const session: Surface.Session = {
    act: (action) => {
      const what = StepText.of({ _tag: "Act", action })
      switch (action._tag) {
        case "Start":
          return action.args.some((arg) => arg.includes("\0"))
            ? error("NotPossible", "An argument can not hold a NUL.")
            : begin(action.args)
        case "Resize":
          return resize(action)
        case "Type":
          if (action.target !== undefined) return error("Unsupported", "A terminal has no targets: leave out `target`.")
          return Effect.map(running(what), ({ device }) => device.send(action.text.replace(/\r?\n/g, "\r")))
        case "Press":
          if (action.target !== undefined) return error("Unsupported", "A terminal has no targets: leave out `target`.")
          return Effect.flatMap(running(what), ({ device, screen }) => {
            const keys = TerminalKeys.sent(action.key, screen.isApplication())
            return keys === undefined
              ? error(
                  "NotPossible",
                  `A terminal has no key ${JSON.stringify(action.key)}. Name it as the DOM does: Enter, ArrowUp, Control+C.`
                )
              : Effect.sync(() => device.send(keys))
          })
        default:
          return unsupported(what)
      }
    },
    check: (that, within = options.within) =>
      that._tag === "Screen" || that._tag === "Exit"
        ? until(() => looked(that, current), within)
        : unsupported(StepText.of({ _tag: "Expect", that })),
    look: Effect.map(
      Effect.suspend(() => settled(current?.screen)),
      () => ({ address: "", text: current?.screen.text() ?? "", troubles: [...troubles] })
    )
  }
  return session
})

const unsupported = (what: string) =>
  error("Unsupported", `“${what}” is no step of a terminal. Its steps are Start, Type, Press, Resize, Screen and Exit.`)

/** For how long a screen has to stay as it is before it is looked at, and how long that is waited for, in milliseconds. */
const quiet = 50
const patience = 500

/** Completes when nothing is drawn any more, or does not come to an end. */
const settled = Effect.fnUntraced(function* (screen: TerminalScreen.TerminalScreen | undefined) {
  const deadline = performance.now() + patience
  while (screen !== undefined && performance.now() < Math.min(deadline, screen.drawnAt() + quiet)) {
    yield* Effect.sleep(between)
  }
})

interface Starting extends Options {
  readonly args: ReadonlyArray<string>
  readonly size: Size
  readonly note: (trouble: string) => void
}

/** How long the shell may take until it becomes the program, in milliseconds. */
const becoming = 10_000

const started = Effect.fnUntraced(function* ({ args, note, program, screen: make, size, start }: Starting) {
  let exited: TerminalDevice.Exited | undefined
  let send: TerminalDevice.Device["send"] = () => {}
  const begun = yield* Deferred.make<string>()
  const told = (text: string) => void Deferred.doneUnsafe(begun, Effect.succeed(text))
  const screen = yield* Effect.acquireRelease(
    Effect.sync(() =>
      make(size, {
        note,
        answer: (text) => send(text),
        told: { sequence: TerminalDevice.signal, by: told }
      })
    ),
    (screen) => Effect.sync(() => screen.dispose())
  )
  const device = yield* start({
    ...program,
    ...size,
    args,
    output: screen.draw,
    // What was printed last is drawn before the end is seen.
    exited: (how) =>
      screen.draw(new Uint8Array(), () => {
        exited = how
        send = () => {}
        told("missing")
      })
  })
  send = device.send
  const came = yield* Effect.timeoutOption(Deferred.await(begun), becoming)
  if (Option.getOrUndefined(came) !== "ready") {
    return yield* error(
      "AppUnreachable",
      `There is no program to start: ${program.line}. ${TerminalScreen.told(screen.text())}. Look whether it is built, and where.`
    )
  }
  // What comes up first is waited for, so that there is something to look at.
  const [at, deadline] = [screen.drawnAt(), performance.now() + patience]
  while (screen.drawnAt() === at && exited === undefined && performance.now() < deadline) yield* Effect.sleep(between)
  return { device, screen, exited: () => exited } satisfies Running
})

type Looked = Result.Result<Surface.Checked, string>

const looked = (that: Extract<Step.Expectation, { _tag: "Screen" | "Exit" }>, current: Running | undefined): Looked => {
  if (that._tag === "Screen") {
    const text = current?.screen.text() ?? ""
    return Result.map(TextMatch.holds(that.rule, text), (holds) => ({ holds, saw: TerminalScreen.told(text) }))
  }
  const exited = current?.exited()
  return Result.succeed({
    holds: exited?.code === that.code,
    saw:
      current === undefined
        ? "nothing was started"
        : exited === undefined
          ? "it still runs"
          : `it exited with ${exited.code}`
  })
}

/** Looks again and again until it holds or the time is up. */
const until = (look: () => Looked, within: number): Effect.Effect<Surface.Checked, Surface.SurfaceError> =>
  Effect.gen(function* () {
    const deadline = performance.now() + within
    for (;;) {
      const found = look()
      if (Result.isFailure(found)) return yield* error("NotPossible", `It can not be said: ${found.failure}.`)
      if (found.success.holds || performance.now() >= deadline) return found.success
      yield* Effect.sleep(between)
    }
  })
