/** What an agent answers, as far as it is used. The library gives it the types that it should have, and does not look. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const maybe = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Session = Schema.Struct({
  modes: maybe(Schema.Struct({ availableModes: Schema.Array(Schema.Struct({ id: Schema.String })) })),
  configOptions: maybe(Schema.Array(Schema.Unknown))
})
const Value = Schema.Struct({ value: Schema.String })
const Choice = Schema.Struct({
  id: Schema.String,
  category: maybe(Schema.String),
  options: Schema.Array(Schema.Union([Value, Schema.Struct({ options: Schema.Array(Value) })]))
})

/** To `initialize`. */
export const Hello = Schema.Struct({
  protocolVersion: Schema.Unknown,
  agentCapabilities: maybe(
    Schema.Struct({
      loadSession: maybe(Schema.Boolean),
      sessionCapabilities: maybe(
        Schema.Struct({
          systemPrompt: maybe(Schema.Unknown),
          fork: maybe(Schema.Unknown),
          resume: maybe(Schema.Unknown)
        })
      )
    })
  )
})
/** To `session/load` and `session/resume`, which may be nothing at all. */
export const Resumed = Schema.NullishOr(Session)
/** To `session/new` and `session/fork`. */
export const Begun = Schema.Struct({ sessionId: Schema.NonEmptyString, ...Session.fields })
/** What is there of a session. */
export type Session = typeof Session.Type

const Count = maybe(Schema.Natural)
/** The tokens of what was asked for. */
export const Tokens = Schema.Struct({
  inputTokens: Count,
  outputTokens: Count,
  cachedReadTokens: Count,
  cachedWriteTokens: Count
})
/** The tokens of what was asked for. */
export type Tokens = typeof Tokens.Type

/** To `session/prompt`. What is said of tokens, and is none, is not known. */
export const Done = Schema.Struct({ stopReason: Schema.String, usage: Schema.optionalKey(Schema.Unknown) })

/** To what is of no interest. */
export const Anything = Schema.Unknown

/** The tokens that were told, where they can be understood. */
export const tokens = (usage: unknown): Tokens | undefined => Option.getOrUndefined(decodeTokens(usage))

const decodeTokens = Schema.decodeUnknownOption(Tokens)

/** What can be chosen in a session for a thing: the option, and its values. */
export const choice = (
  { configOptions }: Session,
  category: string
): { readonly id: string; readonly values: ReadonlyArray<string> } | undefined =>
  (configOptions ?? [])
    .flatMap((option) => Option.toArray(decodeChoice(option)))
    .filter((option) => option.category === category || option.id === category)
    .map(({ id, options }) => ({
      id,
      values: options.flatMap((each) => ("value" in each ? [each.value] : each.options.map(({ value }) => value)))
    }))[0]

const decodeChoice = Schema.decodeUnknownOption(Choice)
