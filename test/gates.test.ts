import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Barrel from "../scripts/Barrel.ts"
import { root } from "../scripts/Command.ts"
import { gate as barrels } from "../scripts/gates/barrels.ts"
import { gate as docs } from "../scripts/gates/docs.ts"
import { gate as format } from "../scripts/gates/format.ts"
import { gate as imports } from "../scripts/gates/imports.ts"
import { gate as lint } from "../scripts/gates/lint.ts"
import { gate as names } from "../scripts/gates/names.ts"
import * as Package from "../scripts/gates/package.ts"
import { gate as sizes } from "../scripts/gates/sizes.ts"
import { gate as suites } from "../scripts/gates/suites.ts"
import { gate as surface } from "../scripts/gates/surface.ts"
import { gate as types } from "../scripts/gates/typecheck.ts"
import * as PublicSurface from "../scripts/PublicSurface.ts"
import * as Planted from "./Planted.ts"

const config = (name: string): string => readFileSync(join(root, name), "utf8")
const long = (lines: number): string => Array.from({ length: lines }, (_, n) => `export const a${n} = ${n}`).join("\n")

describe("imports", () => {
  const all = [
    "@millwright/core",
    "@millwright/sandbox",
    "@millwright/context",
    "@millwright/agents",
    "@millwright/validators",
    "@millwright/governance",
    "openai"
  ]
  const look = (
    path: string,
    from: string,
    statement = `import * as X from "${from}"\nexport const x = X`
  ): Promise<string> => {
    const pack = path.split("/")[1] ?? ""
    return Planted.failures(imports, {
      [`packages/${pack}/package.json`]: Planted.manifest(pack, all),
      [path]: statement
    })
  }

  const wrong: ReadonlyArray<readonly [string, string, RegExp]> = [
    ["packages/core/src/A.ts", "effect", /root barrel of effect/],
    ["packages/core/src/A.ts", "./index.ts", /barrel/],
    ["packages/core/src/A.ts", "./B.js", /ends in \.ts/],
    ["packages/core/src/A.ts", "../../sandbox/src/Sandbox.ts", /leads out of the package/],
    ["packages/core/src/A.ts", "../test/Fixture.ts", /leads out of the package/],
    ["packages/core/src/A.ts", "@millwright/core/Journal", /relative path/],
    ["packages/core/src/A.ts", "@millwright/sandbox/Sandbox", /core may import no other package/],
    ["packages/sandbox/src/A.ts", "@millwright/context/Pack", /sandbox may import core/],
    ["packages/context/src/A.ts", "@millwright/sandbox/Sandbox", /context may import core/],
    ["packages/agents/src/A.ts", "@millwright/validators/Holdout", /agents may import core, context/],
    ["packages/agents/src/A.ts", "@millwright/sandbox/Sandbox", /agents may import core, context/],
    ["packages/validators/src/A.ts", "@millwright/context/Pack", /validators may import core, sandbox, agents/],
    ["packages/agents/src/A.ts", "@millwright/governance/Roster", /agents may import core, context/],
    ["packages/governance/src/A.ts", "@millwright/validators/Holdouts", /governance may import core, agents/],
    ["packages/core/src/A.ts", "./adapters/SqliteJournal.ts", /a floor above/],
    ["packages/sandbox/src/A.ts", "@millwright/core/adapters/SqliteJournal", /a floor above/],
    ["packages/core/src/A.ts", "./testing/JournalTest.ts", /testing\/, which is a floor above/],
    ["packages/core/src/A.ts", "./Line.ts", /a kernel, which is a floor above/],
    ["packages/core/src/adapters/A.ts", "../Line.ts", /a kernel, which is a floor above/],
    ["packages/core/src/adapters/A.ts", "./B.ts", /another adapter/],
    ["packages/agents/src/testing/A.ts", "../adapters/LoopHarness.ts", /a floor above/],
    ["packages/agents/src/testing/A.ts", "openai", /only adapters\/ may import it/],
    ["packages/core/src/A.ts", "openai", /only adapters\/ may import it/],
    ["packages/core/src/A.ts", "node:sqlite", /node:sqlite is/],
    ["packages/core/src/A.ts", "effect/ai/LanguageModel", /effect\/ai is tagged unstable/],
    ["packages/core/src/A.ts", "effect/workflow/Workflow", /effect\/workflow is tagged unstable/],
    ["packages/core/src/A.ts", "effect/cluster/Sharding", /effect\/cluster is tagged unstable/],
    ["packages/core/src/A.ts", "effect/sql/SqlClient", /effect\/sql is tagged unstable/],
    ["packages/core/src/adapters/A.ts", "left-pad", /left-pad is no dependency/]
  ]
  for (const [path, from, problem] of wrong) {
    it(`refuses ${from} in ${path}`, async () => {
      const found = await look(path, from)
      assert.match(found, problem, `the gate let ${from} pass in ${path}`)
      assert.include(found, `${path}:1 `, "the failure does not name file and line")
    })
  }

  it("sees every form of import", async () => {
    for (const statement of [
      `import type { X } from "effect"`,
      `import "effect"`,
      `export { X } from "effect"`,
      `export * from "effect"`,
      `export type X = import("effect").X`,
      `export const x = () => import("effect")`
    ]) {
      assert.match(await look("packages/core/src/A.ts", "", statement), /root barrel/, `not seen: ${statement}`)
    }
  })

  it("lets what the floors allow pass", async () => {
    for (const [path, from] of [
      ["packages/core/src/A.ts", "effect/Effect"],
      ["packages/core/src/A.ts", "node:path"],
      ["packages/core/src/Line.ts", "./Gate.ts"],
      ["packages/core/src/Sqlite.ts", "node:sqlite"],
      ["packages/core/src/adapters/A.ts", "openai"],
      ["packages/core/src/adapters/A.ts", "../Journal.ts"],
      ["packages/agents/src/A.ts", "@millwright/context/Pack"],
      ["packages/agents/src/testing/Rehearsal.ts", "../adapters/LoopHarness.ts"],
      ["packages/agents/src/testing/Rehearsal.ts", "openai"],
      ["packages/validators/src/A.ts", "@millwright/sandbox/Sandbox"]
    ] as const) {
      assert.strictEqual(await look(path, from), "", `${from} in ${path} was refused`)
    }
  })

  it("takes no import out of a comment or a string", async () => {
    const statement = `// import "effect"\n/* import "effect" */\nexport const text = 'import "effect"'`
    assert.strictEqual(await look("packages/core/src/A.ts", "", statement), "")
  })
})

describe("sizes", () => {
  it("refuses a file of 401 code lines and not one of 400", async () => {
    const small = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`packages/core/src/S${n}.ts`, long(10)]))
    assert.match(await Planted.failures(sizes, { ...small, "packages/core/src/Big.ts": long(401) }), /Big\.ts has 401/)
    assert.strictEqual(await Planted.failures(sizes, { ...small, "packages/core/src/Big.ts": long(400) }), "")
  })

  it("counts neither comments nor blank lines, and takes no string for a comment", async () => {
    const comments = `/*\n${"x\n".repeat(500)}*/\n${"// y\n\n".repeat(500)}export const a = "// no comment"\n`
    const report = await Planted.withFiles({ "packages/core/src/A.ts": comments }, (folder) => sizes.run(folder))
    assert.strictEqual(report.note, "1 files, p50 1, p90 1, max 1")
  })

  it("refuses a house of middling files", async () => {
    const files = Object.fromEntries([1, 2, 3].map((n) => [`packages/core/src/M${n}.ts`, long(91)]))
    assert.match(await Planted.failures(sizes, files), /p50 is 91/)
    const some = Object.fromEntries([1, 2, 3].map((n) => [`packages/core/src/M${n}.ts`, long(n === 3 ? 251 : 10)]))
    assert.match(await Planted.failures(sizes, some), /p90 is 251/)
  })
})

describe("names", () => {
  for (const path of [
    "packages/core/src/journal.ts",
    "packages/core/src/adapters/sqlite-journal.ts",
    "packages/core/src/Utils.ts",
    "packages/core/src/Types.ts",
    "packages/core/src/RunManager.ts",
    "scripts/helpers.ts",
    "benchmarks/common.ts"
  ]) {
    it(`refuses ${path}`, async () => {
      assert.include(await Planted.failures(names, { [path]: "" }), path)
    })
  }
  it("lets a noun pass", async () => {
    assert.strictEqual(
      await Planted.failures(names, { "packages/core/src/WorkItem.ts": "", "packages/core/src/index.ts": "" }),
      ""
    )
  })
})

describe("docs", () => {
  const look = (code: string): Promise<string> => Planted.failures(docs, { "packages/core/src/A.ts": code })
  it("refuses a name, a file and an empty block without words", async () => {
    assert.match(await look('/** A noun. */\nimport x from "x"\nexport const a = x\n'), /A\.ts:3 a has no doc block/)
    assert.match(
      await look('/** A noun. */\nimport x from "x"\n// no doc\nexport interface B { x: typeof x }\n'),
      /A\.ts:4 B/
    )
    assert.match(await look('/** A noun. */\nimport x from "x"\n/** */\nexport class C { x = x }\n'), /A\.ts:4 C/)
    assert.match(
      await look('import x from "x"\n/** Says. */\nexport const a = x\n'),
      /A\.ts:1 starts with no doc block/
    )
    assert.match(await look('/** A noun. */\nimport x from "x"\nconst a = x\nexport { a as b }\n'), /A\.ts:4 b/)
  })
  it("lets documented names pass", async () => {
    assert.strictEqual(
      await look(
        '/** A noun. */\nimport x from "x"\n/** Says. */\nconst a = x\nexport { a as b }\n/** Says. */\nexport type T = 1\n'
      ),
      ""
    )
  })
})

describe("suites", () => {
  const adapter = {
    "packages/core/src/adapters/SqliteJournal.ts": `import * as Journal from "../Journal.ts"\nexport const layer = Journal`
  }
  const test = (code: string): Planted.Files => ({ ...adapter, "packages/core/test/SqliteJournal.test.ts": code })
  const both = `import * as SqliteJournal from "../src/adapters/SqliteJournal.ts"\nimport * as JournalTest from "../src/testing/JournalTest.ts"\n`

  it("refuses an adapter that no test imports", async () => {
    assert.match(await Planted.failures(suites, adapter), /no test imports it/)
  })
  it("refuses a test without the suite, with it in a comment only, or with another port's", async () => {
    for (const code of [
      "",
      '// JournalTest.suite("x", SqliteJournal.layer)',
      'ForgeTest.suite("x", SqliteJournal.layer)'
    ]) {
      assert.match(await Planted.failures(suites, test(both + code)), /calls no suite of its port/, code)
    }
  })
  it("lets a test with the suite pass, by relative path and by package", async () => {
    const call = 'JournalTest.suite("sqlite", SqliteJournal.layer)'
    assert.strictEqual(await Planted.failures(suites, test(both + call)), "")
    const named = both.replace("../src/adapters/SqliteJournal.ts", "@millwright/core/adapters/SqliteJournal")
    assert.strictEqual(await Planted.failures(suites, test(named + call)), "")
  })
  it("asks of a program that a test runs it", async () => {
    const program = { "packages/core/src/adapters/SomeProgram.ts": "#!/usr/bin/env node\nexport const a = 1" }
    assert.match(await Planted.failures(suites, program), /no test runs it/)
    const test = { "packages/core/test/Some.test.ts": 'const path = "../src/adapters/SomeProgram.ts"' }
    assert.strictEqual(await Planted.failures(suites, { ...program, ...test }), "")
  })
})

describe("barrels", () => {
  const files = {
    "packages/core/package.json": Planted.manifest("core"),
    "packages/core/src/Journal.ts": "/**\n * The **journal**: what e.g.\n * happened. More.\n */\nexport const a = 1\n",
    "packages/core/src/adapters/SqliteJournal.ts": "/** Not in the barrel. */\nexport const a = 1\n"
  }
  it("refuses a missing and an old barrel, and lets the generated one pass", async () => {
    assert.match(await Planted.failures(barrels, files), /src\/index\.ts is not up to date/)
    const wanted = await Planted.withFiles(files, async (folder) => Barrel.wanted(folder))
    const written = Object.fromEntries(wanted.map(({ content, path }) => [path, content]))
    assert.strictEqual(await Planted.failures(barrels, { ...files, ...written }), "")
    const changed = { ...files, ...written, "packages/core/src/Forge.ts": "/** New. */\nexport const b = 1\n" }
    assert.match(await Planted.failures(barrels, changed), /packages\/core\/src\/index\.ts is not up to date/)
    const [barrel] = wanted
    assert.include(barrel?.content, 'export * as Journal from "./Journal.ts"')
    assert.notInclude(barrel?.content, "SqliteJournal")
  })

  it("leaves out what puts adapters together", async () => {
    const assembly = {
      "packages/agents/package.json": Planted.manifest("agents"),
      "packages/agents/src/testing/Rehearsal.ts": "/** All. */\n"
    }
    const wanted = await Planted.withFiles(assembly, async (folder) => Barrel.wanted(folder))
    assert.lengthOf(wanted, 2)
    for (const { content } of wanted) assert.notInclude(content, "Rehearsal")
  })
})

describe("surface", () => {
  const files = {
    "packages/core/package.json": Planted.manifest("core"),
    "packages/core/src/A.ts": "export const a = 1\nexport const b = 1\n"
  }
  const pin = (modules: PublicSurface.Surface["modules"]): Planted.Files => ({
    ...files,
    "packages/core/surface.json": PublicSurface.print({ namespaces: 1, modules })
  })
  it("refuses a missing pin, an added and a removed name", async () => {
    assert.match(await Planted.failures(surface, files), /surface\.json is not there/)
    assert.match(await Planted.failures(surface, pin({ A: ["a"] })), /\+ A\.b/)
    assert.match(await Planted.failures(surface, pin({ A: ["a", "b", "c"] })), /- A\.c/)
    assert.strictEqual(await Planted.failures(surface, pin({ A: ["a", "b"] })), "")
  })
  it("refuses more than 60 namespaces", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 61 }, (_, n) => [`packages/core/src/N${n}.ts`, "export const a = 1"])
    )
    assert.match(await Planted.failures(surface, { ...files, ...many }), /62 public namespaces, more than 60/)
  })
})

describe("lint", () => {
  const look = (code: Planted.Files): Promise<string> =>
    Planted.failures(lint, { ".oxlintrc.json": config(".oxlintrc.json"), ...code })
  const wrong: ReadonlyArray<readonly [string, string, string]> = [
    ["any", "export const a: any = 1\n", "no-explicit-any"],
    ["!", "export const a = (x: string | null) => x!.length\n", "no-non-null-assertion"],
    ["four parameters", "export const f = (a: 1, b: 1, c: 1, d: 1) => [a, b, c, d]\n", "max-params"],
    ["401 lines", long(401), "max-lines"],
    ["the root of effect", 'import { Effect } from "effect"\nexport const a = Effect\n', "no-restricted-imports"],
    ["a barrel", 'import * as X from "./index.ts"\nexport const a = X\n', "no-restricted-imports"],
    ["a package's root", 'import * as X from "@millwright/core"\nexport const a = X\n', "no-restricted-imports"],
    ["a default export", "export default 1\n", "no-default-export"],
    ["a value import of types", 'import { X } from "./X.ts"\nexport type Y = X\n', "consistent-type-imports"],
    ["console", "console.log(1)\n", "no-console"]
  ]
  for (const [what, code, rule] of wrong) {
    it(`refuses ${what}`, async () => {
      const found = await look({ "packages/core/src/A.ts": code })
      assert.include(found, rule)
      assert.match(found, /packages\/core\/src\/A\.ts:\d+/)
    })
  }
  it("refuses a cycle of values and lets one of types pass", async () => {
    const cycle = (word: string): Planted.Files => ({
      "packages/core/src/A.ts": 'import { b } from "./B.ts"\nexport const a = () => b\n',
      "packages/core/src/B.ts": `import ${word}{ a } from "./A.ts"\nexport const b = (): ${word === "" ? "unknown => a" : "typeof a | 1 => 1"}\n`
    })
    assert.include(await look(cycle("")), "no-cycle")
    assert.strictEqual(await look(cycle("type ")), "")
  })
  it("lets clean code pass", async () => {
    assert.strictEqual(await look({ "packages/core/src/A.ts": "/** Says. */\nexport const a = 1\n" }), "")
  })
})

describe("format", () => {
  it("refuses semicolons, single quotes, trailing commas and four blanks", async () => {
    const settings = { ".oxfmtrc.json": config(".oxfmtrc.json") }
    for (const code of [
      "export const a = 1;\n",
      "export const a = 'b'\n",
      "export const a = {\n  b: 1,\n}\n",
      "export const a = {\n    b: 1\n}\n"
    ]) {
      assert.include(await Planted.failures(format, { ...settings, "a.ts": code }), "a.ts is not formatted", code)
    }
    assert.strictEqual(await Planted.failures(format, { ...settings, "a.ts": 'export const a = { b: "c" }\n' }), "")
  })
})

describe("types", () => {
  const options = JSON.stringify({ compilerOptions: { strict: true, noEmit: true, types: [] } })
  it("refuses a type error in a package, with file and line", async () => {
    const files = { "packages/core/tsconfig.json": options, "packages/core/src/A.ts": "\nexport const a: string = 1\n" }
    assert.match(await Planted.failures(types, files), /A\.ts\(2,14\): error TS2322/)
    assert.strictEqual(
      await Planted.failures(types, { ...files, "packages/core/src/A.ts": "export const a = 1\n" }),
      ""
    )
  })
  it("refuses an example that nobody checks", async () => {
    assert.match(await Planted.failures(types, { "examples/09-x/main.ts": "" }), /examples\/09-x .* no tsconfig\.json/)
  })
})

describe("package", () => {
  const exported = {
    name: "x",
    version: "1.0.0",
    type: "module",
    exports: { ".": { types: "./dist/a.d.ts", default: "./dist/a.js" } }
  }
  const files = {
    "package.json": JSON.stringify(exported),
    "dist/a.js": "export const a = 1\n",
    "dist/a.d.ts": "export declare const a = 1\n"
  }
  const look = (planted: Planted.Files): Promise<string> =>
    Planted.withFiles(planted, async (folder) =>
      [...Package.missingTargets(folder, "x"), ...(await Package.lint(folder, "x"))].join("\n")
    )

  it("refuses exports that lead nowhere", async () => {
    const { "dist/a.js": _, ...rest } = files
    assert.match(await look(rest), /exports\["\."\] leads to \.\/dist\/a\.js, which is not there/)
    assert.strictEqual(await look(files), "")
  })
  it("refuses what publint refuses", async () => {
    assert.match(await look({ ...files, "dist/a.js": "module.exports = 1\n" }), /CJS/)
  })
})
