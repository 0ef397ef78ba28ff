/** One writer of notes in a process of its own: says that it is ready, waits to be told, writes, and says how long each write took. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Notes from "@millwright/governance/Notes"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { spawnSync } from "node:child_process"
import { createInterface } from "node:readline"

/** What a writer is asked. */
export interface Request {
  readonly by: "millwright" | "git"
  readonly dir: string
  readonly ref: string
  /** For each round what the note is about, and the line that is added to it. */
  readonly rounds: ReadonlyArray<{ readonly commit: string; readonly line: string }>
}

/** What a writer answers: milliseconds of each write, and how many said that they failed. */
export interface Answer {
  readonly times: ReadonlyArray<number>
  readonly refused: number
}

const byGit = ({ dir, ref }: Request, { commit, line }: Request["rounds"][number]): boolean =>
  spawnSync("git", ["-C", dir, "notes", `--ref=${ref}`, "append", "-m", line, commit]).status === 0

const byMillwright = ({ dir, ref }: Request, { commit, line }: Request["rounds"][number]): Promise<boolean> =>
  Notes.update(dir, {
    ref,
    commit,
    merge: (current) =>
      Buffer.concat([Option.getOrElse(current, () => new Uint8Array()), new TextEncoder().encode(`${line}\n`)])
  }).pipe(
    Effect.as(true),
    Effect.orElseSucceed(() => false),
    Effect.provide(NodeServices.layer),
    Effect.runPromise
  )

if (process.argv[1] === import.meta.filename) {
  const request: Request = JSON.parse(process.argv[2] ?? "")
  const input = createInterface({ input: process.stdin })
  process.stdout.write('{"ready":true}\n')
  await new Promise<void>((resolve) => input.once("line", () => resolve()))
  const times: Array<number> = []
  let refused = 0
  for (const round of request.rounds) {
    const start = performance.now()
    const isWritten = request.by === "git" ? byGit(request, round) : await byMillwright(request, round)
    times.push(performance.now() - start)
    if (!isWritten) refused++
  }
  process.stdout.write(`${JSON.stringify({ times, refused } satisfies Answer)}\n`)
  input.close()
}
