/**
 * **Tool output**: what a tool said in full. A model reads a part of what is long; the journal has all of it, up to a limit,
 * for the people who want to know what happened.
 */
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

/**
 * What a call of a run said, named as in `ToolCalled.call`. Of more than was kept, the start and the end, with a note between
 * them. Nothing for a call that the model was shown in full, or whose run was pruned.
 */
export const read: (
  run: string | null,
  call: string
) => Effect.Effect<Option.Option<string>, Journal.JournalError, Journal.Journal> = Effect.fnUntraced(
  function* (run, call) {
    const journal = yield* Journal.Journal
    const said = yield* Stream.runFold(
      journal.read({ ...(run !== null && { run }), outputs: true }),
      (): Option.Option<string> => Option.none(),
      (said, { fact }) => {
        if (fact._tag !== "ToolOutput" || fact.call !== call) return said
        const note = fact.missing === undefined ? "" : `\n[… ${fact.missing} bytes are kept nowhere …]\n`
        // A call that a process did not live to end, and that another one made again, is there twice: the last one counts.
        return Option.some(`${fact.part === 0 ? "" : Option.getOrElse(said, () => "")}${fact.text}${note}`)
      }
    )
    return said
  }
)
