/** How an activity or a deferred ended, as the text that is stored. What is stored is what everybody gets, at first and later. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"

const Stored = Schema.fromJsonString(Schema.toCodecJson(Schema.Exit(Schema.Any, Schema.Any, Schema.Defect())))
const success = `{"_tag":"Success",`

/** The text of an exit whose values are JSON. One that is not is a defect of whoever made it. */
export const encode = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<string> =>
  Exit.isSuccess(exit)
    ? Effect.sync(() => JSON.stringify({ _tag: "Success", value: exit.value ?? null }))
    : Effect.orDie(Schema.encodeEffect(Stored)(exit))

/** The exit of a text that {@link encode} made. */
export const decode = (text: string): Effect.Effect<Exit.Exit<unknown, unknown>> =>
  text.startsWith(success)
    ? Effect.sync(() => Exit.succeed(JSON.parse(text).value))
    : Effect.orDie(Schema.decodeEffect(Stored)(text))
