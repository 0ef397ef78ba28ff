/** How well the review role finds what is known to be wrong with changes. Without a key it is rehearsed, and shows the bench alone. */
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Bench from "./Bench.ts"
import * as Changes from "./review/Changes.ts"
import * as Reviewer from "./review/Reviewer.ts"
import * as Score from "./review/Score.ts"

/** What is measured. */
export const description = "the review role on changes with known defects: precision, recall, lines off, verdicts, cost"

/** What can be set. */
export const options = {
  data: {
    type: "file",
    about: "changes, one JSON object a line, as benchmarks/data/review/README.md says",
    default: fileURLToPath(new URL("./data/review/changes.jsonl", import.meta.url))
  },
  model: { type: "string", about: "the model, as the provider that there is a key for names it" },
  tolerance: { type: "number", about: "how many lines a comment may be away from a defect", default: 2, least: 0 },
  first: { type: "number", about: "so many changes of the file", default: 10_000 }
} as const satisfies Bench.Options

/** Measures. */
export const run: Bench.Run<typeof options> = async ({ data, first, model: wanted, tolerance }, progress) => {
  const changes = Changes.load(data).slice(0, first)
  // Reviewers read in their workspace: an empty one, and not this repository with the data of the bench.
  const [before, folder] = [process.cwd(), mkdtempSync(join(tmpdir(), "millwright-review-"))]
  process.chdir(folder)
  try {
    const { answers, bill, model } = await Effect.gen(function* () {
      const model = yield* Reviewer.model(wanted, changes)
      if (!model.rehearsed) yield* model.probe
      return { model, ...(yield* Reviewer.all(changes, model, progress)) }
    }).pipe(Effect.scoped, Effect.runPromise)
    const score = Score.of(changes, answers, tolerance)
    const isExact = score.precision === 1 && score.recall === 1 && score.linesOff === 0 && score.verdictRight === 1
    return {
      figures: [
        Bench.figure("precision", score.precision, "of comments"),
        Bench.figure("recall", score.recall, "of defects"),
        ...score.severities.map(({ recall, severity }) => Bench.figure(`recall, ${severity}`, recall, "of defects")),
        ...score.severities.map(({ precision, severity }) =>
          Bench.figure(`precision, ${severity}`, precision, "of comments")
        ),
        Bench.figure("lines off", score.linesOff, "lines"),
        Bench.figure("severity right", score.severityRight, "of those found"),
        Bench.figure("verdict right", score.verdictRight, "of changes"),
        Bench.figure("dropped", score.dropped, "comments"),
        Bench.figure("failed", score.failed, "changes"),
        Bench.figure("cost", bill.usd, "US dollars"),
        Bench.figure("calls without a price", bill.unpriced, "calls")
      ],
      notes: model.rehearsed
        ? [
            "REHEARSED: the model plays what the file says, so this shows that the bench is exact, and nothing of any model."
          ]
        : [`The model is ${model.name} of ${model.provider}.`],
      details: { model: model.name, rehearsed: model.rehearsed, tolerance, score, answers, usage: bill.usage },
      ...(model.rehearsed &&
        changes.some(({ defects }) => defects.length > 0) &&
        !isExact && {
          failure:
            "The rehearsed model said exactly what the file says, and the score does not say so: the bench is broken."
        })
    }
  } finally {
    process.chdir(before)
    rmSync(folder, { recursive: true, force: true })
  }
}
