/**
 * What every reader of a forge's history holds to, so that a ledger can be made of it. One proves itself with the repository of a test:
 *
 * ```text
 * ForgeHistoryTest.suite("MyForge", serveARepository.pipe(Effect.map(({ url }) => MyForgeHistory.read({ url }))))
 * ```
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as ForgeHistory from "../ForgeHistory.ts"

/** Makes a repository in which an agent has opened a pull request, and answers with how it is read. */
export type SetUp = Effect.Effect<Effect.Effect<ForgeHistory.ForgeHistory, unknown>, unknown, Scope.Scope>

/** Registers the tests of a reader with vitest. */
export const suite = (name: string, setUp: SetUp): void => {
  const test = (
    title: string,
    body: (read: Effect.Effect<ForgeHistory.ForgeHistory, unknown>) => Effect.Effect<void, unknown>
  ) => it.live(title, () => Effect.scoped(Effect.flatMap(setUp, body)), 30_000)
  describe(name, () => {
    test("gives data: what is written down and read is the same", (read) =>
      Effect.gen(function* () {
        const codec = Schema.fromJsonString(Schema.toCodecJson(ForgeHistory.ForgeHistory))
        const history = yield* read
        const text = yield* Schema.encodeEffect(codec)(history)
        assert.deepStrictEqual(yield* Schema.decodeEffect(codec)(text), history)
      }))

    test("gives the same again, and each thing a name that nothing else has", (read) =>
      Effect.gen(function* () {
        const history = yield* read
        assert.deepStrictEqual(
          yield* read,
          history,
          "what happened once has two names, or changes while nothing happens"
        )
        const ids = history.subjects.flatMap(({ events, id }) => [`of ${id}`, ...events.map((event) => event.id)])
        assert.strictEqual(new Set(ids).size, ids.length, `two things have the same name: ${ids.join(", ")}`)
      }))

    test("tells who opened a pull request, that it was merged at most once, and what it does not know", (read) =>
      Effect.gen(function* () {
        const { subjects } = yield* read
        const pulls = subjects.filter((subject) => subject._tag === "PullRequest")
        assert.isAbove(pulls.length, 0, "the suite needs a pull request")
        for (const { commits, events, gaps, head, id } of pulls) {
          const count = (tag: ForgeHistory.Event["_tag"]) => events.filter(({ _tag }) => _tag === tag).length
          assert.strictEqual(count("Opened"), 1, `${id} was opened once`)
          assert.isAtMost(count("Merged"), 1, `${id} was merged more than once`)
          const isWhole = count("Pushed") > 0 && (commits.length === 0 || commits.some((commit) => commit.id === head))
          if (!isWhole)
            assert.isAbove(gaps.length, 0, `${id}: nobody knows who pushed, or its head, and that is no gap`)
        }
      }))
  })
}
