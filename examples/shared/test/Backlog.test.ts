import { assert, describe, it } from "@effect/vitest"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Actor from "@millwright/core/Actor"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll } from "vitest"
import * as Child from "./Child.ts"

const main = fileURLToPath(new URL("../line.ts", import.meta.url))
let folder: string

const told = (item: string, fact: FactoryEvent.Fact, run: string | null = null): FactoryEvent.Entry => ({
  ...{ at: Date.UTC(2020, 0, 6), line: null, run, item, stage: null, fact, actor: Actor.host }
})
const queued = (item: string, more: { priority?: number; after?: Array<string>; openQuestions?: number } = {}) =>
  told(item, {
    ...{ _tag: "ItemQueued", priority: 3, after: [], resources: {}, source: "", created: 0, again: false },
    ...more
  })
const ended = { seen: 0, reason: "no disk\u001b[2J\nleft", until: null }
const facts: ReadonlyArray<FactoryEvent.Entry> = [
  queued("done"),
  told("done", { _tag: "ItemClosed", reason: "" }),
  queued("parked", { priority: 4 }),
  told("parked", { _tag: "ItemClaimed", attempt: 1, by: "d", from: null }),
  told("parked", { _tag: "ItemReleased", token: 4, end: "parked", ...ended }),
  queued("late"),
  told("late", { _tag: "ItemClaimed", attempt: 1, by: "d", from: null }),
  told("late", { _tag: "ItemReleased", token: 7, end: "again", ...ended, until: Date.UTC(2200, 0, 1) }),
  queued("back"),
  told("back", { _tag: "ItemClaimed", attempt: 1, by: "d", from: null }),
  told("back", { _tag: "ItemReleased", token: 10, end: "again", ...ended, until: Date.UTC(2020, 1, 1) }),
  queued("claimed"),
  told("claimed", { _tag: "ItemClaimed", attempt: 1, by: "d", from: null }),
  told("claimed", { _tag: "ItemStarted", token: 13 }, "claimed.1"),
  queued("unclear", { priority: 1, openQuestions: 3 }),
  queued("clear", { priority: 2, openQuestions: 1 }),
  queued("next", { priority: 5, after: ["unclear"] })
]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "millwright-backlog-"))
  await Effect.flatMap(Journal.Journal, ({ append }) => append(facts)).pipe(
    Effect.provide(Layer.provide(SqliteJournal.layer, Sqlite.layer({ path: join(folder, "factory.db") }))),
    Effect.runPromise
  )
})
afterAll(() => {
  Child.endAll()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

const backlog = (...args: ReadonlyArray<string>) =>
  Child.start(process.execPath, [main, "backlog", ...args, "--store", folder], { cwd: folder }).ended

describe("line backlog", () => {
  it("shows every item that has not ended, and what it waits for", async () => {
    const { code, stderr, stdout } = await backlog()
    assert.strictEqual(code, 0, stderr)
    assert.deepStrictEqual(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.replaceAll(/ {2,}/g, " | ")),
      [
        "ITEM | PRIORITY | STANDS",
        "unclear | 1 | Waiting for 3 open questions",
        "clear | 2 | Ready",
        "late | 3 | Again at 2200-01-01 00:00:00 UTC: no disk\ufffd[2J left",
        "back | 3 | Ready",
        "claimed | 3 | Claimed, claimed.1",
        "parked | 4 | Parked: no disk\ufffd[2J left",
        "next | 5 | Waiting for unclear (it has 3 open questions)"
      ]
    )
  }, 60_000)

  it("has the limit that it is told, and refuses one that is none", async () => {
    const rows = (await backlog("--open-questions", "1")).stdout.split("\n")
    assert.isTrue(rows.some((row) => /^clear +2 +Waiting for 1 open question$/.test(row)))
    const { items } = JSON.parse((await backlog("--open-questions", "4", "--json")).stdout)
    assert.deepStrictEqual([items[0].item.openQuestions, items[0].standing], [3, { _tag: "Ready" }])
    const { code, stderr } = await backlog("--open-questions", "0")
    assert.strictEqual(code, 2)
    assert.include(stderr, "Give a whole number of at least 1")
  }, 60_000)
})
