/**
 * `pnpm example NAME [arguments]`: runs the example whose folder starts with NAME, or has this number, as in
 * `pnpm example 3 approve 7`.
 */
import { spawn } from "node:child_process"
import { dirname, join } from "node:path"
import { environment, root } from "./Command.ts"
import * as Source from "./Source.ts"

const [name = "", ...args] = process.argv.slice(2)
const examples = Source.find(root, "examples/*/main.ts")
// A number is a whole one: 1 is 01, and neither 10 nor 13.
const start = /^\d+$/.test(name) ? `${name.padStart(2, "0")}-` : name
const found = examples.filter((path) => name !== "" && path.startsWith(`examples/${start}`))
const [example] = found

if (example === undefined || found.length > 1) {
  const problem =
    name === ""
      ? "Which example?"
      : found.length > 1
        ? `More than one example starts with "${name}".`
        : `There is no example "${name}".`
  const names = examples.map((path) => dirname(path).slice("examples/".length)).join(", ")
  console.error(`${problem} The examples: ${names}`)
  process.exitCode = 2
} else {
  // The example has the terminal and gets the terminal's signals itself; this process only waits for it to end.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined)
  const child = spawn(process.execPath, [join(root, example), ...args], { stdio: "inherit", env: environment() })
  child.on("close", (code) => (process.exitCode = code ?? 1))
}
