/** All that one changed file shows. */
import * as FileView from "./FileView.ts"
import type * as Trait from "./Trait.ts"
import * as TraitCode from "./TraitCode.ts"
import * as TraitExpectations from "./TraitExpectations.ts"
import * as TraitGuards from "./TraitGuards.ts"
import * as TraitManifests from "./TraitManifests.ts"
import * as TraitPaths from "./TraitPaths.ts"
import * as TraitTests from "./TraitTests.ts"
import * as TraitWords from "./TraitWords.ts"

/** Reads what one changed file shows: each trait once, sorted. */
export const read = (source: FileView.Source): ReadonlyArray<Trait.Found> => {
  const view = FileView.of(source)
  const weakened = TraitTests.read(view)
  const all = [
    ...weakened,
    ...TraitCode.read(view),
    ...TraitExpectations.read(view),
    ...TraitGuards.read(view),
    ...TraitManifests.read(view),
    ...TraitWords.read(view, weakened.length > 0),
    ...TraitPaths.read(view)
  ]
  const first = new Map<Trait.Trait, Trait.Found>()
  for (const found of all) if (!first.has(found.trait)) first.set(found.trait, found)
  return [...first.values()].sort((a, b) => (a.trait < b.trait ? -1 : 1))
}
