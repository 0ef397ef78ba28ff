/**
 * What every scorer holds to. An adapter proves itself with one line:
 *
 * ```text
 * ScorerTest.suite("MyScorer", { layer: MyScorer.layer })
 * ```
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Candidate from "../Candidate.ts"
import * as Scorer from "../Scorer.ts"
import * as TaskFeatures from "../TaskFeatures.ts"

/** The scorer, and candidates that it can score; made-up ones where it can score any. */
export interface Options {
  readonly layer: Layer.Layer<Scorer.Scorer, unknown>
  readonly candidates?: ReadonlyArray<Candidate.Candidate>
}

const candidate = (model: string, tier: Candidate.Candidate["tier"]): Candidate.Candidate => ({
  provider: "maker",
  model,
  tier,
  context: 200_000,
  can: ["tools"],
  cache: "written"
})

const anybody = [candidate("little", "small"), candidate("usual", "standard"), candidate("big", "large")]

const tasks: ReadonlyArray<TaskFeatures.Task> = [
  { message: "" },
  { message: "Fix the typo in README.md." },
  {
    message: "The build fails.\n    at src/Line.ts:12\n".repeat(200),
    tools: [{ tool: "bash", ok: false }],
    lines: 400_000,
    languages: { TypeScript: 3, Rust: 2, Go: 1 },
    failedAttempts: 2
  }
]

/** Registers the tests of a scorer with vitest. */
export const suite = (name: string, { candidates = anybody, layer }: Options): void => {
  describe(name, () => {
    it.effect("answers with numbers from 0 to 1, for candidates that it was asked about", () =>
      Effect.provide(bounded(candidates), layer)
    )
    it.effect("answers the same, in whatever order candidates stand", () => Effect.provide(same(candidates), layer))
    it.effect("has a name, and takes a question about nobody", () => Effect.provide(nobody, layer))
  })
}

const ask = (task: TaskFeatures.Task, candidates: ReadonlyArray<Candidate.Candidate>) =>
  Effect.flatMap(Scorer.Scorer, ({ score }) => score({ task, features: TaskFeatures.of(task), candidates }))

const bounded = Effect.fnUntraced(function* (candidates: ReadonlyArray<Candidate.Candidate>) {
  const known = candidates.map(Candidate.idOf)
  for (const task of tasks) {
    const scores = Object.entries(yield* ask(task, candidates))
    assert.isNotEmpty(scores, "No candidate was scored")
    for (const [id, score] of scores) {
      assert.include(known, id, "A candidate was scored that nobody asked about")
      assert.isTrue(score >= 0 && score <= 1, `${id} was scored with ${score}`)
    }
  }
})

const same = Effect.fnUntraced(function* (candidates: ReadonlyArray<Candidate.Candidate>) {
  for (const task of tasks) {
    const scores = yield* ask(task, candidates)
    assert.deepStrictEqual(yield* ask(task, candidates), scores, "A second answer differs")
    assert.deepStrictEqual(yield* ask(task, [...candidates].reverse()), scores, "The order of candidates has a say")
  }
})

const nobody = Effect.gen(function* () {
  const { name } = yield* Scorer.Scorer
  assert.isNotEmpty(name)
  assert.deepStrictEqual(yield* ask({ message: "anything" }, []), {})
})
