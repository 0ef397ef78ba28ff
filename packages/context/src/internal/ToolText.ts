/** The text of a tool by what it speaks of, read from data of strangers: bounded in length and depth, whatever its type. */
import type { Document } from "../ToolRanking.ts"

/** The text of a tool. */
export interface ToolText {
  readonly name: string
  readonly firstSentence: string
  readonly rest: string
  readonly parameterNames: string
  readonly parameterDescriptions: string
}

/** No text is read further, in characters. What comes later in a description is not what a tool is found by. */
export const maxText = 4_000
const maxParameters = 200
const maxDepth = 4

/** What of a value is read as text. */
export const textOf = (value: unknown): string => (typeof value === "string" ? value.slice(0, maxText) : "")

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

/** A part of a schema by its name. What throws when it is read is not there. */
const at = (value: unknown, key: string): unknown => {
  try {
    return isObject(value) && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined
  } catch {
    return undefined
  }
}

const keysOf = (value: unknown): ReadonlyArray<string> => {
  try {
    return isObject(value) && !Array.isArray(value) ? Object.keys(value) : []
  } catch {
    return []
  }
}

interface Read {
  readonly names: Array<string>
  readonly descriptions: Array<string>
  left: number
}

const readProperties = (schema: unknown, read: Read, depth: number): void => {
  if (depth > maxDepth) return
  const properties = at(schema, "properties")
  for (const name of keysOf(properties)) {
    if (--read.left < 0) return
    const property = at(properties, name)
    read.names.push(name.slice(0, 200))
    read.descriptions.push(textOf(at(property, "description")))
    readProperties(property, read, depth + 1)
    readProperties(at(property, "items"), read, depth + 1)
  }
}

/** The end of the first sentence: a full stop before a space or in Chinese, or a new line. */
const sentenceEnd = /[.!?](?=\s)|[。！？]|\n/

/** Reads a tool. */
export const read = (document: Document): ToolText => {
  const description = textOf(document.description).trim()
  const end = sentenceEnd.exec(description)?.index ?? description.length
  const parameters: Read = { names: [], descriptions: [], left: maxParameters }
  readProperties(document.schema, parameters, 0)
  return {
    name: textOf(document.name),
    firstSentence: description.slice(0, end),
    rest: description.slice(end),
    parameterNames: parameters.names.join(" ").slice(0, maxText),
    parameterDescriptions: parameters.descriptions.join(" ").slice(0, maxText)
  }
}
