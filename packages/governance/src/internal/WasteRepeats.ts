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

/** Whether a call may have changed something. An edit that failed did not; a command that failed may have. */
const isChange = ({ call: { doing, tool }, result }: WasteScene.Use): boolean =>
  doing === "edit"
    ? result?.isError !== true && result?.isRejected !== true
    : doing === "command" ||
      doing === "delegate" ||
      doing === "ask" ||
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

  const editsOf = (file: Digest.Digest | null) => editsOfUnknown + (file === null ? 0 : (edits.get(file) ?? 0))

  const change = ({ doing, file, tool }: TranscriptIndex.Thing<"Called">) => {
    changes++
    if (doing !== "edit") return
    if (file !== null) edits.set(file, (edits.get(file) ?? 0) + 1)
    if (file === null || patches.has(tool.toLowerCase())) editsOfUnknown++
  }

  const compare = ({ call, result }: WasteScene.Use, what: Digest.Digest, changesNow: number) => {
    const before = seen.get(what)
    if (before === undefined || result === null || result.isRejected || !isSame(before.result, result)) return
    const isUnchanged = before.changes === changesNow
    const isUnedited = call.file !== null && before.edits === editsOf(call.file)
    const kind = result.isError
      ? isUnchanged && "same-failure"
      : call.doing === "read"
        ? (isUnchanged || isUnedited) && "reread"
        : (call.doing === "command" || call.doing === "search") && isUnchanged && "repeated-command"
    const isStanding = dropped - before.dropped < Math.max(1, (before.result.characters ?? 0) / charactersPerToken)
    if (kind !== false && isStanding) found.set(call.key, { kind, what })
  }

  /** Calls of one time. Nobody knows which of them was first, so what one changes stands before and behind the others. */
  const take = (uses: ReadonlyArray<WasteScene.Use>) => {
    const told = uses.map((use) => ({ use, what: whatOf(use.call), edits: editsOf(use.call.file) }))
    const earlier = changes
    const own = new Map<Digest.Digest, number>()
    for (const { use, what } of told) {
      if (!isChange(use)) continue
      change(use.call)
      own.set(what, (own.get(what) ?? 0) + 1)
    }
    for (const { use, what } of told) compare(use, what, changes - (own.get(what) ?? 0))
    for (const { edits, use, what } of told) {
      if (use.result === null || use.result.isRejected) continue
      seen.set(what, { result: use.result, changes: earlier + (own.get(what) ?? 0), edits, dropped })
    }
  }

  let uses: Array<WasteScene.Use> = []
  for (const [place, event] of events.entries()) {
    if (event.is === "use") {
      uses.push(event.use)
      const next = events[place + 1]
      if (next?.is === "use" && next.at === event.at) continue
      take(uses)
      uses = []
    } else if (event.is === "answer") dropped += event.answer.dropped
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
