/**
 * A conversation of Codex that can be taken up again anywhere: its pieces as the provider has them, read from what the program wrote
 * into the folder of one run, and put at the beginning of the next one's.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Harness from "../Harness.ts"

const Item = Schema.Record(Schema.String, Schema.Json)
const Data = Schema.Struct({ items: Schema.NonEmptyArray(Item) })

/** A piece of a conversation, as the Responses API has it. */
export type Item = typeof Item.Type

/** Where a run keeps its things. */
export interface Home {
  readonly folder: string
  /** The conversation to go on with. */
  readonly items: ReadonlyArray<Item>
}

/** The largest conversation that is kept, in bytes. */
const largest = 256 * 1024 * 1024

/** Makes a folder for a run, and reads the conversation that it goes on with. The folder goes with the scope. */
export const open = Effect.fnUntraced(function* (
  session: Harness.Session | undefined,
  harness: string
): Effect.fn.Return<Home, Harness.HarnessError, FileSystem.FileSystem | Scope.Scope> {
  const items = session === undefined ? [] : yield* read(session, harness)
  const fs = yield* FileSystem.FileSystem
  const folder = yield* Effect.acquireRelease(
    Effect.mapError(fs.makeTempDirectory({ prefix: "millwright-codex-" }), unusable),
    (folder) => Effect.ignore(fs.remove(folder, { recursive: true, force: true }))
  )
  return { folder, items }
})

const read = ({ data, harness: theirs }: Harness.Session, harness: string) =>
  Effect.mapBoth(theirs === harness ? Schema.decodeUnknownEffect(Data)(data) : Effect.fail(undefined), {
    onFailure: () =>
      new Harness.HarnessError({
        reason: "Broken",
        message: `The session to go on with is one of the harness "${theirs}", or is damaged. Start the role anew.`
      }),
    onSuccess: ({ items }) => items
  })

/** Reads what the program wrote down. `outcome` is the tool by which it ended. */
export const save = Effect.fnUntraced(function* (
  { folder }: Home,
  { harness, outcome }: { readonly harness: string; readonly outcome: string }
): Effect.fn.Return<Harness.Session, Harness.HarnessError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const text = yield* Effect.gen(function* () {
    const sessions = path.join(folder, "sessions")
    const files = yield* fs.readDirectory(sessions, { recursive: true })
    const name = files.find((each) => each.endsWith(".jsonl"))
    if (name === undefined) return ""
    const file = path.join(sessions, name)
    const { size } = yield* fs.stat(file)
    return size > largest ? "" : yield* fs.readFileString(file)
  }).pipe(
    Effect.catchReason("PlatformError", "NotFound", () => Effect.succeed("")),
    Effect.mapError(unusable)
  )
  const items = kept(text, outcome)
  if (!isSome(items)) {
    return yield* new Harness.HarnessError({
      reason: "Broken",
      message: `Codex kept nothing of its conversation, or more than ${largest} bytes. Update it; the versions that are known to work are in the README.`
    })
  }
  const data: typeof Data.Type = { items }
  return { harness, data }
})

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

const unusable = (error: PlatformError.PlatformError) =>
  new Harness.HarnessError({
    reason: "Broken",
    message: `The folder of a run of Codex can not be used: ${error.message}. See that the agent's place has room for temporary files.`
  })
