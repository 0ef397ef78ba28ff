/** What a tool of an MCP server answered, as content that a model takes. */
import * as Predicate from "effect/Predicate"
import type { Answer, Content } from "../ToolSource.ts"
import * as StrangerText from "./StrangerText.ts"

/** Reads the result of a call. Nothing when it is none. */
export const read = (result: Readonly<Record<string, unknown>>): Answer | undefined => {
  const { content, isError, structuredContent } = result
  if (content !== undefined && !Array.isArray(content)) return undefined
  if (content === undefined && structuredContent === undefined) return undefined
  const parts = (content ?? []).map(part)
  const isTold = parts.some(({ type }) => type === "text")
  const structured: ReadonlyArray<Content> =
    structuredContent === undefined || isTold ? [] : [text(JSON.stringify(structuredContent))]
  return { content: [...structured, ...parts], isError: isError === true }
}

const text = (text: string): Content => ({ type: "text", text })

const part = (raw: unknown): Content => {
  if (!Predicate.isObject(raw)) return note("a part that is no object")
  switch (raw.type) {
    case "text":
      return typeof raw.text === "string" ? text(raw.text) : note("a text without its text")
    case "image":
      return binary("image", raw.mimeType, raw.data)
    case "audio":
      return binary("audio", raw.mimeType, raw.data)
    case "resource":
      return Predicate.isObject(raw.resource) ? resource(raw.resource) : note("a resource without content")
    case "resource_link":
      return text(`[link to ${[raw.uri, raw.title ?? raw.name, raw.description].flatMap(word).join(": ")}]`)
    default:
      return note(`a part of the unknown type ${StrangerText.line(raw.type)}`)
  }
}

const resource = ({ blob, mimeType, text: body, uri }: Readonly<Record<PropertyKey, unknown>>): Content =>
  typeof body === "string" ? text(`[${word(uri).join("") || "resource"}]\n${body}`) : binary("resource", mimeType, blob)

/** Images go to the model. What else is not text, it is told of. */
const binary = (what: string, mediaType: unknown, data: unknown): Content => {
  if (typeof data !== "string") return note(`${what} without its data`)
  const type = StrangerText.line(mediaType) || "of no media type"
  return /^image\/[\w.+-]+$/.test(type)
    ? { type: "image", data, mediaType: type }
    : note(`${what}, ${type}, ${Buffer.byteLength(data, "base64")} bytes`)
}

const note = (what: string): Content => text(`[${what}: not passed on]`)

const word = (raw: unknown): ReadonlyArray<string> => {
  const line = StrangerText.line(raw, 2_000)
  return line === "" ? [] : [line]
}
