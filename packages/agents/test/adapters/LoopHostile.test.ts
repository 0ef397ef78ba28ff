import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Harness from "../../src/Harness.ts"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"

const test = (title: string, body: Effect.Effect<void, unknown, Harness.Workplace | Scope.Scope>) =>
  it.live(title, () => Effect.andThen(workspace({}), body).pipe(Effect.scoped, Effect.provide(Lab.Services)))

describe.each(Lab.protocols)("over %s, arguments that stand within each other without end", (protocol) => {
  test(
    "are refused, and the loop goes on",
    Effect.gen(function* () {
      const deep = `{"path":${"[".repeat(20_000)}${"]".repeat(20_000)}}`
      const lab = yield* Lab.start(protocol, [{ calls: [{ tool: "read", raw: deep }] }, Lab.done("ok")])
      assert.deepStrictEqual((yield* lab.run()).outcome, { _tag: "Done", note: "ok" })
      assert.match(String(yield* lab.results(-1)), /arguments are not what the tool takes/)
    })
  )
})
