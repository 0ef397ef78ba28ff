/** What is known of one run, in a size that grows with its stages and hours and not with its facts. */
import type * as Digest from "@millwright/core/Digest"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as SpendRows from "./SpendRows.ts"

/** One time that a run came to an end. It can go on after that, and end again. */
export interface End {
  readonly at: number
  readonly how: "finished" | "parked" | "cancelled" | "failed"
  /** The stages that it had come by. */
  readonly stages: ReadonlySet<string>
  /** Milliseconds that it had been in stages. */
  readonly work: number
  /** Parts that are done again until they are good: how often each was refused since the end before. */
  readonly parts: ReadonlyMap<string, number>
}

/** The version of a role that worked. */
export interface Version {
  readonly role: string
  readonly skill: string
  readonly digest: Digest.Digest
  /** When it first worked there. */
  readonly at: number
}

type Pruned = Extract<FactoryEvent.Fact, { readonly _tag: "RunPruned" }>

/** How often people were needed in a run before it was pruned: by kind and cause, and up to a place in the journal. */
export interface People {
  readonly sums: NonNullable<Pruned["interventions"]>
  readonly seq: number
}

/** What is known of one run. */
export interface RunTally {
  readonly run: string | null
  readonly line: string | null
  readonly item: string | null
  readonly parent: string | null
  /** The place of the last of its facts that was counted. */
  readonly seq: number
  /** `null`: its beginning is not in what was read. */
  readonly startedAt: number | null
  /** When it ended, or where nobody knows it was pruned, where nothing else was known of it. */
  readonly prunedAt: number | null
  /** Of one that was pruned, how often people were needed; `null`: nobody knows, or each of them is known. */
  readonly people: People | null
  readonly isOver: boolean
  readonly ends: ReadonlyArray<End>
  readonly stages: ReadonlySet<string>
  readonly work: number
  readonly parts: ReadonlyMap<string, number>
  /** Stages that began and did not end, with the role that works there and whether a verdict was given. */
  readonly open: ReadonlyMap<string, Pick<SpendRows.Work, "role" | "isJudged">>
  readonly versions: ReadonlyArray<Version>
  /** The models that worked, and when each first did. */
  readonly models: ReadonlyMap<string, number>
  readonly rows: SpendRows.Rows
}

/** Nothing is known of it yet. */
export const of = ({ item, line, run }: Pick<FactoryEvent.FactoryEvent, "item" | "line" | "run">): RunTally => ({
  ...{ run, line, item, parent: null, seq: 0, startedAt: null, prunedAt: null, people: null },
  ...{ isOver: false, ends: [], stages: new Set(), work: 0, parts: new Map(), open: new Map() },
  ...{ versions: [], models: new Map(), rows: SpendRows.empty }
})

/** Whether nothing is known of it but that it was pruned. */
export const isLost = ({ prunedAt, startedAt }: RunTally): boolean => prunedAt !== null && startedAt === null

/** What is known after one more fact of it. Calls of models are entered by {@link enter}. */
export const step = (known: RunTally, event: FactoryEvent.FactoryEvent): RunTally => {
  const { at, fact, stage } = event
  switch (fact._tag) {
    case "LineStarted":
      return { ...known, startedAt: at, parent: fact.parent?.run ?? null }
    case "LineFinished":
      return end(known, at, "finished")
    case "LineParked":
      return end(known, at, "parked")
    case "LineCancelled":
      return end(known, at, "cancelled")
    case "LineFailed":
      return end(known, at, "failed")
    case "LineRewinding":
      return { ...known, isOver: false, open: new Map() }
    case "StageStarted":
      return {
        ...known,
        stages: withOne(known.stages, SpendRows.stageOf(stage) ?? ""),
        open: new Map(known.open).set(stage ?? "", known.open.get(stage ?? "") ?? { role: null, isJudged: false })
      }
    case "StageFinished":
      return leave(known, event, { time: fact.duration, finished: 1 })
    case "StageFailed":
      return leave(known, event, { time: fact.duration, failed: 1 })
    case "StageRetried":
      return { ...known, rows: SpendRows.add(known.rows, placeOf(known, event), { failed: 1 }) }
    case "AgentStarted": {
      const here = occupy(known, stage, { role: SpendRows.roleOf(fact.role) })
      const place = { ...placeOf(here, event), role: SpendRows.roleOf(fact.role), isJudged: false }
      return fact.resumed ? here : { ...here, rows: SpendRows.add(here.rows, place, { agents: 1 }) }
    }
    case "RoleStarted": {
      const { role, skill, skillDigest: digest } = fact
      const isKnown = known.versions.some((each) => each.role === role && each.digest === digest)
      const versions = isKnown ? known.versions : [...known.versions, { role, skill, digest, at }]
      return occupy({ ...known, versions }, stage, { role })
    }
    case "VerdictGiven":
      return occupy(known, stage, { isJudged: true })
    case "AttemptBegun":
      return { ...known, parts: new Map(known.parts).set(fact.part, known.parts.get(fact.part) ?? 0) }
    case "AttemptRefused":
      return { ...known, parts: new Map(known.parts).set(fact.part, (known.parts.get(fact.part) ?? 0) + 1) }
    default:
      return known
  }
}

/** What is known with a call of a model, or with one taken away again. */
export const enter = (known: RunTally, { amount, place }: Pick<SpendRows.Call, "amount" | "place">): RunTally => ({
  ...known,
  models: known.models.has(place.model ?? "") ? known.models : new Map(known.models).set(place.model ?? "", place.at),
  rows: SpendRows.add(known.rows, place, amount)
})

/** What is known of a run that was pruned. Who has seen its facts knows more than what is left of them. */
export const pruned = (known: RunTally, { at, seq }: FactoryEvent.FactoryEvent, fact: Pruned): RunTally => {
  if (known.startedAt !== null || known.prunedAt !== null) return known
  const { ended = at, interventions: sums, parent = null } = fact
  const people = sums === undefined ? null : { sums, seq }
  return { ...known, parent, people, prunedAt: ended, rows: SpendRows.ofPruned(ended, fact) }
}

const end = (known: RunTally, at: number, how: End["how"]): RunTally => {
  if (known.isOver) return known
  const { ends, parts, stages, work } = known
  return {
    ...known,
    isOver: true,
    parts: new Map(),
    open: new Map(),
    ends: [...ends, { at, how, stages, work, parts }]
  }
}

const withOne = <A>(all: ReadonlySet<A>, one: A): ReadonlySet<A> => (all.has(one) ? all : new Set(all).add(one))

const placeOf = ({ open }: RunTally, { at, stage }: FactoryEvent.FactoryEvent): SpendRows.Place => {
  const { isJudged = false, role = null } = open.get(stage ?? "") ?? {}
  return { at, stage: SpendRows.stageOf(stage), role, isJudged, model: null }
}

/** The first role that works in a stage is the one that the stage's time belongs to. */
const occupy = (known: RunTally, stage: string | null, more: Partial<Pick<SpendRows.Work, "role" | "isJudged">>) => {
  const here = known.open.get(stage ?? "")
  if (here === undefined) return known
  const next = { role: here.role ?? more.role ?? null, isJudged: here.isJudged || more.isJudged === true }
  return next.role === here.role && next.isJudged === here.isJudged
    ? known
    : { ...known, open: new Map(known.open).set(stage ?? "", next) }
}

const leave = (known: RunTally, event: FactoryEvent.FactoryEvent, amount: SpendRows.Amount): RunTally => {
  const open = new Map(known.open)
  open.delete(event.stage ?? "")
  const rows = SpendRows.add(known.rows, placeOf(known, event), amount)
  return { ...known, open, rows, work: known.work + (amount.time ?? 0) }
}
