/** The audit: who decided what of each change, from a clone and the forge's memory alone. It needs no store and no network. */
import * as Actor from "@millwright/core/Actor"
import * as Digest from "@millwright/core/Digest"
import type * as Intervention from "@millwright/core/Intervention"
import * as Policy from "@millwright/core/Policy"
import type * as ForgeHistory from "@millwright/governance/ForgeHistory"
import * as History from "@millwright/governance/History"
import * as Provenance from "@millwright/governance/Provenance"
import * as RosterFile from "@millwright/governance/RosterFile"
import * as StatusCheck from "@millwright/governance/StatusCheck"
import * as Text from "@millwright-examples/shared/text"
import * as Effect from "effect/Effect"

/** A change, and who decided what in it. */
export interface Row {
  readonly change: ForgeHistory.PullRequest
  readonly decided: History.Decided
  readonly hasShipped: boolean
  readonly decision: Policy.Decision
  /** What a person's yes has to be of: this head, under this decision. */
  readonly asked: Digest.Digest
  readonly commits: ReadonlyArray<Provenance.Commit>
  readonly people: ReadonlyArray<Intervention.Intervention>
}

export interface Audit {
  readonly rows: ReadonlyArray<Row>
  readonly rebuilt: History.Rebuilt
}

/** Makes the ledger again, and asks policy and signatures once more: of each change by the commit that it stands on. */
export const of = Effect.fnUntraced(function* (
  dir: string,
  { base, forge }: { readonly base: string; readonly forge: ForgeHistory.ForgeHistory }
) {
  const roster = yield* RosterFile.atBase(dir, { base })
  const pulls = forge.subjects.filter((subject) => subject._tag === "PullRequest")
  const looked = yield* Effect.forEach(
    pulls,
    Effect.fnUntraced(function* (change) {
      const { decision } = yield* StatusCheck.check(dir, change)
      return {
        change,
        decision,
        range: yield* Provenance.verify(dir, { base: change.base, head: change.head, roster })
      }
    }),
    { concurrency: 2 }
  )
  // By itself, `rebuild` looks at the signatures of what was merged.
  const proven = new Map(looked.flatMap(({ range }) => range.commits.map(({ id }) => [id, Provenance.proven(range)])))
  const standing = (id: string) => proven.get(id)?.(id) ?? ({ _tag: "Unproven", why: "It is of no change." } as const)
  const rebuilt = yield* History.rebuild(dir, { base, head: "main", forge, roster, standing })
  const rows = looked.flatMap(({ change, decision, range }): ReadonlyArray<Row> => {
    const decided = rebuilt.changes.find(({ id }) => id === change.id)
    if (decided === undefined) return []
    const asked = Digest.ofJson({ head: change.head, decision: Policy.digest(decision) })
    const people = decided.interventions
      .flatMap((key) => rebuilt.ledger.get(key) ?? [])
      .toSorted((a, b) => a.openedAt - b.openedAt)
    const hasShipped = change.events.some(({ _tag }) => _tag === "Merged")
    return [{ change, decided, hasShipped, decision, asked, commits: range.commits, people }]
  })
  const audit: Audit = { rows, rebuilt }
  return audit
})

const minutes = (ms: number): string =>
  ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`

/** Whether a person said yes to the change as it is in the end. */
export const isYes = ({ asked }: Row, { answered, before, kind }: Intervention.Intervention): boolean =>
  kind === "approve" && answered?.by._tag === "Human" && before === asked

/** What a person did: `bo: approve, waited 40 min, active 6 min`. */
const did = (row: Row, intervention: Intervention.Intervention): string => {
  const { answered, kind, openedAt } = intervention
  if (answered === null) return `nobody: ${kind}`
  const { activeMinutes, at, by, waited } = answered
  return [
    `${Actor.label(by)}: ${kind}${kind === "approve" && !isYes(row, intervention) ? " (void)" : ""}`,
    // Nothing waits while somebody does the work themselves.
    ...(kind === "takeover" ? [`took ${minutes(at - openedAt)}`] : []),
    ...(waited === null ? [] : [`waited ${minutes(waited)}`]),
    `active ${activeMinutes === null ? "?" : minutes(activeMinutes * 60_000)}`
  ].join(", ")
}

const made = ({ id, standing }: Provenance.Commit): string =>
  `${id.slice(0, 7)} ${Provenance.Standing.match(standing, {
    HumanSigned: ({ member }) => `signed by ${member}`,
    AgentSigned: ({ member }) => `signed by agent ${member}`,
    Attributed: ({ agent, member }) => `says: agent ${agent?.id ?? member}`,
    Unproven: ({ claims, why }) => `says: ${claims.author.name}; ${why}`
  })}`

/** The rows as a table: what a change came to, what policy said by which rule, whose its commits are, and what people did. */
export const table = ({ rows }: Audit): string => {
  const cells = rows.flatMap((row) => {
    const { change, commits, decided, decision, hasShipped, people } = row
    const columns = [
      [`#${change.id} ${change.branch.replace("factory/", "")}`],
      [hasShipped ? "shipped" : "dropped"],
      [decided.level],
      [decision._tag, `  ${decision.rule}`],
      commits.map(made),
      people.length === 0 ? ["nobody"] : people.map((each) => did(row, each))
    ]
    const height = Math.max(...columns.map(({ length }) => length))
    return Array.from({ length: height }, (_, line) =>
      columns.map((column) => Text.oneLine(column[line] ?? "").trimEnd())
    )
  })
  return Text.columns([["change", "", "level", "policy, by its rule", "commits", "people"], ...cells])
    .map((line) => `  ${line}`)
    .join("\n")
}
