/** Defects, traced to what made the change: its run, the versions of skills that worked there, and the models. */
import type * as Digest from "@millwright/core/Digest"
import * as HashMap from "effect/HashMap"
import type * as Autonomy from "../Autonomy.ts"
import * as Scene from "./Scene.ts"
import type * as Tally from "./Tally.ts"

/** A defect with what made it. */
export interface Trace {
  readonly defect: string
  readonly kind: "revert" | "hotfix" | "bug" | "incident"
  /** When it was found, in milliseconds since 1970, UTC. */
  readonly at: number
  /** As the defect names it; `null`: nobody knows. */
  readonly change: string | null
  /** `null`: the change is not known to have shipped. */
  readonly authors: Autonomy.Authors | null
  readonly run: string | null
  readonly versions: ReadonlyArray<{ readonly role: string; readonly skill: string; readonly digest: Digest.Digest }>
  /** `provider/model`. */
  readonly models: ReadonlyArray<string>
}

/** Every defect, the one that was found first at first. */
export const of = (tally: Tally.Tally): ReadonlyArray<Trace> => {
  const { byName, makersOf } = Scene.changes(tally)
  return [...HashMap.values(tally.work.defects)]
    .sort((a, b) => a.at - b.at || (a.defect < b.defect ? -1 : 1))
    .map(({ at, change, defect, kind }) => {
      const shipped = change === null ? undefined : byName.get(change)
      const found = { defect, kind, at, change, authors: shipped?.authors ?? null, run: shipped?.run ?? null }
      return { ...found, ...(shipped === undefined ? { versions: [], models: [] } : makersOf(shipped)) }
    })
}
