import { assert, describe, it } from "@effect/vitest"
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Sqlite from "@millwright/core/Sqlite"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach } from "vitest"
import * as PostgresServer from "../../../packages/core/test/PostgresServer.ts"
import { office } from "../factory.ts"
import { layer as release, Release } from "../line.ts"
import * as Processes from "../processes.ts"

const main = fileURLToPath(new URL("../main.ts", import.meta.url))
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millwright-example-10-"))
  // A server that is started as root runs as nobody.
  chmodSync(folder, 0o755)
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Runs the example in a process of its own; what it leaves behind would be in its folder. */
const run = (args: ReadonlyArray<string>, more: Record<string, string> = {}) => {
  const { DATABASE_URL: _, ...env } = process.env
  const { status, stderr, stdout } = spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    env: { ...env, TMPDIR: folder, ...more }
  })
  return { code: status, text: `${stdout}${stderr}` }
}

describe("10-scale-out", () => {
  it("finishes every line although a runner is killed, and leaves nothing behind", () => {
    const { code, text } = run(["--lines", "12", "--millis", "80"])
    assert.strictEqual(code, 0, text)
    assert.include(text, "is killed with SIGKILL")
    assert.include(text, "All 12 lines are finished, and no stage has two results.")
    assert.deepStrictEqual(readdirSync(folder), [], "its database is still there")
  }, 60_000)

  it("ends all its processes on Ctrl-C", async () => {
    const child = spawn(process.execPath, [main], { env: { ...process.env, TMPDIR: folder }, detached: true })
    const gone = once(child, "exit")
    let text = ""
    const started = new Promise<void>((resolve) =>
      child.stdout.on("data", (chunk) => {
        text += chunk
        if (text.includes("are started")) resolve()
      })
    )
    await Promise.race([started, gone])
    // A terminal sends it to all of them.
    process.kill(-(child.pid ?? 0), "SIGINT")
    const [code] = await gone
    assert.strictEqual(code, 130, text)
    assert.deepStrictEqual(readdirSync(folder), [], "its database is still there")
    assert.throws(() => process.kill(-(child.pid ?? 0), 0), /ESRCH/, "a process of it is still there")
  }, 60_000)

  it("refuses what it can not take, and says what to do", () => {
    assert.strictEqual(run(["no-such-command"]).code, 2)
    const nowhere = run(["approve"])
    assert.strictEqual(nowhere.code, 2, nowhere.text)
    assert.include(nowhere.text, "Set DATABASE_URL")
    const told = run(["import", "--from", "factory.db", "--to", "postgres://me:pa55word@127.0.0.1/factory"])
    assert.strictEqual(told.code, 2, told.text)
    assert.include(told.text, "without a password")
    assert.notInclude(told.text, "pa55word")
    assert.include(run(["--help"]).text, "import")
  }, 60_000)

  it.live(
    "carries a waiting line over, which goes on where its runners are",
    () =>
      Effect.gen(function* () {
        const server = yield* PostgresServer.make()
        const url = yield* server.database("factory")
        const store = join(folder, "factory.db")
        const before = Layer.provideMerge(
          release,
          Layer.merge(SqliteJournal.layer, SqliteEngine.layer()).pipe(Layer.provide(Sqlite.layer({ path: store })))
        )
        const item = { id: "release-1", title: "release 1", body: WorkItem.bodyOf(""), labels: [], source: "test" }
        const waiting = yield* Effect.flatMap(Release.start({ item, millis: 0 }), Line.settled).pipe(
          Effect.provide(before)
        )
        assert.strictEqual(waiting._tag, "Waiting")

        const environment = { DATABASE_URL: Redacted.value(url) }
        const carried = run(["import", "--from", store], environment)
        assert.strictEqual(carried.code, 0, carried.text)
        assert.include(carried.text, "1 runs go on")
        assert.include(run(["import", "--from", store], environment).text, "was carried over before")

        const [port = 0] = yield* PostgresServer.freePorts(1)
        const runner = yield* Processes.start(url, ["runner", "--port", String(port)])
        const person = yield* Processes.start(url, ["approve", "--count", "1"])
        assert.strictEqual(yield* person.exit, 0)
        const end = yield* Effect.flatMap(Journal.Journal, (journal) =>
          journal.follow().pipe(
            Stream.filter(({ fact }) => fact._tag === "LineFinished"),
            Stream.runHead
          )
        ).pipe(Effect.provide(office(url)), Effect.timeout("30 seconds"))
        const fact = end._tag === "Some" ? end.value.fact : undefined
        assert.deepEqual(fact?._tag === "LineFinished" && fact.result, {
          ranIn: [process.pid, process.pid, process.pid, runner.pid, runner.pid]
        })
      }).pipe(Effect.scoped),
    60_000
  )
})
