/** `kill -9` at random points: whatever a human did by then is in the ledger once, and nothing of it is there twice. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Recorder from "../src/Recorder.ts"
import { alone, events, journal, temporary } from "./FactoryStore.ts"
import { expected, type Kill, shown } from "./fixtures/intervening.ts"

const program = fileURLToPath(new URL("./fixtures/intervening.ts", import.meta.url))
const phases: ReadonlyArray<Kill["phase"]> = ["before", "within", "after"]

/** A life takes about a second. One that takes so long waits for something that was lost. */
const patience = "90 seconds"

interface Life {
  readonly killed: boolean
  readonly output: string
}

/** One life of the process on a store. It kills itself at a write, or comes to the end. */
const live = (path: string, at: number | "together" | "back", phase: Kill["phase"] = "after"): Effect.Effect<Life> =>
  Effect.acquireUseRelease(
    Effect.sync(() =>
      spawn(process.execPath, [program, path, String(at), phase], {
        stdio: ["ignore", "pipe", "pipe"],
        // Most of a life would be spent on loading what was loaded before.
        env: { ...process.env, NODE_COMPILE_CACHE: join(dirname(path), "compiled") }
      })
    ),
    (child) =>
      Effect.promise(async () => {
        let output = ""
        let problem = ""
        child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
        child.stderr.setEncoding("utf8").on("data", (text: string) => (problem += text))
        const [code, signal] = await once(child, "close")
        if (signal !== "SIGKILL" && code !== 0) throw new Error(`The process ended with ${code ?? signal}: ${problem}`)
        return { killed: signal === "SIGKILL", output }
      }),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  ).pipe(Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.die(new Error(`The store ${path} hangs`)) }))

/** What is in the ledger of a store, and how often each intervention was written. */
const holds = (path: string) =>
  alone(
    Effect.gen(function* () {
      const ledger = [...(yield* Recorder.ledger).values()]
      return { shown: ledger.map(shown), ids: ledger.map(({ id }) => id), events: yield* events }
    }),
    journal(path)
  )

const sound = (path: string, where: string) =>
  Effect.gen(function* () {
    const { events, ids, shown } = yield* holds(path)
    assert.deepStrictEqual(shown.toSorted(), expected.toSorted(), `lost or doubled ${where}`)
    assert.strictEqual(new Set(ids).size, ids.length, where)
    // The ledger counts an id once; a fact that was written twice would be hidden by it.
    const keys = events.flatMap(({ fact, run }) => {
      switch (fact._tag) {
        case "Intervened":
        case "InterventionEnded":
          return [`${fact._tag} ${fact.id}`]
        case "CauseRemoved":
          return [`${fact._tag} ${fact.fix}`]
        case "GateAnswered":
          return [`${fact._tag} ${fact.gate} ${JSON.stringify(fact.answer)}`]
        case "LineCancelled":
        case "LineParked":
        case "AgentPrompted":
          return [`${fact._tag} ${run}`]
        default:
          return []
      }
    })
    assert.deepStrictEqual(keys.toSorted(), [...new Set(keys)].toSorted(), `a fact was written twice ${where}`)
  })

const kills = 50
/** How many writes a life has at the most: all there is to do takes about 80, and a life that finds it done 11. */
const longest = 30
const seed = "millwright"

describe("What a human did", () => {
  it.live(
    `is in the ledger once, whichever of its writes a process is killed at: ${kills} kills`,
    () =>
      temporary((home) => {
        let dead = 0
        const points = new Map<string, number>()
        /** From an empty store to the end of all there is to do. */
        const store = (number: number) =>
          Effect.gen(function* () {
            const path = join(dirname(home), `factory-${number}.db`)
            for (let lives = 1; ; lives++) {
              assert.isAtMost(lives, 60, "it never comes to its end")
              const at = yield* Random.nextIntBetween(1, longest)
              const phase = phases[yield* Random.nextIntBetween(0, 2)] ?? "after"
              // When there are enough, the last stores come to their end undisturbed.
              const { killed, output } = yield* live(path, dead < kills ? at : 0, phase)
              if (!killed) return yield* sound(path, `in the store ${number}: ${output}`)
              dead++
              points.set(`${at} ${phase}`, (points.get(`${at} ${phase}`) ?? 0) + 1)
            }
          })
        const worker = (first: number) =>
          Effect.gen(function* () {
            for (let number = first; dead < kills; number += 2) yield* store(number)
          }).pipe(Random.withSeed(`${seed} ${first}`))
        return Effect.gen(function* () {
          yield* Effect.all([worker(1), worker(2)], { concurrency: 2 })
          assert.isAtLeast(dead, kills)
          assert.isAtLeast(points.size, 30, "the kills were at the same few points")
        })
      }),
    300_000
  )

  it.live(
    "is in the ledger once, when two processes record the same at once; both are told what stands",
    () =>
      temporary((path) =>
        Effect.gen(function* () {
          for (const what of ["together", "back"] as const) {
            const lives = yield* Effect.all([live(path, what), live(path, what)], { concurrency: 2 })
            const [one, other] = lives.map(({ output }) => JSON.parse(output).ends)
            assert.deepStrictEqual(one, other, "the two were told different things")
          }
          const { events, ids } = yield* holds(path)
          assert.strictEqual(ids.length, 40)
          const facts = events.map(({ fact }) => fact._tag)
          assert.strictEqual(facts.filter((tag) => tag === "Intervened").length, 40)
          assert.strictEqual(facts.filter((tag) => tag === "InterventionEnded").length, 20)
          assert.strictEqual(facts.filter((tag) => tag === "CauseRemoved").length, 1)
        })
      ),
    60_000
  )
})
