/**
 * **Calibration**: what became of the router's choices, as a pure fold over the journal. `QualityModel.fit` learns from its
 * trials.
 *
 * A choice that was recorded as judged passes or fails with the next verdicts of its run: one that rejects outweighs those
 * that accept, and one that could not judge says nothing. A choice fails also by evidence against its model, where no
 * verdict has come. What was never judged is no trial.
 */
import type * as FactoryEvent from "./FactoryEvent.ts"
import type * as QualityModel from "./QualityModel.ts"
import type * as RouteDecision from "./RouteDecision.ts"
import type * as Verdict from "./Verdict.ts"

/** The most trials that are kept; later ones take the place of earlier ones. */
export const most = 5_000

interface Open {
  readonly candidate: string
  readonly features: QualityModel.Trial["features"]
  readonly passed: boolean | null
}

/** The fold: trials that are over, and the last judged choice of each run that is not. */
export interface Calibration {
  readonly over: ReadonlyArray<QualityModel.Trial>
  readonly open: ReadonlyMap<string, Open>
}

/** No trials. */
export const empty: Calibration = { over: [], open: new Map() }

/** Takes one event in. */
export const see = (calibration: Calibration, { fact, run }: FactoryEvent.FactoryEvent): Calibration => {
  if (run === null) return calibration
  const choice = calibration.open.get(run)
  switch (fact._tag) {
    case "ModelChosen": {
      const known = choice === undefined ? undefined : blame(choice, fact.decision.evidence)
      if (!fact.judged) return known === choice ? calibration : put(calibration, run, known)
      const { chosen, features } = fact.decision
      return put(close(put(calibration, run, known), run), run, { candidate: chosen, features, passed: null })
    }
    case "VerdictGiven":
      return choice === undefined ? calibration : put(calibration, run, judge(choice, fact.verdict))
    case "LineFinished":
    case "LineParked":
    case "LineCancelled":
    case "LineFailed":
    case "RunPruned":
      return choice === undefined ? calibration : close(calibration, run)
    default:
      return calibration
  }
}

/** All trials so far, those of runs that go on included, the first one first. */
export const trials = ({ open, over }: Calibration): ReadonlyArray<QualityModel.Trial> => [
  ...over,
  ...[...open.values()].flatMap(settled)
]

const settled = ({ candidate, features, passed }: Open): ReadonlyArray<QualityModel.Trial> =>
  passed === null ? [] : [{ candidate, features, passed }]

const put = (calibration: Calibration, run: string, choice: Open | undefined): Calibration => {
  const open = new Map(calibration.open)
  if (choice === undefined) open.delete(run)
  else open.set(run, choice)
  return { ...calibration, open }
}

const close = (calibration: Calibration, run: string): Calibration => {
  const choice = calibration.open.get(run)
  const over = choice === undefined ? [] : settled(choice)
  return put({ ...calibration, over: [...calibration.over, ...over].slice(-most) }, run, undefined)
}

const judge = (choice: Open, { accepted, findings }: Verdict.Verdict): Open => {
  if (accepted) return choice.passed === null ? { ...choice, passed: true } : choice
  return findings.some(({ status }) => status === "fail") ? { ...choice, passed: false } : choice
}

/** Somebody who only asked for a stronger model says nothing about the work. */
const blame = (choice: Open, evidence: ReadonlyArray<RouteDecision.Evidence>): Open =>
  choice.passed === null &&
  evidence.some(({ candidate, kind }) => kind !== "Requested" && candidate === choice.candidate)
    ? { ...choice, passed: false }
    : choice
