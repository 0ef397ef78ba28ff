import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fencesOf } from "../../../scripts/gates/fences.ts"

const guide = new URL("../../../docs/guides/roles.md", import.meta.url)
const text = readFileSync(guide, "utf8")
const programs = text
  .split(/^## /m)
  .slice(1)
  .map((section) => ({ role: section.slice(0, section.indexOf("\n")), fences: fencesOf("roles.md", section) }))

/** What the comment at the end of a line says that it prints. */
const printed = (code: string) => [...code.matchAll(/console\.log\(.*\) \/\/ (.+)$/gm)].map(([, said]) => said)

describe.each(programs)("the program of $role", ({ fences, role }) => {
  it("has at most 20 lines of code, runs as it stands, and prints what it says", () => {
    const [fence] = fences.filter(({ isRun }) => isRun)
    assert.isDefined(fence, `the section ${role} of the guide has no program that is run`)
    const code = fence?.code ?? ""
    const lines = code.split("\n").filter((line) => line.trim() !== "")
    assert.isAtMost(lines.length, 20, `the program of ${role} has ${lines.length} lines`)
    const folder = new URL("..", import.meta.url).pathname
    const ended = spawnSync(process.execPath, ["--no-warnings", "--input-type=module-typescript", "--eval", code], {
      cwd: folder,
      encoding: "utf8",
      timeout: 60_000,
      env: { PATH: process.env["PATH"] }
    })
    assert.strictEqual(ended.status, 0, ended.stderr)
    assert.isNotEmpty(printed(code), "the program prints nothing that it promises")
    assert.deepStrictEqual(ended.stdout.trim().split("\n"), printed(code))
  }, 90_000)
})

describe("the guide of the roles", () => {
  it("has the roles in order", () => {
    const names = programs.map(({ role }) => role)
    assert.deepStrictEqual(names, names.toSorted())
  })
})
