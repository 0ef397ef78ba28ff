/** Figures of what shipped: how much of it people did, how much it was, and what was wrong with it. */
import * as Digest from "@millwright/core/Digest"
import * as HashMap from "effect/HashMap"
import * as Figure from "../Figure.ts"
import * as Window from "../Window.ts"
import * as Parts from "./Parts.ts"
import * as Scene from "./Scene.ts"
import type * as WorkTally from "./WorkTally.ts"

/** Who made what shipped. */
export const automation = (scene: Scene.Scene) => {
  const { hasAgent, levelOf, shipped } = scene
  const levels = shipped.map((change) => {
    const level = levelOf(change)
    return level !== "unknown" && !hasAgent(change) ? "by hand" : level
  })
  const of = (isCounted: (level: (typeof levels)[number]) => boolean) => levels.filter(isCounted).length
  const unknown = of((level) => level === "unknown")
  const all = shipped.length
  const alone = of((level) => level === "zero-touch")
  return {
    fullyAutomated: Figure.ratio(alone, all, unknown),
    semiAutomated: Figure.ratio(all - alone - unknown - of((level) => level === "by hand"), all, unknown),
    autonomy: {
      ...Figure.ratio(all - unknown, all, unknown),
      parts: Parts.counts(
        levels.filter((level) => level !== "unknown"),
        String,
        all
      )
    }
  }
}

/** How much shipped, in all and in each week. */
export const throughput = ({ asOf, lost, shipped, window }: Scene.Scene): Parts.Unnamed => {
  const weeksOf = ({ from, to }: Window.Window) => Math.max(0, Math.min(to, asOf + 1) - from) / Window.week
  const parts = Window.cut(window, "week").flatMap((week) => {
    const own = shipped.filter(({ shippedAt }) => Window.has(week, shippedAt))
    const name = new Date(week.from).toISOString().slice(0, 10)
    return week.from > asOf ? [] : [{ name, ...Figure.ratio(own.length, weeksOf(week)) }]
  })
  return { ...Figure.ratio(shipped.length, weeksOf(window), lost), parts }
}

/** What was found to be wrong with what shipped, and what shipped only since something was. */
export const defects = (scene: Scene.Scene) => {
  const { asOf, byName, followUp, makersOf, shipped, window } = scene
  const found = [...HashMap.values(scene.tally.work.defects)]
  const wrong = new Map<string, number>()
  for (const { at, change } of found) {
    if (change !== null) wrong.set(change, Math.min(at, wrong.get(change) ?? at))
  }
  const isWrong = (change: Scene.Shipped) => {
    const times = Scene.namesOf(change).flatMap((name) => wrong.get(name) ?? [])
    return times.some((at) => at < change.shippedAt + followUp)
  }
  const isOpen = (change: Scene.Shipped) => !isWrong(change) && asOf < change.shippedAt + followUp
  const rateOf = (changes: ReadonlyArray<Scene.Shipped>, unknown = 0) =>
    Figure.ratio(changes.filter(isWrong).length, changes.length, changes.filter(isOpen).length + unknown)
  const orphans = found.filter(({ at, change }) => change === null && Window.has(window, at))
  const partsBy = (namesOf: (change: Scene.Shipped) => ReadonlySet<string>) =>
    Parts.by(
      shipped.flatMap((change) => [...namesOf(change)].map((name) => ({ name, change }))),
      ({ name }) => name,
      (own) => rateOf(own.map(({ change }) => change))
    )
  const skills = (change: Scene.Shipped) =>
    new Set(makersOf(change).versions.map(({ digest, skill }) => `${skill}@${Digest.short(digest)}`))
  const models = (change: Scene.Shipped) => new Set(makersOf(change).models)
  const all = rateOf(shipped, orphans.length)
  return {
    escapedDefects: { ...all, parts: Parts.by(shipped, ({ authors }) => authors, rateOf) },
    escapedDefectsBySkill: { ...all, parts: partsBy(skills) },
    escapedDefectsByModel: { ...all, parts: partsBy(models) },
    rework: rework(found, { byName, shipped, window, followUp })
  }
}

const rework = (
  found: ReadonlyArray<WorkTally.Defect>,
  { byName, followUp, shipped, window }: Pick<Scene.Scene, "byName" | "followUp" | "shipped" | "window">
): Figure.Ratio => {
  const fixes = new Map<string, number>()
  for (const { at, defect, kind } of found) {
    if (kind === "revert" || kind === "hotfix") fixes.set(defect, Math.min(at, fixes.get(defect) ?? at))
  }
  const isFix = (change: Scene.Shipped) =>
    Scene.namesOf(change).some((name) => (fixes.get(name) ?? Infinity) < change.shippedAt + followUp)
  const strangers = [...fixes].filter(([name, at]) => !byName.has(name) && Window.has(window, at))
  return Figure.ratio(shipped.filter(isFix).length, shipped.length, strangers.length)
}
