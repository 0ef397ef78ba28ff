/**
 * **Metrics**: what a factory came to in a window of time, as figures with pinned definitions. A pure fold over the journal, so
 * everybody who reads the same facts comes to the same numbers.
 *
 * - The same journal again changes nothing, and neither does the order in which runs are interleaved.
 * - What happens later never changes a window that is over, but for defects whose follow-up is not over, and for facts that tell of an
 *   earlier time. Until its end a window knows what has happened so far.
 * - What is not known is counted as such. Nothing is guessed, and what there is nothing of has no value.
 */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Figure from "./Figure.ts"
import * as DefectTraces from "./internal/DefectTraces.ts"
import * as Definitions from "./internal/Definitions.ts"
import * as HumanFigures from "./internal/HumanFigures.ts"
import * as MoneyFigures from "./internal/MoneyFigures.ts"
import type * as Parts from "./internal/Parts.ts"
import * as Scene from "./internal/Scene.ts"
import * as ShippedFigures from "./internal/ShippedFigures.ts"
import type * as SpendRows from "./internal/SpendRows.ts"
import * as Tally from "./internal/Tally.ts"
import * as TimeFigures from "./internal/TimeFigures.ts"
import * as WorkFigures from "./internal/WorkFigures.ts"
import * as Window from "./Window.ts"

/** The name of a figure. */
export type Name = Definitions.Name

/** The pinned definitions of all figures, in the order in which people read them. */
export const definitions: Readonly<Record<Name, Definitions.Definition>> = Definitions.definitions

/** What a factory came to in a window of time. */
export const Metrics = Schema.Struct({
  window: Window.Window,
  /** What had happened by then is what the figures know, in milliseconds since 1970, UTC. */
  asOf: Schema.Natural,
  /** How long defects of a change are looked for after it shipped, in milliseconds. */
  followUp: Schema.Finite,
  /** What an hour of people's work costs, in US dollars. */
  rate: Schema.Finite,
  figures: Schema.Record(Schema.Literals(Object.keys(Definitions.definitions) as Array<Name>), Figure.Figure) // they are its keys
})
/** What a factory came to in a window of time. */
export type Metrics = typeof Metrics.Type

/** All that figures are made of. It grows with runs, changes, interventions and answers of models, and not with facts. */
export type State = Tally.Tally

/** Nothing happened. */
export const empty: State = Tally.empty

/** The state after one more event. */
export const step: (state: State, event: FactoryEvent.FactoryEvent) => State = Tally.step

/** The state after all that the journal holds now. */
export const fold: Effect.Effect<State, Journal.JournalError, Journal.Journal> = Journal.fold(empty, step)

/** The whole hours that hold everything that happened. None where nothing did. */
export const window = ({ first, last }: State): Window.Window | undefined =>
  first === null || last === null ? undefined : Window.around(first, last)

/** Who worked where. */
export type Work = SpendRows.Work

/** What is asked. */
export interface Options {
  readonly window: Window.Window
  /** What an hour of people's work costs, in US dollars; 0 leaves their time out of efficiency and ROI. */
  readonly rate: number
  /** What a shipped change is worth, in US dollars; `undefined`: not known. Default: of none. */
  readonly worth?: (change: string) => number | undefined
  /** How long defects of a change are looked for after it shipped. Default: 30 days. */
  readonly followUp?: Duration.Input
  /** Now, in milliseconds since 1970: what is over by then. Default, and at least: the last event. */
  readonly asOf?: number
  /** Whether work judges other work. Default: {@link isValidation}. */
  readonly isValidation?: (work: Work) => boolean
  /** Whether a gate of this name asks for a yes to a specification. Default: its name has the word `spec`, `specification` or `plan`. */
  readonly isSpecification?: (gate: string) => boolean
}

/**
 * Whether a role or, where none worked, a stage has the name of one that judges, such as `Review` or `verify`, or a verdict was given
 * there.
 */
export const isValidation = ({ isJudged, role, stage }: Work): boolean => isJudged || judging.test(role ?? stage ?? "")

const judging = /review|verif|panel|arbiter|tester|judge|validat|scrutin|holdout/i

/**
 * All figures of a window. Throws a `RangeError` where the rate is no amount of money, the follow-up no finite time, or `asOf` no time.
 */
export const of = (state: State, options: Options): Metrics => {
  const followUp = Duration.toMillis(Duration.fromInputUnsafe(options.followUp ?? "30 days"))
  const { isSpecification = isSpec, rate, window, worth } = options
  held(Number.isFinite(rate) && rate >= 0, `rate is ${rate}; give US dollars for an hour, 0 or more`)
  held(Number.isFinite(followUp) && followUp >= 0, `followUp is ${followUp} ms; give a time that ends`)
  const last = state.last ?? 0
  const asOf = Math.max(options.asOf ?? last, last)
  held(Number.isSafeInteger(asOf), `asOf is ${options.asOf}; give milliseconds since 1970`)
  const judges = options.isValidation ?? isValidation
  const scene = Scene.of(state, { window, asOf, followUp, rate, worth, isValidation: judges, isSpecification })
  const made: Readonly<Record<Name, Parts.Unnamed>> = {
    ...ShippedFigures.automation(scene),
    throughput: ShippedFigures.throughput(scene),
    ...MoneyFigures.of(scene),
    leadTime: TimeFigures.leadTime(scene),
    ...HumanFigures.time(scene),
    ...HumanFigures.interventions(scene),
    recurrence: HumanFigures.recurrence(scene),
    ...ShippedFigures.defects(scene),
    ...WorkFigures.rows(scene),
    ...WorkFigures.ends(scene),
    horizon: TimeFigures.horizon(scene)
  }
  const named = Object.entries(definitions).map(([name, { by, definition, unit }]) => {
    const { parts = [], ...ratio } = made[name as Name] // its own keys
    return [name, { name, unit, definition, ...ratio, ...(by !== undefined && { by }), parts }]
  })
  return { window, asOf, followUp, rate, figures: Object.fromEntries(named) }
}

const isSpec = (gate: string): boolean => /(^|[^a-z])(spec|specification|plan)([^a-z]|$)/i.test(gate)

const held = (holds: boolean, what: string): void => {
  if (!holds) throw new RangeError(`Metrics.of: ${what}.`)
}

/** A defect with what made it: the change it is of, and the versions of skills and the models that worked on that. */
export type Trace = DefectTraces.Trace

/** Every defect, traced to the run, the skill versions and the models of its change; the one that was found first is the first. */
export const traces: (state: State) => ReadonlyArray<Trace> = DefectTraces.of
