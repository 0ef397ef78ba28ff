/** **Mutations** of a file of JSON: what a reader is given that no program wrote, to see what it makes of it. */

/** A JSON value. */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/** The objects of a file: one in each line, or the only one of it. */
export const objects = (sample: string): ReadonlyArray<Json> => {
  const whole = parse(sample)
  return whole === undefined
    ? sample.split("\n").flatMap((line) => {
        const value = parse(line)
        return value === undefined ? [] : [value]
      })
    : [whole]
}

const parse = (text: string): Json | undefined => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The value with one of its leaves changed, for each leaf that `change` has something else for. */
export const leaves = (value: Json, change: (leaf: Json) => ReadonlyArray<Json>): ReadonlyArray<Json> => {
  if (Array.isArray(value)) {
    return value.flatMap((each: Json, at) => leaves(each, change).map((other) => value.with(at, other)))
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, each]) =>
      leaves(each, change).map((other) => Object.assign({}, value, { [key]: other }))
    )
  }
  return change(value)
}

/** Objects as a file, one in each line. */
export const file = (values: ReadonlyArray<Json>): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join("")

const deep = [`${"[".repeat(50_000)}${"]".repeat(50_000)}`, `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`]

/** Lines that no program writes, and that each of them may find one day. */
export const hostile: ReadonlyArray<string> = [
  "no JSON at all",
  "{",
  '{"type":"assistant","message":{"usage":',
  '{"type":"user","text":"broken off',
  "null",
  "42",
  "[]",
  "{}",
  '{"__proto__":{"type":"assistant"},"constructor":1}',
  '{"type":"never heard of it"}',
  '{"type":{"type":[]},"message":[],"payload":7,"body":null,"fact":[]}',
  '{"type":"assistant","uuid":"u","message":{"content":[null,1,"x",{"type":null}],"usage":[]}}',
  // What a reader looks into may be nested without end.
  ...deep.flatMap((nested) => [
    `{"type":"assistant","uuid":"u","message":{"content":[{"type":"tool_use","name":"x","input":${nested}}]}}`,
    `{"type":"response_item","timestamp":"t","payload":{"type":"function_call","name":"x","arguments":${nested}}}`,
    `{"type":"message","id":"x","parentId":null,"message":{"role":"user","content":${nested}}}`,
    `{"type":"user","id":"x","timestamp":"t","content":${nested}}`,
    `{"id":"x","parent":null,"at":1,"body":{"_tag":"Returned","part":{"result":${nested}}}}`
  ]),
  `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
  "\0\0\0\0",
  "]]]}}}",
  '"a text"'
]
