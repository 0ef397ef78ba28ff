import { assert, describe, it } from "@effect/vitest"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Rehearsal from "../rehearsal.ts"

const main = fileURLToPath(new URL("../main.ts", import.meta.url))

/** Runs the example in a process of its own, with no key of whoever runs the tests. */
const run = (args: ReadonlyArray<string>, keys: Readonly<Record<string, string>> = {}) =>
  Effect.callback<{ readonly code: number; readonly text: string }>((resume) => {
    const own = Object.entries(process.env).filter(([name]) => !/^(?:ANTHROPIC|OPENAI)_/.test(name))
    const env = { ...Object.fromEntries(own), ...keys }
    const child = execFile(process.execPath, [main, ...args], { env, timeout: 50_000 }, (_, stdout, stderr) =>
      resume(Effect.succeed({ code: child.exitCode ?? -1, text: `${stdout}${stderr}` }))
    )
    return Effect.sync(() => void child.kill())
  })

const chosen = (text: string) =>
  [...text.matchAll(/^ {2}(\w+) +→ (\S+)/gm)].map(([, report, candidate]) => `${report} ${candidate}`)

describe("05-router", () => {
  it.live("gives each report its model: one is asked for, one is pinned, and one provider goes down", () =>
    Effect.gen(function* () {
      const { code, text } = yield* run([])
      assert.strictEqual(code, 0, text)
      assert.include(text, "REHEARSED")
      assert.deepStrictEqual(chosen(text), [
        "typo anthropic/claude-haiku-4-5",
        "colour anthropic/claude-opus-5-5",
        "flaky anthropic/claude-haiku-4-5",
        "flaky anthropic/claude-sonnet-5-5",
        "race anthropic/claude-sonnet-5-5",
        "leak anthropic/claude-sonnet-5-5",
        "leak openai/gpt-5.4",
        "link openai/gpt-5.4"
      ])
      assert.include(text, "Requested of anthropic/claude-haiku-4-5")
      assert.include(text, "anthropic is down, instead of anthropic/claude-sonnet-5-5")
      assert.match(text, /together +7 .*\$0\.0\d+/)
      assert.match(text, /\$0\.0\d+ had anthropic\/claude-opus-5-5 answered all of it/)
    })
  )

  it.live("takes one model for everything, and says what is wrong with a name", () =>
    Effect.gen(function* () {
      const { code, text } = yield* run([], { MILLWRIGHT_PIN: "anthropic/claude-sonnet-5-5" })
      assert.strictEqual(code, 0, text)
      assert.deepStrictEqual(
        [...new Set(chosen(text).map((line) => line.split(" ")[1]))].sort(),
        ["anthropic/claude-opus-5-5", "anthropic/claude-sonnet-5-5"],
        "Only the report that is pinned itself has another one"
      )
      const unknown = yield* run(["--pin", "anthropic/claude"])
      assert.strictEqual(unknown.code, 2, unknown.text)
      assert.include(unknown.text, "anthropic/claude is no candidate")
      const wrong = yield* run(["--threshold", "7"])
      assert.strictEqual(wrong.code, 2, wrong.text)
      assert.include(wrong.text, "Take one from 0 to 1")
    })
  )

  it.live("works with the providers that there are keys for", () =>
    Effect.gen(function* () {
      const twin = yield* ProviderTwin.make({ script: Rehearsal.script })
      const anthropic = { ANTHROPIC_API_KEY: "twin-key-0123456789", ANTHROPIC_BASE_URL: twin.anthropicUrl }
      const openai = { OPENAI_API_KEY: "twin-key-0123456789", OPENAI_BASE_URL: twin.openAiUrl }
      const both = yield* run([], { ...anthropic, ...openai })
      assert.strictEqual(both.code, 0, both.text)
      assert.notInclude(both.text, "REHEARSED")
      assert.notInclude(both.text, "is down")
      const one = yield* run([], openai)
      assert.strictEqual(one.code, 0, one.text)
      assert.deepStrictEqual([...new Set(chosen(one.text).map((line) => line.split(" ")[1]))], ["openai/gpt-5.4"])
    })
  )
})
