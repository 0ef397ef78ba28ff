/** Whether notes that many processes write at once are all there afterwards, how long a write takes, and whether real notes are read. */
import { fileURLToPath } from "node:url"
import * as Bench from "./Bench.ts"
import * as Race from "./notes/Race.ts"
import * as RealNotes from "./notes/RealNotes.ts"

/** What is measured. */
export const description = "git notes: what many writers at once keep, how long a write takes, real notes read"

/** What can be set. */
export const options = {
  writers: { type: "number", about: "processes that write at once", default: 20 },
  rounds: { type: "number", about: "notes that each of them writes", default: 20 },
  notes: {
    type: "file",
    about: "notes of git-ai, packed or not, one object with commit, note, ai_lines and human_lines a line",
    default: fileURLToPath(new URL("../packages/governance/test/fixtures/authorship/notes.jsonl", import.meta.url))
  }
} as const satisfies Bench.Options

const at = (sorted: ReadonlyArray<number>, share: number): number =>
  Bench.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN)

/** Measures. */
export const run: Bench.Run<typeof options> = async ({ notes, rounds, writers }, progress) => {
  const total = writers * rounds
  const figures: Array<Bench.Measured> = []
  const lost: Array<string> = []
  const details: Record<string, unknown> = {}
  for (const [kind, title] of [
    ["own", "a note of its own each time"],
    ["one", "all to one note"]
  ] as const) {
    for (const by of ["millwright", "git"] as const) {
      progress(`${writers} processes × ${rounds} rounds, ${title}, by ${by} …`)
      const { kept, refused, times } = await Race.run({ by, writers, rounds, notes: kind })
      const isOurs = by === "millwright"
      const peer = isOurs ? {} : { peer: "git notes append" }
      const goals = (op: Bench.Goal["op"], value: number) => (isOurs ? { goal: { op, value } } : {})
      figures.push(
        { name: `kept, ${title}`, value: kept, unit: `of ${total}`, ...peer, ...goals(">=", total) },
        { name: `p50 of a write, ${title}`, value: at(times, 0.5), unit: "ms", ...peer },
        { name: `p95 of a write, ${title}`, value: at(times, 0.95), unit: "ms", ...peer, ...goals("<=", 3_000) }
      )
      details[`${by}, ${kind}`] = { kept, refused, lostWithoutAWord: total - refused - kept, longest: at(times, 1) }
      if (isOurs && kept < total) lost.push(`${total - kept} of ${total} notes are gone: ${title}.`)
    }
  }
  progress(`reading ${notes} …`)
  const real = await RealNotes.run(notes)
  figures.push(
    { name: "real notes read", value: real.read, unit: `of ${real.notes}`, goal: { op: ">=", value: real.notes } },
    {
      name: "of them with git-ai's counts of lines",
      value: real.equal,
      unit: `of ${real.notes}`,
      goal: { op: ">=", value: real.notes }
    }
  )
  const isRead = real.read === real.notes && real.equal === real.notes
  return {
    figures,
    notes: [
      "A write of ours reads, merges and writes the note; the other is one process of git.",
      "Kept is what git itself lists afterwards."
    ],
    details: { ...details, otherwise: real.otherwise },
    ...((lost.length > 0 || !isRead) && {
      failure: [...lost, ...(isRead ? [] : ["Not all real notes were read as git-ai reads them."])].join(" ")
    })
  }
}
