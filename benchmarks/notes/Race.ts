/** A **race**: many processes that write notes to one ref at once, and what of it is there afterwards, as git reads it. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Child from "../Child.ts"
import * as Cleanup from "../Cleanup.ts"
import type * as Writing from "./Writing.ts"

/** How many write, and how often; whether each writes notes of its own, or all add to one. */
export interface Shape {
  readonly by: Writing.Request["by"]
  readonly writers: number
  readonly rounds: number
  readonly notes: "own" | "one"
}

/** What came of it. */
export interface Outcome {
  readonly kept: number
  /** Writes that said that they failed. What is neither kept nor refused is lost without a word. */
  readonly refused: number
  readonly times: ReadonlyArray<number>
}

const program = join(import.meta.dirname, "Writing.ts")
const ref = "refs/notes/race"

const git = (dir: string, args: ReadonlyArray<string>, input = ""): string =>
  execFileSync("git", ["-C", dir, "-c", "user.name=bench", "-c", "user.email=bench@example.org", ...args], {
    encoding: "utf8",
    input,
    maxBuffer: 64 * 1024 * 1024
  }).trim()

/** Objects to write notes on. */
const objects = (dir: string, count: number): ReadonlyArray<string> => {
  const stream = Array.from({ length: count }, (_, index) => `blob\nmark :${index + 1}\ndata <<END\n${index}\nEND\n`)
  const asked = Array.from({ length: count }, (_, index) => `get-mark :${index + 1}\n`)
  return git(dir, ["fast-import", "--quiet"], [...stream, ...asked].join("")).split("\n")
}

const keptOf = (dir: string, lines: ReadonlyArray<string>): number => {
  const blobs = git(dir, ["notes", `--ref=${ref}`, "list"])
    .split("\n")
    .map((line) => line.split(" ")[0])
  const text = git(dir, ["cat-file", "--batch"], blobs.map((blob) => `${blob}\n`).join(""))
  const found = new Set(text.split("\n"))
  return lines.filter((line) => found.has(line)).length
}

/** Runs it. */
export const run = async ({ by, notes, rounds, writers }: Shape): Promise<Outcome> => {
  const dir = mkdtempSync(join(tmpdir(), "millwright-notes-bench-"))
  const forget = Cleanup.add(() => rmSync(dir, { recursive: true, force: true }))
  const children: Array<Child.Child> = []
  try {
    git(dir, ["init", "-q", "."])
    git(dir, ["config", "user.name", "bench"])
    git(dir, ["config", "user.email", "bench@example.org"])
    const ids = objects(dir, writers * rounds)
    const plans = Array.from({ length: writers }, (_, writer) =>
      Array.from({ length: rounds }, (_, round) => ({
        commit: ids[notes === "one" ? 0 : writer * rounds + round] ?? "",
        line: `writer ${writer}, round ${round}`
      }))
    )
    for (const plan of plans) {
      const request: Writing.Request = { by, dir, ref, rounds: plan }
      children.push(Child.start(program, request))
    }
    for (const child of children) await child.next()
    for (const child of children) child.tell({ go: true })
    const answers: Array<Writing.Answer> = []
    for (const child of children) {
      const { refused, times } = await child.next()
      answers.push({ refused: Number(refused), times: Array.isArray(times) ? times.map(Number) : [] })
    }
    return {
      kept: keptOf(
        dir,
        plans.flat().map(({ line }) => line)
      ),
      refused: answers.reduce((sum, { refused }) => sum + refused, 0),
      times: answers.flatMap(({ times }) => times).sort((a, b) => a - b)
    }
  } finally {
    await Promise.all(children.map((child) => child.kill("SIGKILL")))
    rmSync(dir, { recursive: true, force: true })
    forget()
  }
}
