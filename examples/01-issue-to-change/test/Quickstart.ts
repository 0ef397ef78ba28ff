/**
 * The quickstart as a user has it: a copy of the example, run as a process of its own, in a home of its own. Everything
 * is gone when the scope closes, processes too.
 */
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Sqlite from "@millwright/core/Sqlite"
import type * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { execFileSync, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"

const example = fileURLToPath(new URL("..", import.meta.url))

/** A folder with the program, the repository of its demo once it has run, and a clone that a user made. */
export interface Quickstart {
  readonly folder: string
  /** Where the program makes the repository of its demo. */
  readonly demo: string
  /** A repository of the user's own, with the demo's files in one commit. */
  readonly repository: string
  /** Writes a file into the folder and answers with its path. */
  readonly write: (name: string, content: string | Uint8Array) => string
  /** `terminal` in the environment: not a variable, but a terminal for the program. */
  readonly start: (
    args: ReadonlyArray<string>,
    env?: Readonly<Record<string, string>>
  ) => Effect.Effect<Running, never, Scope.Scope>
  /** Runs the program to its end. */
  readonly run: (
    args: ReadonlyArray<string>,
    env?: Readonly<Record<string, string>>
  ) => Effect.Effect<Ended, never, Scope.Scope>
}

/** A process of the quickstart. */
export interface Running {
  readonly pid: number
  readonly output: () => string
  /** In its terminal, where it has one. */
  readonly type: (text: string) => Effect.Effect<void>
  /** Completes when the program has printed the text, and answers `false` when it ended without. */
  readonly said: (text: string) => Effect.Effect<boolean>
  /** To the program alone. */
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** To its process group, as a terminal does it for Ctrl-C. */
  readonly interrupt: (signal: NodeJS.Signals) => Effect.Effect<void>
  readonly ended: Effect.Effect<Ended>
}

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const temporary = Effect.acquireRelease(
  Effect.sync(() => realpathSync(mkdtempSync(join(tmpdir(), "quickstart-")))),
  (folder) =>
    Effect.sync(() => {
      for (const pid of inside(folder)) end(pid)
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    })
)

const end = (pid: number) => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It has ended since it was seen.
  }
}

/** Living processes whose environment or working folder names the folder. Linux only; empty elsewhere. */
export const inside = (folder: string): ReadonlyArray<number> =>
  !existsSync("/proc/self/environ")
    ? []
    : readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .map(Number)
        .filter((pid) => {
          try {
            if (pid === process.pid || /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"))) return false
            return (
              readlinkSync(`/proc/${pid}/cwd`).startsWith(folder) ||
              readFileSync(`/proc/${pid}/environ`, "latin1").includes(folder)
            )
          } catch {
            return false
          }
        })

/** Makes a git repository with the demo's files, as a user would have one. */
export const makeRepository = (folder: string): string => {
  cpSync(join(example, "demo"), folder, { recursive: true })
  git(folder, "init", "-q", "-b", "main")
  git(folder, "add", "-A")
  git(folder, "commit", "-q", "-m", "Begin")
  return folder
}

/** Runs git and answers with what it printed. */
export const git = (folder: string, ...args: ReadonlyArray<string>): string =>
  execFileSync("git", ["-C", folder, "-c", "user.name=User", "-c", "user.email=user@localhost", ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" }
  }).trim()

/** Sets a user up. */
export const make: Effect.Effect<Quickstart, never, Scope.Scope> = Effect.gen(function* () {
  const folder = yield* temporary
  const own = join(folder, "examples", basename(example))
  cpSync(example, own, {
    recursive: true,
    filter: (path) => ![join(example, "node_modules"), join(example, "test")].includes(path)
  })
  symlinkSync(join(example, "node_modules"), join(own, "node_modules"))
  const start: Quickstart["start"] = (args, env = {}) =>
    Effect.acquireRelease(
      Effect.sync(() => launch([join(own, "main.ts"), ...args], { folder, env })),
      ({ kill }) => kill("SIGKILL")
    )
  return {
    folder,
    demo: join(folder, ".millwright", "quickstart", "repository"),
    repository: makeRepository(join(folder, "repository")),
    write: (name, content) => {
      writeFileSync(join(folder, name), content)
      return join(folder, name)
    },
    start,
    run: (args, env) => Effect.flatMap(start(args, env), ({ ended }) => ended)
  }
})

const launch = (
  args: ReadonlyArray<string>,
  { env, folder }: { readonly folder: string; readonly env: Readonly<Record<string, string>> }
): Running => {
  const { terminal, ...variables } = env
  const words = [process.execPath, ...args]
  // `script` gives it a terminal of its own.
  const [command = "", ...rest] =
    terminal === undefined ? words : ["script", "-qec", words.map((word) => `'${word}'`).join(" "), "/dev/null"]
  const child = spawn(command, rest, {
    cwd: folder,
    detached: true,
    stdio: [terminal === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], HOME: folder, ...variables }
  })
  let stdout = ""
  let stderr = ""
  let over: Ended | undefined
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const listener of listeners) listener()
  }
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
    tell()
  })
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text
    tell()
  })
  child.once("close", (code) => {
    over = { code, stdout, stderr }
    tell()
  })
  const until = <A>(look: () => A | undefined) =>
    Effect.callback<A>((resume) => {
      const listener = () => {
        const found = look()
        if (found === undefined) return
        listeners.delete(listener)
        resume(Effect.succeed(found))
      }
      listeners.add(listener)
      listener()
      return Effect.sync(() => void listeners.delete(listener))
    })
  const pid = child.pid ?? 0
  const send = (to: number, signal: NodeJS.Signals) =>
    Effect.sync(() => {
      try {
        if (over === undefined && pid > 0) process.kill(to, signal)
      } catch {
        // It ended a moment ago.
      }
    })
  return {
    pid,
    output: () => stdout + stderr,
    type: (text) => Effect.sync(() => void child.stdin?.write(text)),
    said: (text) => until(() => ((stdout + stderr).includes(text) ? true : over === undefined ? undefined : false)),
    kill: (signal) => send(pid, signal),
    interrupt: (signal) => send(-pid, signal),
    ended: until(() => over)
  }
}

/** Every event that the factory of a repository has recorded. */
export const journal = (repository: string): Effect.Effect<ReadonlyArray<FactoryEvent.FactoryEvent>> =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    return yield* Stream.runCollect(journal.read())
  }).pipe(
    Effect.provide(SqliteJournal.layer.pipe(Layer.provide(Sqlite.layer({ path: store(repository) })))),
    Effect.orDie
  )

/** The file of a repository's factory. */
export const store = (repository: string): string => join(repository, ".git", "millwright", "factory.db")

/** The events with a fact of this kind. */
export const only = <Tag extends FactoryEvent.Fact["_tag"]>(
  events: ReadonlyArray<FactoryEvent.FactoryEvent>,
  tag: Tag
) =>
  events.flatMap(
    (event) =>
      event.fact._tag === tag
        ? [{ ...event, fact: event.fact as Extract<FactoryEvent.Fact, { readonly _tag: Tag }> }]
        : [] // by its tag
  )

/** Every stage ended once, and nothing was done for it afterwards: no stage that was finished ran again. */
export const assertNothingTwice = (events: ReadonlyArray<FactoryEvent.FactoryEvent>): void => {
  const finished = new Map<string, number>()
  for (const { fact, run, seq, stage } of events) {
    const key = `${run} ${stage}`
    const at = finished.get(key)
    assert(
      stage === null || at === undefined || fact._tag === "GateAnswered",
      `${key} was finished at event ${at}, and then there is ${fact._tag} at ${seq}`
    )
    if (fact._tag === "StageFinished") finished.set(key, seq)
  }
}

/** A digest of a folder: every path, kind, mode and content in it. */
export const digest = (folder: string): string => {
  const hash = createHash("sha256")
  const walk = (path: string) => {
    const info = lstatSync(path)
    hash.update(`${path} ${info.mode}\n`)
    if (info.isDirectory()) for (const name of readdirSync(path).toSorted()) walk(join(path, name))
    else if (info.isFile()) hash.update(readFileSync(path))
    else if (info.isSymbolicLink()) hash.update(readlinkSync(path))
  }
  if (existsSync(folder)) walk(folder)
  return hash.digest("hex")
}

/** The issue of the demo that is a bug, and the one that needs a specification. */
export const issues = {
  bug: join(example, "issues", "lost-remainder.md"),
  weeks: join(example, "issues", "weeks.md")
}

/** The script that the demo plays. */
export const rehearsal = (): ProviderTwin.Script =>
  // The program itself decodes it; a test needs only its shape.
  JSON.parse(readFileSync(join(example, "rehearsal.json"), "utf8")) as ProviderTwin.Script

/** A call of a tool, and the call that ends a role. */
export const call = (tool: string, args: object) => ({ calls: [{ tool, arguments: args as never }] }) // plain JSON
/** Ends a role with an outcome. */
export const outcome = (_tag: string, fields: object) => call("outcome", { outcome: { _tag, ...fields } })
