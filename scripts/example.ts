/**
 * `pnpm example NAME [arguments]`: runs the example that has this number, or whose folder starts with NAME, with its number
 * or without, as in `pnpm example 3 approve 7` and `pnpm example sandbox-exec --list`.
 */
import { spawn } from "node:child_process"
import { dirname, join } from "node:path"
import { environment, root } from "./Command.ts"
import * as Source from "./Source.ts"

const [name = "", ...args] = process.argv.slice(2)
const examples = Source.find(root, "examples/*/main.ts")
const folderOf = (path: string): string => dirname(path).slice("examples/".length)
// A number is a whole one: 1 is 01, and neither 10 nor 13.
const start = /^\d+$/.test(name) ? `${name.padStart(2, "0")}-` : name
const found = examples.filter((path) =>
  [folderOf(path), folderOf(path).replace(/^\d+-/, "")].some((title) => start !== "" && title.startsWith(start))
)
const [example] = found

if (example === undefined || found.length > 1) {
  const problem =
    name === ""
      ? "Which example?"
      : found.length > 1
        ? `More than one example starts with "${name}".`
        : `There is no example "${name}".`
  console.error(`${problem} The examples: ${examples.map(folderOf).join(", ")}`)
  process.exitCode = 2
} else {
  const command = [process.execPath, join(root, example), ...args] as const
  if (process.execve === undefined || process.platform === "win32") {
    const child = spawn(command[0], command.slice(1), { stdio: "inherit", env: environment() })
    child.on("close", (code) => (process.exitCode = code ?? 1))
  } else {
    // The example takes the place of this process: its input, its output, its signals and its end are its own.
    process.execve(command[0], command, environment())
  }
}
