/** What a provider takes as the definition of a tool: strangers' schemas are brought into the form that every provider accepts. */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { type Entry, schemaOf } from "../ToolEntry.ts"

/** A definition of a tool. */
export const Definition = Schema.Struct({
  /** The entry's. */
  id: Schema.String,
  /** As models call it. */
  name: Schema.String,
  description: Schema.String,
  schema: Schema.Record(Schema.String, Schema.Json)
})
/** A definition of a tool. */
export type Definition = typeof Definition.Type

/** The definition of an entry. The same entry gives the same bytes. */
export const of = (entry: Entry): Definition => {
  const { description, id, line, modelName } = entry
  const said = description.trim() === "" ? line : description
  const given = schemaOf(entry) as Record<string, Schema.Json> // it was parsed from JSON
  if (hasOddNames(given)) {
    return {
      id,
      name: modelName,
      description: `${said}\nIts arguments: ${JSON.stringify(given)}`,
      schema: { type: "object", properties: {} }
    }
  }
  const { $schema: _, ...schema } = given
  // Providers take an object there, and no choice of objects; what was said of it is said in words.
  const choices = Object.entries(schema).filter(([key]) => combinators.has(key))
  const plain = Object.fromEntries(Object.entries(schema).filter(([key]) => !combinators.has(key)))
  return {
    id,
    name: modelName,
    description:
      choices.length === 0 ? said : `${said}\nIts arguments also fit ${JSON.stringify(Object.fromEntries(choices))}`,
    schema: { ...plain, type: "object", properties: plain["properties"] ?? {} }
  }
}

const combinators = new Set(["anyOf", "oneOf", "allOf", "not", "enum", "const", "if", "then", "else"])

/** Names of arguments that not every provider takes. */
const hasOddNames = (schema: Readonly<Record<string, unknown>>): boolean => {
  const { properties } = schema
  return Predicate.isObject(properties) && Object.keys(properties).some((key) => !/^[a-zA-Z0-9_.-]{1,64}$/.test(key))
}
