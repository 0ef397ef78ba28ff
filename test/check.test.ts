import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Command from "../scripts/Command.ts"
import * as Source from "../scripts/Source.ts"

const check = (...args: ReadonlyArray<string>): Promise<Command.Ended> =>
  Command.run(process.execPath, [join(Command.root, "scripts", "check.ts"), ...args])

describe("pnpm check", () => {
  it("runs one gate and says how it went", async () => {
    const { code, stdout } = await check("--only", "names")
    assert.match(stdout, /^names +(ok|failed \(\d+\)) +\d+\.\d s/)
    assert.strictEqual(code, stdout.startsWith("names     ok") ? 0 : 1, stdout)
  })

  it("ends with 2 on an unknown gate or option, and lists the gates", async () => {
    const unknown = await check("--only", "nope")
    assert.strictEqual(unknown.code, 2)
    assert.match(unknown.output, /There is no gate "nope"\. The gates: .*imports/)
    assert.strictEqual((await check("--nope")).code, 2)
  })

  it("runs every gate that is written", async () => {
    const { stdout } = await check("--help")
    for (const path of Source.find(Command.root, "scripts/gates/[a-z]*.ts")) {
      const name = /name: "(\w+)"|Gate\.make\(\s*"(\w+)"/.exec(readFileSync(join(Command.root, path), "utf8"))
      assert.include(stdout, `  ${name?.[1] ?? name?.[2]} `, `${path} is a gate that pnpm check does not run`)
    }
  })
})
