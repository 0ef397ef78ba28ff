/** Types, lint and architecture, by the real programs. */
import { assert, describe } from "@effect/vitest"
import * as Contract from "@millwright/core/Contract"
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import * as ProblemsRule from "../src/ProblemsRule.ts"
import type * as Rule from "../src/Rule.ts"
import * as Scrutiny from "../src/Scrutiny.ts"
import * as ScrutinyLab from "./ScrutinyLab.ts"

const { test } = ScrutinyLab
const contract = Contract.freeze("item", [{ statement: "it holds" }])
const own = (name: string) => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url))
const house = (name: string) => fileURLToPath(new URL(`../../../node_modules/.bin/${name}`, import.meta.url))

const judge = Effect.fnUntraced(function* (
  rule: Rule.Rule,
  { before, after }: { readonly before: ScrutinyLab.Files; readonly after: ScrutinyLab.Files }
) {
  const lab = yield* ScrutinyLab.make(before)
  const change = lab.change(after)
  const verdict = yield* Scrutiny.make({ repository: lab.repository, rules: [rule] }).judge({ contract, change })
  return verdict.findings.find(({ assertion }) => assertion === rule.id) ?? assert.fail("no finding")
})

const shown = ({ problems = [], status }: Verdict.Finding) => [
  status,
  ...problems.map(({ line, path, rule }) => `${rule} ${path}:${line}`)
]

const tsconfig = JSON.stringify({
  compilerOptions: { strict: true, noEmit: true, types: [], target: "es2024" },
  include: ["src"]
})
const types = { run: `${house("tsc")} -p . --pretty false`, report: "output", format: "typescript" } as const
const lint = { run: `${house("oxlint")} --format=json -D no-debugger src`, report: "output" } as const

describe("types and lint", () => {
  test(
    "hold, or do not, at their places",
    Effect.gen(function* () {
      const before = { "tsconfig.json": tsconfig, "src/a.ts": "export const a: number = 1\n" }
      const good = yield* judge(ProblemsRule.types(types), { before, after: { "src/b.ts": "export const b = 1\n" } })
      assert.deepStrictEqual(shown(good), ["pass"], good.reason)
      const bad = yield* judge(ProblemsRule.types(types), {
        before,
        after: { "src/b.ts": "\nexport const b: string = 1\n" }
      })
      assert.deepStrictEqual(shown(bad), ["fail", "TS2322 src/b.ts:2"], bad.reason)
      const none = yield* judge(ProblemsRule.types(types), { before, after: { "tsconfig.json": "{" } })
      assert.strictEqual(none.status, "fail", none.reason)
    })
  )

  test(
    "with the base, only what the change adds counts: not what was there, moved or renamed",
    Effect.gen(function* () {
      const old = "export const a = () => {\n  debugger\n}\n"
      const before = {
        "src/a.ts": old,
        "src/b.ts": `${old}// the rest of the file, so that it is known again\n`,
        "src/.keep": ""
      }
      const after = { "src/a.ts": `// moved\n\n${old}`, "src/b.ts": null, "src/c.ts": `${before["src/b.ts"]}` }
      const rule = ProblemsRule.lint({ ...lint, compare: true })
      const same = yield* judge(rule, { before, after })
      assert.deepStrictEqual(shown(same), ["pass"], same.reason)
      const more = yield* judge(rule, { before, after: { ...after, "src/d.ts": old } })
      assert.deepStrictEqual(shown(more), ["fail", "eslint(no-debugger) src/d.ts:2"], more.reason)
      const all = yield* judge(ProblemsRule.lint(lint), { before, after })
      assert.strictEqual(all.status, "fail", all.reason)
    })
  )

  for (const [what, options, said] of [
    ["is not there", { run: "no-such-linter" }, /not there/],
    ["writes no report", { run: "true" }, /no format/],
    ["breaks without a report", { run: "echo '[]'; exit 2", format: "eslint" }, /exited with 2, and reported nothing/],
    ["looks at nothing", { run: `echo '{"diagnostics":[],"number_of_files":0}'` }, /did not look at everything/],
    ["hangs", { run: "sleep 86400", timeout: "300 millis" }, /did not end/]
  ] as const) {
    test(
      `a program that ${what} is an error`,
      Effect.gen(function* () {
        const finding = yield* judge(ProblemsRule.lint({ report: "output", ...options }), {
          before: { a: "" },
          after: { b: "" }
        })
        assert.strictEqual(finding.status, "error", finding.reason)
        assert.match(finding.reason, said)
      })
    )
  }

  test(
    "warnings fail where they shall, and notes never do",
    Effect.gen(function* () {
      const [one, two] = ["warning", "note"].map((level) =>
        JSON.stringify({ runs: [{ tool: { driver: {} }, results: [{ ruleId: "r", level, message: { text: "m" } }] }] })
      )
      const with_ = (text: string | undefined, fails: "error" | "warning") =>
        Effect.map(
          judge(ProblemsRule.lint({ run: `cat <<'X'\n${text}\nX`, report: "output", fails }), {
            before: { a: "" },
            after: { b: "" }
          }),
          ({ status }) => status
        )
      assert.deepStrictEqual(
        [yield* with_(one, "error"), yield* with_(one, "warning"), yield* with_(two, "warning")],
        ["pass", "fail", "pass"]
      )
    })
  )
})

describe("the architecture", () => {
  const config = `module.exports = { forbidden: [
    { name: "no-db-from-ui", severity: "error", from: { path: "^src/ui" }, to: { path: "^src/db" } },
    { name: "no-circular", severity: "warn", from: {}, to: { circular: true } }
  ] }\n`
  const before = {
    "package.json": JSON.stringify({ name: "arch", type: "module", main: "src/index.js" }),
    ".dependency-cruiser.cjs": config,
    "src/index.js": `import { a } from "./ui/a.js"\nconsole.log(a)\n`,
    "src/ui/a.js": `import { d } from "../db/d.js"\nexport const a = d\n`,
    "src/db/d.js": `export const d = 1\n`
  }
  const after = {
    "src/index.js": `import { a } from "./ui/a.js"\nimport { b } from "./ui/b.js"\nconsole.log(a, b)\n`,
    "src/ui/b.js": `import { d } from "../db/d.js"\nexport const b = d\nexport const unused = 1\n`
  }

  test(
    "by dependency-cruiser: what the change adds, with the program's own severities",
    Effect.gen(function* () {
      const options = { run: `${own("depcruise")} --output-type json src`, report: "output" } as const
      const all = yield* judge(ProblemsRule.architecture(options), { before, after })
      assert.deepStrictEqual(
        shown(all),
        ["fail", "no-db-from-ui src/ui/a.js:null", "no-db-from-ui src/ui/b.js:null"],
        all.reason
      )
      const added = yield* judge(ProblemsRule.architecture({ ...options, compare: true }), { before, after })
      assert.deepStrictEqual(shown(added), ["fail", "no-db-from-ui src/ui/b.js:null"], added.reason)
      const cycle = {
        "src/db/d.js": `import { e } from "./e.js"\nexport const d = e\n`,
        "src/db/e.js": `import "./d.js"\nexport const e = 1\n`
      }
      const warned = yield* judge(ProblemsRule.architecture({ ...options, compare: true }), { before, after: cycle })
      assert.deepStrictEqual(shown(warned), ["pass"], "a warning is none of the program's errors")
      assert.match(warned.reason, /adds \d warning/)
    })
  )

  test(
    "by knip: what nothing uses, and was used or not there before",
    Effect.gen(function* () {
      const options = { run: `${own("knip")} --reporter json --no-progress`, report: "output", compare: true } as const
      const finding = yield* judge(ProblemsRule.architecture(options), { before, after })
      assert.deepStrictEqual(shown(finding), ["fail", "exports src/ui/b.js:3"], finding.reason)
    })
  )
})
