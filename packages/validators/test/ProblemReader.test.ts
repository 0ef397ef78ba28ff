/** What programs that look for problems really print: `reports/README.md` says how it was made. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import * as ReportReader from "../src/ReportReader.ts"

const report = (name: string) => readFileSync(new URL(`reports/${name}`, import.meta.url))
const place = { directory: "/checkout" }
const problems = (text: string | Uint8Array, options: ReportReader.Options = place) =>
  ReportReader.problems(Buffer.from(text), options)

describe("what is wrong, as programs write it", () => {
  for (const [name, format, expected] of [
    [
      "oxlint.json",
      "oxlint",
      [
        "warning eslint(no-unused-vars) l.ts:1",
        "warning eslint(no-debugger) l.ts:2",
        "warning eslint(no-cond-assign) l.ts:4",
        "warning eslint(no-constant-condition) l.ts:4"
      ]
    ],
    [
      "oxlint.sarif",
      "sarif",
      [
        "warning eslint(no-unused-vars) l.ts:1",
        "warning eslint(no-debugger) l.ts:2",
        "warning eslint(no-cond-assign) l.ts:4",
        "warning eslint(no-constant-condition) l.ts:4"
      ]
    ],
    ["tsc.txt", "typescript", ["error TS2322 l.ts:3"]],
    ["tsc-pretty.txt", "typescript", ["error TS2322 l.ts:3"]],
    [
      "dependency-cruiser.json",
      "dependency-cruiser",
      [
        "error no-db-from-ui src/ui/b.js:null",
        "warning no-circular src/ui/b.js:null",
        "note no-orphans src/orphan.js:null"
      ]
    ],
    [
      "knip.json",
      "knip",
      [
        "error files .dependency-cruiser.cjs:null",
        "error files src/orphan.js:null",
        "error dependencies package.json:null",
        "error exports src/ui/c.js:1",
        "error unlisted src/ui/c.js:1",
        "error duplicates src/db/d.js:1",
        "error exports src/db/d.js:1"
      ]
    ]
  ] as const) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const read = yield* problems(report(name))
        assert.strictEqual(read.format, format, "found by its content")
        assert.deepStrictEqual(
          read.found.map(({ level, line, path, rule }) => `${level} ${rule} ${path}:${line}`),
          [...expected]
        )
        assert.deepStrictEqual(read.troubles, [])
      })
    )
  }

  it.effect("eslint's and ast-grep's", () =>
    Effect.gen(function* () {
      const messages = [
        { ruleId: "no-debugger", severity: 2, message: "m", line: 3 },
        { ruleId: null, severity: 2, fatal: true, message: "Parsing error" }
      ]
      const eslint = yield* problems(
        JSON.stringify([
          { filePath: "/checkout/src/a.js", messages, suppressedMessages: [{}, {}] },
          { filePath: "/elsewhere/b.js", messages: [{ ruleId: "x", severity: 1, message: "m" }] }
        ])
      )
      assert.deepStrictEqual(
        [eslint.suppressed, eslint.found.map(({ level, line, path, rule }) => `${level} ${rule} ${path}:${line}`)],
        [2, ["error no-debugger src/a.js:3", "error parse src/a.js:null", "warning x null:null"]]
      )
      const grep = yield* problems(
        JSON.stringify([
          {
            file: "src/a.ts",
            ruleId: "no-eval",
            severity: "error",
            message: "m",
            range: { start: { line: 0, column: 1 } }
          }
        ])
      )
      assert.deepStrictEqual(grep.found, [{ rule: "no-eval", message: "m", path: "src/a.ts", line: 1, level: "error" }])
    })
  )

  it.effect("an empty list needs its format named; what looked at nothing says so", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(problems("[]"))
      assert.strictEqual(error.reason, "UnknownFormat")
      assert.deepStrictEqual((yield* problems("[]", { format: "eslint" })).found, [])
      assert.isNotEmpty((yield* problems(`{"diagnostics":[],"number_of_files":0}`)).troubles)
      assert.isNotEmpty((yield* problems(`{"modules":[],"summary":{"violations":[]}}`)).troubles)
    })
  )
})

describe("SARIF", () => {
  const sarif = (...runs: ReadonlyArray<unknown>) => JSON.stringify({ version: "2.1.0", runs })
  const driver = {
    name: "x",
    rules: [{ id: "r0", defaultConfiguration: { level: "error" }, messageStrings: { m: { text: "saw {0}" } } }]
  }

  it.effect("without runs is refused", () =>
    Effect.gen(function* () {
      for (const text of [
        `{"version":"2.1.0","$schema":"https://example.invalid/sarif-2.1.0.json"}`,
        `{"version":"2.1.0","runs":[]}`,
        `{"runs":null}`
      ]) {
        const error = yield* Effect.flip(problems(text))
        assert.strictEqual(error.reason, "Malformed", error.message)
      }
    })
  )

  it.effect("has levels, what is allowed, places, and messages by their name", () =>
    Effect.gen(function* () {
      const location = (uri: string, startLine = 7) => [
        { physicalLocation: { artifactLocation: { uri }, region: { startLine } } }
      ]
      const results = [
        { ruleId: "r0", message: { id: "m", arguments: ["it"] }, locations: location("file:///checkout/src/a%20b.ts") },
        { ruleIndex: 0, level: "note", message: { text: "b" } },
        { ruleId: "r1", message: { text: "c" }, locations: location("../outside.ts") },
        { ruleId: "r1", level: "none", message: { text: "d" } },
        { ruleId: "r1", message: { text: "allowed" }, suppressions: [{ kind: "inSource" }] },
        { ruleId: "r1", message: { text: "not granted" }, suppressions: [{ kind: "external", status: "rejected" }] },
        { ruleId: "r1", kind: "pass", message: { text: "right" } },
        { ruleId: "r1", baselineState: "absent", message: { text: "gone" } }
      ]
      const read = yield* problems(sarif({ tool: { driver }, results }))
      assert.deepStrictEqual(
        read.found.map(({ level, line, message, path, rule }) => [level, rule, message, path, line]),
        [
          ["error", "r0", "saw it", "src/a b.ts", 7],
          ["note", "r0", "b", null, null],
          ["warning", "r1", "c", null, 7],
          ["note", "r1", "d", null, null],
          ["warning", "r1", "not granted", null, null]
        ]
      )
      assert.strictEqual(read.suppressed, 1)
    })
  )

  it.effect("of a program that did not run to its end says so", () =>
    Effect.gen(function* () {
      const tool = { driver: { name: "x" } }
      const broken = { tool, results: [], invocations: [{ executionSuccessful: false }] }
      const told = {
        tool,
        results: [],
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: [{ level: "error", message: { text: "no memory" } }]
          }
        ]
      }
      const none = { tool, results: null }
      assert.deepStrictEqual((yield* problems(sarif(broken, told, none))).troubles, [
        "it says that it did not run to its end",
        "no memory",
        "a run has no results, as when it did not look"
      ])
    })
  )
})
