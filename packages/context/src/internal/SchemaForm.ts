/**
 * Schemas of strangers in the form that everybody takes: JSON Schema 2020-12, with nothing in it that the draft does not allow.
 * Providers refuse a request as a whole for one keyword of one tool. Old forms are written anew; what can not be is left out,
 * since a schema that says less is still right. One that was well-formed stays as it is.
 */
import * as Predicate from "effect/Predicate"

type Schema = Readonly<Record<string, unknown>>

/** How schemas are written. */
export interface Options {
  /** Keywords that are left out. */
  readonly without?: ReadonlySet<string>
  /** Sees each schema as it is made, those inside others as well. */
  readonly made?: (schema: object) => void
}

/** The schema of an object, in that form. */
export const of = (schema: Schema, options: Options = {}): Record<string, unknown> => {
  const first = write(schema, { ...options, root: undefined })
  // References are looked at when it is known what is left to refer to.
  return write(first, { ...options, root: first })
}

interface Writing extends Options {
  /** What references refer to. */
  readonly root: Schema | undefined
}

const isRecord = (value: unknown): value is Schema => Predicate.isObject(value) && !Array.isArray(value)
const isTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every(Predicate.isString)
const isText = Predicate.isString
const isNumber = (value: unknown): boolean => Predicate.isNumber(value) && Number.isFinite(value)
const isCount = (value: unknown): boolean => Predicate.isNumber(value) && Number.isSafeInteger(value) && value >= 0
const isFlag = Predicate.isBoolean

const types = new Set(["null", "boolean", "object", "array", "number", "string", "integer"])
const isType = (value: unknown): boolean =>
  isTexts(value)
    ? value.length > 0 && new Set(value).size === value.length && value.every((each) => types.has(each))
    : isText(value) && types.has(value)

/** What a keyword that holds no schema has to be. Keywords that are in no list say nothing to anybody, and stay. */
const plain: Readonly<Record<string, (value: unknown) => boolean>> = {
  ...{ type: isType, enum: (value) => Array.isArray(value) && value.length > 0, examples: Array.isArray },
  ...{ title: isText, description: isText, $comment: isText, format: isText, pattern: isText },
  ...{ contentEncoding: isText, contentMediaType: isText },
  ...{ minimum: isNumber, maximum: isNumber, exclusiveMinimum: isNumber, exclusiveMaximum: isNumber },
  multipleOf: (value) => Predicate.isNumber(value) && value > 0 && Number.isFinite(value),
  ...{ minLength: isCount, maxLength: isCount, minItems: isCount, maxItems: isCount },
  ...{ minProperties: isCount, maxProperties: isCount, minContains: isCount, maxContains: isCount },
  ...{ uniqueItems: isFlag, deprecated: isFlag, readOnly: isFlag, writeOnly: isFlag },
  required: (value) => isTexts(value) && new Set(value).size === value.length,
  dependentRequired: (value) => isRecord(value) && Object.values(value).every(isTexts)
}

const maps = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"])
const lists = new Set(["anyOf", "oneOf", "allOf", "prefixItems"])
const one = new Set([
  ...["items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"],
  ...["unevaluatedItems", "unevaluatedProperties", "contentSchema"]
])
/** They change what references mean, or stand for a draft of their own. */
const never = new Set([
  ...["$schema", "$id", "id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"],
  ...["$vocabulary", "dependencies", "additionalItems"]
])

const write = (given: Schema, how: Writing): Record<string, unknown> => {
  const schema = modern(given)
  const written: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(schema)) {
    const [said] = keyword(key, value, how)
    if (said !== undefined) Object.defineProperty(written, key, { ...open, value: said })
  }
  how.made?.(written)
  return written
}

/** A key may be `__proto__`. */
const open = { enumerable: true, configurable: true, writable: true }

/** What a keyword says, or nothing. */
const keyword = (key: string, value: unknown, how: Writing): readonly [said?: unknown] => {
  if (never.has(key) || how.without?.has(key) === true) return []
  if (key === "$ref") return isText(value) && (how.root === undefined || leads(value, how.root)) ? [value] : []
  if (maps.has(key)) return isRecord(value) ? [mapped(value, how)] : []
  if (lists.has(key)) {
    return Array.isArray(value) && value.length > 0 ? [value.map((each) => inner(each, how))] : []
  }
  if (one.has(key)) return isFlag(value) ? [value] : isRecord(value) ? [write(value, how)] : []
  return Object.hasOwn(plain, key) && plain[key]?.(value) === false ? [] : [value]
}

const mapped = (schemas: Schema, how: Writing): Schema =>
  Object.fromEntries(Object.entries(schemas).map(([key, value]) => [key, inner(value, how)]))

/** Not every provider takes `true` for a schema, and what is none says nothing. */
const inner = (value: unknown, how: Writing): Schema =>
  value === false ? { not: {} } : write(isRecord(value) ? value : {}, how)

/** Old forms: limits that are flags, items by place, lists of anything, names that are needed twice. */
const modern = (given: Schema): Schema => {
  const schema: Record<string, unknown> = { ...given }
  for (const [flag, limit] of limits) {
    if (schema[flag] !== true || !isNumber(schema[limit])) continue
    schema[flag] = schema[limit]
    delete schema[limit]
  }
  const { additionalItems, items, prefixItems, required } = schema
  if (Array.isArray(items) && prefixItems === undefined) {
    schema["prefixItems"] = items
    if (additionalItems === undefined) delete schema["items"]
    else schema["items"] = additionalItems
  }
  const isList = schema["type"] === "array" || (Array.isArray(schema["type"]) && schema["type"].includes("array"))
  // Providers that know no items by place want some all the same.
  if (isList && !isRecord(schema["items"]) && schema["items"] !== false) schema["items"] = {}
  if (isTexts(required) && new Set(required).size < required.length) schema["required"] = [...new Set(required)]
  return schema
}

const limits = [
  ["exclusiveMinimum", "minimum"],
  ["exclusiveMaximum", "maximum"]
] as const

/** A schema that is nothing but a reference at its top, with what it refers to in the place of that. */
export const unfolded = (schema: Schema): Schema => {
  const { $ref, ...rest } = schema
  const target = isText($ref) && $ref !== "#" ? targetOf($ref, schema) : undefined
  return target === undefined ? schema : { ...target, ...rest }
}

const leads = (reference: string, root: Schema): boolean => targetOf(reference, root) !== undefined

/** The schema that a reference leads to in the same one. */
const targetOf = (reference: string, root: Schema): Schema | undefined => {
  if (reference === "#") return root
  if (!reference.startsWith("#/")) return undefined
  let at: unknown = root
  for (const step of reference.slice(2).split("/")) {
    const key = decoded(step)
    if (!Predicate.isObject(at) || key === undefined || !Object.hasOwn(at, key)) return undefined
    at = Reflect.get(at, key)
  }
  return isRecord(at) ? at : undefined
}

const decoded = (step: string): string | undefined => {
  try {
    return decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~")
  } catch {
    return undefined
  }
}
