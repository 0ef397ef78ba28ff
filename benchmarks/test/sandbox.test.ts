import { assert, describe, it } from "@effect/vitest"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Command from "../../scripts/Command.ts"
import type * as Bench from "../Bench.ts"

const bench = (...args: ReadonlyArray<string>): Promise<Command.Ended> =>
  Command.run(process.execPath, [join(Command.root, "scripts", "bench.ts"), "sandbox", ...args])

const isRequired = (process.env["MILLWRIGHT_REQUIRES"] ?? "").split(" ").includes("bwrap")

interface Report {
  readonly figures: ReadonlyArray<Bench.Figure>
}

describe("pnpm bench sandbox", () => {
  it("opens, counts what stays, and says how output came", { timeout: 180_000 }, async ({ skip }) => {
    if (!isRequired && !existsSync("/usr/bin/bwrap")) return skip("bwrap is not installed")
    const few = ["--runs", "1", "--files", "60", "--sandboxes", "3", "--only", "opening,many,output"]
    const { code, output, stdout } = await bench("--json", ...few)
    assert.strictEqual(code, 0, output)
    const { figures }: Report = JSON.parse(stdout)
    const find = (part: string): Bench.Figure => {
      const found = figures.find(({ name }) => name.includes(part))
      assert.isDefined(found, `there is no figure "${part}" in ${stdout}`)
      return found as Bench.Figure // asserted above
    }
    for (const name of ["first of a repository", "first of a commit", "later ones", "git worktree add", "3 at once"]) {
      assert.isAbove(find(name).value, 0, name)
    }
    for (const what of ["mounts", "processes", "folders", "branches"]) {
      assert.strictEqual(find(`left behind by 3 of them: ${what}`).value, 0, what)
    }
    assert.isAbove(find("output: bubblewrap").value, 0)
  })

  it("ends with 2 on a measure that there is not", async () => {
    const { code, output } = await bench("--only", "speed")
    assert.strictEqual(code, 2, output)
    assert.match(output, /--only knows no "speed".*exec,opening,many,output/)
  })
})
