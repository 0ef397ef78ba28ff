/** What about the tools of an index will confuse a model, or whoever reads what it did. */
import type { Entry } from "../ToolEntry.ts"
import type { Finding, ServerStats } from "../ToolIndex.ts"
import * as ToolScope from "../ToolScope.ts"
import * as EntryName from "./EntryName.ts"

/** Looks at all of them. */
export const findings = (
  entries: ReadonlyArray<Entry>,
  servers: ReadonlyArray<ServerStats>
): ReadonlyArray<Finding> => [
  ...servers.flatMap(ofServer),
  ...groups(entries, ({ name }) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "")).map((same): Finding => ({
    kind: "SameName",
    ids: same.map(({ id }) => id),
    message: `${list(same)} have one name. A model tells them apart by their server alone: pin the one that is meant, or leave the others out of the scope.`
  })),
  ...groups(entries, ({ description }) => words(description)).map((same): Finding => ({
    kind: "LookAlike",
    ids: same.map(({ id }) => id),
    message: `${list(same)} say the same about themselves. Leave all but one out of the scope, or ask their authors to say what differs.`
  })),
  ...entries
    .filter(({ description }) => instruction.test(description))
    .map(({ id }): Finding => ({
      kind: "Instructs",
      ids: [id],
      message: `The description of ${id} speaks to the model about other things than the tool. Read it before you grant it.`
    }))
]

/** What of a scope does nothing, beside what the index has that it is a scope of. */
export const idle = (
  scope: ToolScope.ToolScope,
  entries: ReadonlyArray<Entry>,
  servers: ReadonlyArray<ServerStats>
): ReadonlyArray<Finding> =>
  ToolScope.idle(scope, { ids: entries.map(({ id }) => id), servers }).map((message) => ({
    kind: "IdlePattern",
    ids: [],
    message
  }))

const ofServer = ({ name, quarantined, reason, status }: ServerStats): ReadonlyArray<Finding> => [
  ...(status === "failed" || status === "stale"
    ? [{ kind: "Failed" as const, ids: [], message: `${name} can not be listed: ${reason ?? "no reason given"}` }]
    : []),
  ...quarantined.map((tool) => ({
    kind: "Quarantined" as const,
    ids: [],
    message: `${name}/${EntryName.plain(tool.name)} is not used: ${tool.reason}`
  }))
]

const groups = (entries: ReadonlyArray<Entry>, key: (entry: Entry) => string): ReadonlyArray<ReadonlyArray<Entry>> =>
  [...Map.groupBy(entries, key)].filter(([shared, same]) => shared !== "" && same.length > 1).map(([, same]) => same)

// A few words say nothing: "Delete" is what many tools do.
const words = (description: string): string => {
  const found = description.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  return found.length < 4 ? "" : found.slice(0, 60).join(" ")
}

const list = (entries: ReadonlyArray<Entry>): string => {
  const ids = entries.slice(0, 6).map(({ id }) => id)
  return `${ids.join(", ")}${entries.length > 6 ? ` and ${entries.length - 6} more` : ""}`
}

/** Phrases that tool descriptions have no use for. A net with holes: text of a stranger is data all the same. */
const instruction =
  /\b(?:ignore|disregard|forget)\b.{0,30}\b(?:previous|prior|above|earlier|all|other)\b.{0,30}\b(?:instruction|prompt|rule|tool|message)s?\b|<\/?(?:system|important|instructions?)>|\b(?:do not|don't|never) (?:tell|mention|inform|show)\b.{0,30}\buser\b|\byou (?:must|have to) (?:always )?(?:first )?(?:read|send|include|call)\b.{0,60}(?:\.ssh|\.env|id_rsa|password|token|credential)/is
