/** What gets out of a sandbox: attacks, each tried without one (the control) and in one. */
import * as Bench from "./Bench.ts"
import type { Outcome } from "./escapes/Attack.ts"
import type { Filed } from "./escapes/Case.ts"
import * as Image from "./escapes/Image.ts"
import * as Matrix from "./escapes/Matrix.ts"
import * as Adapters from "../examples/12-sandbox-exec/adapters.ts"
import * as Supports from "./escapes/Supports.ts"
import * as Workers from "./escapes/Workers.ts"

/** What is measured. */
export const description = "attacks on what stands between a command and its host, each shown to succeed without it"

/** What can be set. */
export const options = {
  adapter: { type: "string", about: `${Adapters.names.join(", ")}, or the path of one`, default: "bubblewrap" },
  category: { type: "string", about: `some of ${Matrix.categories.join(",")}` },
  case: { type: "string", about: "one or several cases, with commas between" },
  image: { type: "string", about: "of the container; without it, one is made of this machine's programs" },
  workers: { type: "number", about: "processes that try cases", default: 3 }
} as const satisfies Bench.Options

const chosen = (list: string | undefined, known: ReadonlyArray<string>, option: string): ReadonlyArray<string> => {
  if (list === undefined) return known
  const names = list.split(",").map((name) => name.trim())
  const unknown = names.find((name) => !known.includes(name))
  if (unknown === undefined) return names
  throw new Bench.BadInput(`--${option} knows no "${unknown}". It takes some of ${known.join(",")}.`)
}

/** A case with its result. */
interface Row extends Workers.Tried, Pick<Filed, "category" | "level" | "why"> {
  /** `Held` and `Escaped` where the adapter claims the level; `Open` where it does not. */
  readonly verdict: "Held" | "Escaped" | "Open" | "Skipped" | "Unsupported" | "Broken" | "ProvesNothing"
}

const ranks: ReadonlyArray<string> = ["none", "os", "container", "remote"]

const verdict = (one: Filed, { control, outcome }: Workers.Tried, isolation: string): Row["verdict"] => {
  if (outcome._tag === "Skipped" || outcome._tag === "Unsupported" || outcome._tag === "Broken") return outcome._tag
  // An attack that got out needs no control to be believed.
  if (outcome._tag === "Escaped") return ranks.indexOf(one.level) <= ranks.indexOf(isolation) ? "Escaped" : "Open"
  return control._tag === "Escaped" ? "Held" : "ProvesNothing"
}

const whyOf = (outcome: Outcome): string => ("why" in outcome ? `: ${outcome.why.split("\n")[0]}` : "")

/** Tries the cases. */
export const run: Bench.Run<typeof options> = async ({ adapter, case: one, category, image, workers }, progress) => {
  const ids = Matrix.all.map(({ id }) => id)
  const categories = chosen(category, Matrix.categories, "category")
  const asked = chosen(one, ids, "case")
  const cases = Matrix.all.filter((each) => categories.includes(each.category) && asked.includes(each.id))
  const supports = await Supports.of(adapter)
  const own = image ?? (adapter === "container" ? Image.make() : undefined)
  const start = performance.now()
  const tried = await Workers.run(
    cases.map(({ id }) => id),
    { adapter, image: own, count: workers, progress }
  )
  const seconds = (performance.now() - start) / 1000
  const rows = cases.flatMap((each): ReadonlyArray<Row> => {
    const found = tried.find(({ id }) => id === each.id)
    const { category, level, why } = each
    return found === undefined
      ? []
      : [{ ...found, category, level, why, verdict: verdict(each, found, supports.isolation) }]
  })
  const of = (...verdicts: ReadonlyArray<Row["verdict"]>) => rows.filter((row) => verdicts.includes(row.verdict))
  const count = (name: string, verdicts: ReadonlyArray<Row["verdict"]>, goal?: Bench.Goal): Bench.Measured => ({
    name,
    value: of(...verdicts).length,
    unit: `of ${rows.length} cases`,
    ...(goal && { goal })
  })
  const none = { op: "<=", value: 0 } as const
  const listed = (title: string, verdict: Row["verdict"], say: (row: Row) => string): ReadonlyArray<string> =>
    of(verdict).length === 0 ? [] : [title, ...of(verdict).map((row) => `  ${row.id.padEnd(32)} ${say(row)}`)]
  const bad = of("Escaped", "Broken")
  return {
    figures: [
      count(`${adapter} holds`, ["Held"]),
      count("gets through, though the adapter claims to hold it", ["Escaped"], none),
      count("can not be tried: the sandbox does not open", ["Broken"], none),
      count("gets through, and the adapter does not claim to hold it", ["Open"]),
      count("is refused: `supports` says no", ["Unsupported"]),
      count("is skipped: its tools are not inside", ["Skipped"]),
      count("proves nothing: the attack fails without a sandbox too", ["ProvesNothing"]),
      { name: "the whole matrix", value: Bench.round(seconds), unit: "s" }
    ],
    notes: [
      ...listed(
        `Gets through ${adapter}, which claims isolation "${supports.isolation}":`,
        "Escaped",
        ({ why }) => why
      ),
      ...listed("Does not open:", "Broken", ({ outcome }) => whyOf(outcome).slice(2)),
      ...listed(`Does not hold, and ${adapter} does not say that it does:`, "Open", ({ why }) => why),
      ...listed("Refused:", "Unsupported", ({ outcome }) => whyOf(outcome).slice(2)),
      ...listed("Skipped:", "Skipped", ({ outcome }) => whyOf(outcome).slice(2)),
      ...listed(
        "Proves nothing here:",
        "ProvesNothing",
        ({ control }) => `without a sandbox: ${control._tag}${whyOf(control)}`
      ),
      ""
    ],
    details: { adapter, supports, cases: rows },
    ...(bad.length > 0 && {
      failure: `${bad.length} attacks are not held that ${adapter} claims to hold: ${bad.map(({ id }) => id).join(", ")}`
    })
  }
}
