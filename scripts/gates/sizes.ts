/** Holds the lengths of files: small in the middle, none enormous. Comments and blank lines do not count. */
import * as Source from "../Source.ts"
import * as Gate from "./Gate.ts"

const limits = { p50: 90, p90: 250, max: 400 }

const percentile = (sorted: ReadonlyArray<number>, part: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0

/** Code lines of every file of a package's `src`: the median, the ninth decile and the longest. */
export const gate = Gate.make("sizes", "code lines per file: p50 ≤ 90, p90 ≤ 250, max 400", (root) => {
  const sources = Source.read(root, "packages/*/src/**/*.ts").filter(({ path }) => !path.endsWith("/index.ts"))
  const sorted = sources.map(({ codeLines }) => codeLines).sort((a, b) => a - b)
  const figures = { p50: percentile(sorted, 0.5), p90: percentile(sorted, 0.9), max: sorted.at(-1) ?? 0 }
  const longest = [...sources].sort((a, b) => b.codeLines - a.codeLines)
  const over = (name: "p50" | "p90"): ReadonlyArray<string> =>
    figures[name] <= limits[name]
      ? []
      : [
          `${name} is ${figures[name]} code lines, more than ${limits[name]}. The longest: ` +
            `${longest
              .slice(0, 5)
              .map(({ codeLines, path }) => `${path} ${codeLines}`)
              .join(", ")}. Give a part a noun of its own.`
        ]
  return {
    failures: [
      ...over("p50"),
      ...over("p90"),
      ...longest
        .filter(({ codeLines }) => codeLines > limits.max)
        .map(({ codeLines, path }) => `${path} has ${codeLines} code lines, more than ${limits.max}. Split it by noun.`)
    ],
    note: `${sorted.length} files, p50 ${figures.p50}, p90 ${figures.p90}, max ${figures.max}`
  }
})
