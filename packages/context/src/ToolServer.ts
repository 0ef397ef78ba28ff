/**
 * A **tool server** over a channel that somebody else carries: for a harness whose program passes the messages of MCP through its
 * own input and output, so that it needs no way to us, wherever it runs.
 *
 * The primitive is `connect`: it serves an index to one client until the scope closes. `McpToolServer.layer` gives it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ToolIndex } from "./ToolIndex.ts"

/** The other end of the channel. */
export interface Client {
  /** Takes a message of the server's, in the JSON-RPC of MCP. */
  readonly send: (message: unknown) => Effect.Effect<void>
}

/** A client that is served. */
export interface Connection {
  /** Takes a message of the client's. One that is none is left out. */
  readonly receive: (message: unknown) => Effect.Effect<void>
}

/** Serves tool indexes. */
export class ToolServer extends Context.Service<
  ToolServer,
  {
    readonly connect: (index: ToolIndex, client: Client) => Effect.Effect<Connection, never, Scope.Scope>
  }
>()("@millwright/context/ToolServer") {}
