/** A tool source that is played from a script: it lists and answers what a test says, fails on demand, and counts what it is asked. */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { type Answer, type Listed, type ToolSource, ToolSourceError } from "../ToolSource.ts"

/** What the source does when it is asked. Replace one to change what comes next. */
export interface Script {
  list: Effect.Effect<Listed, ToolSourceError>
  call: (name: string, args: Readonly<Record<string, unknown>>) => Effect.Effect<Answer, ToolSourceError>
}

/** A source and its strings. */
export interface ScriptedSource {
  readonly source: ToolSource
  readonly script: Script
  /** Lists these from now on. */
  readonly lists: (...tools: ReadonlyArray<unknown>) => void
  /** Gives that many reasons to list again. */
  readonly notify: (times?: number) => void
  /** How often it was asked for its list, and for a call, and how many calls were interrupted. */
  readonly count: { list: number; call: number; interrupted: number }
}

/** An error of a source. */
export const error = (reason: ToolSourceError["reason"] = "Disconnected"): ToolSourceError =>
  new ToolSourceError({ reason, message: `The scripted source fails: ${reason}. This is the script's doing.` })

/** An answer of one text. */
export const answer = (text: string): Answer => ({ content: [{ type: "text", text }], isError: false })

/** A source that lists nothing but what it is told to. It answers a call with the name of the tool. */
export const make = (name = "scripted"): ScriptedSource => {
  const reasons = Effect.runSync(Queue.unbounded<void>())
  const count = { list: 0, call: 0, interrupted: 0 }
  const script: Script = { list: Effect.succeed({ tools: [] }), call: (tool) => Effect.succeed(answer(tool)) }
  return {
    script,
    count,
    lists: (...tools) => {
      script.list = Effect.succeed({ tools })
    },
    notify: (times = 1) => {
      for (let at = 0; at < times; at++) Queue.offerUnsafe(reasons, undefined)
    },
    source: {
      name,
      kind: "tool",
      list: Effect.suspend(() => {
        count.list++
        return script.list
      }),
      call: (tool, args) =>
        Effect.suspend(() => {
          count.call++
          return script.call(tool, args)
        }).pipe(Effect.onInterrupt(() => Effect.sync(() => count.interrupted++))),
      changes: Stream.fromQueue(reasons)
    }
  }
}
