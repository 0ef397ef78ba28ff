/** Documents in the Atlassian Document Format: what descriptions and comments are. */
import type * as Schema from "effect/Schema"

const isNode = (value: Schema.Json): value is { readonly [key: string]: Schema.Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether it is a document: nodes with a type, texts that are not empty. */
export const is = (value: Schema.Json | undefined): value is Schema.Json =>
  value !== undefined && isNode(value) && value["type"] === "doc" && value["version"] === 1 && hasContent(value)

const hasContent = (node: { readonly [key: string]: Schema.Json }): boolean =>
  Array.isArray(node["content"]) && node["content"].every(isInside)

const isInside = (value: Schema.Json): boolean =>
  isNode(value) &&
  typeof value["type"] === "string" &&
  value["type"] !== "doc" &&
  (value["type"] !== "text" || (typeof value["text"] === "string" && value["text"] !== "")) &&
  (value["content"] === undefined || hasContent(value))

/** The text of a document, for searches. */
export const text = (value: Schema.Json): string => {
  if (!isNode(value)) return ""
  const own = typeof value["text"] === "string" ? value["text"] : ""
  const inner = Array.isArray(value["content"]) ? value["content"].map(text) : []
  return [own, ...inner].filter((each) => each !== "").join(" ")
}
