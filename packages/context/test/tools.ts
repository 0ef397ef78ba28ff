/** Tools as a source lists them. */
export const tool = (
  name: string,
  description: string,
  properties: Readonly<Record<string, unknown>> = {},
  required: ReadonlyArray<string> = []
) => ({ name, description, inputSchema: { type: "object", properties, required } })
