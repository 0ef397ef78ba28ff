/** Random interleavings of opening, killing the host, closing and discarding, over several ids of two repositories. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Sandbox from "../../src/Sandbox.ts"
import * as SandboxSpec from "../../src/SandboxSpec.ts"
import { ownOf } from "./own.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import * as StandIn from "./standIn.ts"

const holder = fileURLToPath(new URL("./holder.ts", import.meta.url))

/** A sequence that is the same for the same seed. */
const numbers = (seed: number) => {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

interface Holder {
  readonly child: ChildProcess
  readonly turn: number
  /** Whether it said that it has opened and committed. */
  readonly opened: Promise<boolean>
  readonly exited: Promise<number | null>
}

const start = (repository: string, id: string, turn: number): Holder => {
  const child = spawn(process.execPath, [holder, repository, id, String(turn)], { stdio: ["pipe", "pipe", "pipe"] })
  let said = ""
  child.stderr?.on("data", (chunk) => (said += String(chunk)))
  const exited = once(child, "exit").then(([code]) => {
    if (code === 1) assert.fail(`the holder of ${id} broke: ${said}`)
    return typeof code === "number" ? code : null
  })
  const opened = Promise.race([once(child.stdout, "data").then(() => true), exited.then(() => false)])
  return { child, turn, opened, exited }
}

for (const seed of [1, 2, 3]) {
  it.live(
    `nobody touches what is another's, and nothing is left: seed ${seed}`,
    () =>
      Effect.gen(function* () {
        const next = numbers(seed)
        const fixtures = [yield* Fixture.repository, yield* Fixture.repository]
        const { discard, open } = yield* Sandbox.Sandbox
        const places = fixtures.flatMap((fixture) => ["one", "two"].map((id) => ({ fixture, id })))
        const live = new Map<number, Holder>()
        /** The last turn of a place that closed in order: its commit has to be on the branch. */
        const closed = new Map<number, number>()
        const specOf = (place: number) => {
          const { fixture, id } = places[place] ?? assert.fail("there is such a place")
          return SandboxSpec.checkout({ id, repository: fixture.repository, base: "main", branch: `change/${id}` })
        }
        yield* Effect.addFinalizer(() => Effect.sync(() => live.forEach(({ child }) => child.kill("SIGKILL"))))
        for (let turn = 0; turn < 14; turn++) {
          const place = next(places.length)
          const { fixture, id } = places[place] ?? assert.fail("there is such a place")
          const held = live.get(place)
          if (held === undefined) {
            if (next(5) === 0) {
              yield* discard(specOf(place))
              continue
            }
            const started = start(fixture.repository, id, turn)
            live.set(place, started)
            if (next(3) > 0)
              assert.isTrue(yield* Effect.promise(() => started.opened), `${id} should open in turn ${turn}`)
            continue
          }
          const way = next(3)
          if (way === 0) {
            assert.isTrue(yield* Effect.promise(() => held.opened), `${id} should have opened before turn ${turn}`)
            yield* Fixture.refused(Effect.scoped(open(specOf(place))), "Busy")
            yield* Fixture.refused(discard(specOf(place)), "Busy")
            continue
          }
          if (way === 1) {
            // Anywhere in its opening, or after it.
            yield* Effect.promise(() =>
              Promise.race([held.opened, new Promise((resolve) => setTimeout(resolve, next(600)))])
            )
            held.child.kill("SIGKILL")
            yield* Effect.promise(() => held.exited)
          } else {
            held.child.stdin?.end()
            const code = yield* Effect.promise(() => held.exited)
            assert.strictEqual(
              code,
              0,
              `${id} should close in order in turn ${turn}: 3 says that somebody else touched it`
            )
            closed.set(place, held.turn)
          }
          live.delete(place)
        }
        for (const [place, { child, exited }] of live) {
          child.stdin?.end()
          assert.strictEqual(yield* Effect.promise(() => exited), 0, `place ${place} should close in order at the end`)
        }
        for (const [place, turn] of closed) {
          const { fixture, id } = places[place] ?? assert.fail("there is such a place")
          const log = fixture.git("log", "--format=%s", `change/${id}`).split("\n")
          assert.include(log, `turn-${turn}`, `what was committed in turn ${turn} should be on the branch`)
        }
        for (const place of places.keys()) {
          const look = Fixture.output(
            "git fsck 2>&1 | grep -v dangling; git status --porcelain | grep -v -e open -e half -e whole; pwd"
          )
          yield* Effect.scoped(
            Effect.flatMap(open(specOf(place)), ({ services }) => Effect.provideContext(look, services))
          )
          yield* discard(specOf(place))
        }
        for (const { git, repository } of fixtures) {
          const own = ownOf(repository)
          const arrivals = join(repository, ".git", "millwright", "incoming")
          for (const folder of [join(own, "clones"), join(own, "snapshots"), arrivals]) {
            assert.deepStrictEqual(readdirSync(folder), [], `nothing should be left in ${folder}`)
          }
          const branches = git("branch", "--format=%(refname:short)").split("\n")
          assert.deepStrictEqual(
            branches.filter((name) => !["main", "change/one", "change/two"].includes(name)),
            []
          )
          assert.deepStrictEqual(
            readdirSync(join(own, "locks")).filter((name) => !["one", "two", "+templates"].includes(name)),
            []
          )
          git("fsck", "--strict")
          assert.strictEqual(git("status", "--porcelain"), "")
        }
      }).pipe(Effect.scoped, Effect.provide(StandIn.layer("copying", false))),
    120_000
  )
}
