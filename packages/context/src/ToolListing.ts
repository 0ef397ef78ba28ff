/** A **tool listing**: what a source listed, taken tool by tool. What can not be used is quarantined with its reason, and nothing else is. */
import * as Tainted from "@millwright/core/Tainted"
import * as Predicate from "effect/Predicate"
import * as StrangerText from "./internal/StrangerText.ts"
import type { Hints, ListedTool } from "./ToolEntry.ts"

/** A tool that is not used, and why. */
export interface Quarantined {
  /** As far as it could be read. */
  readonly name: string
  readonly reason: string
}

/** What of a list can be used. */
export interface ToolListing {
  readonly tools: ReadonlyArray<ListedTool>
  readonly quarantined: ReadonlyArray<Quarantined>
}

/** The most tools that one source may have. */
export const maxTools = 10_000

/** The largest schema that is taken, in bytes. */
export const maxSchemaBytes = 512 * 1024

/** The longest name that is taken, in characters. */
export const maxNameLength = 256

/** How deep a schema may be nested. */
export const maxSchemaDepth = 100

/** The largest description that is kept, in bytes; a longer one is cut, and says so. */
export const maxDescriptionBytes: number = StrangerText.maxBytes

/** Reads a list. Never fails, whatever is in it. */
export const parse = (tools: ReadonlyArray<unknown>): ToolListing => {
  const reading = steps(tools)
  for (;;) {
    const step = reading.next()
    if (step.done === true) return step.value
  }
}

/** Reads a list, a tool with each step, for those who have other things to do: 10,000 tools take some 400 ms. */
export function* steps(tools: ReadonlyArray<unknown>): Generator<void, ToolListing> {
  const taken = new Map<string, ListedTool>()
  const quarantined: Array<Quarantined> = []
  for (let at = 0; at < Math.min(tools.length, maxTools); at++) {
    let name = ""
    try {
      const raw = tools[at]
      if (!Predicate.isObject(raw)) throw new Unusable(`entry ${at + 1} of the list is no object`)
      name = StrangerText.line(raw.name)
      const tool = read(raw, at)
      if (taken.has(tool.name)) {
        throw new Unusable("the source lists another tool of this name before it, and that one is used")
      }
      taken.set(tool.name, tool)
    } catch (thrown) {
      const reason =
        thrown instanceof Unusable ? thrown.message : `it can not be read: ${StrangerText.line(messageOf(thrown))}`
      quarantined.push({ name, reason })
    }
    yield
  }
  if (tools.length > maxTools) {
    const rest = tools.length - maxTools
    quarantined.push({
      name: "",
      reason: `${rest} more ${rest === 1 ? "tool is" : "tools are"} listed, and ${maxTools} of one source are taken: let it offer fewer`
    })
  }
  return { tools: [...taken.values()], quarantined }
}

/** Its message is the reason of a quarantine. */
class Unusable extends Error {}

type Raw = Readonly<Record<PropertyKey, unknown>>

const read = (raw: Raw, at: number): ListedTool => {
  const { description, name } = raw
  if (typeof name !== "string" || name.trim() === "") throw new Unusable(`entry ${at + 1} of the list has no name`)
  if (name.length > maxNameLength) {
    throw new Unusable(`its name has ${name.length} characters, and at most ${maxNameLength} are taken`)
  }
  if (/[\t\n]/.test(name) || name.search(Tainted.hidden) !== -1) {
    throw new Unusable("its name has control characters or characters that do not show")
  }
  return {
    name,
    description: StrangerText.read(description, maxDescriptionBytes),
    schema: schema(raw.inputSchema),
    hints: hints(raw.annotations),
    alwaysLoad: raw.alwaysLoad === true || asksToLoad(raw._meta)
  }
}

const noArguments = Buffer.from('{"type":"object","properties":{}}')

const schema = (raw: unknown): Uint8Array => {
  if (raw === undefined || raw === null) return noArguments
  if (!Predicate.isObject(raw)) {
    throw new Unusable(
      `its inputSchema is ${typeof raw === "boolean" ? raw : `no object`}, and has to be the schema of an object`
    )
  }
  measure(raw, 0, { left: maxSchemaBytes })
  const { properties, required, type = "object" } = raw
  if (type !== "object" && !(Array.isArray(type) && type.includes("object"))) {
    throw new Unusable(
      `its inputSchema is of type ${StrangerText.line(JSON.stringify(type))}, and has to be of type "object"`
    )
  }
  if (properties !== undefined && !Predicate.isObject(properties)) {
    throw new Unusable("the properties of its inputSchema are no object")
  }
  if (required !== undefined && !(Array.isArray(required) && required.every(Predicate.isString))) {
    throw new Unusable("`required` of its inputSchema is no list of names")
  }
  const bytes = Buffer.from(JSON.stringify({ ...raw, type: "object" }))
  if (bytes.length > maxSchemaBytes) throw tooLarge()
  return bytes
}

const tooLarge = () => new Unusable(`its inputSchema has more than ${maxSchemaBytes} bytes`)

/** A cheap lower bound of the size before anything is copied, and the end of every cycle. */
const measure = (value: unknown, depth: number, room: { left: number }): void => {
  room.left -= typeof value === "string" ? value.length : 1
  if (room.left < 0) throw tooLarge()
  if (typeof value !== "object" || value === null) return
  if (depth === maxSchemaDepth)
    throw new Unusable(`its inputSchema is nested more than ${maxSchemaDepth} deep, or holds itself`)
  for (const [key, each] of Object.entries(value)) {
    room.left -= key.length
    measure(each, depth + 1, room)
  }
}

/** What the protocol says of a tool that says nothing. That a tool which only reads could destroy, it would have to say. */
const hints = (raw: unknown): Hints => {
  const said = (key: string, otherwise: boolean): boolean =>
    Predicate.hasProperty(raw, key) && typeof raw[key] === "boolean" ? raw[key] : otherwise
  const readOnly = said("readOnlyHint", false)
  return {
    readOnly,
    destructive: said("destructiveHint", !readOnly),
    idempotent: said("idempotentHint", false),
    openWorld: said("openWorldHint", true)
  }
}

const asksToLoad = (meta: unknown): boolean =>
  ["alwaysLoad", "anthropic/alwaysLoad"].some((key) => Predicate.hasProperty(meta, key) && meta[key] === true)

const messageOf = (thrown: unknown): string => {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown)
  } catch {
    return "what it throws has no text"
  }
}
