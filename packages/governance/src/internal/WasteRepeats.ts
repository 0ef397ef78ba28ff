/**
 * Calls that told an agent what it had been told. Whatever may have changed something stands between two calls makes the second one no
 * repeat: an edit, another command, a sub-agent, a tool that nobody knows, a turn of a person or of the program. Reads and searches change
 * nothing. Where it is told what both said, and it is the same, a file has to be edited in between for a read of it to be needed.
 */
import * as Digest from "@millwright/core/Digest"
import type * as Transcript from "../Transcript.ts"
import type * as TranscriptIndex from "../TranscriptIndex.ts"
import type * as Waste from "../Waste.ts"
import type * as WasteScene from "./WasteScene.ts"

/** What a repeat is, and what it repeats. */
export interface Repeat {
  readonly kind: Extract<Waste.Kind, "same-failure" | "reread" | "repeated-command">
  readonly what: Digest.Digest
}

/** What a call asks for, the same in every conversation. */
export const whatOf = ({ command, doing, file, input, range, tool }: TranscriptIndex.Thing<"Called">): Digest.Digest =>
  Digest.ofJson(doing === "read" && file !== null ? [tool, file, range] : [tool, command ?? input])

interface Earlier {
  readonly result: TranscriptIndex.Thing<"Returned">
  readonly changes: number
  readonly edits: number
  readonly dropped: number
}

/** Tools that only keep the agent's own notes. */
const notes = new Set("todowrite taskcreate taskupdate tasklist taskget update_plan".split(" "))

/** Tools of which one call may change several files, and only one is told. */
const patches = new Set(["apply_patch"])

const isChange = ({ doing, tool }: TranscriptIndex.Thing<"Called">): boolean =>
  doing === "command" ||
  doing === "delegate" ||
  doing === "ask" ||
  doing === "edit" ||
  (doing === "other" && !notes.has(tool.toLowerCase()))

/** The repeats of a conversation, by the keys of their calls. */
export const of = (
  { events }: Pick<WasteScene.Scene, "events">,
  charactersPerToken: number
): ReadonlyMap<string, Repeat> => {
  const found = new Map<string, Repeat>()
  const seen = new Map<Digest.Digest, Earlier>()
  const edits = new Map<Digest.Digest, number>()
  let editsOfUnknown = 0
  let changes = 0
  let dropped = 0

  const take = ({ call, result }: WasteScene.Use) => {
    const what = whatOf(call)
    const before = seen.get(what)
    const editsNow = editsOfUnknown + (call.file === null ? 0 : (edits.get(call.file) ?? 0))
    if (before !== undefined && result !== null && !result.isRejected && isSame(before.result, result)) {
      const isUnchanged = before.changes === changes
      const isTold = result.output !== null && before.result.output !== null && call.file !== null
      const kind = result.isError
        ? isUnchanged && "same-failure"
        : call.doing === "read"
          ? (isUnchanged || (isTold && before.edits === editsNow)) && "reread"
          : (call.doing === "command" || call.doing === "search") && isUnchanged && "repeated-command"
      const isStanding = dropped - before.dropped < (before.result.characters ?? 0) / charactersPerToken
      if (kind !== false && isStanding) found.set(call.key, { kind, what })
    }
    // An edit that failed changed nothing; a command that failed may have.
    if (isChange(call) && !(call.doing === "edit" && (result?.isError === true || result?.isRejected === true))) {
      changes++
      if (call.doing === "edit" && call.file !== null) edits.set(call.file, (edits.get(call.file) ?? 0) + 1)
      if (call.doing === "edit" && (call.file === null || patches.has(call.tool.toLowerCase()))) editsOfUnknown++
    }
    if (result !== null && !result.isRejected) seen.set(what, { result, changes, edits: editsNow, dropped })
  }

  for (const event of events) {
    if (event.is === "use") take(event.use)
    else if (event.is === "answer") dropped += event.answer.dropped
    else if (event.is === "turn") changes++
    else seen.clear()
  }
  return found
}

/** Whether two results say the same; where it is not told what they say, whether they are as long. */
const isSame = (a: Transcript.Of<"Returned">, b: Transcript.Of<"Returned">): boolean =>
  a.isError === b.isError &&
  (a.output !== null && b.output !== null
    ? a.output === b.output
    : a.characters !== null && a.characters === b.characters)
