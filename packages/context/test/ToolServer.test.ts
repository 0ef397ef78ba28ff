import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js"
import { assert, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as McpToolServer from "../src/adapters/McpToolServer.ts"
import * as SourceIndex from "../src/SourceIndex.ts"
import * as ScriptedSource from "../src/testing/ScriptedSource.ts"
import * as ToolServer from "../src/ToolServer.ts"

it.live("an index is served over a channel that somebody else carries, and noise in it is left out", () =>
  Effect.gen(function* () {
    const { source, lists } = ScriptedSource.make("desk")
    lists({ name: "ticket", description: "Creates a ticket.", inputSchema: { type: "object" } })
    const index = yield* SourceIndex.make([source])
    yield* index.settled
    const server = Context.get(yield* Layer.build(McpToolServer.layer), ToolServer.ToolServer)
    const client = new Client({ name: "test", version: "1" })
    const { receive } = yield* server.connect(index, {
      // What the server sends is a message of MCP.
      send: (message) => Effect.sync(() => transport.onmessage?.(message as never))
    })
    const transport: Transport = {
      start: () => Promise.resolve(),
      send: (message) => Effect.runPromise(receive(message)),
      close: () => Promise.resolve()
    }
    for (const noise of [null, 5, {}, { jsonrpc: "2.0" }, { jsonrpc: "1.0", id: 1, method: "tools/list" }]) {
      yield* receive(noise)
    }
    yield* Effect.promise(() => client.connect(transport))
    const { tools } = yield* Effect.promise(() => client.listTools())
    assert.deepStrictEqual(
      tools.map(({ name }) => name),
      ["tool_search", "tool_describe", "tool_call"]
    )
    const called = yield* Effect.promise(() =>
      client.callTool({ name: "tool_call", arguments: { name: "desk/ticket", arguments: {} } })
    )
    assert.include(JSON.stringify(called.content), "ticket")
    assert.isFalse(called.isError)
  }).pipe(Effect.scoped)
)
