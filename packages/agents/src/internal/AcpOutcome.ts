/** How an agent gives its outcome: by the tool of an MCP server with nothing else, or as the last block of JSON that it writes. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as AcpBridge from "./AcpBridge.ts"
import * as JsonLines from "./JsonLines.ts"

/** The outcome of one prompt after the other. */
export interface AcpOutcome {
  /** Serves the tool. */
  readonly serve: AcpBridge.Serve
  /** What was given since the last time it was taken. */
  readonly take: (said: string) => { readonly value: unknown } | undefined
  /** It was given, and not taken yet. */
  readonly isGiven: () => boolean
}

/** Takes outcomes of a shape, which is that of the tool's input as JSON Schema. Whether one fits is the caller's to judge. */
export const make = (schema: unknown): AcpOutcome => {
  let given: { readonly value: unknown } | undefined
  const tool = { name: "outcome", description: "Gives your outcome, and ends your work.", inputSchema: schema }

  const result = (method: string, params: unknown): object | undefined => {
    switch (method) {
      case "initialize":
        return {
          protocolVersion: Predicate.hasProperty(params, "protocolVersion") ? params.protocolVersion : "2025-06-18",
          capabilities: { tools: {} },
          serverInfo: { name: "millwright", version: "1" }
        }
      case "ping":
        return {}
      case "tools/list":
        return { tools: [tool] }
      case "tools/call": {
        if (!Predicate.hasProperty(params, "name") || params.name !== tool.name) return undefined
        given = { value: inner(Predicate.hasProperty(params, "arguments") ? params.arguments : {}) }
        return { content: [{ type: "text", text: "It is taken. Say nothing more." }] }
      }
      default:
        return undefined
    }
  }

  return {
    isGiven: () => given !== undefined,
    take: (said) => {
      const taken = given ?? written(said)
      given = undefined
      return taken
    },
    serve: (send) =>
      Effect.succeed({
        receive: (message) => {
          if (!Predicate.hasProperty(message, "id") || !Predicate.hasProperty(message, "method")) return Effect.void
          const { id, method } = message
          const params = Predicate.hasProperty(message, "params") ? message.params : undefined
          const answer = Predicate.isString(method) ? result(method, params) : undefined
          const error = { code: -32_601, message: "There is the tool `outcome`, and nothing else." }
          return send({ jsonrpc: "2.0", id, ...(answer === undefined ? { error } : { result: answer }) })
        }
      })
  }
}

/** What an agent without our tools is told to write. */
export const reminder = (schema: unknown): string =>
  "You ended without an outcome. Call the tool `outcome` of the MCP server `millwright` now, and do nothing else. If you have no such " +
  `tool, answer with nothing but a block that begins with \`\`\`json and holds an object of this JSON Schema:\n\n${JSON.stringify(schema)}`

const inner = (value: unknown): unknown => (Predicate.hasProperty(value, "outcome") ? value.outcome : value)

/** The last block of JSON in a text. */
const written = (said: string): { readonly value: unknown } | undefined => {
  const from = said.lastIndexOf("```json")
  if (from === -1) return undefined
  const to = said.indexOf("\n```", from)
  const value = JsonLines.value(said.slice(from + "```json".length, to === -1 ? undefined : to))
  return Predicate.hasProperty(value, "outcome") ? { value: value.outcome } : undefined
}
