/** A source that is watched under the clock of a test. */
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as SourceWatch from "../src/internal/SourceWatch.ts"

export const tool = (name: string) => ({ name, inputSchema: { type: "object" } })

export const names = (state: SourceWatch.SourceState) => state.tools.map(({ name }) => name)

/** A source with one tool, and a watch that has listed it. */
export const watching = (patience: SourceWatch.Patience = {}) =>
  Effect.gen(function* () {
    const played = ScriptedSource.make()
    played.lists(tool("a"))
    const watched = yield* SourceWatch.make(played.source, patience)
    yield* watched.refresh
    return { played, watched }
  })

/** Lets everything run that does not wait for the clock. */
export const settle = Effect.repeat(Effect.yieldNow, { times: 50 })

export const pass = (milliseconds: number) => Effect.andThen(TestClock.adjust(milliseconds), settle)
