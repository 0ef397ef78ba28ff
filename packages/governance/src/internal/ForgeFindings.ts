/** The interventions that a forge remembers. Pure. */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Actor from "@millwright/core/Actor"
import * as Digest from "@millwright/core/Digest"
import * as Intervention from "@millwright/core/Intervention"
import type * as ForgeHistory from "../ForgeHistory.ts"
import type * as Roster from "../Roster.ts"
import * as Finding from "./Finding.ts"
import * as Maker from "./Maker.ts"

/** What is read. */
export interface Subject {
  readonly subject: ForgeHistory.Subject
  /** By time, each once. */
  readonly events: ReadonlyArray<ForgeHistory.Event>
  readonly roster: Roster.Roster
  /** Agents had a part in it: a human who does something to it, steps in. */
  readonly isAgents: boolean
  /** Who committed to its branch, and when. */
  readonly commits: ReadonlyArray<{ readonly at: number; readonly maker: Maker.Maker }>
}

/** What is found. */
export interface Found {
  readonly findings: ReadonlyArray<Finding.Finding>
  readonly doubts: ReadonlyArray<Finding.Doubt>
}

type Intervened = Extract<FactoryEvent.Fact, { readonly _tag: "Intervened" }>
type Stepped = Pick<Intervened, "kind" | "name" | "cause" | "why"> & Partial<Pick<Intervened, "before" | "after">>

/** How an event reads when a human did it; `undefined`: as none. */
const steppedIn = (event: ForgeHistory.Event, { subject }: Subject): Stepped | undefined => {
  const isChange = subject._tag === "PullRequest"
  const said = (name: string, body: string): Stepped => ({
    kind: "review",
    name,
    cause: Finding.causeOf(Intervention.causes.reviewed, body),
    why: Finding.bounded(body),
    after: Digest.of(body)
  })
  switch (event._tag) {
    case "Reviewed": {
      const hasWords = event.body.trim() !== ""
      if (event.verdict === "approved" && !hasWords) {
        return { kind: "approve", name: "approval", cause: Intervention.causes.reviewed, why: "" }
      }
      // A review without words is the cover of its comments, which count by themselves.
      if (event.verdict === "commented" && !hasWords) return undefined
      return said(event.verdict === "approved" ? "approval" : "review", event.body)
    }
    case "ReviewCommented":
      return said("review comment", event.body)
    case "Commented":
      return isChange ? said("comment", event.body) : undefined
    case "Pushed":
      return event.forced
        ? {
            kind: "edit",
            name: "branch",
            cause: `${Intervention.causes.edited}: rewritten`,
            why: `The branch stands on ${event.after}.`
          }
        : undefined
    case "Closed":
      return isChange
        ? { kind: "interrupt", name: "pull request", cause: Intervention.causes.stopped, why: "" }
        : undefined
    case "Reopened":
      return {
        kind: "pickup",
        name: isChange ? "pull request" : "issue",
        cause: `${Intervention.causes.takenUp}: reopened`,
        why: ""
      }
    default:
      return undefined
  }
}

/** Labels that a human took away which an agent had set, or set which an agent had taken away. */
const relabels = ({ events, roster }: Subject): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  const last = new Map<string, ForgeHistory.Event>()
  for (const event of events) {
    if (event._tag !== "Labeled" && event._tag !== "Unlabeled") continue
    const label = event.label.toLowerCase()
    const before = last.get(label)
    last.set(label, event)
    if (before === undefined || before._tag === event._tag) continue
    if (Maker.ofAccount(roster, before.by)._tag !== "Agent") continue
    found.set(event.id, `${event._tag === "Labeled" ? "Set" : "Took away"} the label ${event.label}.`)
  }
  return found
}

/** Says how long a change had waited at a time since it was last handed over; `null`: nobody knows. */
export const waiting = ({ events, roster }: Pick<Subject, "events" | "roster">): ((at: number) => number | null) => {
  const handed = events.filter(
    (event) =>
      (event._tag === "Opened" || event._tag === "Readied" || event._tag === "Pushed") &&
      Maker.ofAccount(roster, event.by)._tag !== "Human"
  )
  return (at) => {
    const last = handed.findLast((event) => event.at <= at)
    return last === undefined ? null : at - last.at
  }
}

/** A person whom people assigned, himself or another, and who then worked on it, until it is somebody else's again. */
const takeovers = (of: Subject, waited: (at: number) => number | null): ReadonlyArray<Finding.Finding> => {
  const { commits, events, roster, subject } = of
  const change = subject.id
  const accountOf = (event: ForgeHistory.Event) => ("to" in event ? Maker.ofAccount(roster, event.to) : undefined)
  return events.flatMap((event, index): ReadonlyArray<Finding.Finding> => {
    const maker = event._tag === "Assigned" ? accountOf(event) : undefined
    if (maker?._tag !== "Human" || Maker.ofAccount(roster, event.by)._tag !== "Human") return []
    const by = Actor.human(maker.name)
    const back = events.slice(index + 1).find((later) => {
      const whom = accountOf(later)
      return later._tag === "Unassigned"
        ? whom?._tag === "Human" && whom.name === maker.name
        : later._tag === "Assigned" && whom?._tag === "Agent"
    })
    const works = commits.some(
      ({ at, maker: who }) =>
        who._tag === "Human" && who.name === maker.name && at >= event.at && (back === undefined || at <= back.at)
    )
    if (!works) return []
    const id = `forge:${event.id}`
    const began: Finding.Finding = {
      key: `intervention/${id}`,
      at: event.at,
      change,
      by,
      fact: {
        _tag: "Intervened",
        id,
        kind: "takeover",
        name: "assignment",
        cause: Intervention.causes.takenOver,
        why: `${maker.name} was assigned, and committed.`,
        by,
        waited: waited(event.at),
        activeMinutes: null,
        before: null,
        after: null,
        ref: subject.view,
        open: true
      }
    }
    if (back === undefined) return [began]
    const ended: Finding.Finding = {
      key: `intervention/${id}/ended`,
      at: back.at,
      change,
      by,
      fact: { _tag: "InterventionEnded", id, by, why: "Assigned to somebody else.", activeMinutes: null, after: null }
    }
    return [began, ended]
  })
}

/** Reads one issue or pull request. */
export const of = (about: Subject): Found => {
  const { events, roster, subject } = about
  if (!about.isAgents) return { findings: [], doubts: [] }
  const waited = waiting(about)
  const relabeled = relabels(about)
  const merged = events.find(({ _tag }) => _tag === "Merged")
  const findings: Array<Finding.Finding> = []
  const doubts: Array<Finding.Doubt> = []
  for (const event of events) {
    // What is merged is closed by that.
    if (event._tag === "Closed" && merged !== undefined && merged.at <= event.at) continue
    const label = relabeled.get(event.id)
    const stepped: Stepped | undefined =
      label === undefined
        ? steppedIn(event, about)
        : { kind: "steer", name: "label", cause: `${Intervention.causes.steered}: relabeled`, why: label }
    if (stepped === undefined) continue
    const maker = Maker.ofAccount(roster, event.by)
    const id = `forge:${event.id}`
    if (maker._tag === "Agent") continue
    if (maker._tag === "Unknown") {
      doubts.push({ change: subject.id, about: id, why: maker.why })
      continue
    }
    const by = Maker.actor(maker)
    const rest = { by, waited: waited(event.at), activeMinutes: null, before: null, after: null }
    const fact: Intervened = { _tag: "Intervened", id, ref: subject.view, ...rest, ...stepped }
    findings.push({ key: `intervention/${id}`, at: event.at, change: subject.id, by, fact })
  }
  return {
    findings: [...findings, ...(subject._tag === "PullRequest" ? takeovers(about, waited) : [])],
    doubts
  }
}
