/** The processes in which cases are tried: with a terminal, and with descriptors that they do not know of. */
import { spawn, spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Duplex, type Readable } from "node:stream"
import * as Cleanup from "../Cleanup.ts"
import type { Outcome } from "./Attack.ts"
import * as Fixture from "./Fixture.ts"

/** What became of a case: without anything in between, and in the sandbox. */
export interface Tried {
  readonly id: string
  readonly control: Outcome
  readonly outcome: Outcome
  /** Milliseconds of each. */
  readonly took: readonly [control: number, sandbox: number]
}

/** How cases are tried. */
export interface Options {
  readonly adapter: string
  /** The image that sandboxes are opened with. */
  readonly image: string | undefined
  /** In how many processes. */
  readonly count: number
  readonly progress: (line: string) => void
}

/** Tries cases in so many processes. Answers with what became of them, in no order. */
export const run = async (
  ids: ReadonlyArray<string>,
  { adapter, count, image, progress }: Options
): Promise<ReadonlyArray<Tried>> => {
  const folder = mkdtempSync(join(tmpdir(), "escapes-"))
  const forget = Cleanup.add(() => rmSync(folder, { recursive: true, force: true }))
  try {
    const template = join(folder, "template")
    Fixture.makeTemplate(template)
    const hands = Array.from({ length: count }, (_, at) => ids.filter((__, n) => n % count === at))
    const found = await Promise.all(
      hands
        .filter((own) => own.length > 0)
        .map((own, at) => one({ adapter, image, ids: own, folder: join(folder, String(at)), template }, progress))
    )
    return found.flat()
  } finally {
    forget()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Request {
  readonly adapter: string
  readonly image: string | undefined
  readonly ids: ReadonlyArray<string>
  readonly folder: string
  readonly template: string
}

/** Where the process has what its parent left open: far above what Node closes for its children. */
const at = { results: 3, folder: 40, file: 41, socket: 42 } as const

const one = async (request: Request, progress: (line: string) => void): Promise<ReadonlyArray<Tried>> => {
  const leak = join(request.folder, "leak")
  const typescript = join(request.folder, "typescript")
  mkdirSync(leak, { recursive: true })
  const secret = join(leak, "secret.txt")
  writeFileSync(secret, `canary-${randomBytes(16).toString("hex")}\n`)
  const nameless = join(request.folder, "nameless")
  writeFileSync(nameless, readFileSync(secret))
  const [directory, file] = [openSync(leak, "r"), openSync(nameless, "r")]
  rmSync(nameless)

  const command = [process.execPath, "--no-warnings", join(import.meta.dirname, "program.ts"), JSON.stringify(request)]
  const [program = "", ...args] = hasScript() ? ["script", "-qfec", command.map(quoted).join(" "), typescript] : command
  const gap = Array.from({ length: at.folder - at.results - 1 }, () => "ignore" as const)
  const child = spawn(program, args, {
    detached: true,
    stdio: ["pipe", "pipe", "pipe", "pipe", ...gap, directory, file, "pipe"]
  })
  closeSync(directory)
  closeSync(file)
  const forget = Cleanup.add(() => end(child.pid))
  let said = ""
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text) => (said = `${said}${text}`.slice(-2_000)))
  // The types know of five descriptors.
  const stdio: ReadonlyArray<unknown> = child.stdio
  const socket = stdio[at.socket]
  if (!(socket instanceof Duplex)) throw new Error("The process has no socket.")
  socket.on("data", (data) => appendFileSync(join(leak, "received"), data)).on("error", () => undefined)

  const results: Array<Tried> = []
  // A pipe of a child is read from by us, which the type of `stdio` can not tell.
  const lines = createInterface({ input: child.stdio[at.results] as Readable })
  lines.on("line", (line) => {
    const tried: Tried = JSON.parse(line)
    results.push(tried)
    progress(`  ${tried.id}: ${tried.control._tag} / ${tried.outcome._tag}, ${tried.took.join(" / ")} ms`)
  })
  const timer = setTimeout(() => end(child.pid), 30_000 + 20_000 * request.ids.length)
  await new Promise((done) => child.once("close", done))
  clearTimeout(timer)
  forget()
  const why = `the process that tried it ended: ${said.trim().split("\n").slice(-6).join(" ")}`
  const lost = request.ids.filter((id) => !results.some((tried) => tried.id === id))
  const outcome = { _tag: "Broken", why } as const
  return [...results, ...lost.map((id) => ({ id, control: outcome, outcome, took: [0, 0] as const }))]
}

const hasScript = (): boolean => existsSync("/proc") && spawnSync("script", ["--version"]).status === 0

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

const end = (pid: number | undefined): void => {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL")
  } catch {
    // It has ended.
  }
}
