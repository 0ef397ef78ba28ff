import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import { fileURLToPath } from "node:url"
import * as Notes from "../src/Notes.ts"
import { git, repository, test } from "./NoteRepository.ts"

const ref = "refs/notes/review"
const program = fileURLToPath(new URL("./fixtures/writing.ts", import.meta.url))
const text = (note: Option.Option<Uint8Array>): string =>
  Option.match(note, { onNone: () => "", onSome: (bytes) => new TextDecoder().decode(bytes) })

/**
 * A writer that is killed once it has said so many lines and some milliseconds more, with the git that it has started or without, so
 * that git dies in the middle of a write too. Answers with the lines that it said.
 */
const killed = (
  args: ReadonlyArray<string>,
  at: { readonly lines: number; readonly delay: number; readonly all: boolean }
) =>
  Effect.callback<ReadonlyArray<string>>((resume) => {
    const child = spawn(process.execPath, [program, ...args], { detached: true, stdio: ["ignore", "pipe", "inherit"] })
    let said = ""
    let isDying = false
    const kill = () => child.pid !== undefined && process.kill(at.all ? -child.pid : child.pid, "SIGKILL")
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString()
      if (isDying || said.split("\n").length <= at.lines) return
      isDying = true
      setTimeout(kill, at.delay)
    })
    child.on("exit", () => resume(Effect.succeed(said.split("\n").slice(0, -1))))
    return Effect.sync(() => child.exitCode === null && child.signalCode === null && kill())
  })

describe("Notes of writers that are killed", () => {
  test("are all there that were said to be, and whoever lives goes on", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      const round = (number: number) =>
        Effect.forEach(
          [0, 1],
          (writer) =>
            killed([dir, ref, base, `${number}.${writer}`], {
              lines: writer === 0 ? 1 : 3,
              delay: (number * 13 + writer * 7) % 40,
              all: number % 2 === 0
            }),
          { concurrency: 2 }
        )
      const lock = `${dir}/.git/${ref}.lock`
      // A git that is killed within the millisecond in which it holds the ref leaves its lock. It grows old here without our waiting.
      const age = Effect.sync(() => Fs.existsSync(lock) && Fs.utimesSync(lock, 0, 0))
      const said = (yield* Effect.forEach([0, 1, 2, 3], (number) => Effect.tap(round(number), age))).flat(2)
      assert.isAtLeast(said.length, 16, "the writers wrote before they died")
      const alive = yield* Notes.update(dir, { ref, commit: base, merge: (current) => `${text(current)}alive\n` })
      assert.isTrue(alive, "what they left behind stops nobody")
      const lines = text(yield* Notes.read(dir, { ref, commit: base })).split("\n")
      assert.deepStrictEqual(
        said.filter((line) => !lines.includes(line)),
        [],
        "a note that was written is gone"
      )
      assert.strictEqual(new Set(lines).size, lines.length, "a line was written twice")
      assert.strictEqual(git(dir, "fsck", "--strict", "--no-dangling"), "", "the repository is sound")
    }))

  test("leave no turn and no lock that stops others, whatever the clock says of them", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      const now = Date.now() / 1_000
      const turn = `${dir}/.git/millwright-refs-notes-review.turn`
      const lock = `${dir}/.git/${ref}.lock`
      Fs.mkdirSync(`${dir}/.git/refs/notes`, { recursive: true })
      for (const [file, at] of [
        [turn, now - 3_600],
        [turn, now + 3_600],
        [lock, now - 3_600],
        [lock, now + 3_600]
      ] as const) {
        Fs.writeFileSync(file, "")
        Fs.utimesSync(file, at, at)
        const merge = () => `${file} ${at}`
        assert.isTrue(
          yield* Notes.update(dir, { ref, commit: base, merge, attempts: 2 }),
          `${file} of ${at} is in the way`
        )
        assert.isFalse(Fs.existsSync(file), `${file} is still there`)
      }
      Fs.writeFileSync(lock, "")
      const young = yield* Effect.flip(Notes.remove(dir, { ref, commit: base, attempts: 2 }))
      assert.strictEqual(young.reason, "Contended", "a lock that somebody may hold is not taken away")
      assert.isTrue(Fs.existsSync(lock))
    }))
})
