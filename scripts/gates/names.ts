/** Holds the names of files: one noun, one PascalCase file, and none that says nothing. */
import * as Source from "../Source.ts"
import * as Gate from "./Gate.ts"

const empty = /^(utils?|helpers?|commons?|misc|types?|shared)$|manager$/i

/** Names of the files of every package's `src`, and of the scripts and benchmarks. */
export const gate = Gate.make(
  "names",
  "one noun, one PascalCase file; no utils, helpers, common, misc, types, manager",
  (root) => {
    const inside = Source.find(root, "packages/*/src/**/*.ts")
    const around = Source.find(root, "scripts/**/*.ts", "benchmarks/*.ts", "examples/*/**/*.ts")
    const notPascal = inside
      .filter((path) => !/^([A-Z][A-Za-z0-9]*|index)$/.test(Source.placeOf(path).noun))
      .map((path) => `${path}: a file of src is named by one noun in PascalCase, as in Journal.ts`)
    const hollow = [...inside, ...around]
      .filter((path) => empty.test(Source.placeOf(path).noun))
      .map((path) => `${path}: the name does not say what is in it. Inline what is used once; give the rest its noun`)
    return { failures: [...notPascal, ...hollow], note: `${inside.length + around.length} files` }
  }
)
