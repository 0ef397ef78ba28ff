import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../main.ts", import.meta.url))
const hasKeygen = spawnSync("ssh-keygen", ["-?"]).error === undefined

/** Runs the example as a person does, with its temporary folders in a folder of ours. */
const run = (folder: string, ...args: ReadonlyArray<string>) => {
  const env = { ...process.env, TMPDIR: folder, TMP: folder, TEMP: folder }
  const { status, stderr, stdout } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env })
  return { code: status, text: `${stdout}${stderr}` }
}

const within = (test: (folder: string) => void) => () => {
  const folder = mkdtempSync(join(tmpdir(), "millwright-example-09-test-"))
  try {
    test(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe("09-who-decided", () => {
  it.skipIf(!hasKeygen)(
    hasKeygen
      ? "says who decided what in a week, and writes what it came to"
      : "says who decided what (ssh-keygen is missing: install openssh-client)",
    within((folder) => {
      const out = join(folder, "reports")
      const { code, text } = run(folder, "--out", out)
      assert.strictEqual(code, 0, text)
      assert.match(text, /#1 readme +shipped +zero-touch +AutoShip +\w{7} says: agent implementer-1 +nobody/)
      assert.match(text, /#8 deploy +dropped +unknown +HardStop +\w{7} says: ada; UnknownKey/, "a forged commit passed")
      assert.match(text, /\w{7} signed by ada/, "no signature of a human was verified")
      assert.match(text, /ada: takeover, took 2 h, active 85 min/)
      assert.match(text, /interventions: the same from the journal and from a fresh clone/)
      assert.match(text, /In doubt +git:\w{7} of #8: .*which nobody in the roster has/)
      assert.match(text, /Defect +in #2, made with implement@\w+ by played\/played-1/)
      assert.match(text, /Attested +\w{7} of #4, with 3 interventions; verified offline/)
      const names = ["attestation.json", "attestation.pub", "forge.json", "metrics.html", "metrics.json", "metrics.md"]
      assert.deepStrictEqual(readdirSync(out).sort(), names, "it wrote something else")
      const html = readFileSync(join(out, "metrics.html"), "utf8")
      assert.notMatch(html, /<script|https?:\/\/(?!www\.w3\.org)/i, "the report asks for something from elsewhere")
      const { metrics } = JSON.parse(readFileSync(join(out, "metrics.json"), "utf8"))
      assert.strictEqual(metrics.figures.fullyAutomated.numerator, 1, "the JSON tells something else")
      assert.include(readFileSync(join(out, "metrics.md"), "utf8"), "| fully automated | 16.7 % | 1 of 6 |")
      assert.deepStrictEqual(readdirSync(folder), ["reports"], "it left something behind")
    }),
    180_000
  )

  it.skipIf(!hasKeygen)(
    "says which report it can not write",
    within((folder) => {
      mkdirSync(join(folder, "reports", "forge.json"), { recursive: true })
      const { code, text } = run(folder, "--out", join(folder, "reports"))
      assert.strictEqual(code, 2, text)
      assert.match(text, /The report \S+forge\.json can not be written .*--out/, "it does not say what is in the way")
      assert.deepStrictEqual(readdirSync(folder), ["reports"], "it left something behind")
    }),
    180_000
  )

  it(
    "says what is wrong with what it is asked, and makes nothing",
    within((folder) => {
      const file = join(folder, "file")
      writeFileSync(file, "")
      const refused = run(folder, "--out", join(file, "reports"))
      assert.strictEqual(refused.code, 2, refused.text)
      assert.include(refused.text, "can not be made a folder", "it does not say what is wrong")
      const out = join(folder, "reports")
      assert.strictEqual(run(folder, "--out", out, "--no-such-flag").code, 2)
      assert.isFalse(existsSync(out), "it began before it had read what it is asked")
      assert.include(run(folder, "--help").text, "--out", "help does not say what there is")
    }),
    60_000
  )
})
