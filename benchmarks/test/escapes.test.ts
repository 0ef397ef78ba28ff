import { assert, describe, it } from "@effect/vitest"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Command from "../../scripts/Command.ts"
import * as Matrix from "../escapes/Matrix.ts"

const bench = (...args: ReadonlyArray<string>): Promise<Command.Ended> =>
  Command.run(process.execPath, [join(Command.root, "scripts", "bench.ts"), "escapes", "--json", ...args])

interface Report {
  readonly cases: ReadonlyArray<{
    readonly id: string
    readonly verdict: string
    readonly control: { readonly _tag: string }
    readonly outcome: { readonly _tag: string; readonly why?: string }
  }>
}

const idsOf = ({ cases }: Report, ...verdicts: ReadonlyArray<string>): ReadonlyArray<string> =>
  cases.filter(({ verdict }) => verdicts.includes(verdict)).map(({ id }) => id)

/** What CI has installed must be there; elsewhere a missing program is a reason to skip. */
const isRequired = (process.env["MILLWRIGHT_REQUIRES"] ?? "").split(" ").includes("bwrap")

describe("the matrix of escapes", () => {
  it("has each case once, with what it is good for", () => {
    const ids = Matrix.all.map(({ id }) => id)
    assert.strictEqual(new Set(ids).size, ids.length, "two cases have the same name")
    assert.isAtLeast(ids.length, 100)
    for (const { calls, check, command, id, why } of Matrix.all) {
      assert.isTrue(command !== undefined || calls !== undefined, `${id} attacks nothing`)
      assert.isTrue(why !== "" && check !== "", `${id} does not say what it is good for`)
    }
  })

  it("says of the worktree sandbox what does not hold, and proves it", { timeout: 120_000 }, async () => {
    const ids = "write-absolute,proc-own-environment,survivors-session,limits-memory"
    const { code, output, stdout } = await bench("--adapter", "worktree", "--case", ids)
    assert.strictEqual(code, 0, output)
    const report: Report = JSON.parse(stdout)
    assert.deepStrictEqual(idsOf(report, "Open"), ["write-absolute"])
    assert.deepStrictEqual(idsOf(report, "Held"), ["proc-own-environment", "survivors-session"])
    assert.deepStrictEqual(idsOf(report, "Unsupported"), ["limits-memory"])
  })

  it("ends with 1 when an adapter does not hold what it claims", { timeout: 120_000 }, async () => {
    const liar = join(import.meta.dirname, "fixtures", "liar.ts")
    const { code, output, stdout } = await bench("--adapter", liar, "--case", "write-absolute,write-link")
    assert.strictEqual(code, 1, output)
    assert.deepStrictEqual(idsOf(JSON.parse(stdout), "Escaped"), ["write-absolute", "write-link"])
  })

  it("bubblewrap holds every case of the level that it claims", { timeout: 420_000 }, async ({ skip }) => {
    if (!isRequired && !existsSync("/usr/bin/bwrap")) return skip("bwrap is not installed")
    const { code, output, stdout } = await bench("--adapter", "bubblewrap")
    if (!isRequired && code === 2) return skip(output)
    const report: Report = JSON.parse(stdout)
    assert.deepStrictEqual(idsOf(report, "Escaped", "Broken"), [], output.slice(-4_000))
    assert.strictEqual(code, 0)
    assert.strictEqual(report.cases.length, Matrix.all.length, "some cases were not tried")
    const without = report.cases.filter(({ verdict }) => verdict === "Skipped")
    assert.deepStrictEqual(without, [], "tools are missing inside")
    const proven = idsOf(report, "Held").length / report.cases.length
    assert.isAbove(proven, 0.7, "most attacks fail without a sandbox too, so that nothing is shown")
  })

  const bad: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
    [["--adapter", "nope"], /no adapter "nope"/],
    [["--category", "nope"], /--category knows no "nope".*git/],
    [["--case", "nope"], /--case knows no "nope"/]
  ]
  for (const [args, message] of bad) {
    it(`ends with 2 on: ${args.join(" ")}`, async () => {
      const { code, output } = await bench(...args)
      assert.strictEqual(code, 2, output)
      assert.match(output, message)
    })
  }
})
