/** The interventions that the commits of a change tell. Pure. */
import * as Intervention from "@millwright/core/Intervention"
import type * as ChangeCommits from "./ChangeCommits.ts"
import * as Finding from "./Finding.ts"
import type * as ForgeFindings from "./ForgeFindings.ts"
import * as Maker from "./Maker.ts"

/** What an empty commit says with which a human approves what is below it (`ProvenanceRule`). */
const approves = /^Approves: [0-9a-f]{7,64}$/im

/** Reads the commits of a change. `waited` says how long it had waited at a time. */
export const of = (
  { made }: ChangeCommits.ChangeCommits,
  { change, waited }: { readonly change: string; readonly waited: (at: number) => number | null }
): ForgeFindings.Found => {
  const findings: Array<Finding.Finding> = []
  const doubts: Array<Finding.Doubt> = []
  for (const { before, behindAgent, commit, maker } of made) {
    const id = `git:${commit.id}`
    if (maker._tag === "Unknown") doubts.push({ change, about: id, why: maker.why })
    if (maker._tag !== "Human" || !behindAgent) continue
    const by = Maker.actor(maker)
    const isMerge = commit.parents.length > 1
    const isApproval = !isMerge && commit.tree === before && approves.test(commit.message)
    const subject = commit.message.split("\n", 1)[0] ?? ""
    findings.push({
      key: `intervention/${id}`,
      at: commit.committedAt,
      change,
      by,
      fact: {
        _tag: "Intervened",
        id,
        ...(isApproval ? { kind: "approve", name: "approval" } : { kind: "edit", name: "branch" }),
        cause: isApproval
          ? Intervention.causes.reviewed
          : isMerge
            ? `${Intervention.causes.edited}: merge`
            : Finding.causeOf(Intervention.causes.edited, subject),
        why: Finding.bounded(subject),
        by,
        waited: waited(commit.committedAt),
        activeMinutes: null,
        before: Finding.treeDigest(before),
        after: Finding.treeDigest(commit.tree),
        ref: commit.id
      }
    })
  }
  return { findings, doubts }
}
