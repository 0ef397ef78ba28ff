import { assert, describe, it } from "@effect/vitest"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { existsSync, readFileSync, symlinkSync } from "node:fs"
import * as Harness from "../src/Harness.ts"
import * as Hook from "../src/Hook.ts"
import * as Plugin from "../src/Plugin.ts"
import * as ScriptedHarness from "../src/testing/ScriptedHarness.ts"
import * as Lab from "./PluginLab.ts"
import { workspace } from "./ToolsWorkplace.ts"

const test = (title: string, body: Effect.Effect<void, unknown, Scope.Scope | Harness.Workplace>) =>
  it.live(title, () => body.pipe(Effect.scoped, Effect.provide(Lab.Services)))

const done: ScriptedHarness.Turn = { outcome: { _tag: "Done", note: "ok" } }
const bash = (script: string): ScriptedHarness.Call => ({ tool: "bash", arguments: { script } })
const write = (path: string): ScriptedHarness.Call => ({ tool: "write", arguments: { path, content: "new\n" } })

/** Runs the role of the plugin in a workspace, while its agent makes these calls. */
const run = Effect.fnUntraced(function* (
  calls: ReadonlyArray<ScriptedHarness.Call>,
  changes: Parameters<typeof Lab.plugin>[0] = {}
) {
  const project = yield* Lab.project
  const place = yield* Lab.plugin(changes)
  const inspection = yield* Plugin.inspect(place)
  yield* Plugin.accept(inspection, project)
  const [plugin] = yield* Plugin.load([place], project)
  const role = plugin?.roles[0]
  if (plugin === undefined || role === undefined) return assert.fail("it was not loaded")
  yield* workspace({ "docs/a.md": "a\n", "src/main.ts": "main\n" })
  symlinkSync("../src", "docs/linked")
  const { journal } = yield* MemoryJournal.make
  const made = yield* Effect.provideService(
    ScriptedHarness.make(() => [...(calls.length > 0 ? [{ calls }] : []), done]),
    Journal.Journal,
    journal
  )
  const result = yield* role
    .run({ what: "the door" })
    .pipe(
      Hook.around(...plugin.hooks),
      Effect.provideService(Harness.Harness, made.harness),
      Effect.provideService(Journal.Journal, journal),
      Effect.result
    )
  const events = yield* Stream.runCollect(journal.read())
  return { result, inspection, requests: yield* made.requests, facts: events.map(({ fact }) => fact) }
})

const failure = (
  result: Result.Result<unknown, { readonly _tag: string; readonly reason: string; readonly message: string }>
) => (Result.isFailure(result) ? result.failure : assert.fail("it came to an outcome"))

describe("a role of a plugin", () => {
  test(
    "works within its surface, with the hooks of its plugin, and its start says where it comes from",
    Effect.gen(function* () {
      const { facts, inspection, requests, result } = yield* run([write("docs/a.md"), bash("echo b > docs/b.md")])
      assert.isTrue(Result.isSuccess(result), String(result))
      assert.strictEqual(readFileSync("docs/a.md", "utf8"), "new\n")
      assert.strictEqual(readFileSync("docs/b.md", "utf8"), "b\n")
      assert.match(requests[0]?.prompt ?? "", /Be polite\.$/)
      const started = facts.find((fact) => fact._tag === "RoleStarted")
      const plugin = { name: "acme", version: "1.2.0", digest: inspection.digest }
      assert.deepStrictEqual(started?._tag === "RoleStarted" && started.plugin, plugin)
      assert.deepStrictEqual(
        facts.flatMap((fact) => (fact._tag === "HookActed" ? [fact.hook] : [])),
        ["acme/polite"]
      )
    })
  )

  const outside = (title: string, calls: ReadonlyArray<ScriptedHarness.Call>, named: string) =>
    test(
      `does not get out of it ${title}`,
      Effect.gen(function* () {
        const { result } = yield* run(calls)
        const error = failure(result)
        assert.deepStrictEqual([error._tag, error.reason], ["SurfaceError", "Outside"])
        assert.include(error.message, "the plugin acme")
        assert.include(error.message, named)
        assert.strictEqual(readFileSync("src/main.ts", "utf8"), "main\n")
        assert.isFalse(existsSync("src/new.ts"))
      })
    )
  outside("by a command", [bash("echo x > src/new.ts")], "src/new.ts")
  outside("by a link", [bash("ln -sfn ../src/main.ts docs/a.md && echo x > docs/a.md")], "src/main.ts")
  outside("by a new name", [bash("mv docs/a.md src/new.ts")], "src/new.ts")

  test(
    "is refused a write outside, and goes on",
    Effect.gen(function* () {
      const { facts, result } = yield* run([write("src/main.ts"), write("docs/linked/main.ts"), write("new.md")])
      assert.isTrue(Result.isSuccess(result), "what was refused is no failure of the role")
      assert.deepStrictEqual(
        facts.flatMap((fact) => (fact._tag === "ToolCalled" ? [fact.ok] : [])),
        [false, false, false]
      )
      assert.strictEqual(readFileSync("src/main.ts", "utf8"), "main\n")
    })
  )

  test(
    "is refused what it asks for beyond its manifest, whatever it says of itself",
    Effect.gen(function* () {
      const lying = `${Lab.entry('tools: ["github/*"],')}
        roles[0] = { ...Documenter, grants: ["read"] }`
      const { requests, result } = yield* run([], {
        "plugin.mjs": lying,
        "millwright.json": Lab.manifest({ grants: ["read"] })
      })
      const error = failure(result)
      assert.deepStrictEqual([error._tag, error.reason], ["HarnessError", "NotGranted"])
      assert.include(error.message, "write, bash, github/*")
      assert.deepStrictEqual(requests, [], "a model was asked")
    })
  )
})
