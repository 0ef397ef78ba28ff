/** Holds that the generated barrels are what would be generated now. */
import * as Barrel from "../Barrel.ts"
import * as Gate from "./Gate.ts"

/** Every `src/index.ts` and `src/testing/index.ts` is up to date. */
export const gate = Gate.make("barrels", "generated index.ts files are up to date", (root) => {
  const barrels = Barrel.wanted(root)
  return {
    failures: barrels
      .filter(({ isCurrent }) => !isCurrent)
      .map(({ path }) => `${path} is not up to date. Run: pnpm barrels`),
    note: `${barrels.length} barrels`
  }
})
