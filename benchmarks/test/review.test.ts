import { assert, describe, it } from "vitest"
import * as Schema from "effect/Schema"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Bench from "../Bench.ts"
import * as Changes from "../review/Changes.ts"
import * as Score from "../review/Score.ts"

const data = fileURLToPath(new URL("../data/review/changes.jsonl", import.meta.url))
const bench = fileURLToPath(new URL("../../scripts/bench.ts", import.meta.url))

type Severity = Changes.Defect["severity"]

const at = (line: number, severity: Severity, more: Partial<Changes.Defect> = {}) => ({
  path: "a.ts",
  line,
  severity,
  ...more
})
const change = (id: string, ...defects: ReadonlyArray<ReturnType<typeof at>>): Changes.Change => ({
  id,
  title: id,
  body: "",
  patch: "-",
  defects: defects.map((defect) => ({ what: "it", ...defect }))
})
const answer = (
  id: string,
  verdict: "Approve" | "RequestChanges",
  ...comments: ReadonlyArray<ReturnType<typeof at>>
): Score.Answer => ({
  id,
  verdict,
  comments
})

describe("the score of the review bench", () => {
  it("is that of a table computed by hand", () => {
    const changes = [
      change("one", at(10, "critical"), at(20, "important"), at(30, "critical")),
      change("two", at(5, "suggestion")),
      change("clean"),
      change("broken", at(1, "critical"))
    ]
    const score = Score.of(
      changes,
      [
        // 10 found exactly, 20 found two lines off with another severity, 30 missed; one comment finds nothing.
        { ...answer("one", "RequestChanges", at(10, "critical"), at(22, "critical"), at(90, "important")), dropped: 2 },
        // Found, and changes are asked for although nothing is serious.
        answer("two", "RequestChanges", at(5, "suggestion")),
        answer("clean", "Approve", at(7, "nit")),
        { id: "broken", fault: "it broke" }
      ],
      2
    )
    assert.deepStrictEqual(score, {
      changes: 4,
      failed: 1,
      comments: 5,
      dropped: 2,
      defects: 5,
      found: 3,
      precision: 3 / 5,
      recall: 3 / 5,
      linesOff: 2 / 3,
      severityRight: 2 / 3,
      verdictRight: 2 / 4,
      severities: [
        { severity: "critical", comments: 2, precision: 2 / 2, defects: 3, recall: 1 / 3 },
        { severity: "important", comments: 1, precision: 0, defects: 1, recall: 1 / 1 },
        { severity: "suggestion", comments: 1, precision: 1 / 1, defects: 1, recall: 1 / 1 },
        { severity: "nit", comments: 1, precision: 0, defects: 0, recall: undefined }
      ]
    })
  })

  it("has no share of nothing", () => {
    const { linesOff, precision, recall } = Score.of([change("clean")], [answer("clean", "Approve")], 2)
    assert.deepStrictEqual([precision, recall, linesOff], [undefined, undefined, undefined])
  })

  it("counts one comment for one defect, and the nearest first", () => {
    const of = (
      comments: ReadonlyArray<ReturnType<typeof at>>,
      defects: ReadonlyArray<ReturnType<typeof at>>,
      tolerance = 2
    ) => Score.of([change("x", ...defects)], [answer("x", "RequestChanges", ...comments)], tolerance)
    const both = of([at(10, "critical")], [at(11, "critical"), at(10, "critical")])
    assert.deepStrictEqual([both.found, both.linesOff], [1, 0], "one comment finds two defects, or the farther one")
    const twice = of([at(10, "critical"), at(10, "nit")], [at(10, "critical")])
    assert.deepStrictEqual([twice.found, twice.severityRight], [1, 1])
    const crossed = of([at(10, "critical"), at(12, "critical")], [at(12, "critical"), at(14, "critical")])
    assert.strictEqual(crossed.found, 1, "the nearest first: 12 finds 12, and 10 is too far from 14")
  })

  it("measures from range to range, and never across files or sides", () => {
    const place = at(10, "nit", { endLine: 14 })
    assert.strictEqual(Score.distance(place, at(12, "nit")), 0)
    assert.strictEqual(Score.distance(place, at(17, "nit")), 3)
    assert.strictEqual(Score.distance(at(7, "nit"), place), 3)
    assert.isUndefined(Score.distance(place, at(12, "nit", { side: "old" })))
    assert.isUndefined(Score.distance(place, { ...at(12, "nit"), path: "b.ts" }))
  })
})

describe("the changes of the review bench", () => {
  it("are patches with defects on changed lines", () => {
    const changes = Changes.load(data)
    assert.isAtLeast(changes.length, 8)
    assert.isTrue(
      changes.some(({ defects }) => defects.length === 0),
      "none is without a defect"
    )
  })

  it("are refused with the line or the change that is wrong", () => {
    const folder = mkdtempSync(join(tmpdir(), "millwright-review-bench-"))
    try {
      const [first = ""] = readFileSync(data, "utf8").split("\n")
      const decoded = Schema.decodeUnknownSync(Schema.fromJsonString(Changes.Change))(first)
      const refused = (text: string) => {
        writeFileSync(join(folder, "data.jsonl"), text)
        try {
          Changes.load(join(folder, "data.jsonl"))
        } catch (error) {
          assert.instanceOf(error, Bench.BadInput)
          return error instanceof Error ? error.message : ""
        }
        return "taken"
      }
      assert.strictEqual(refused(first), "taken")
      assert.match(refused(""), /no changes/)
      assert.match(refused(`${first}\n{"id":"x"}`), /Line 2/)
      assert.match(refused(`${first}\n${first}`), /have the id page-of-rows/)
      assert.match(refused(JSON.stringify({ ...decoded, patch: "no patch" })), /page-of-rows.*changes no file/)
      const defects = [{ ...decoded.defects[0], line: 1 }]
      assert.match(refused(JSON.stringify({ ...decoded, defects })), /line 1 .* not changed/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("are all scored, rehearsed and exact, by the program", () => {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:ANTHROPIC|OPENAI)_/.test(name)))
    const run = (...args: ReadonlyArray<string>) =>
      spawnSync(process.execPath, [bench, "review", "--json", ...args], { encoding: "utf8", env })
    const { status, stderr, stdout } = run()
    assert.strictEqual(status, 0, stderr)
    const { rehearsed, score } = JSON.parse(stdout)
    assert.deepStrictEqual(
      [rehearsed, score.precision, score.recall, score.verdictRight, score.failed],
      [true, 1, 1, 1, 0]
    )
    const keyless = run("--model", "claude-opus-5-5")
    assert.strictEqual(keyless.status, 2, keyless.stderr)
    assert.include(keyless.stderr, "--model needs ANTHROPIC_API_KEY")
  }, 120_000)
})
