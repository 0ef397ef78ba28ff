import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Agents from "../agents.ts"

const main = fileURLToPath(new URL("../main.ts", import.meta.url))

/** Runs the example in a process of its own, with no key of whoever runs the tests. */
const run = (args: ReadonlyArray<string>) =>
  Effect.callback<{ readonly code: number; readonly text: string }>((resume) => {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:ANTHROPIC|OPENAI)_/.test(name)))
    const child = execFile(process.execPath, [main, ...args], { env, timeout: 170_000 }, (_, stdout, stderr) =>
      resume(Effect.succeed({ code: child.exitCode ?? -1, text: `${stdout}${stderr}` }))
    )
    return Effect.sync(() => void child.kill())
  })

/** Those whose programs have to be there. */
const required = (process.env["MILLWRIGHT_REQUIRES"] ?? "")
  .split(" ")
  .flatMap((program) => ({ claude: "claude-code", codex: "codex", pi: "pi", acp: "acp-claude" })[program] ?? [])

/** The rows of the table, by the name of the agent: its outcome and its turns. */
const rows = (text: string) =>
  new Map([...text.matchAll(/^([\w-]+) +(Mended|NotInstalled) +(\d+) /gm)].map(([, name, ...rest]) => [name, rest]))

describe("06-any-agent", () => {
  it.live(
    "has every agent that is there end in the same outcome, and says of each other one that it is not installed",
    () =>
      Effect.gen(function* () {
        const { code, text } = yield* run([])
        assert.strictEqual(code, 0, text)
        assert.include(text, "REHEARSED")
        const found = rows(text)
        const missing = [...found.values()].filter(([outcome]) => outcome === "NotInstalled").length
        assert.match(text, new RegExp(`; ${missing} missing\\.\\n$`), "the last line does not say how many")
        assert.deepStrictEqual([...found.keys()], Agents.names, text)
        for (const [name, [outcome, turns]] of found) {
          if (outcome === "NotInstalled") assert.match(text, new RegExp(`^${name}: .*not installed.* Install `, "m"))
          else assert.isAtLeast(Number(turns), 1, `${name} took no turn`)
        }
        for (const name of ["loop-anthropic", "loop-openai", ...required]) {
          assert.strictEqual(found.get(name)?.[0], "Mended", text)
        }
      }),
    180_000
  )

  it.live("lets one agent do it, and says which there are", () =>
    Effect.gen(function* () {
      const one = yield* run(["--only", "loop-openai"])
      assert.strictEqual(one.code, 0, one.text)
      assert.deepStrictEqual([...rows(one.text).keys()], ["loop-openai"])
      const nobody = yield* run(["--only", "somebody"])
      assert.strictEqual(nobody.code, 2, nobody.text)
      assert.include(nobody.text, "claude-code")
    })
  )
})
