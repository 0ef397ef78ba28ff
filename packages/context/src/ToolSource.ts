/**
 * A **tool source**: where tools come from: an MCP server, a toolkit of this program, a folder of skills.
 *
 * An adapter gives two primitives, `list` and `call`, and says in `changes` when it has reason to list again. It connects when
 * it is first asked, and again when it is asked after a connection broke: whoever uses it only asks. It need not be polite about
 * what it lists: {@link ToolListing} takes every tool by itself, and one bad tool costs only itself.
 */
import * as Fault from "@millwright/core/Fault"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

/** A source can not list, or not call. */
export class ToolSourceError extends Fault.Class<ToolSourceError>()("ToolSourceError", {
  /** Its program is not installed, its address is none, or it takes no key of ours. Trying again does not help. */
  NotConfigured: false,
  /** It does not answer, or the connection broke; whether a call had an effect is not known. */
  Disconnected: true,
  /** It answered too late; whether a call had an effect is not known. */
  TimedOut: true,
  /** It says what the protocol does not allow. */
  Protocol: false,
  /** It has no tool of this name. */
  NoSuchTool: false,
  /** It answers with more than is taken. */
  TooLarge: false
}) {}

/** What a source has, as it said it. */
export interface Listed {
  /** Each is looked at by itself, whatever it is. */
  readonly tools: ReadonlyArray<unknown>
  /** What the source says about itself, untrusted. */
  readonly description?: string | undefined
  readonly instructions?: string | undefined
  /** How long the list may be taken for good, in milliseconds. */
  readonly ttl?: number | undefined
}

/** One part of an answer. */
export type Content =
  | { readonly type: "text"; readonly text: string }
  /** Base64, with its media type. */
  | { readonly type: "image"; readonly data: string; readonly mediaType: string }

/** What a tool answered. */
export interface Answer {
  readonly content: ReadonlyArray<Content>
  /** The tool says that it failed. */
  readonly isError: boolean
  /** Words of the house, which an agent follows. Left out: data, whatever it says. No server of others can say this. */
  readonly isHouse?: true
}

/** Where tools come from. */
export interface ToolSource {
  /** As it is configured: the first part of the ids of its tools. */
  readonly name: string
  readonly kind: "tool" | "skill"
  readonly list: Effect.Effect<Listed, ToolSourceError>
  /** Interrupting it tells the source, where it can be told. */
  readonly call: (name: string, args: Readonly<Record<string, unknown>>) => Effect.Effect<Answer, ToolSourceError>
  /** Each element is a reason to list again. */
  readonly changes: Stream.Stream<void>
}
