import type { Entry } from "../src/ToolEntry.ts"

/** Tools as a source lists them. */
export const tool = (
  name: string,
  description: string,
  properties: Readonly<Record<string, unknown>> = {},
  required: ReadonlyArray<string> = []
) => ({ name, description, inputSchema: { type: "object", properties, required } })

/** An entry as an index has it. */
export const entry = (id: string, changes: Partial<Entry> = {}): Entry => {
  const [server = "", name = ""] = id.split("/")
  return {
    ...{ id, server, name, kind: "tool", modelName: `mcp__${server}__${name}`, state: "live", alwaysLoad: false },
    ...{ description: `Does ${name}.`, line: `Does ${name}.`, hash: id, tokens: 20 },
    schema: Buffer.from('{"type":"object"}'),
    hints: { readOnly: false, destructive: true, idempotent: false, openWorld: true },
    ...changes
  }
}
