/** Figures of money: what a change cost, with people's time and without, and what came of it. */
import * as Usage from "@millwright/core/Usage"
import * as Figure from "../Figure.ts"
import * as Window from "../Window.ts"
import * as HumanFigures from "./HumanFigures.ts"
import * as Scene from "./Scene.ts"

/** US dollars paid for models in a window, and how much there is of which nobody knows it. */
const spentIn = (scene: Pick<Scene.Scene, "lost" | "runs" | "window">) =>
  Scene.rowsIn(scene).reduce(
    (sum, { broken, unpriced, usd }) => ({
      usd: Usage.plus(sum.usd, usd),
      unknown: sum.unknown + broken + unpriced
    }),
    { usd: 0, unknown: scene.lost }
  )

/** What the changes are worth, and how many of them have no worth. */
const valueOf = (changes: ReadonlyArray<Scene.Shipped>, worth: Scene.Settings["worth"]) => {
  const values = changes.map(({ change }) => worth?.(change))
  const known = values.filter((value) => value !== undefined && Number.isFinite(value))
  return { value: known.reduce((a: number, b) => Usage.plus(a, b ?? 0), 0), unknown: values.length - known.length }
}

/** What shipped for what it cost. */
export const of = (scene: Scene.Scene) => {
  const { rate, shipped, worth } = scene
  const spent = spentIn(scene)
  const human = HumanFigures.hours(scene)
  const cost = Usage.plus(spent.usd, human.hours * rate)
  const unknown = spent.unknown + human.unknown
  const value = valueOf(shipped, worth)
  return {
    costPerShipped: Figure.ratio(spent.usd, shipped.length, spent.unknown),
    humanHours: Figure.ratio(human.hours, shipped.length, human.unknown),
    efficiency: Figure.ratio(shipped.length, cost, unknown),
    roi: known(Figure.ratio(value.value, cost, unknown + value.unknown), value.unknown < shipped.length),
    marginalRoi: marginal(scene, { spent, value })
  }
}

/** Without any worth there is no return, also where the cost is known. */
const known = (ratio: Figure.Ratio, isKnown: boolean): Figure.Ratio => (isKnown ? ratio : { ...ratio, value: null })

const marginal = (
  scene: Scene.Scene,
  now: { readonly spent: ReturnType<typeof spentIn>; readonly value: ReturnType<typeof valueOf> }
): Figure.Ratio => {
  const { allShipped, runs, worth } = scene
  const window = Window.before(scene.window)
  if (window === undefined) return Figure.ratio(0, 0)
  const spent = spentIn({ runs, window, lost: Scene.lostSince(runs, window.from) })
  const value = valueOf(
    allShipped.filter(({ shippedAt }) => Window.has(window, shippedAt)),
    worth
  )
  const more = Usage.plus(now.spent.usd, -spent.usd)
  const unknown = now.spent.unknown + now.value.unknown + spent.unknown + value.unknown
  return known(Figure.ratio(Usage.plus(now.value.value, -value.value), more, unknown), more > 0 && worth !== undefined)
}
