/**
 * Where **sessions** are kept while agents work and after. An adapter gives two operations.
 *
 * - `append` writes entries behind those that are there, in their order. An entry that broke off in the middle of a write is not
 *   there at the next `read`. What `append` answered for is there from then on.
 * - `read` answers with all entries in the order in which they were appended; none for a session that is not there.
 *
 * Entries come from one writer at a time for each way; writers of different ways may append at once.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SessionEntry from "./SessionEntry.ts"
import * as Session from "./Session.ts"

/** What an adapter gives. */
export interface Primitive {
  readonly append: (
    id: string,
    entries: ReadonlyArray<SessionEntry.SessionEntry>
  ) => Effect.Effect<void, Session.SessionError>
  readonly read: (id: string) => Effect.Effect<ReadonlyArray<SessionEntry.SessionEntry>, Session.SessionError>
}

/** Keeps sessions. */
export class Sessions extends Context.Service<Sessions, Primitive>()("@millwright/agents/Sessions") {}

/** Sessions in the memory of the process: for tests, and for conversations that nobody takes up after it. */
export const layerMemory: Layer.Layer<Sessions> = Layer.sync(Sessions, () => {
  const sessions = new Map<string, Array<SessionEntry.SessionEntry>>()
  return Sessions.of({
    append: (id, entries) =>
      Effect.map(Effect.fromResult(Session.named(id)), () => {
        const known = sessions.get(id)
        if (known === undefined) sessions.set(id, [...entries])
        else known.push(...entries)
      }),
    read: (id) => Effect.map(Effect.fromResult(Session.named(id)), () => [...(sessions.get(id) ?? [])])
  })
})
