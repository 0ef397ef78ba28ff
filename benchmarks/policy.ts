/** What a policy lets out that it should not, what it keeps that it need not, who passes for a human, and how fast it decides. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as ChangeFacts from "@millwright/core/ChangeFacts"
import * as Policy from "@millwright/core/Policy"
import * as Effect from "effect/Effect"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Bench from "./Bench.ts"
import * as Blind from "./policy/Blind.ts"
import * as Built from "./policy/Built.ts"
import * as Dangers from "./policy/Dangers.ts"
import * as Forgeries from "./policy/Forgeries.ts"
import * as Harmless from "./policy/Harmless.ts"

/** What is measured. */
export const description = "Policy: dangerous changes under-classified, documents and tests that ship, forgeries, speed"

/** What can be set. */
export const options = {
  harmless: { type: "number", about: "changes of documents and tests that are made", default: 120 },
  repository: {
    type: "folder",
    about: "the repository whose documents and tests they are made of",
    default: fileURLToPath(new URL("..", import.meta.url))
  },
  files: { type: "number", about: "files of the large change", default: 5_000 },
  runs: { type: "number", about: "runs that the median is taken of", default: 9 }
} as const satisfies Bench.Options

const folders = ["src", "docs", "test", "packages/core/src", "packages/web/src/components", "lib/deep/er"]
const endings = ["ts", "md", "test.ts", "json", "css"]

/** One file of the large change, with what was read of it. */
const fileAt = (n: number): ChangeFacts.FileFacts => ({
  path: `${folders[n % folders.length]}/part${n % 97}/file${n}.${endings[n % endings.length]}`,
  status: "modified",
  mode: "100644",
  previousMode: "100644",
  additions: n % 11,
  deletions: n % 5,
  traits: n % 7 === 0 ? [{ trait: "Route", line: 1 }] : []
})

const isAtLeast = (decision: Policy.Decision, { class: asked, isSensitive }: Dangers.Least): boolean => {
  const { reviewers, roles } = Policy.needs(decision)
  return (
    Policy.Class.literals.indexOf(decision._tag) >= Policy.Class.literals.indexOf(asked) &&
    (!isSensitive ||
      (reviewers >= 2 && ["domain expert", "validation architect"].every((role) => roles.includes(role))))
  )
}

const decided = Effect.fnUntraced(function* (dir: string, pairs: ReadonlyArray<Built.Pair>) {
  mkdirSync(dir)
  Built.build(dir, pairs)
  return yield* Effect.forEach(pairs, (_, at) =>
    Effect.map(ChangeFacts.read(dir, { base: `base-${at}`, head: `head-${at}` }), (facts) =>
      Policy.classify(Policy.careful, facts)
    )
  )
})

/** Measures. */
export const run: Bench.Run<typeof options> = async ({ files, harmless: count, repository, runs }, progress) => {
  const folder = mkdtempSync(join(tmpdir(), "millwright-policy-bench-"))
  try {
    const harmless = Harmless.of(repository, count)
    if (harmless.length === 0) throw new Bench.BadInput(`--repository ${repository} has no documents and no tests.`)
    return await measure({ folder, harmless, files, runs }, progress).pipe(
      Effect.provide(NodeServices.layer),
      Effect.runPromise
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Setup {
  readonly folder: string
  readonly harmless: ReadonlyArray<Harmless.Harmless>
  readonly files: number
  readonly runs: number
}

const measure = Effect.fnUntraced(function* ({ files, folder, harmless, runs }: Setup, progress: Bench.Progress) {
  const dangers = [...Dangers.all, ...Blind.all]
  progress(`${dangers.length} dangerous changes …`)
  const started = performance.now()
  const dangerous = yield* decided(join(folder, "dangers"), dangers)
  const perChange = (performance.now() - started) / dangers.length
  const under = dangers.flatMap(({ least, name }, at) => {
    const decision = dangerous[at]
    return decision !== undefined && isAtLeast(decision, least) ? [] : [{ name, least, decision }]
  })
  progress(`${harmless.length} changes of documents and tests …`)
  const calm = yield* decided(join(folder, "harmless"), harmless)
  const kept = harmless.flatMap(({ name }, at) => {
    const decision = calm[at]
    return decision?._tag === "AutoShip" ? [] : [{ name, rule: decision?.rule }]
  })
  progress(`${files} files, ${runs} runs …`)
  const facts = { files: Array.from({ length: files }, (_, at) => fileAt(at)), traits: [] }
  Policy.classify(Policy.careful, facts)
  const times = Bench.middle(
    Array.from({ length: runs }, () => {
      const start = performance.now()
      Policy.classify(Policy.careful, facts)
      return performance.now() - start
    })
  )
  const forged = yield* forgeries(folder, progress)
  const figures: ReadonlyArray<Bench.Measured> = [
    {
      name: "dangerous changes under-classified",
      value: under.length,
      unit: `of ${dangers.length}`,
      goal: { op: "<=", value: 0 }
    },
    {
      name: "documents and tests that ship",
      value: Bench.round(1 - kept.length / harmless.length),
      unit: `of ${harmless.length}`,
      goal: { op: ">=", value: 0.85 }
    },
    {
      name: `classify ${files} files, facts given`,
      ...times,
      unit: "ms",
      goal: { op: "<=", value: 40 }
    },
    { name: "built, read and classified, one change", value: Bench.round(perChange), unit: "ms" },
    ...forged
  ]
  return {
    figures,
    notes: [
      ...under.map(({ decision, name }) => `Under-classified: ${name}: ${decision?._tag} by "${decision?.rule}"`),
      ...kept.map(({ name, rule }) => `Kept by "${rule}": ${name}`)
    ],
    details: { under, kept }
  }
})

const forgeries = Effect.fnUntraced(function* (folder: string, progress: Bench.Progress) {
  const missing = Forgeries.missing()
  const name = "forged trailers, names, keys that pass as human"
  const goal = { op: "<=", value: 0 } as const
  if (missing !== undefined) return [{ name, value: Number.NaN, unit: "of 20", goal, missing }]
  progress("forged commits …")
  const at = join(folder, "forgeries")
  mkdirSync(at)
  const made = Forgeries.make(at)
  const passed = yield* Forgeries.passing(made, made.forgeries)
  const honest = yield* Forgeries.passing(made, made.honest)
  return [
    { name, value: passed.length, unit: `of ${made.forgeries.length}`, goal },
    { name: "honest ones that pass", value: honest.length, unit: `of ${made.honest.length}` }
  ]
})
