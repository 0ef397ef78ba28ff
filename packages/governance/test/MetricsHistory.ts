/** A history of a factory, made by hand: facts with their time in hours since it began, on Monday 2026-01-05. */
import * as Actor from "@millwright/core/Actor"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Digest from "@millwright/core/Digest"
import * as Usage from "@millwright/core/Usage"

export const start = Date.UTC(2026, 0, 5)
export const hour = 3_600_000
export const at = (hours: number) => start + Math.round(hours * hour)

export type Origin = Partial<Omit<FactoryEvent.Origin, "actor">> & { readonly actor?: Actor.Actor }

/** One fact at an hour. Places in the journal are given by {@link journal}. */
export interface Told extends Origin {
  readonly hours: number
  readonly fact: FactoryEvent.Fact
}

/** Puts facts in the order of their times, as one journal. */
export const journal = (told: ReadonlyArray<Told>): ReadonlyArray<FactoryEvent.FactoryEvent> =>
  told
    .toSorted((a, b) => a.hours - b.hours)
    .map(({ actor = Actor.host, fact, hours, item = null, line = null, run = null, stage = null }, index) => ({
      ...{ version: 1 as const, seq: index + 1, at: at(hours), line, run, item, stage, actor, fact }
    }))

export const ada = Actor.human("ada")
export const skill = (version: string) => Digest.of(`skill ${version}`)

/** Who a run's facts belong to. */
export const of = (item: string, number = 1) => ({ line: "Fix", item, run: `${item}.${number}` })

export const started = (run: Origin, hours: number, more: object = {}): Told => ({
  ...run,
  hours,
  fact: { _tag: "LineStarted", title: "t", execution: "e", start: run.run ?? "", ...more }
})

/** A stage with a role, from one hour to another; what it called cost so many dollars. */
export const stage = (
  run: Origin,
  [from, to]: readonly [number, number],
  {
    digest = skill("one"),
    message,
    model = "m",
    name,
    role = "Implement",
    usage = { input: 10, cacheRead: 80, cacheWrite: 10, output: 5 },
    usd
  }: {
    readonly name: string
    readonly role?: string
    readonly usd: number | null
    readonly digest?: Digest.Digest
    readonly model?: string
    readonly usage?: Usage.Usage
    readonly message?: string
  }
): ReadonlyArray<Told> => {
  const here = { ...run, stage: name }
  const agent = { ...here, actor: { _tag: "Agent", role } as const }
  const call = {
    ...{ provider: "p", model, usage, cost: usd === null ? Usage.unknown("no table") : Usage.known(usd) },
    ...{ latency: 1, rehearsed: false, ...(message !== undefined && { message }) }
  }
  return [
    { ...here, hours: from, fact: { _tag: "StageStarted", attempt: 1 } },
    {
      ...here,
      hours: from,
      fact: { _tag: "RoleStarted", role, skill: role, skillDigest: digest, harness: "h", tier: "standard" }
    },
    { ...here, hours: from, fact: { _tag: "AgentStarted", role, session: `${run.run}/${name}`, resumed: false } },
    { ...agent, hours: from, fact: { _tag: "ModelCalled", ...call } },
    { ...here, hours: to, fact: { _tag: "StageFinished", attempt: 1, duration: (to - from) * hour } }
  ]
}

/** A gate of a run, opened at an hour and answered at another. */
export const gate = (
  run: Origin,
  [opened, answered]: readonly [number, number | undefined],
  {
    active = null,
    answer = { approved: true, note: "" },
    cause = "merge",
    kind = "approve",
    name = "merge"
  }: {
    readonly active?: number | null
    readonly answer?: { readonly approved: boolean; readonly note: string }
    readonly cause?: string
    readonly kind?: "approve" | "answer" | "ask"
    readonly name?: string
  } = {}
): ReadonlyArray<Told> => {
  const id = `${run.run}:${name}`
  return [
    {
      ...run,
      hours: opened,
      fact: { _tag: "GateOpened", gate: id, name, token: "t", kind, question: "?", context: "", cause }
    },
    ...(answered === undefined
      ? []
      : [
          {
            ...run,
            hours: answered,
            fact: {
              ...{ _tag: "GateAnswered" as const, gate: id, answer, by: ada },
              ...{ waited: (answered - opened) * hour, activeMinutes: active }
            }
          }
        ])
  ]
}

export const shipped = (
  run: Origin,
  hours: number,
  change: string,
  authors: "agent" | "human" | "mixed" | "unknown" = "agent"
): Told => ({
  ...run,
  hours,
  fact: {
    _tag: "ChangeShipped",
    change,
    into: "main",
    head: `h-${change}`,
    commit: `c-${change}`,
    by: Actor.host,
    authors
  }
})

export const finished = (run: Origin, hours: number): Told => ({
  ...run,
  hours,
  fact: { _tag: "LineFinished", result: null }
})

export const intervened = (
  run: Origin,
  hours: number,
  {
    active = null,
    cause = "style",
    id,
    kind,
    ref = null,
    waited = null
  }: Partial<Pick<Intervened, "cause" | "ref" | "waited">> &
    Pick<Intervened, "id" | "kind"> & { readonly active?: number | null }
): Told => ({
  ...run,
  hours,
  fact: {
    ...{ _tag: "Intervened", id, kind, name: "branch", cause, why: "w", by: ada, waited, activeMinutes: active },
    ...{ before: null, after: null, ref }
  }
})
type Intervened = Extract<FactoryEvent.Fact, { readonly _tag: "Intervened" }>

export const defect = (
  hours: number,
  name: string,
  change: string | null,
  kind: "revert" | "hotfix" | "bug" | "incident" = "bug"
): Told => ({ hours, fact: { _tag: "DefectFound", defect: name, kind, change, what: "w" } })

export const parked = (run: Origin, hours: number): Told => ({
  ...run,
  hours,
  fact: { _tag: "LineParked", reason: "r" }
})
