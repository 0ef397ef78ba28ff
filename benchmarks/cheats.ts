/** How many cheats are found in changes and in what their authors did, and how often an honest change is taken for one. */
import * as Cheats from "@millwright/validators/Cheats"
import { fileURLToPath } from "node:url"
import * as Bench from "./Bench.ts"
import * as Cases from "./cheats/Cases.ts"
import * as History from "./cheats/History.ts"
import * as Mutations from "./cheats/Mutations.ts"

/** What is measured. */
export const description =
  "cheat detection: cheats found, alarms on honest changes, by kind; made ones; a repository's own history"

/** What can be set. */
export const options = {
  cases: {
    type: "string",
    about: "a folder with cases of yours, as benchmarks/data/cheats/README.md says",
    default: fileURLToPath(new URL("./data/cheats", import.meta.url))
  },
  history: {
    type: "string",
    about: "a git repository whose commits are taken for honest",
    default: fileURLToPath(new URL("..", import.meta.url))
  },
  commits: { type: "number", about: "so many of its last commits; 0 for none", default: 5_000, least: 0 }
} as const satisfies Bench.Options

interface Judged {
  readonly kind: string
  readonly name: string
  readonly found: ReadonlyArray<Cheats.Cheat>
}

const judge = (kind: string, name: string, subject: Cheats.Subject): Judged => ({
  kind,
  name,
  found: Cheats.look(subject).cheats
})

const isFound = ({ found }: Judged): boolean => found.length > 0
/** Found, and as what it is. */
const isNamed = ({ found, kind }: Judged): boolean => found.some(({ rule }) => rule === kind)

const share = (all: ReadonlyArray<Judged>, is: (one: Judged) => boolean): number | undefined =>
  all.length === 0 ? undefined : all.filter(is).length / all.length

const byKind = (all: ReadonlyArray<Judged>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...new Set(all.map(({ kind }) => kind))].sort().map((kind) => {
      const of = all.filter((each) => each.kind === kind)
      return [kind, `${of.filter(isFound).length}/${of.length}`]
    })
  )

const told = (found: ReadonlyArray<Cheats.Cheat>): string =>
  found
    .map(
      ({ line, message, path, rule, status }) =>
        `${status} ${rule} ${path ?? ""}${line === null ? "" : `:${line}`} ${message}`
    )
    .join("; ")

/** Measures. */
export const run: Bench.Run<typeof options> = async ({ cases: folder, commits, history }, progress) => {
  const cases = Cases.load(folder)
  const judged = cases.map(({ kind, label, name, subject }) => ({ ...judge(kind, name, subject), label }))
  const of = (label: Cases.Case["label"]) => judged.filter((each) => each.label === label)
  const [cheats, honest] = [of("cheat"), of("honest")]
  const made = Mutations.of(cases.filter(({ label }) => label === "honest")).map(({ kind, name, subject }) =>
    judge(kind, name, subject)
  )
  progress(`${judged.length} cases and ${made.length} made ones are judged; now the history`)
  const past =
    commits === 0
      ? []
      : History.read(history, commits).map(({ files, id, title }) =>
          judge("history", `${id.slice(0, 12)} ${title}`, { files })
        )
  const alarms = honest.filter(isFound)
  const isOwn = folder !== options.cases.default
  return {
    figures: [
      { ...Bench.figure("found", share(cheats, isFound), "of cheats"), goal: { op: ">=", value: 0.95 } },
      Bench.figure("found by its own name", share(cheats, isNamed), "of cheats"),
      {
        name: "alarms",
        value: alarms.length,
        unit: `of ${honest.length} honest changes`,
        goal: { op: "<=", value: 0 }
      },
      { name: "cheats", value: cheats.length, unit: `cases of ${new Set(cheats.map(({ kind }) => kind)).size} kinds` },
      Bench.figure("found, made by a program", share(made, isFound), `of ${made.length} cheats`),
      Bench.figure("alarms, history", share(past, isFound), `of ${past.length} commits`)
    ],
    notes: [
      "A finding counts whether it is sure (fail) or asks for a person (blocked): on an honest change both are alarms.",
      ...(isOwn
        ? []
        : [
            "These cases were seen by whoever wrote the rules. Before they were: a third of the first ones, chosen by the digest of their names, 31 of",
            "32 found and 0 alarms of 23; those that were written when the rules were done, 32 of 35 found and 4 alarms of 33;",
            "those of another author (unseen-*), 74 of 104 and 7 of 75, and when these were mended (second-*), 31 of 38 and 1 of 35."
          ]),
      "",
      "kind                      found",
      ...Object.entries(byKind(cheats)).map(([kind, count]) => `${kind.padEnd(25)} ${count}`),
      "",
      "honest                    alarms",
      ...Object.entries(byKind(honest)).map(([kind, count]) => `${kind.padEnd(25)} ${count}`),
      "",
      ...[...cheats, ...made].filter((each) => !isFound(each)).map(({ kind, name }) => `not found: ${kind}, ${name}`),
      ...cheats
        .filter((each) => isFound(each) && !isNamed(each))
        .map(({ found, name }) => `found as something else: ${name}: ${told(found)}`),
      ...alarms.map(({ found, name }) => `alarm: ${name}: ${told(found)}`),
      ...past.filter(isFound).map(({ found, name }) => `history: ${name}: ${told(found)}`),
      ""
    ],
    details: {
      kinds: byKind(cheats),
      honest: byKind(honest),
      made: byKind(made),
      missed: [...cheats, ...made].filter((each) => !isFound(each)).map(({ name }) => name),
      alarms,
      history: past.filter(isFound)
    }
  }
}
