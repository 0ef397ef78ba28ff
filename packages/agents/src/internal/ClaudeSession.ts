/** A conversation of Claude Code that can be taken up again anywhere: what its program wrote down, in a folder of one run. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Harness from "../Harness.ts"
import * as RunFolder from "./RunFolder.ts"

/** What a session holds: the name of the conversation, and its lines. */
const Data = Schema.Struct({ id: Schema.NonEmptyString, transcript: Schema.NonEmptyString })

/** Where a run keeps its things. */
export interface Home {
  readonly folder: RunFolder.RunFolder
  /** The file with the conversation to go on with. */
  readonly resume: string | undefined
}

/** Makes a folder for a run, with the conversation that it goes on with. */
export const open = Effect.fnUntraced(function* (session: Harness.Session | undefined, harness: string) {
  const earlier = yield* RunFolder.earlier(session, harness, Data)
  const folder = yield* RunFolder.make(harness, "Claude Code")
  const resume = earlier === undefined ? undefined : yield* folder.write("earlier.jsonl", earlier.transcript)
  const home: Home = { folder, resume }
  return home
})

/** Reads what the program wrote down of a conversation. */
export const save = Effect.fnUntraced(function* (
  { folder }: Home,
  { harness, id }: { readonly harness: string; readonly id: string }
) {
  const data: typeof Data.Type = { id, transcript: yield* folder.kept("projects", `/${id}.jsonl`) }
  const session: Harness.Session = { harness, data }
  return session
})
