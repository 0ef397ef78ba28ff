/** Arguments of a call against the schema that the tool's source gave: in shape, so that a model hears what is wrong before the source does. */
import { type Schema as JsonSchema, Validator } from "@cfworker/json-schema"
import * as Predicate from "effect/Predicate"
import * as SchemaForm from "./SchemaForm.ts"

/** What looks at arguments: what is wrong with them; empty when nothing is. */
export type Check = (args: unknown) => ReadonlyArray<string>

/** Makes what looks at the arguments of a tool. Reading its schema takes longer than all that is done with it. */
export const check = (schema: Readonly<Record<string, unknown>>): Check => {
  try {
    const { again, schema: read } = harmless(schema)
    const validator = new Validator(read as JsonSchema, "2020-12", false)
    return (args) => {
      try {
        again()
        const { errors, valid } = validator.validate(args)
        if (valid) return []
        // The innermost errors say what to do; those above them, only that there is one.
        return [...new Set(errors.filter(({ keyword }) => !outer.has(keyword)).map(said))].slice(0, 8)
      } catch {
        return []
      }
    }
  } catch {
    // A schema that can not be understood (a reference to nowhere) is no reason to refuse: the source judges.
    return () => []
  }
}

/** What is wrong with arguments; empty when nothing is. */
export const problems = (schema: Readonly<Record<string, unknown>>, args: unknown): ReadonlyArray<string> =>
  check(schema)(args)

/** Whether they are what a tool takes at all: values by name. */
export const areNamed = (args: unknown): args is Readonly<Record<string, unknown>> =>
  Predicate.isObject(args) && !Array.isArray(args)

const outer = new Set(["properties", "items", "allOf", "$ref", "prefixItems", "additionalProperties"])

const said = ({ error, instanceLocation }: { readonly error: string; readonly instanceLocation: string }): string =>
  `${instanceLocation === "#" ? "the arguments" : instanceLocation.slice(2)}: ${error.replace(/\.$/, "")}`

// An expression of a stranger can take for ever, and formats are not ours to judge: the source looks at both.
const skipped = new Set(["pattern", "patternProperties", "format"])

/** How many schemas are looked at, one as often as it is referred to: a few that refer to each other twice can be millions. */
const patience = 50_000

/** Without what can take for ever: it throws when it was looked at too often since it was said to begin `again`. */
const harmless = (schema: Readonly<Record<string, unknown>>) => {
  let left = patience
  const look = {
    get: () => {
      if (--left < 0) throw new Error("This schema takes too long.")
      return undefined
    }
  }
  return {
    again: () => void (left = patience),
    // The validator reads this keyword of each schema that it looks at, and no schema that is written anew has it.
    schema: SchemaForm.of(schema, {
      without: skipped,
      made: (each) => Object.defineProperty(each, "$recursiveRef", look)
    })
  }
}
