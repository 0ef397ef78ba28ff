/** What a provider takes as the definition of a tool: strangers' schemas are brought into the form that every provider accepts. */
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import type { Definition } from "../SavedTools.ts"
import { type Entry, schemaOf } from "../ToolEntry.ts"
import * as SchemaForm from "./SchemaForm.ts"

/** The most of a definition that is sent, in characters: what is loaded can not be taken back. */
const longest = 32_000

/** The definition of an entry. The same entry gives the same bytes. */
export const of = (entry: Entry): Definition => {
  const { description, id, line, modelName } = entry
  const said = description.trim() === "" ? line : description
  const given = SchemaForm.unfolded(schemaOf(entry))
  const inWords = (about: string, schema: unknown): string => {
    const text = JSON.stringify(schema)
    const rest = Math.max(0, longest - said.length)
    return text.length <= rest
      ? `${said}\n${about} ${text}`
      : `${said}\n${about} ${text.slice(0, rest).toWellFormed()}… (${text.length - rest} characters more)`
  }
  // Providers take an object there, and no choice of objects; what was said of it is said in words.
  const entries = Object.entries(given)
  const choices = Object.fromEntries(entries.filter(([key]) => combinators.has(key)))
  const plain = SchemaForm.of(Object.fromEntries(entries.filter(([key]) => !combinators.has(key))))
  const schema = { ...plain, type: "object", properties: plain["properties"] ?? {} }
  if (hasOddNames(given) || said.length + JSON.stringify(schema).length > longest) {
    return {
      id,
      name: modelName,
      description: inWords("Its arguments:", given),
      schema: { type: "object", properties: {} }
    }
  }
  return {
    id,
    name: modelName,
    description: Object.keys(choices).length === 0 ? said : inWords("Its arguments also fit", choices),
    // It was parsed from JSON.
    schema: schema as unknown as Record<string, Schema.Json>
  }
}

const combinators = new Set(["anyOf", "oneOf", "allOf", "not", "enum", "const", "if", "then", "else"])

/** Names of arguments that not every provider takes. */
const hasOddNames = (schema: Readonly<Record<string, unknown>>): boolean => {
  const { properties } = schema
  return Predicate.isObject(properties) && Object.keys(properties).some((key) => !/^[a-zA-Z0-9_.-]{1,64}$/.test(key))
}
