/** Processes of a test: they print into a text that can be waited on, and none outlives its test. */
import { type ChildProcess, spawn } from "node:child_process"

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A process that runs. */
export interface Running {
  readonly child: ChildProcess
  readonly output: () => string
  /** Resolves when the process has printed what matches; rejects when it ended without. */
  readonly said: (what: RegExp) => Promise<void>
  readonly ended: Promise<Ended>
}

/** How a process is started. */
export interface Options {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly uid?: number
}

const living = new Set<ChildProcess>()

/** Ends what a test left. */
export const endAll = (): void => {
  for (const child of living) child.kill("SIGKILL")
}

/** Starts a process. */
export const start = (command: string, args: ReadonlyArray<string>, { cwd, env, uid }: Options = {}): Running => {
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env["PATH"], ...env },
    ...(uid === undefined ? {} : { uid, gid: uid })
  })
  living.add(child)
  let stdout = ""
  let stderr = ""
  const listeners = new Set<() => void>()
  const tell = () => listeners.forEach((listener) => listener())
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
    tell()
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text
    tell()
  })
  let isOver = false
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code) => {
      isOver = true
      living.delete(child)
      tell()
      resolve({ code, stdout, stderr })
    })
  })
  const said = (what: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const listener = () => {
        const isSaid = what.test(stdout + stderr)
        if (!isSaid && !isOver) return
        listeners.delete(listener)
        if (isSaid) resolve()
        else reject(new Error(`it ended without saying ${what}: ${stdout}${stderr}`))
      }
      listeners.add(listener)
      listener()
    })
  return { child, output: () => stdout + stderr, said, ended }
}

/** A word for a POSIX shell. */
export const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** Starts a process in a terminal of its own, of this size. */
export const inTerminal = (
  words: ReadonlyArray<string>,
  size: { readonly columns: number; readonly rows: number },
  options: Options = {}
): Running => {
  const command = `stty cols ${size.columns} rows ${size.rows}; exec ${words.map(quoted).join(" ")}`
  return start("script", ["-qec", command, "/dev/null"], options)
}
