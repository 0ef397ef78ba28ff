/** The plugin that a role which runs comes from, for the fact that it began. */
import type { Digest } from "@millwright/core/Digest"
import * as Context from "effect/Context"

/** A plugin, as facts name it. */
export interface Named {
  readonly name: string
  readonly version: string
  readonly digest: Digest
}

/** Default: none. */
export const PluginOrigin = Context.Reference<Named | undefined>("@millwright/agents/internal/PluginOrigin", {
  defaultValue: () => undefined
})
