/** Names that nobody else has: how they are made, in one place, so that a simulation can make the same ones again. */
import * as Context from "effect/Context"
import { randomUUID } from "node:crypto"

/** Makes a name that is unique over all processes. Only a simulation gives another way, in which names come again. */
export const Fresh = Context.Reference<() => string>("@millwright/core/internal/Identity/Fresh", {
  defaultValue: () => () => randomUUID()
})
