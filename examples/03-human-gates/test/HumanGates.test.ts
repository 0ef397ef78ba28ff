import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach } from "vitest"

const main = fileURLToPath(new URL("../main.ts", import.meta.url))
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millwright-example-03-"))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Runs the example in a process of its own. */
const run = (...args: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [main, "--folder", folder, ...args], {
    encoding: "utf8"
  })
  return { code: status, text: `${stdout}${stderr}` }
}

const announcement = () => join(folder, "announcement.md")
const processOf = (text: string, what: RegExp) => what.exec(text)?.[1] ?? assert.fail(`no ${what} in ${text}`)
const first = "database-upgrade.1:window"

describe("03-human-gates", () => {
  it("waits, is answered from another process, and goes on in a third", () => {
    const asked = run()
    assert.strictEqual(asked.code, 0, asked.text)
    assert.include(asked.text, "Say yes       npx -y pnpm@12.18.0 example 03 ", "what it says can not be typed")
    assert.include(asked.text, `approve ${first}`, "it says how to answer")
    assert.isFalse(existsSync(announcement()), "nothing is announced before a person has said yes")

    const again = run()
    assert.strictEqual(again.text, asked.text, "running it again asks nothing new")

    assert.strictEqual(run("approve", first).code, 0)
    assert.isFalse(existsSync(announcement()), "the answer alone does nothing: no process runs the line")

    const done = run()
    assert.strictEqual(done.code, 0, done.text)
    const window = processOf(asked.text, /Take the database down on (.*)\?/)
    assert.include(readFileSync(announcement(), "utf8"), window)
    const surveyed = processOf(done.text, /survey was done in process (\d+)/)
    const announced = processOf(done.text, /written in process (\d+)/)
    assert.notStrictEqual(surveyed, announced, "the survey is that of the first process, and was not done again")
    assert.strictEqual(run().text, done.text, "a finished run stays finished")
  }, 60_000)

  it("asks again with the next window when a person says no, and gives up after the last", () => {
    const windows = new Set<string>()
    for (const gate of [first, `${first}#2`, `${first}#3`]) {
      const asked = run()
      assert.include(asked.text, `reject ${gate} `, asked.text)
      windows.add(processOf(asked.text, /Take the database down on ([^?]*)\?\n {5}not answered yet/))
      assert.strictEqual(run("reject", gate, "--note", 'the month\'s "end"').code, 0)
    }
    assert.strictEqual(windows.size, 3, "each question is about another window")
    const parked = run()
    assert.strictEqual(parked.code, 0, parked.text)
    assert.include(parked.text, "PARKED")
    assert.include(parked.text, "the month's", "the notes are in the report")
    assert.isFalse(existsSync(announcement()))
  }, 60_000)

  it("refuses what it can not take, and says what there is", () => {
    assert.strictEqual(run().code, 0)
    const unknown = run("approve", "no-such-gate")
    assert.strictEqual(unknown.code, 2, unknown.text)
    assert.include(unknown.text, first, "it names the gate that is open")
    for (const empty of [[], ["--note", " "]]) {
      const unfounded = run("reject", first, ...empty)
      assert.strictEqual(unfounded.code, 2, unfounded.text)
      assert.include(unfounded.text, "A no needs its reason", "it does not say what is missing")
    }
    assert.strictEqual(run("approve", first).code, 0)
    assert.strictEqual(run("approve", first).code, 0, "the same answer again changes nothing")
    const other = run("reject", first, "--note", "no")
    assert.strictEqual(other.code, 2, other.text)
    assert.include(other.text, "The first answer stands")
    assert.strictEqual(run("no-such-command").code, 2)
  }, 60_000)

  it("stops at a fault, and goes on from there once it is mended", () => {
    run()
    run("approve", first)
    mkdirSync(announcement())
    const stopped = run()
    assert.strictEqual(stopped.code, 1, stopped.text)
    assert.include(stopped.text, "STOPPED: The announcement can not be written")
    rmSync(announcement(), { recursive: true })
    const done = run()
    assert.strictEqual(done.code, 0, done.text)
    assert.include(done.text, "ANNOUNCED")
  }, 60_000)

  it("goes on after somebody sent the run back, and takes it for no stage that was done twice", () => {
    run()
    run("approve", first)
    assert.include(run().text, "ANNOUNCED")
    const line = fileURLToPath(new URL("../../shared/line.ts", import.meta.url))
    const store = join(folder, "factory.db")
    const rewound = spawnSync(
      process.execPath,
      [line, "rewind", "database-upgrade.1", "--before", "announce", "--store", store],
      { encoding: "utf8" }
    )
    assert.strictEqual(rewound.status, 0, rewound.stderr)
    const done = run()
    assert.strictEqual(done.code, 0, done.text)
    assert.include(done.text, "ANNOUNCED")
  }, 60_000)

  it("forgets everything with --reset", () => {
    run()
    assert.strictEqual(run("--reset").code, 0)
    assert.deepStrictEqual(readdirSync(folder), [], "nothing is left")
    assert.include(run().text, `approve ${first}`, "it begins anew")
  }, 60_000)
})
