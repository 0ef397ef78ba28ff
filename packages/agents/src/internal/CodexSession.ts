/**
 * A conversation of Codex that can be taken up again anywhere: its pieces as the provider has them, read from what the program wrote
 * into the folder of one run, and put at the beginning of the next one's.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Harness from "../Harness.ts"
import * as RunFolder from "./RunFolder.ts"

const Item = Schema.Record(Schema.String, Schema.Json)
const Data = Schema.Struct({ items: Schema.NonEmptyArray(Item) })

/** A piece of a conversation, as the Responses API has it. */
export type Item = typeof Item.Type

/** Where a run keeps its things. */
export interface Home {
  readonly folder: RunFolder.RunFolder
  /** The conversation to go on with. */
  readonly items: ReadonlyArray<Item>
}

/** Makes a folder for a run, and reads the conversation that it goes on with. */
export const open = Effect.fnUntraced(function* (session: Harness.Session | undefined, harness: string) {
  const { items = [] } = (yield* RunFolder.earlier(session, harness, Data)) ?? {}
  const home: Home = { folder: yield* RunFolder.make(harness, title), items }
  return home
})

/** Reads what the program wrote down. `outcome` is the tool by which it ended. */
export const save = Effect.fnUntraced(function* (
  { folder }: Home,
  { harness, outcome }: { readonly harness: string; readonly outcome: string }
) {
  const items = kept(yield* folder.kept("sessions", ".jsonl"), outcome)
  if (!isSome(items)) return yield* RunFolder.nothing(title)
  const data: typeof Data.Type = { items }
  const session: Harness.Session = { harness, data }
  return session
})

const title = "Codex"

const isSome = (items: ReadonlyArray<Item>): items is readonly [Item, ...ReadonlyArray<Item>] => items.length > 0

/** The conversation in the lines of the program's file. What it is told at its beginning, it is told anew the next time. */
const kept = (text: string, outcome: string): ReadonlyArray<Item> => {
  let items: Array<Item> = []
  for (const line of text.split("\n")) {
    const { payload, type } = Option.getOrElse(decodeLine(line), () => nothing)
    if (type === "response_item") items.push(...Option.toArray(decodeItem(payload)))
    // What came before is what its notes say.
    if (type === "compacted" && Predicate.hasProperty(payload, "replacement_history")) {
      items = Option.getOrElse(decodeItems(payload.replacement_history), () => items).slice()
    }
  }
  const ends = new Set(items.flatMap(({ call_id, name }) => (name === outcome ? [call_id] : [])))
  return items.flatMap((item) => {
    if (item["role"] === "developer" || item["role"] === "system" || isInterruption(item)) return []
    // It was stopped when it gave its outcome, and wrote that the call broke off.
    return [item["type"] === "function_call_output" && ends.has(item["call_id"]) ? { ...item, output: taken } : item]
  })
}

/** What the call of the outcome answers. */
export const taken = "Your outcome is taken."

const isInterruption = ({ content, role }: Item): boolean =>
  role === "user" && JSON.stringify(content).includes('"text":"<turn_aborted>')

const nothing = { type: "", payload: undefined }
const decodeLine = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ type: Schema.String, payload: Schema.Unknown }))
)
const decodeItem = Schema.decodeUnknownOption(Item)
const decodeItems = Schema.decodeUnknownOption(Schema.Array(Item))
