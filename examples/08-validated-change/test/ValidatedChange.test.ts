import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../main.ts", import.meta.url))

/** Runs the example in a process of its own, with a state folder of its own. */
const run = (folder: string, ...args: ReadonlyArray<string>) => {
  const env = { ...process.env, XDG_STATE_HOME: join(folder, "state") }
  const { status, stderr, stdout } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env })
  return { code: status, text: `${stdout}${stderr}` }
}

const within = (test: (folder: string) => void) => () => {
  const folder = mkdtempSync(join(tmpdir(), "millwright-example-08-test-"))
  try {
    test(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe("08-validated-change", () => {
  it(
    "accepts the honest change, refuses the cheating one, and writes a report of each",
    within((folder) => {
      const out = join(folder, "reports")
      const { code, text } = run(folder, "--out", out)
      assert.strictEqual(code, 0, text)
      assert.match(text, /The honest change:[\s\S]*→ accepted[\s\S]*The cheating change:[\s\S]*→ not accepted/)
      assert.match(text, /fail +RULE-BREAK-FIX/, "a test that can not fail was not found")
      const report = readFileSync(join(out, "cheating.html"), "utf8")
      assert.notMatch(report, /<script/i, "a report needs no script")
      if (text.includes("No browser is installed")) {
        const required = (process.env["MILLWRIGHT_REQUIRES"] ?? "").split(" ")
        assert.notInclude(required, "chromium", "a browser was installed, and was not found")
      } else {
        assert.match(text, /fail +VAL-PAGE-001 +Expected that the text of the status “Total” is “270.00”/)
        assert.include(report, "data:image/png;base64,", "the report shows no picture of the page")
      }
      assert.include(readFileSync(join(out, "honest.md"), "utf8"), "VAL-PRICE-001")
    }),
    180_000
  )

  it(
    "says what is wrong with what it is asked, and makes nothing",
    within((folder) => {
      const out = join(folder, "reports")
      const { code, text } = run(folder, "--out", out, "--change", "another")
      assert.strictEqual(code, 2, text)
      assert.isFalse(existsSync(out), "it began before it had read what it is asked")
    }),
    60_000
  )
})
