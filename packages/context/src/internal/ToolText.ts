/** The text of a tool by what it speaks of, read from data of strangers: bounded in length and depth, whatever its type. */
import type { Document, Shelf } from "../ToolRanking.ts"

/** The fields of a tool. The order is that of the weights. */
export type Fields = readonly [
  name: string,
  server: string,
  firstSentence: string,
  rest: string,
  parameterNames: string,
  parameterDescriptions: string,
  serverDescription: string
]

/** No text is read further. What comes later than this in a description is not what a tool is found by. */
const maxText = 4_000
const maxParameters = 200
const maxDepth = 4

const textOf = (value: unknown): string => (typeof value === "string" ? value.slice(0, maxText) : "")

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

/** A part of a schema by its name. What throws when it is read is not there. */
const at = (value: unknown, key: string | number): unknown => {
  try {
    return isObject(value) && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined
  } catch {
    return undefined
  }
}

const keysOf = (value: unknown): ReadonlyArray<string> => {
  try {
    return isObject(value) ? Object.keys(value) : []
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
  if (depth > maxDepth || !isObject(schema)) return
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

/** The fields of one tool. */
export const read = (document: Document, { description: about, server }: Shelf): Fields => {
  const description = textOf(document.description).trim()
  const end = sentenceEnd.exec(description)?.index ?? description.length
  const parameters: Read = { names: [], descriptions: [], left: maxParameters }
  readProperties(document.schema, parameters, 0)
  return [
    textOf(document.name),
    textOf(server),
    description.slice(0, end),
    description.slice(end),
    parameters.names.join(" ").slice(0, maxText),
    parameters.descriptions.join(" ").slice(0, maxText),
    textOf(about)
  ]
}
