import { assert, describe, it } from "vitest"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Bench from "../Bench.ts"
import * as SessionShape from "../transcripts/SessionShape.ts"
import * as Synthesis from "../transcripts/Synthesis.ts"

const bench = fileURLToPath(new URL("../../scripts/bench.ts", import.meta.url))

const inFolder = (body: (folder: string) => void): void => {
  const folder = mkdtempSync(join(tmpdir(), "millwright-transcripts-bench-"))
  try {
    body(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const message = (id: string, output: number) => ({
  ...{ id, n: 3, model: "claude-opus-4-6", t: "2026-02-03T00:00:00.000Z" },
  ...{ first: [3, 20, 100, 1], last: [3, 20, 100, 1], max: [3, 20, 100, output] }
})
const call = (msg: string, rej: boolean) => ({
  ...{ name: "Read", ih: "1", path: "p", rng: [5, 10], msg, t: "2026-02-03T00:00:01.000Z", chars: 100, err: rej, rej }
})
const session = (s: string, more: object = {}) => ({
  ...{ s, bytes: 10_000, bad: 1, msgs: [message("a", 9)], tools: [call("a", true)] },
  human: [
    ["2026-02-03T00:00:02.000Z", "prompt", 20],
    ["2026-02-03T00:00:03.000Z", "interrupt", 42]
  ],
  ...more
})
const written = (folder: string, ...sessions: ReadonlyArray<object>) => {
  const file = join(folder, "sessions.jsonl")
  writeFileSync(file, sessions.map((each) => `${JSON.stringify(each)}\n`).join(""))
  return file
}

describe("the transcripts bench", () => {
  it("refuses sessions that are none, and says where", () =>
    inFolder((folder) => {
      const file = join(folder, "sessions.jsonl")
      for (const [content, said] of [
        ["", "holds no session"],
        ["no json\n", "sessions.jsonl:1 is no session"],
        [`${JSON.stringify(session("s"))}\n{"s":"x"}\n`, "sessions.jsonl:2 is no session"],
        [`${JSON.stringify(session("s", { msgs: [{ ...message("a", 1), max: [1, -1, 1, 1] }] }))}\n`, "is no session"],
        [`${JSON.stringify(session("s", { msgs: [] }))}\n`, "holds no session"]
      ] as const) {
        writeFileSync(file, content)
        assert.throws(() => SessionShape.load(file), Bench.BadInput, said)
      }
    }))

  it("takes sessions in which most is not told", () =>
    inFolder((folder) => {
      const bare = { id: null, first: [1, 0, 0, 2], last: null, n: 0 }
      const file = written(
        folder,
        { s: "s", msgs: [bare, { ...bare, max: [1, 0, 0, 9] }], tools: null, bad: null },
        session("t", { tools: [{ msg: "a" }, { msg: null, name: null }], human: [[null, "prompt", 0]] })
      )
      const { truth } = Synthesis.write(SessionShape.load(file), { bytes: 1, folder })
      assert.deepStrictEqual([truth.tokens, truth.answers, truth.calls, truth.unparsed], [[2, 0, 0, 11], 2, 0, 0])
    }))

  it("counts in its truth a resumed session's answers, calls and turns once, and what is new in it", () =>
    inFolder((folder) => {
      const resumed = session("two", { msgs: [message("a", 9), message("b", 5)], bad: 0 })
      const sessions = SessionShape.load(written(folder, session("one"), resumed))
      const { files, truth } = Synthesis.write(sessions, { bytes: 15_000, folder })
      assert.deepStrictEqual(truth, {
        tokens: [6, 40, 200, 14],
        answers: 2,
        calls: 1,
        rejections: 1,
        interrupts: 1,
        humanTurns: 2,
        compactions: 0,
        unparsed: 1
      })
      assert.strictEqual(files.length, 2)
    }))

  it("is exact where simple readers are not, reads given transcripts, and leaves nothing behind", () =>
    inFolder((folder) => {
      const raw = fileURLToPath(new URL("../../packages/governance/test/fixtures/transcripts", import.meta.url))
      const ended = spawnSync(process.execPath, [bench, "transcripts", "--json", "--megabytes", "8", "--raw", raw], {
        encoding: "utf8",
        env: { ...process.env, TMPDIR: folder }
      })
      assert.strictEqual(ended.status, 0, ended.stderr)
      const { figures, truth }: { figures: ReadonlyArray<Bench.Figure>; truth: Synthesis.Truth } = JSON.parse(
        ended.stdout
      )
      const exact = figures.filter(({ name }) => name.endsWith("off by"))
      assert.strictEqual(exact.length, 11)
      for (const { name, value } of exact) assert.strictEqual(value, 0, name)
      const value = (name: string) => figures.find((figure) => figure.name === name)?.value ?? Number.NaN
      assert.isAbove(truth.answers, 50)
      assert.isBelow(value("output, the first line counts"), 0.9)
      assert.isAbove(value("all tokens, every line counts"), 1.5)
      assert.strictEqual(value("given files of no known program"), 0)
      assert.isAbove(value("waste, oversized-result"), 0)
      assert.strictEqual(value("waste that is another where entries come backwards and twice"), 0)
      assert.isAbove(value("answers in them"), 20)
      assert.deepStrictEqual(readdirSync(folder), [])
    }))
})
