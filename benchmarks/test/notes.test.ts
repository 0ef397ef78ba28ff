import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import * as Bench from "../Bench.ts"
import * as RealNotes from "../notes/RealNotes.ts"

const bench = fileURLToPath(new URL("../../scripts/bench.ts", import.meta.url))
const row = (note: string, counts = { ai_lines: 3, human_lines: 0 }, commit = "ab".repeat(20)) =>
  JSON.stringify({ commit, note, ...counts })
const note = `a.ts\n  s_59382cac373d67::t_f6d876186831cd 1-3\n---\n{"schema_version":"authorship/3.0.0","base_commit_sha":"${"ab".repeat(20)}","prompts":{}}`

const inFolder = async (body: (file: string) => unknown): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "millwright-notes-test-"))
  try {
    await body(join(folder, "notes.jsonl"))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe("the notes bench", () => {
  it("refuses notes that are none, and says where", () =>
    inFolder((file) => {
      for (const [content, said] of [
        ["\n", "holds no note"],
        ["not JSON\n", "notes.jsonl:1 is no note"],
        [`${row(note)}\n${row(note, undefined, "../x")}\n`, "notes.jsonl:2 is no note"]
      ] as const) {
        writeFileSync(file, content)
        assert.throws(() => RealNotes.load(file), Bench.BadInput, said)
      }
    }))

  it("tells a note whose lines are counted otherwise from one that is not read", () =>
    inFolder(async (file) => {
      const other = "cd".repeat(20)
      writeFileSync(file, `${row(note)}\n${row(note, { ai_lines: 4, human_lines: 0 }, other)}\n`)
      assert.deepStrictEqual(await RealNotes.run(file), { notes: 2, read: 2, equal: 1, otherwise: [other] })
    }))

  it("keeps every note of writers at once, and says what came of those of git", () => {
    const args = [bench, "notes", "--json", "--writers", "3", "--rounds", "2"]
    const ended = spawnSync(process.execPath, args, { encoding: "utf8" })
    assert.strictEqual(ended.status, 0, ended.stderr)
    const { figures }: { figures: ReadonlyArray<Bench.Figure> } = JSON.parse(ended.stdout)
    const kept = figures.filter(({ name }) => name.startsWith("kept"))
    assert.deepStrictEqual(
      kept.filter(({ peer }) => peer === undefined).map(({ value }) => value),
      [6, 6],
      "all of ours are there"
    )
    assert.strictEqual(kept.filter(({ peer }) => peer !== undefined).length, 2, "git's are counted")
  })
})
