import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import * as Notes from "../notes.ts"

const main = fileURLToPath(new URL("../main.ts", import.meta.url))

/** Runs the example in a process of its own, without any key of whoever runs the tests. */
const run = (...args: ReadonlyArray<string>) => {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:ANTHROPIC|OPENAI)_/.test(name)))
  const { status, stderr, stdout } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env })
  return { code: status, text: `${stdout}${stderr}` }
}

const commit = (id: string) => ({ id: id.repeat(40), author: { name: "a", email: "a" }, at: 0, subject: "s" })
const written = (text: string, ...commits: readonly [number, ...ReadonlyArray<number>]) =>
  ({ _tag: "Written", breaking: false, notes: [{ kind: "fixed", text, commits }] }) as const

describe("02-your-own-role", () => {
  it("writes notes from the real log and difference, rehearsed when there is no key", () => {
    const { code, text } = run()
    assert.strictEqual(code, 0, text)
    assert.include(text, "REHEARSED")
    assert.include(text, "4 commits")
    assert.match(text, /- \*\*changed\*\*: The option `--ms` is called `--milliseconds` now.*\([0-9a-f]{10}\)/)
    assert.match(text, /- \*\*fixed\*\*: .*\([0-9a-f]{10}, [0-9a-f]{10}\)/)
  }, 60_000)

  it("reads a repository of yours, and says what is wrong with one", () => {
    const folder = mkdtempSync(join(tmpdir(), "millwright-example-02-"))
    try {
      const git = (...args: ReadonlyArray<string>) =>
        execFileSync("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.org", ...args])
      assert.strictEqual(run("--repo", folder).code, 2, "a folder that is no repository")
      git("init", "-q")
      git("commit", "-q", "--allow-empty", "-m", "one")
      git("commit", "-q", "--allow-empty", "-m", "two")
      const { code, text } = run("--repo", folder)
      assert.strictEqual(code, 0, text)
      assert.include(text, "1 commits")
      assert.include(text, "Nothing to tell: This is a rehearsal")
      const unknown = run("--repo", folder, "--from", "v9")
      assert.strictEqual(unknown.code, 2, unknown.text)
      assert.include(unknown.text, "v9")
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }, 60_000)

  it.effect("refuses a note about a commit that is not there", () =>
    Effect.gen(function* () {
      yield* Notes.verify(written("right", 1), [commit("a")])
      for (const number of [0, 2, -1]) {
        const error = yield* Effect.flip(Notes.verify(written("wrong", 1, number), [commit("a")]))
        assert.strictEqual(error.reason, "UnknownCommit", `commit ${number}`)
      }
    })
  )

  it("writes a note in one line, whatever the model put into it", () => {
    const text = Notes.markdown(written("a\n# b \u001b[2J\u202e c", 1), [commit("a")])
    assert.strictEqual(text, `# Release notes\n\n- **fixed**: a # b c (${"a".repeat(10)})`)
  })
})
