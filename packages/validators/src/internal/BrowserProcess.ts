/** The browser as a process: which one there is, how it is started, on this machine or in a sandbox, and that it ends. */
import type * as Sandbox from "@millwright/sandbox/Sandbox"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import type { Browser, BrowserType } from "playwright-core"
import { SurfaceError } from "../Surface.ts"

/** The variable of the environment that names the program. */
export const variable = "MILLWRIGHT_CHROMIUM"

const names = [
  // The one without a window takes much less time.
  "chrome-headless-shell",
  "chromium-headless-shell",
  "chromium",
  "chromium-browser",
  "google-chrome-stable",
  "google-chrome",
  "chrome",
  "microsoft-edge-stable",
  "microsoft-edge",
  "brave-browser"
]

const elsewhere = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe"
]

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const unavailable = (message: string, cause?: unknown) => new SurfaceError({ reason: "Unavailable", message, cause })

const said = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split("\n", 1)[0]?.slice(0, 300) ?? ""

/** Finds a Chromium on this machine: the one that is asked for, that the environment names, or that is installed. */
export const program = (asked: string | undefined): Effect.Effect<string, SurfaceError> =>
  Effect.suspend(() => {
    const named = asked ?? process.env[variable]
    if (named !== undefined) {
      return isProgram(named)
        ? Effect.succeed(named)
        : Effect.fail(
            unavailable(`There is no program ${named}. Give \`executable\`, or ${variable}, the path of a Chromium.`)
          )
    }
    const onPath = (process.env["PATH"] ?? "")
      .split(delimiter)
      .filter((folder) => folder !== "")
      .flatMap((folder) => names.map((name) => join(folder, name)))
    const found = [...onPath, ...elsewhere].find(isProgram)
    return found === undefined
      ? Effect.fail(
          unavailable(
            `There is no browser here. Install one (Debian: apt-get install chromium-headless-shell, or chromium; macOS: brew install --cask chromium), or name a Chromium, Chrome or Edge in ${variable}.`
          )
        )
      : Effect.succeed(found)
  })

/** The library that speaks to the browser. */
export const library: Effect.Effect<BrowserType, SurfaceError> = Effect.map(
  Effect.tryPromise({
    try: () => import("playwright-core"),
    catch: (cause) =>
      unavailable(
        `The package playwright-core is missing: ${said(cause)}. Add it to your project: npm i -D playwright-core`,
        cause
      )
  }),
  ({ chromium }) => chromium
)

/** How a browser is started. */
export interface Options {
  readonly executable?: string
  readonly unsandboxed?: boolean
}

// What Playwright does not already ask for: nothing looks up a name, opens a path beside the proxy, or grows without bounds; and
// pictures are drawn without a graphics processor, which takes half the time where there is none.
const flags = [
  "--disable-gpu",
  "--disable-gpu-compositing",
  "--dns-prefetch-disable",
  "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
  "--disable-quic",
  "--no-pings",
  "--js-flags=--max-old-space-size=1024"
]

/** What of this process's environment the browser gets: no secret is among it. */
const environment = (home: string): Record<string, string> => ({
  ...Object.fromEntries(
    ["PATH", "LANG", "LC_ALL", "DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "SystemRoot"].flatMap(
      (name) => {
        const value = process.env[name]
        return value === undefined ? [] : [[name, value]]
      }
    )
  ),
  HOME: home,
  TMPDIR: home
})

/** Starts one on this machine, until the scope closes. It is killed then, with its children, whatever its pages do. */
export const start = Effect.fnUntraced(function* ({
  executable,
  unsandboxed
}: Options): Effect.fn.Return<Browser, SurfaceError, Scope.Scope> {
  const chromium = yield* library
  const path = yield* program(executable)
  const home = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "millwright-browser-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  )
  return yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const browser = await chromium.launch({
          executablePath: path,
          headless: true,
          // The browser's own sandbox does not work for root.
          chromiumSandbox: !(unsandboxed ?? process.getuid?.() === 0),
          args: flags,
          env: environment(home),
          handleSIGINT: false,
          handleSIGTERM: false,
          handleSIGHUP: false,
          timeout: 30_000
        })
        return { browser, id: await processOf(browser) }
      },
      catch: (cause) =>
        unavailable(
          `${path} did not start: ${said(cause)}. Try it by hand with --headless=new; where the kernel does not allow its sandbox, give \`unsandboxed: true\`.`,
          cause
        )
    }),
    kill
  ).pipe(Effect.map(({ browser }) => browser))
})

/** The process of a browser that was started here. */
const processOf = async (browser: Browser): Promise<number | undefined> => {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send("SystemInfo.getProcessInfo")
  await session.detach()
  return processInfo.find(({ type }) => type === "browser")?.id
}

interface Started {
  readonly browser: Browser
  readonly id: number | undefined
}

/** Ends it and waits until it has ended; not by asking, which a page can keep it from answering. */
const kill = ({ browser, id }: Started): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (!browser.isConnected()) return resume(Effect.void)
    browser.once("disconnected", () => resume(Effect.void))
    if (id === undefined) return void browser.close()
    try {
      process.kill(id, "SIGKILL")
    } catch {
      resume(Effect.void)
    }
  }).pipe(Effect.timeout("10 seconds"), Effect.ignore)

const connected = (connect: () => Promise<Browser>, path: string): Effect.Effect<Browser, SurfaceError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: connect,
      catch: (cause) =>
        new SurfaceError({
          reason: "Crashed",
          message: `${path} started and can not be spoken to: ${said(cause)}. Look whether it still runs, and try again.`,
          cause
        })
    }),
    // What it ran in ends it; this only lets go of it.
    (browser) =>
      Effect.ignore(
        Effect.timeout(
          Effect.tryPromise(() => browser.close()),
          "2 seconds"
        )
      )
  )

/** A sandbox that the browser runs in. */
export interface Place {
  readonly opened: Pick<Sandbox.Opened, "services" | "host">
  /** The variable of the sandbox's `spec.ports` on which the browser is spoken to. */
  readonly port: string
  /**
   * The program as the sandbox has it. Default: one that is installed there. Where it is the script of a distribution, the program behind it
   * is started, as `/usr/lib/chromium/chromium` for Debian's.
   */
  readonly executable?: string
  /** Whether the sandbox is one of `NoSource`: who opened it knows. */
  readonly noSource?: boolean
}

// The sandbox is what holds it; its own would need what the sandbox does not give. Where the sandbox has a way out, that is its proxy,
// for its loopback too: nothing there is the app.
const inside = (variable: string): string => `
for name; do program=$(command -v -- "$name") && break; done
if [ -z "$program" ]; then echo "there is no program $*"; exit 127; fi >&2
# What a distribution puts in the path may be a script that reads files of /etc, which a sandbox need not have.
if [ "$(head -c 2 "$program")" = '#!' ]; then
  name=\${program##*/}
  for real in "/usr/lib/$name/$name" "/usr/lib64/$name/$name"; do
    if [ -x "$real" ]; then program=$real; break; fi
  done
fi
profile=$(mktemp -d) || exit 1
trap 'rm -rf "$profile"' EXIT
"$program" --headless=new --no-sandbox --disable-dev-shm-usage --no-first-run --no-default-browser-check \
  --disable-background-networking --disable-component-update --disable-sync --disable-extensions --mute-audio --hide-scrollbars \
  --password-store=basic --use-mock-keychain --disable-popup-blocking --disable-back-forward-cache \
  ${flags.join(" ")} \
  --proxy-server="\${http_proxy:-http://127.0.0.1:9}" --proxy-bypass-list='<-loopback>' \
  --remote-debugging-address=127.0.0.1 --remote-debugging-port="$${variable}" --user-data-dir="$profile" about:blank
`

/** Starts one in a sandbox, until the scope closes, and speaks to it through the port that the sandbox exposes. */
export const startWithin = Effect.fnUntraced(function* ({
  executable,
  opened,
  port
}: Place): Effect.fn.Return<Browser, SurfaceError, Scope.Scope> {
  const chromium = yield* library
  const asked = executable ?? "A browser"
  const spawner = Context.get(opened.services, ChildProcessSpawner)
  const address = yield* Effect.mapError(opened.host.expose(port), (cause) =>
    unavailable(`The sandbox does not expose the port ${port}: ${cause.message}`, cause)
  )
  const handle = yield* Effect.mapError(
    spawner.spawn(
      ChildProcess.make("sh", ["-c", inside(port), "sh", ...(executable === undefined ? names : [executable])], {
        stdin: "ignore",
        forceKillAfter: "2 seconds"
      })
    ),
    (cause) => unavailable(`${asked} can not be started in the sandbox: ${cause.message}`, cause)
  )
  yield* Effect.forkScoped(Effect.ignore(Stream.runDrain(handle.stdout)))
  const begun = yield* Deferred.make<string>()
  let heard = ""
  const listening = Stream.runForEach(Stream.decodeText(handle.stderr), (text) => {
    heard = `${heard}${text}`.slice(-4_000)
    const path = /DevTools listening on ws:\/\/[^/\s]+(\/\S+)/.exec(heard)?.[1]
    return path === undefined ? Effect.void : Deferred.succeed(begun, path)
  })
  yield* Effect.forkScoped(Effect.ignore(listening))
  const gone = Effect.flatMap(Effect.exit(handle.exitCode), () =>
    Effect.fail(
      unavailable(
        `${asked} ended in the sandbox before it could be spoken to: ${heard.trim().slice(-600) || "it said nothing"}`
      )
    )
  )
  const silent = Effect.fail(
    unavailable(`${asked} did not begin to listen in the sandbox within 30 s: ${heard.trim().slice(-600)}`)
  )
  const path = yield* Effect.timeoutOrElse(Effect.raceFirst(Deferred.await(begun), gone), {
    duration: "30 seconds",
    orElse: () => silent
  })
  const url = `ws://${address.host}:${address.port}${path}`
  return yield* connected(() => chromium.connectOverCDP(url, { timeout: 10_000 }), asked)
})
