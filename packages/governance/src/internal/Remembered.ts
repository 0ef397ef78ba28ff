/** What notes remember of interventions, joined with what a history shows. Pure. */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import type * as Intervention from "@millwright/core/Intervention"
import type * as InterventionNotes from "../InterventionNotes.ts"
import type * as Finding from "./Finding.ts"

/** The notes of commits, by their ids. */
export type Notes = ReadonlyMap<string, InterventionNotes.Read>

/** The line, run and item that delivered each commit. */
export const works = (notes: Notes): ReadonlyMap<string, Pick<FactoryEvent.Origin, "line" | "run" | "item">> =>
  new Map(
    [...notes].flatMap(([commit, { records }]) =>
      records.flatMap((record) => (record._tag === "Observed" ? [[commit, record] as const] : []))
    )
  )

/**
 * An intervention that both know. Who did what and when, is as the history shows it; where in the factory it belongs, what was measured and
 * why it was, is as it stood in the journal.
 */
const both = (
  { answered, id, kind, openedAt, to }: Intervention.Intervention,
  { withdrawn: _, ...note }: Intervention.Intervention
): Intervention.Intervention => ({
  ...note,
  id,
  kind,
  openedAt,
  to,
  answered: answered === null ? note.answered : { ...(note.answered ?? answered), by: answered.by, at: answered.at }
})

/** The ledger of both, in the order in which interventions were opened. A note takes nothing away. */
export const together = (found: Intervention.Ledger, notes: Notes): Intervention.Ledger => {
  const all = new Map(found)
  for (const { records } of [...notes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, note]) => note)) {
    for (const record of records) {
      if (record._tag !== "Stood") continue
      const known = found.get(record.key)
      all.set(record.key, known === undefined ? record.intervention : both(known, record.intervention))
    }
  }
  return new Map([...all].sort(([a, one], [b, other]) => one.openedAt - other.openedAt || (a < b ? -1 : 1)))
}

interface Owner {
  readonly id: string
  readonly commits: ReadonlyArray<string>
  readonly heads: ReadonlyArray<string>
}

const notesOf = ({ commits, heads }: Owner, notes: Notes) =>
  [...new Set([...commits, ...heads])].flatMap((commit) => notes.get(commit)?.records ?? [])

/** Whether runs that were observed from their beginning delivered all that agents made of the change, and not only the first of it. */
export const isObserved = ({ ends }: { readonly ends: ReadonlyArray<ReadonlyArray<string>> }, notes: Notes): boolean =>
  ends.every((end) => end.some((commit) => notes.get(commit)?.records.some(({ _tag }) => _tag === "Observed") === true))

/** The interventions of a change, by their names in the ledger. */
export const of = (
  change: Owner,
  { notes, told }: { readonly told: { readonly findings: ReadonlyArray<Finding.Finding> }; readonly notes: Notes }
): ReadonlyArray<string> => {
  const own = new Set(change.commits.map((commit) => `git:${commit}`))
  const found = told.findings.flatMap(({ change: of, fact }) =>
    fact._tag === "Intervened" && (of === change.id || own.has(fact.id)) ? [fact.id] : []
  )
  const noted = notesOf(change, notes).flatMap((record) => (record._tag === "Stood" ? [record.key] : []))
  return [...new Set([...found, ...noted])].sort()
}
