/** How fast a change is classified, beside the bare matching of the same paths with the same globs. */
import type * as Change from "@millwright/core/Change"
import * as Policy from "@millwright/core/Policy"
import * as Glob from "effect/Glob"
import * as Bench from "./Bench.ts"

/** What is measured. */
export const description = "Policy.classify over a large change, as a ratio to plain effect/Glob matching of its paths"

/** What can be set. */
export const options = {
  files: { type: "number", about: "files of the generated change", default: 10_000 },
  runs: { type: "number", about: "runs that the median is taken of", default: 7 }
} as const satisfies Bench.Options

const folders = [
  "src",
  "docs",
  "test",
  "packages/core/src",
  "packages/web/src/components",
  ".github/workflows",
  "lib/deep/er"
]
const endings = ["ts", "md", "test.ts", "json", "css"]

const fileAt = (n: number): Change.FileChange => ({
  path: `${folders[n % folders.length]}/part${n % 97}/file${n}.${endings[n % endings.length]}`,
  status: "modified",
  mode: "100644",
  additions: n % 11,
  deletions: n % 5
})

/** Measures. */
export const run: Bench.Run<typeof options> = async ({ files, runs }, progress) => {
  const change = { files: Array.from({ length: files }, (_, n) => fileAt(n)) }
  const rules = Policy.careful.rules.map(({ paths }) => paths.map((path) => Glob.make(path, { dot: true })))
  const match = (): number =>
    change.files.reduce(
      (count, { path }) => count + rules.filter((globs) => globs.some((glob) => Glob.match(glob, path))).length,
      0
    )
  progress(`matching ${rules.length} rules over ${files} paths (${match()} matches), ${runs} runs`)
  const bare = Bench.median(Bench.times(runs, match))
  progress(`classifying ${files} files, ${runs} runs`)
  const ours = Bench.median(Bench.times(runs, () => Policy.classify(Policy.careful, change)))
  return {
    figures: [
      { name: "classify", value: Bench.round((files / ours) * 1_000), unit: "files/s" },
      { name: "match only", value: Bench.round((files / bare) * 1_000), unit: "files/s", peer: "effect/Glob" },
      {
        name: "throughput against match only",
        value: Bench.round(bare / ours),
        unit: "ratio",
        goal: { op: ">=", value: 0.7 }
      }
    ]
  }
}
