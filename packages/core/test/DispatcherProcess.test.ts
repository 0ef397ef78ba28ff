import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fork } from "node:child_process"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import * as FactoryStore from "./FactoryStore.ts"
import * as Fixture from "./fixtures/dispatching.ts"

const { alone, events, journal, test } = FactoryStore
const program = fileURLToPath(new URL("./fixtures/dispatching.ts", import.meta.url))

/** A dispatcher as a process. It is killed when the scope closes. */
const dispatcher = (start: Fixture.Start) =>
  Effect.acquireRelease(
    Effect.sync(() => begin(start)),
    ({ kill }) => Effect.promise(() => kill("SIGKILL"))
  )

const begin = (start: Fixture.Start) => {
  const child = fork(program, [JSON.stringify(start)], { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv: [] })
  const reports: Array<Fixture.Report> = []
  const watchers = new Set<() => void>()
  const look = () => {
    for (const watch of watchers) watch()
  }
  child.on("message", (report: Fixture.Report) => {
    reports.push(report)
    look()
  })
  const gone = new Promise<void>((resolve) =>
    child.once("exit", () => {
      resolve()
      look()
    })
  )
  const said = (tag: Fixture.Report["_tag"]) => reports.filter(({ _tag }) => _tag === tag)
  return {
    said,
    /** Waits until it has said something so often. */
    says: (tag: Fixture.Report["_tag"], times = 1) =>
      Effect.promise(
        () =>
          new Promise<ReadonlyArray<Fixture.Report>>((resolve, reject) => {
            const watch = () => {
              if (said(tag).length >= times) resolve(said(tag))
              else if (child.exitCode !== null || child.signalCode !== null) reject(new Error(`It ended before ${tag}`))
              else return
              watchers.delete(watch)
            }
            watchers.add(watch)
            watch()
          })
      ),
    tell: (command: Fixture.Command) => Effect.sync(() => void child.send(command)),
    signal: (signal: NodeJS.Signals) => Effect.sync(() => void child.kill(signal)),
    kill: (signal: NodeJS.Signals) => {
      child.kill(signal)
      return gone
    }
  }
}

type Process = ReturnType<typeof begin>

/** Whoever is stopped while it writes keeps the store locked for all, and nobody can do anything about it. */
const stopOutsideOfWrites = (process: Process, path: string) =>
  Effect.repeat(
    Effect.gen(function* () {
      yield* process.signal("SIGSTOP")
      const isFree = yield* Effect.sync(() => isWritable(path))
      if (!isFree) yield* process.signal("SIGCONT")
      return isFree
    }),
    { until: (isFree) => isFree }
  )

const isWritable = (path: string): boolean => {
  const db = new DatabaseSync(path, { timeout: 1_000 })
  try {
    db.exec("begin immediate; rollback")
    return true
  } catch {
    return false
  } finally {
    db.close()
  }
}

/** What the journal tells when all is done. */
const history = (path: string) =>
  Effect.map(alone(events, journal(path)), (all) => {
    const of = (tag: string) => all.filter(({ fact }) => fact._tag === tag)
    /** The most claims that stood at once. */
    let [now, most] = [0, 0]
    for (const { fact } of all) {
      if (fact._tag === "ItemClaimed" && fact.from === null) now++
      if (fact._tag === "ItemReleased") now--
      most = Math.max(most, now)
    }
    const names = (tag: string) => of(tag).map(({ run, stage }) => `${run}/${stage}`)
    return { claims: of("ItemClaimed"), most, names, of }
  })

describe("dispatchers in processes of their own", () => {
  test(
    "run every item once to its end, although one is killed in the middle of its runs",
    (path) =>
      Effect.gen(function* () {
        const first = yield* dispatcher({ path, items: 10, holds: 3, presence: "runner" })
        yield* first.says("Holds", 3)
        const second = yield* dispatcher({ path, items: Fixture.count, holds: 0, presence: "runner" })
        yield* second.says("Ready")
        yield* Effect.promise(() => first.kill("SIGKILL"))
        yield* second.says("AllDone")
        const { claims, most, names, of } = yield* history(path)
        assert.strictEqual(of("LineStarted").length, Fixture.count, "no run was started twice")
        assert.strictEqual(of("LineFinished").length, Fixture.count)
        const stages = names("StageFinished")
        assert.strictEqual(new Set(stages).size, stages.length, "no finished stage ran again")
        assert.strictEqual(stages.length, 3 * Fixture.count)
        const fresh = claims.filter(({ fact }) => fact._tag === "ItemClaimed" && fact.from === null)
        assert.strictEqual(new Set(fresh.map(({ item }) => item)).size, Fixture.count)
        assert.strictEqual(fresh.length, Fixture.count, "no item was claimed twice")
        assert.isAtLeast(claims.length - fresh.length, 3, "what the dead one held was taken over")
        assert.isAtMost(most, Fixture.total, "the cap held over both processes")
        const ended = of("ItemReleased").map(({ fact }) => (fact._tag === "ItemReleased" ? fact.end : ""))
        assert.deepStrictEqual(ended, Array(Fixture.count).fill("done"))
      }),
    60_000
  )

  const stopped = (title: string, after: (first: Process, token: number) => Effect.Effect<void>) =>
    test(
      title,
      (path) =>
        Effect.gen(function* () {
          const first = yield* dispatcher({ path, items: 10, holds: 3, presence: "heartbeat" })
          yield* first.says("Holds", 3)
          const second = yield* dispatcher({ path, items: Fixture.count, holds: 0, presence: "heartbeat" })
          const [ready] = yield* second.says("Ready")
          const id = ready?._tag === "Ready" ? ready.id : ""
          yield* stopOutsideOfWrites(first, path)
          // Whatever it had claimed, it holds: its runs are stopped with it.
          const { claims } = yield* Effect.repeat(history(path), {
            until: (now) =>
              now.claims.filter(({ fact }) => fact._tag === "ItemClaimed" && fact.from !== null && fact.by === id)
                .length >= 3
          })
          const tokens = claims.flatMap(({ fact }) => (fact._tag === "ItemClaimed" ? (fact.from ?? []) : []))
          yield* after(first, tokens[0] ?? 0)
          yield* second.says("AllDone")
          const { names, of } = yield* history(path)
          assert.strictEqual(of("LineStarted").length, Fixture.count, "no run was started twice")
          assert.strictEqual(of("LineFinished").length, Fixture.count)
          const stages = names("StageFinished")
          assert.strictEqual(new Set(stages).size, stages.length, "no finished stage ran again")
        }),
      60_000
    )

  stopped("fence off one that was stopped for too long, and its runs still end once", (first, token) =>
    Effect.gen(function* () {
      yield* first.signal("SIGCONT")
      yield* first.tell({ _tag: "Check", token })
      const [checked] = yield* first.says("Checked")
      assert.deepInclude(checked, { reason: "Fenced" })
      yield* first.tell({ _tag: "Release" })
    })
  )

  stopped("take up the runs of one that was stopped, and taken over, and dies only then", (first) =>
    Effect.promise(() => first.kill("SIGKILL"))
  )
})
