/**
 * What git and a forge tell of who decided what: the interventions that nobody recorded as they happened, what shipped, and what was
 * wrong with it. Everything here is read from commits and from what the forge vouches for; nobody becomes a human, or an agent's work
 * a human's, by what a commit, a trailer or a comment says of itself.
 *
 * What is found has an id that is the same for whoever finds it, as it happens or years later: `git:<commit>`, `forge:<event>`. So it can be
 * observed into a journal again and again, and counts once.
 */
import * as Intervention from "@millwright/core/Intervention"
import * as FactoryEvent from "@millwright/core/FactoryEvent"
import type * as Git from "@millwright/core/Git"
import * as Journal from "@millwright/core/Journal"
import * as Redaction from "@millwright/core/Redaction"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Autonomy from "./Autonomy.ts"
import * as ForgeHistory from "./ForgeHistory.ts"
import * as ChangeCommits from "./internal/ChangeCommits.ts"
import * as ChangeEnds from "./internal/ChangeEnds.ts"
import * as CommitFindings from "./internal/CommitFindings.ts"
import * as Defects from "./internal/Defects.ts"
import * as CommitLog from "./internal/CommitLog.ts"
import * as Finding from "./internal/Finding.ts"
import * as ForgeFindings from "./internal/ForgeFindings.ts"
import * as Maker from "./internal/Maker.ts"
import * as Remembered from "./internal/Remembered.ts"
import * as InterventionNotes from "./InterventionNotes.ts"
import type * as Notes from "./Notes.ts"
import * as Provenance from "./Provenance.ts"
import type * as Roster from "./Roster.ts"
import type * as RosterFile from "./RosterFile.ts"

export type {
  /** Something that somebody did, and nobody vouches for who it was. */
  Doubt,
  /** A fact that a history tells. */
  Finding
} from "./internal/Finding.ts"
export type {
  /** What the signature of a commit proves, as who verified it says. */
  Standing
} from "./internal/Maker.ts"

/** What a history is read from. */
export interface Evidence {
  /** The commits of the branch that ships, in any order. */
  readonly commits: ReadonlyArray<ForgeHistory.Commit>
  /** The repository does not have all of them: a shallow clone, or a limit. */
  readonly isCut?: boolean
  readonly forge: ForgeHistory.ForgeHistory
  readonly roster: Roster.Roster
  /** What a commit's signature proves. Default: nothing. */
  readonly standing?: (commit: string) => Maker.Standing
  /** Labels of issues and pull requests. Default: `bug`, `hotfix`, `incident`. */
  readonly labels?: Partial<Defects.Labels>
}

/** A pull request, as its history tells of it. */
export interface Change {
  /** Its id in the forge. */
  readonly id: string
  /** The commits that are its own. */
  readonly commits: ReadonlyArray<string>
  /** The commits that its branch stood on, also those that were taken from it. */
  readonly heads: ReadonlyArray<string>
  /** Each last commit of an agent, with the change's commits on top of it. One of them tells whether the agent's run was observed. */
  readonly ends: ReadonlyArray<ReadonlyArray<string>>
  readonly authors: "agent" | "human" | "mixed" | "unknown"
  /** Why what is said of it may not be all: nothing can be said of who decided, then. */
  readonly gaps: ReadonlyArray<string>
}

/** What a history tells. */
export interface Told {
  /** By time. */
  readonly findings: ReadonlyArray<Finding.Finding>
  readonly doubts: ReadonlyArray<Finding.Doubt>
  readonly changes: ReadonlyArray<Change>
}

const unproven: Maker.Standing = { _tag: "Unproven", why: "Its signature was not looked at." }
const usualLabels: Defects.Labels = { bug: ["bug"], hotfix: ["hotfix"], incident: ["incident"] }

const isAgent = (roster: Roster.Roster, event: ForgeHistory.Event): boolean =>
  Maker.ofAccount(roster, event.by)._tag === "Agent"

/** Reads a history. The same evidence, in whatever order and however often a part of it is there, tells the same. */
export const read = (evidence: Evidence): Told => {
  const { commits, forge, isCut = false, roster, standing = () => unproven } = evidence
  const { subjects } = ForgeHistory.together(forge)
  const pulls = subjects.filter((subject) => subject._tag === "PullRequest")
  const known = new Map([...pulls.flatMap((pull) => pull.commits), ...commits].map((commit) => [commit.id, commit]))
  const changes = pulls.map((pull): ChangeEnds.Change => {
    const events = ForgeHistory.inOrder(pull.events)
    return { pull, events, commits: ChangeCommits.of(pull, { events, known, roster, standing, isCut }) }
  })
  const ofPulls = changes.flatMap(({ commits: own, events, pull }) => {
    const made = own.made.map(({ commit, maker }) => ({ at: commit.committedAt, maker }))
    const opened = events.find(({ _tag }) => _tag === "Opened")
    const isAgents =
      own.made.some(({ maker }) => maker._tag === "Agent") || (opened !== undefined && isAgent(roster, opened))
    const about = { subject: pull, events, roster, isAgents, commits: made }
    return [ForgeFindings.of(about), CommitFindings.of(own, { change: pull.id, waited: ForgeFindings.waiting(about) })]
  })
  const ofIssues = subjects.flatMap((subject) => {
    if (subject._tag !== "Issue") return []
    const events = ForgeHistory.inOrder(subject.events)
    const isAgents = events.some((event) => isAgent(roster, event))
    return [ForgeFindings.of({ subject, events, roster, isAgents, commits: [] })]
  })
  const found = [...ofPulls, ...ofIssues]
  const labels = { ...usualLabels, ...evidence.labels }
  const findings = [
    ...found.flatMap((each) => each.findings),
    ...changes.flatMap((change) => ChangeEnds.ends(change, roster)),
    ...Defects.of({ changes, commits: [...new Map(commits.map((each) => [each.id, each])).values()], subjects, labels })
  ]
  return {
    findings: Finding.once(findings),
    doubts: found.flatMap((each) => each.doubts),
    changes: changes.map(({ commits: own, events, pull }) => ({
      id: pull.id,
      commits: own.made.map(({ commit }) => commit.id),
      heads: [...new Set([...events.flatMap((event) => (event._tag === "Pushed" ? [event.after] : [])), pull.head])],
      ends: own.ends,
      authors: own.authors,
      gaps: [...pull.gaps, ...own.gaps]
    }))
  }
}

/** The line, run and item that made a commit, or delivered what ended at it. */
export type Works = ReadonlyMap<string, Pick<FactoryEvent.Origin, "line" | "run" | "item">>

/** What a journal tells of the runs that changes came from, after one more event. Begins with an empty map. */
export const works = (known: Works, { fact, item, line, run }: FactoryEvent.FactoryEvent): Works => {
  const commit =
    fact._tag === "ChangeDelivered" ? fact.pullRequest.head : fact._tag === "ChangeCommitted" ? fact.commit : undefined
  return commit === undefined || run === null ? known : new Map(known).set(commit, { line, run, item })
}

const nowhere = { line: null, run: null, item: null }

/** What was found as entries of a journal: at the time that it happened, with a key by which it is written once. */
export const entries = (told: Told, of: Works = new Map()): ReadonlyArray<FactoryEvent.Entry> => {
  const origins = new Map(
    told.changes.map(({ commits, heads, id }) => {
      const commit = [...commits, ...heads].findLast((each) => of.has(each))
      return [id, commit === undefined ? nowhere : (of.get(commit) ?? nowhere)]
    })
  )
  return told.findings.map(({ at, by, change, fact, key }) => {
    const origin = origins.get(change ?? "") ?? nowhere
    return { ...origin, stage: null, actor: by, at, fact, key }
  })
}

/** How many entries are appended at once. */
const page = 500

/**
 * Writes what was found into the journal, each once, however often and by however many it is observed. Answers with how much of the
 * history stands there now.
 */
export const observe = Effect.fnUntraced(function* (
  told: Told,
  of: Works = new Map()
): Effect.fn.Return<number, Journal.JournalError, Journal.Journal> {
  const journal = yield* Journal.Journal
  const all = entries(told, of)
  for (let start = 0; start < all.length; start += page) yield* journal.append(all.slice(start, start + page))
  return all.length
})

/** The ledger of what was found. Secrets are taken out as they are where a journal is written. */
export const ledger = (told: Told, of: Works = new Map()): Effect.Effect<Intervention.Ledger> =>
  Effect.map(Redaction.Secrets, (secrets) => {
    const found = new Map<string, Intervention.Intervention>()
    for (const [index, { key: _, ...entry }] of Journal.scrub(entries(told, of), secrets).entries()) {
      const { fact } = entry
      if (fact._tag !== "Intervened" && fact._tag !== "InterventionEnded") continue
      // Each fact is about one intervention, so the step needs no other.
      const known = found.get(fact.id)
      const event = { version: FactoryEvent.version, seq: index + 1, ...entry } as const
      const [after] = Intervention.step(new Map(known === undefined ? [] : [[fact.id, known]]), event).values()
      if (after !== undefined) found.set(fact.id, after)
    }
    return found
  })

/** What a ledger is made of again. Without `standing`, the signatures of the range are verified. */
export interface Sources extends Omit<Evidence, "commits" | "isCut"> {
  /** The range of the branch that ships: what `head` has and `base` has not. */
  readonly base: string
  readonly head: string
}

/** A change, and who decided what in it. */
export interface Decided extends Change {
  readonly level: Autonomy.Level
  /** Its interventions, by their names in the ledger. */
  readonly interventions: ReadonlyArray<string>
  /** Why the level is not known, where it is not. */
  readonly why: ReadonlyArray<string>
}

/** A ledger that was made again. */
export interface Rebuilt {
  readonly ledger: Intervention.Ledger
  readonly changes: ReadonlyArray<Decided>
  readonly told: Told
  /** Lines of notes that are no records. */
  readonly unread: number
}

/**
 * Makes the ledger again from a repository with its notes (`InterventionNotes.ref`, which a clone has to fetch) and from what the forge
 * remembers, without any journal. What the history shows stands as the history shows it; the notes add what it can not show.
 */
export const rebuild = Effect.fnUntraced(function* (
  dir: string,
  sources: Sources
): Effect.fn.Return<Rebuilt, Git.GitError | Notes.Failure | RosterFile.RosterError, ChildProcessSpawner> {
  const log = yield* CommitLog.read(dir, sources)
  const standing = sources.standing ?? Provenance.proven(yield* Provenance.verify(dir, sources))
  const told = read({ ...sources, ...log, standing })
  const ofChanges = told.changes.flatMap(({ commits, heads }) => [...commits, ...heads])
  const notes = yield* InterventionNotes.read(dir, [...log.commits.map(({ id }) => id), ...ofChanges])
  const found = yield* ledger(told, Remembered.works(notes))
  const stood = Remembered.together(found, notes)
  return {
    ledger: stood,
    changes: told.changes.map((change): Decided => {
      const interventions = Remembered.of(change, { told, notes })
      const why = [
        ...change.gaps,
        ...told.doubts.filter((doubt) => doubt.change === change.id).map(({ about, why }) => `${about}: ${why}`),
        ...(Remembered.isObserved(change, notes) ? [] : ["No note says that the run which made it was observed."])
      ]
      const those = interventions.flatMap((key) => stood.get(key) ?? [])
      return { ...change, interventions, why, level: Autonomy.of(those, why.length === 0, change.authors) }
    }),
    told,
    unread: [...notes.values()].reduce((sum, { unread }) => sum + unread.length, 0)
  }
})
