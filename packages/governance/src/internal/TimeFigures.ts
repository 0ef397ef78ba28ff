/** Figures of time: how long items take to ship, leg by leg, and how long runs hold out. */
import * as HashMap from "effect/HashMap"
import * as Autonomy from "../Autonomy.ts"
import * as Window from "../Window.ts"
import type * as HumanTally from "./HumanTally.ts"
import * as Lifespan from "./Lifespan.ts"
import type * as Parts from "./Parts.ts"
import * as Scene from "./Scene.ts"
import type * as WorkTally from "./WorkTally.ts"

/** When an item came by each place on its way; `asked` is for its specification. */
interface Way extends WorkTally.Item {
  readonly item: string
  readonly asked?: number
  readonly specified?: number
  readonly reviewed?: number
}

type Place = Exclude<keyof Way, "closed" | "item">

const legs: ReadonlyArray<{ readonly name: string; readonly from: Place; readonly to: Place }> = [
  { name: "1 queued to started", from: "queued", to: "started" },
  { name: "2 started to first commit", from: "started", to: "committed" },
  { name: "3 specification asked to approved", from: "asked", to: "specified" },
  { name: "4 first commit to pull request", from: "committed", to: "delivered" },
  { name: "5 pull request to first human review", from: "delivered", to: "reviewed" },
  { name: "6 pull request to shipped", from: "delivered", to: "shipped" },
  { name: "7 started to shipped", from: "started", to: "shipped" }
]

/** How long items took. */
export const leadTime = (scene: Scene.Scene): Parts.Unnamed => {
  const ways = waysOf(scene)
  const whole = ways.flatMap((way) => {
    const begun = earliest([way.queued, way.started])
    return spanOf(scene, way, { begun, to: "shipped" })
  })
  const parts = legs.map(({ from, name, to }) => {
    const spans = ways.flatMap((way) => spanOf(scene, way, { begun: way[from], to }))
    return { name, ...Lifespan.ratio(spans, 0) }
  })
  const begins = new Set(
    ways.filter(({ queued, started }) => (queued ?? started) !== undefined).map(({ item }) => item)
  )
  const strays = scene.shipped.filter(({ item }) => item === null || !begins.has(item))
  return { ...Lifespan.ratio(whole, scene.lost + strays.length), parts }
}

interface Leg {
  readonly begun: number | undefined
  readonly to: Place
}

const spanOf = ({ eye, window }: Scene.Scene, way: Way, { begun, to }: Leg): ReadonlyArray<Lifespan.Lifespan> => {
  if (!Window.has(window, begun)) return []
  const end = way[to]
  const isThere = end !== undefined && end <= eye
  if (isThere && end >= begun) return [{ time: (end - begun) / Window.hour, isOver: true }]
  // It was there before, or it shipped without: the leg was not on its way.
  if (isThere || (way.shipped !== undefined && way.shipped <= eye)) return []
  const last = Math.max(begun, Math.min(eye, way.closed ?? eye))
  return [{ time: (last - begun) / Window.hour, isOver: false }]
}

const earliest = (times: ReadonlyArray<number | undefined>): number | undefined =>
  times.reduce((first, time) => (first === undefined || (time !== undefined && time < first) ? time : first), undefined)

const waysOf = ({ entries, isSpecification, tally }: Scene.Scene): ReadonlyArray<Way> => {
  const byItem = Map.groupBy(entries, ({ known }) => known.item)
  return [...HashMap.entries(tally.work.items)].map(([item, way]) => {
    const own = byItem.get(item) ?? []
    const specs = own.filter(({ known }) => known.kind === "approve" && isSpecification(known.name))
    const isYes = ({ known }: HumanTally.Entry) => !Autonomy.isNo(known)
    const answersOf = (entries: ReadonlyArray<HumanTally.Entry>) =>
      entries.flatMap(({ known }) => known.answered?.at ?? [])
    const reviews = own.filter(
      ({ known: { answered, kind, openedAt } }) =>
        (kind === "review" || kind === "approve") &&
        way.delivered !== undefined &&
        openedAt >= way.delivered &&
        answered !== null
    )
    const asked = earliest(specs.map(({ known }) => known.openedAt))
    const specified = earliest(answersOf(specs.filter(isYes)))
    const reviewed = earliest(answersOf(reviews))
    return {
      item,
      ...way,
      ...(asked !== undefined && { asked }),
      ...(specified !== undefined && { specified }),
      ...(reviewed !== undefined && { reviewed })
    }
  })
}

/** Failures below which nothing is said of how long runs hold out. */
const enough = 10

/** How long runs work until half of them have failed. */
export const horizon = (scene: Scene.Scene): Parts.Unnamed => {
  const ends = Scene.endsIn(scene).map(({ end }) => end)
  const judged = ends.filter(({ how }) => how !== "cancelled")
  const spans = judged.map(({ how, work }) => ({ time: work / Window.hour, isOver: how !== "finished" }))
  const ratio = Lifespan.ratio(spans, scene.lost + ends.length - judged.length)
  if (ratio.numerator >= enough) return ratio
  return { ...ratio, value: null, distribution: { ...Lifespan.distribution(spans), p50: null, p90: null } }
}
