/** Figures of the work itself: how much of it is validation, what comes from caches, how stages and attempts fare. */
import * as Usage from "@millwright/core/Usage"
import * as Figure from "../Figure.ts"
import * as Parts from "./Parts.ts"
import * as Scene from "./Scene.ts"
import * as SpendRows from "./SpendRows.ts"
import * as Window from "../Window.ts"

/** How much of the work was validation, and how much of what was read came from a cache. */
export const rows = (scene: Scene.Scene) => {
  const { isValidation, lost } = scene
  const all = Scene.rowsIn(scene)
  const validating = all.filter((row) => isValidation(row))
  const sum = (rows: ReadonlyArray<SpendRows.Row>, of: (row: SpendRows.Row) => number) =>
    rows.reduce((sum, row) => Usage.plus(sum, of(row)), 0)
  const share = (of: (row: SpendRows.Row) => number, unknown = 0) =>
    Figure.ratio(sum(validating, of), sum(all, of), lost + unknown)
  const broken = sum(all, ({ broken }) => broken)
  const prompts = ({ usage }: SpendRows.Row) => usage.input + usage.cacheRead + usage.cacheWrite
  return {
    validationRuns: share(({ agents }) => agents),
    validationTokens: share(({ usage }) => Usage.total(usage), broken),
    validationTime: share(({ time }) => time / Window.hour),
    validationMoney: share(({ usd }) => usd, broken + sum(all, ({ unpriced }) => unpriced)),
    cacheRead: Figure.ratio(
      sum(all, ({ usage }) => usage.cacheRead),
      sum(all, prompts),
      lost + broken
    ),
    stageHealth: stageHealth(all, lost)
  }
}

const stageHealth = (rows: ReadonlyArray<SpendRows.Row>, lost: number): Parts.Unnamed => {
  const health = (rows: ReadonlyArray<SpendRows.Row>, unknown = 0) => {
    const finished = rows.reduce((sum, row) => sum + row.finished, 0)
    return Figure.ratio(finished, finished + rows.reduce((sum, row) => sum + row.failed, 0), unknown)
  }
  const attempts = rows.filter(({ failed, finished }) => failed + finished > 0)
  return { ...health(attempts, lost), parts: Parts.by(attempts, ({ stage }) => stage ?? "(none)", health) }
}

/** How runs ended, what they came by and how often their work was refused. */
export const ends = (scene: Scene.Scene) => {
  const { lost } = scene
  const all = Scene.endsIn(scene)
  return {
    stageCoverage: coverage(all, lost),
    ...attempts(all, lost),
    parked: Figure.ratio(all.filter(({ end }) => end.how === "parked").length, all.length, lost),
    pickedUp: pickedUp(scene, all)
  }
}

type Ends = ReturnType<typeof Scene.endsIn>

const coverage = (ends: Ends, lost: number): Parts.Unnamed => {
  const parts = [...Map.groupBy(ends, ({ run }) => run.line)].flatMap(([line, own]) => {
    const stages = new Set(own.flatMap(({ end }) => [...end.stages]))
    return [...stages].map((stage) => ({
      name: `${line ?? "(none)"}/${stage}`,
      ...Figure.ratio(own.filter(({ end }) => end.stages.has(stage)).length, own.length)
    }))
  })
  const sum = (of: (part: Figure.Part) => number) => parts.reduce((sum, part) => sum + of(part), 0)
  return {
    ...Figure.ratio(
      sum(({ numerator }) => numerator),
      sum(({ denominator }) => denominator),
      lost
    ),
    parts: parts.sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}

const attempts = (ends: Ends, lost: number) => {
  const parts = ends.flatMap(({ end, run }) =>
    [...end.parts].map(([part, refused]) => ({
      name: `${run.line ?? "(none)"}/${SpendRows.stageOf(part) ?? part}`,
      refused,
      // What ended otherwise without having been refused was stopped in the middle.
      isJudged: refused > 0 || end.how === "finished"
    }))
  )
  const judged = parts.filter(({ isJudged }) => isJudged)
  const unknown = lost + parts.length - judged.length
  const passed = (own: typeof parts) => own.filter(({ refused }) => refused === 0).length
  const refusals = (own: typeof parts) => own.reduce((sum, { refused }) => sum + refused, 0)
  const of = (count: (own: typeof parts) => number): Parts.Unnamed => ({
    ...Figure.ratio(count(judged), judged.length, unknown),
    parts: Parts.by(
      judged,
      ({ name }) => name,
      (own) => Figure.ratio(count([...own]), own.length)
    )
  })
  return { firstPass: of(passed), reworkAttempts: of(refusals) }
}

const pickedUp = ({ entries, lost }: Scene.Scene, ends: Ends): Figure.Ratio => {
  const byRun = Map.groupBy(
    entries.filter(({ known }) => known.kind === "pickup" || known.kind === "takeover"),
    ({ known }) => known.run
  )
  const isPickedUp = ({ end, run }: Ends[number]) => {
    const since = run.ends[run.ends.indexOf(end) - 1]?.at ?? -1
    return (byRun.get(run.run) ?? []).some(({ known }) => known.openedAt > since && known.openedAt <= end.at)
  }
  return Figure.ratio(ends.filter(isPickedUp).length, ends.length, lost)
}
