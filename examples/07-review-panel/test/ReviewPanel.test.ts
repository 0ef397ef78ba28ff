import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../main.ts", import.meta.url))

/** Runs the example in a process of its own, without any key of whoever runs the tests. */
const run = (...args: ReadonlyArray<string>) => {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:ANTHROPIC|OPENAI)_/.test(name)))
  const { status, stderr, stdout } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env })
  return { code: status, text: `${stdout}${stderr}` }
}

describe("07-review-panel", () => {
  it("comes to one report of three reviews of a real change", () => {
    const { code, text } = run()
    assert.strictEqual(code, 0, text)
    assert.include(text, "REHEARSED")
    assert.match(text, /# Changes are asked for/)
    assert.match(text, /\*\*critical\*\* src\/remind\.js:7: .*\(security, tests; /)
    assert.match(text, /overruled: .*src\/remind\.js:6: /)
  }, 60_000)

  it("reviews a repository or a patch of yours, and says what is wrong with one", () => {
    const folder = mkdtempSync(join(tmpdir(), "millwright-example-07-"))
    try {
      assert.strictEqual(run("--repo", folder).code, 2, "a folder that is no repository")
      const git = (...args: ReadonlyArray<string>) =>
        execFileSync("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
          encoding: "utf8"
        })
      git("init", "-q")
      git("commit", "-q", "--allow-empty", "-m", "one")
      writeFileSync(join(folder, "a.txt"), "a\n")
      git("add", "-A")
      git("commit", "-q", "-m", "two")
      const { code, text } = run("--repo", folder)
      assert.strictEqual(code, 0, text)
      assert.include(text, "# Approved")
      const patch = join(folder, "change.patch")
      writeFileSync(patch, git("diff", "HEAD~1", "HEAD"))
      assert.strictEqual(run("--diff", patch).code, 0)
      writeFileSync(patch, "")
      const empty = run("--diff", patch)
      assert.strictEqual(empty.code, 2, empty.text)
      assert.include(empty.text, "changes no file")
      assert.strictEqual(run("--diff", join(folder, "missing.patch")).code, 2)
      assert.strictEqual(run("--repo", folder, "--from", "v9").code, 2)
      const nowhere = run("--from", "HEAD~1")
      assert.strictEqual(nowhere.code, 2, "a revision of no repository is left out, and nobody hears of it")
      assert.include(nowhere.text, "Give --repo with it")
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }, 120_000)
})
