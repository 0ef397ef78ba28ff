/** Changes as commits of one real repository, written by one `git fast-import`. */
import { execFileSync } from "node:child_process"
import { readdirSync } from "node:fs"
import type { Entry } from "./Dangers.ts"

/** What is built: two states, and what the second commit says. */
export interface Pair {
  readonly before: ReadonlyArray<Entry>
  readonly after: ReadonlyArray<Entry>
  readonly gone?: ReadonlyArray<string>
  readonly message?: string
}

const usual: ReadonlyArray<Entry> = [
  { path: "README.md", text: "# A product\n" },
  { path: "src/index.ts", text: "export const version = 1\n" }
]

const environment = { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" }

/** Writes the changes to an empty folder. The states of the one at `n` are the branches `base-n` and `head-n`. */
export const build = (dir: string, pairs: ReadonlyArray<Pair>): void => {
  if (readdirSync(dir).length > 0) throw new Error(`${dir} is not empty`)
  execFileSync("git", ["init", "-q", dir], { env: environment })
  const stream = pairs.flatMap(({ after, before, gone = [], message = "Mend a detail" }, at) => [
    ...commit(`base-${at}`, "Begin"),
    ...[...usual, ...before].flatMap(put),
    ...commit(`head-${at}`, message, `base-${at}`),
    ...gone.map((path) => Buffer.from(`D ${quoted(path)}\n`, "latin1")),
    ...after.flatMap(put)
  ])
  execFileSync("git", ["-C", dir, "fast-import", "--quiet"], { input: Buffer.concat(stream), env: environment })
}

const commit = (branch: string, message: string, from?: string): ReadonlyArray<Buffer> => [
  Buffer.from(`commit refs/heads/${branch}\ncommitter bench <bench@example.org> 1700000000 +0000\n`),
  ...data(message),
  Buffer.from(from === undefined ? "" : `from refs/heads/${from}\n`)
]

const data = (content: string | Buffer): ReadonlyArray<Buffer> => {
  const bytes = Buffer.from(content)
  return [Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from("\n")]
}

const put = ({ mode = "100644", path, text }: Entry): ReadonlyArray<Buffer> =>
  mode === "160000"
    ? [Buffer.from(`M ${mode} ${String(text)} ${quoted(path)}\n`, "latin1")]
    : [Buffer.from(`M ${mode} inline ${quoted(path)}\n`, "latin1"), ...data(text)]

/** A path as bytes in quotes, one character for a byte. */
const quoted = (path: string | Buffer): string =>
  `"${Buffer.from(path)
    .toString("latin1")
    .replaceAll(/[\\"]/g, "\\$&")
    .replaceAll("\n", "\\n")
    .replaceAll("\t", "\\t")}"`
