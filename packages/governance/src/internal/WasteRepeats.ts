/**
 * Calls that told an agent what it had been told: both said the same or, where it is not told what they said, were as long to the
 * character. And nothing stands between them that made the second one worth while: for lines of a file an edit of that file; for a command, a
 * search or a failure whatever may have changed something, which is an edit, another command, a sub-agent, a tool that nobody knows, and
 * a turn of a person or of the program. Reads, searches and the agent's own notes change nothing.
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
      const kind = result.isError
        ? isUnchanged && "same-failure"
        : call.doing === "read"
          ? (isUnchanged || (call.file !== null && before.edits === editsNow)) && "reread"
          : (call.doing === "command" || call.doing === "search") && isUnchanged && "repeated-command"
      const isStanding = dropped - before.dropped < Math.max(1, (before.result.characters ?? 0) / charactersPerToken)
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
