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

/** A person: what an agent or the host can not be given out as. */
export type Human = Extract<Actor, { readonly _tag: "Human" }>

/** The factory's own code. */
export const host: Actor = { _tag: "Host" }

/** A person, by the name that the journal shall show. */
export const human = (name: string): Human => ({ _tag: "Human", name })

/** `ada`, `agent:Review (model)` or `host`. */
export const label = (actor: Actor): string =>
  Actor.match(actor, {
    Human: ({ name }) => name,
    Agent: ({ model, role }) => (model === undefined ? `agent:${role}` : `agent:${role} (${model})`),
    Host: () => "host"
  })
