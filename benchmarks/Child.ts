/** A **child**: a program of a bench in a process of its own, which answers in lines of JSON. */
import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import * as Cleanup from "./Cleanup.ts"

/** A line of JSON that a child printed. */
export type Line = Readonly<Record<string, unknown>>

/** A program that runs. Standard input is open until it ends, so that it can tell when whoever started it is gone. */
export interface Child {
  /** When it was started, as `process.hrtime.bigint()`: a clock that all processes of the machine share. */
  readonly startedAt: bigint
  /** The next line that it prints. Fails when it ends before. */
  readonly next: () => Promise<Line>
  /** Writes a line of JSON to its standard input. */
  readonly tell: (line: Line) => void
  /** Waits until it has ended. Answers with its exit code, or `null` when a signal ended it. */
  readonly ended: Promise<number | null>
  /** Sends a signal to it and to all that it started, and waits until it is gone. */
  readonly kill: (signal: NodeJS.Signals) => Promise<void>
}

/** How a child is started. */
export interface Options {
  readonly cwd?: string
  readonly nodeArgs?: ReadonlyArray<string>
  /**
   * How long it may take until it is killed, in milliseconds, `undefined` for a server: one that hangs must not hang the
   * bench. Default 10 minutes.
   */
  readonly patience?: number | undefined
}

/** Starts a program with one argument, as JSON. */
export const start = (program: string, request: unknown, options: Options = {}): Child => {
  const { cwd, nodeArgs = [] } = options
  const patience = "patience" in options ? options.patience : 600_000
  const startedAt = process.hrtime.bigint()
  // A group of its own, so that what it starts goes with it.
  const child = spawn(process.execPath, [...nodeArgs, program, JSON.stringify(request)], {
    cwd,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"]
  })
  child.stdin.on("error", () => undefined) // it may be gone already
  let complaints = ""
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    complaints = (complaints + chunk).slice(-4_000)
  })
  const lines: Array<Line> = []
  const waiting: Array<{ resolve: (line: Line) => void; reject: (error: Error) => void }> = []
  let isClosed = false
  const gone = (): Error => new Error(`${program} ended before it answered. ${complaints.trim()}`)
  createInterface({ input: child.stdout }).on("line", (text) => {
    if (!text.startsWith("{")) return
    const line: Line = JSON.parse(text)
    const first = waiting.shift()
    if (first === undefined) lines.push(line)
    else first.resolve(line)
  })
  const forget = Cleanup.add(() => kill("SIGKILL"))
  const timer = patience === undefined ? undefined : setTimeout(() => signalGroup(child, "SIGKILL"), patience)
  const ended = new Promise<number | null>((resolve) =>
    child.once("close", (code) => {
      isClosed = true
      clearTimeout(timer)
      forget()
      for (const { reject } of waiting.splice(0)) reject(gone())
      resolve(code)
    })
  )
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    if (!isClosed) signalGroup(child, signal)
    await ended
  }
  return {
    startedAt,
    ended,
    kill,
    tell: (line) => void child.stdin.write(`${JSON.stringify(line)}\n`),
    next: () => {
      const line = lines.shift()
      if (line !== undefined) return Promise.resolve(line)
      if (isClosed) return Promise.reject(gone())
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    }
  }
}

const signalGroup = (child: ChildProcess, signal: NodeJS.Signals): void => {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // The whole group is gone already.
  }
}

/** Runs a program to its end, and answers with the one line that it prints. */
export const run = async (...args: Parameters<typeof start>): Promise<Line> => {
  const child = start(...args)
  try {
    const line = await child.next()
    await child.ended
    return line
  } finally {
    await child.kill("SIGKILL")
  }
}

/** A number that a child printed under a name. Big times are printed as text. */
export const numberIn = (line: Line, name: string): number => {
  const value = Number(line[name])
  if (!Number.isFinite(value)) throw new Error(`A child printed no number "${name}": ${JSON.stringify(line)}`)
  return value
}

/** Milliseconds from the start of a child to a moment that it printed as `process.hrtime.bigint()`. */
export const since = (from: bigint, line: Line, name: string): number => Number(BigInt(String(line[name])) - from) / 1e6
