/** A **command** that a script runs to its end, with its output kept. */
import { spawn } from "node:child_process"
import { delimiter, join } from "node:path"

/** The root of the repository. */
export const root = join(import.meta.dirname, "..")

/** How a command ended. `output` is standard output and standard error together, in the order they came. */
export interface Ended {
  readonly code: number
  readonly output: string
  readonly stdout: string
}

/** Where and how a command runs. `timeout` is in milliseconds. */
export interface Options {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly timeout?: number
}

/** The environment of a command: this process's, with the workspace's programs first on the path. */
export const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: [join(root, "node_modules", ".bin"), process.env["PATH"]].join(delimiter)
})

/** Runs a program of the workspace or of the machine. Fails only when it can not be started. */
export const run = (program: string, args: ReadonlyArray<string>, options: Options = {}): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const { cwd = root, env = {}, timeout = 600_000 } = options
    const child = spawn(program, args, {
      cwd,
      env: { ...environment(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout
    })
    let output = ""
    let stdout = ""
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk
      stdout += chunk
    })
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk
    })
    child.on("error", reject)
    child.on("close", (code, signal) => {
      resolve({ code: code ?? 1, output: signal === null ? output : `${output}\nended by ${signal}`, stdout })
    })
  })

/** How pnpm is called here: the one that runs this script, else the pinned one through npx. */
export const pnpm = (packageManager: string): { readonly program: string; readonly args: ReadonlyArray<string> } => {
  const running = process.env["npm_execpath"]
  return running?.includes("pnpm") === true && /\.[cm]?js$/.test(running)
    ? { program: process.execPath, args: [running] }
    : { program: "npx", args: ["-y", packageManager] }
}
