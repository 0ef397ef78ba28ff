import { assert, describe, it } from "@effect/vitest"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as Effect from "effect/Effect"
import * as SourceWatch from "../src/internal/SourceWatch.ts"

const tool = (name: string) => ({ name, inputSchema: { type: "object" } })

const names = (state: SourceWatch.SourceState) => state.tools.map(({ name }) => name)

describe("SourceWatch", () => {
  it.effect("lists at once, and keeps the last good list of a source that fails", () =>
    Effect.gen(function* () {
      const played = ScriptedSource.make()
      played.lists(tool("a"))
      const watched = yield* SourceWatch.make(played.source, {})
      yield* watched.refresh
      assert.deepStrictEqual(names(yield* watched.state), ["a"], "the first list comes without asking")
      played.script.list = Effect.fail(ScriptedSource.error())
      yield* watched.refresh
      const state = yield* watched.state
      assert.strictEqual(state.status, "stale")
      assert.deepStrictEqual(names(state), ["a"], "the last good list stays")
    })
  )
})
