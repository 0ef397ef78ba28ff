/**
 * A program for a terminal as a **surface**, at a pseudo terminal: keys go in, and what stands on its screen is seen. Needs
 * `@lydell/node-pty` and `@xterm/headless`.
 *
 * - The address of the app is one line of a shell: the program and its first arguments, such as `node "$APP/todo.js"`. `APP` is the
 *   folder of the app.
 * - Each start of a session begins as for a new user: with a home of its own, empty at the beginning of the session, as its working
 *   folder, and with no variable of the host but `PATH` and `LANG`.
 * - What a program sends to its terminal is drawn and nothing else: there is no clipboard, no title, no file. What it asks of the
 *   terminal is answered up to a bound.
 * - Everything that the program started ends with the session, also what ignores hanging up or left its process group.
 * - On the host **nothing isolates the program**: it can do what this process can. In a sandbox (`inside`) it can do what the sandbox lets
 *   it; the terminal is made there by `script` of util-linux, and its size can not be changed while the program runs.
 * - A program can show every file that it can read. So `noSource` is what `inside.withoutSource` says, and on the host no.
 */
import type * as Sandbox from "@millwright/sandbox/Sandbox"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as TerminalDevice from "../internal/TerminalDevice.ts"
import * as TerminalScreen from "../internal/TerminalScreen.ts"
import * as TerminalSession from "../internal/TerminalSession.ts"
import * as Surface from "../Surface.ts"

/** How a program is met. */
export interface Options {
  /** The folder that the program knows as `APP`. Default: that of the sandbox; on the host the current one. */
  readonly directory?: string
  /** The usual time for an expectation to come true. Default 5 seconds. */
  readonly within?: Duration.Input
  /** The sandbox that the program runs in. Left out: the host. */
  readonly inside?: Pick<Sandbox.Opened, "directory" | "services"> & {
    /** Whether the sandbox holds the program as it was built, and no source. */
    readonly withoutSource: boolean
  }
}

const missing = (cause: unknown) =>
  new Surface.SurfaceError({
    reason: "Unavailable",
    message:
      "A terminal needs the packages @lydell/node-pty and @xterm/headless. Install them: npm i -D @lydell/node-pty @xterm/headless",
    cause
  })

const load = Effect.tryPromise({
  try: async () => {
    const [pty, xterm] = await Promise.all([import("@lydell/node-pty"), import("@xterm/headless")])
    return { pty: pty.default, Terminal: xterm.default.Terminal }
  },
  catch: missing
})

type Loaded = Effect.Success<typeof load>

/** Makes the surface. Fails with `Unavailable` where its packages are not installed. */
export const make = (options: Options = {}): Effect.Effect<Surface.Surface["Service"], Surface.SurfaceError> =>
  Effect.map(load, (loaded) => ({
    name: "terminal",
    kind: "cli" as const,
    supports: { pictures: false },
    noSource: options.inside?.withoutSource ?? false,
    open: (app: Surface.App) => open({ app, loaded, options })
  }))

/** The surface as a layer. */
export const layer = (options: Options = {}): Layer.Layer<Surface.Surface, Surface.SurfaceError> =>
  Layer.effect(Surface.Surface, make(options))

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "millwright-terminal-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
)

interface Opening {
  readonly app: Surface.App
  readonly loaded: Loaded
  readonly options: Options
}

const open = ({
  app,
  loaded: { Terminal, pty },
  options: { directory, inside, within = Duration.seconds(5) }
}: Opening): Effect.Effect<Surface.Session, Surface.SurfaceError, Scope.Scope> =>
  Effect.gen(function* () {
    const home = inside === undefined ? yield* temporary : `"\${TMPDIR:-/tmp}/millwright-terminal-${randomUUID()}"`
    return yield* TerminalSession.open({
      program: { line: app.address, directory: directory ?? inside?.directory ?? process.cwd() },
      within: Duration.toMillis(Duration.fromInputUnsafe(within)),
      start: (program) =>
        inside === undefined
          ? TerminalDevice.onHost({ pty, home }, program)
          : TerminalDevice.inSandbox({ spawner: Context.get(inside.services, ChildProcessSpawner), home }, program),
      screen: ({ columns, rows }, asked) =>
        TerminalScreen.make(new Terminal({ cols: columns, rows, scrollback: 0, allowProposedApi: true }), asked)
    })
  })
