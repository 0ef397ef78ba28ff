/** Who did a thing: a person, an agent in a role, or the factory's own code. */
import * as Schema from "effect/Schema"

/** Who did a thing. `Host` is deterministic code of the factory itself. */
export const Actor = Schema.TaggedUnion({
  Human: { name: Schema.NonEmptyString },
  Agent: { role: Schema.NonEmptyString, model: Schema.optionalKey(Schema.String) },
  Host: {}
})
/** Who did a thing. */
export type Actor = typeof Actor.Type

/** The factory's own code. */
export const host: Actor = { _tag: "Host" }

/** A person, by the name that the journal shall show. */
export const human = (name: string): Actor => ({ _tag: "Human", name })

/** `ada`, `agent:Review (model)` or `host`. */
export const label = (actor: Actor): string =>
  Actor.match(actor, {
    Human: ({ name }) => name,
    Agent: ({ model, role }) => (model === undefined ? `agent:${role}` : `agent:${role} (${model})`),
    Host: () => "host"
  })
