/** What was wrong with what had shipped, as commits, labels and words of people say it. Pure. */
import * as Actor from "@millwright/core/Actor"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import type * as ForgeHistory from "../ForgeHistory.ts"
import type * as ChangeEnds from "./ChangeEnds.ts"
import * as Finding from "./Finding.ts"

/** Labels that say what an issue or a pull request is, compared without regard to case. */
export interface Labels {
  readonly bug: ReadonlyArray<string>
  readonly hotfix: ReadonlyArray<string>
  readonly incident: ReadonlyArray<string>
}

/** What is looked through. */
export interface Place {
  readonly changes: ReadonlyArray<ChangeEnds.Change>
  /** What is on the branch that ships. */
  readonly commits: ReadonlyArray<ForgeHistory.Commit>
  readonly subjects: ReadonlyArray<ForgeHistory.Subject>
  readonly labels: Labels
}

type Kind = Extract<FactoryEvent.Fact, { readonly _tag: "DefectFound" }>["kind"]

const found = (
  id: string,
  { at, ...rest }: { readonly at: number; readonly kind: Kind; readonly change: string | null; readonly what: string }
): Finding.Finding => {
  const fact: FactoryEvent.Fact = { _tag: "DefectFound", defect: id, ...rest, what: Finding.bounded(rest.what) }
  return { key: `history/defect/${id}/${rest.change ?? ""}`, at, change: rest.change, by: Actor.host, fact }
}

/** The fewest characters of an id that stand for a commit. */
const fewest = 7

/** Finds the ids that begin so. A text may name very many of them, so not all are looked through for each. */
const beginning = (ids: Iterable<string>): ((start: string) => ReadonlyArray<string>) => {
  const found = new Map<string, Array<string>>()
  for (const id of ids) {
    const those = found.get(id.slice(0, fewest))
    if (those === undefined) found.set(id.slice(0, fewest), [id])
    else those.push(id)
  }
  return (start) => (found.get(start.slice(0, fewest)) ?? []).filter((id) => id.startsWith(start))
}

/** Finds the change that a commit belongs to, by its id or by a beginning of it that no other change's commit has. */
const finder = (changes: ReadonlyArray<ChangeEnds.Change>): ((id: string) => string | null) => {
  const owners = new Map<string, string>()
  for (const { commits, events, pull } of changes) {
    const became = events.flatMap((event) => (event._tag === "Merged" && event.commit !== null ? [event.commit] : []))
    for (const id of [...commits.made.map(({ commit }) => commit.id), ...became]) owners.set(id, pull.id)
  }
  const thatBegin = beginning(owners.keys())
  return (id) => {
    const [only, ...others] = new Set(thatBegin(id).map((commit) => owners.get(commit) ?? null))
    return only === undefined || others.length > 0 ? null : only
  }
}

const revert = /\bThis reverts commit ([0-9a-f]{7,64})\b/gi

const revertsOf = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(revert)].map(([, id = ""]) => id.toLowerCase())

/** A commit that takes back one of another change. One that takes back such a commit brings the change in again, and is no defect. */
const ofCommits = ({ commits }: Place, ownerOf: (id: string) => string | null): ReadonlyArray<Finding.Finding> => {
  const thatRevert = beginning(commits.flatMap(({ id, message }) => (revertsOf(message).length > 0 ? [id] : [])))
  return commits.flatMap(({ committedAt: at, id, message }) =>
    [...new Set(revertsOf(message))].flatMap((reverted) => {
      const change = ownerOf(reverted)
      if (thatRevert(reverted).length > 0) return []
      // It never was a part of what is used without it.
      if (change !== null && change === ownerOf(id)) return []
      return found(`git:${id}`, { at, kind: "revert", change, what: message.split("\n", 1)[0] ?? "" })
    })
  )
}

const blame =
  /\b(caused by|introduced (?:in|by)|broken (?:in|by)|regression (?:from|of|in|since)|hot ?fix (?:for|of)|reverts)\s+(?:pull request |PR |commit )?(?:[\w.-]{1,100}\/[\w.-]{1,100})?(?:#(\d{1,10})\b|([0-9a-f]{7,64})\b)/gi
const closing = /\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d{1,10})\b/gi

const numberOf = (id: string): string => /\d+$/.exec(id)?.[0] ?? ""
const has = (labels: ReadonlyArray<string>, names: ReadonlyArray<string>): boolean =>
  labels.some((label) => names.some((name) => name.toLowerCase() === label.toLowerCase()))
const openedAt = (events: ReadonlyArray<ForgeHistory.Event>): ForgeHistory.Event | undefined =>
  events.find(({ _tag }) => _tag === "Opened") ?? events[0]

/** Bugs that name the change which brought them, hot fixes, and the pull requests that a forge's button makes to take one back. */
const ofSubjects = (
  { changes, labels, subjects }: Place,
  ownerOf: (id: string) => string | null
): ReadonlyArray<Finding.Finding> => {
  const pulls = new Map(changes.map(({ pull }) => [numberOf(pull.id), pull.id]))
  const issues = new Map(subjects.map((subject) => [numberOf(subject.id), subject]))
  const blamed = (text: string) =>
    [...text.matchAll(blame)].flatMap(([, how = "", number, commit]) => {
      const change = number === undefined ? ownerOf((commit ?? "").toLowerCase()) : (pulls.get(number) ?? null)
      return change === null ? [] : [{ change, isRevert: how.toLowerCase() === "reverts" }]
    })
  const unique = (all: ReadonlyArray<{ readonly change: string }>) => [...new Set(all.map(({ change }) => change))]
  const ofIssues = subjects.flatMap((subject) => {
    const event = openedAt(subject.events)
    const kind = has(subject.labels, labels.incident) ? "incident" : has(subject.labels, labels.bug) ? "bug" : undefined
    if (subject._tag !== "Issue" || event === undefined || kind === undefined) return []
    const told = { at: event.at, kind, what: subject.title } as const
    return unique(blamed(`${subject.title}\n${subject.body}`)).map((change) =>
      found(`forge:${event.id}`, { ...told, change })
    )
  })
  const ofPulls = changes.flatMap(({ events, pull }) => {
    const merged = events.find((event) => event._tag === "Merged")
    if (merged === undefined) return []
    // As the commit that it became: so whoever counts what shipped knows which change it was.
    const name = `git:${merged.commit ?? pull.head}`
    const closes = [...pull.body.matchAll(closing)].flatMap(([, number = ""]) => blamed(issues.get(number)?.body ?? ""))
    const all = [...blamed(pull.body), ...closes].filter(({ change }) => change !== pull.id)
    const isHotfix = has(pull.labels, labels.hotfix)
    const those = isHotfix ? unique(all) : unique(all.filter(({ isRevert }) => isRevert))
    const told = { at: merged.at, kind: isHotfix ? "hotfix" : "revert", what: pull.title } as const
    return (isHotfix && those.length === 0 ? [null] : those).map((change) => found(name, { ...told, change }))
  })
  return [...ofIssues, ...ofPulls]
}

/** Every defect. A change that a commit takes back is not taken back again by the pull request that brought the commit. */
export const of = (place: Place): ReadonlyArray<Finding.Finding> => {
  const ownerOf = finder(place.changes)
  const byCommit = ofCommits(place, ownerOf)
  const reverted = new Set(byCommit.map(({ change }) => change))
  const isTold = ({ change, fact }: Finding.Finding) =>
    fact._tag === "DefectFound" && fact.kind === "revert" && reverted.has(change)
  return [...byCommit, ...ofSubjects(place, ownerOf).filter((each) => !isTold(each))]
}
