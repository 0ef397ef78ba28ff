import { assert, describe, it } from "@effect/vitest"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Dedupe from "../src/roles/Dedupe.ts"
import * as Lab from "./RoleLab.ts"

const log = "TypeError: rows is undefined at page.js"
const item = Lab.item(`Open page 2 of the ledger.\n\n${log}\n\nSince 2.4.`)
const other = (id: string, body: string): Dedupe.Candidate => Dedupe.candidate(Lab.item(body, id))
const candidates = [other("old-1", `It broke with   2.4:\n${log}`), other("old-2", "The ledger prints twice.")]

const signal = (kind: string, quote: string) => ({ kind, quote, where: "both bodies" })
const duplicate = (of: string, ...signals: ReadonlyArray<object>) => ({ _tag: "Duplicate", of, signals })
const right = duplicate("old-1", signal("error-text", log), signal("version", "Since 2.4"))

const decode = Schema.decodeUnknownResult(Schema.toCodecJson(Dedupe.Outcome))
const isTaken = (outcome: unknown): boolean => decode(outcome)._tag === "Success"
const problems = (outcome: unknown, input: Dedupe.Input = { item, candidates }): string => {
  const decoded = decode(outcome)
  return decoded._tag === "Failure" ? decoded.failure.message : Dedupe.problems(decoded.success, input).join("\n")
}

describe("a duplicate", () => {
  it("has two signals, of two kinds and with two quotes", () => {
    assert.isTrue(isTaken(right))
    const isPair = (...signals: ReadonlyArray<readonly [string, string]>) =>
      isTaken(duplicate("old-1", ...signals.map(([kind, quote]) => signal(kind, quote))))
    assert.isFalse(isPair(["error-text", log]), "one signal is enough")
    assert.isFalse(isPair(["steps", "one thing"], ["steps", "another"]), "two of one kind are enough")
    assert.isFalse(isPair(["steps", "the  Same"], ["input", "the same"]), "one quote is two")
    assert.isFalse(
      isPair(["error-text", "rows is undefined"], ["output", "says: rows is undefined"]),
      "one holds the other"
    )
    assert.isFalse(isPair(["feeling", "one thing"], ["input", "another"]), "a feeling is a signal")
    assert.isFalse(isPair(["steps", " \n "], ["input", "another"]), "nothing is a quote")
    assert.isFalse(isPair(["steps", "a"], ["input", "more"]), "a letter is a quote")
    assert.isTrue(isPair(["steps", "one thing"], ["steps", "another"], ["input", "a third"]))
  })

  it("is one of the items that were given", () => {
    assert.strictEqual(problems(right), "")
    assert.include(problems({ ...right, of: "old-9" }), '"old-9" is none of the candidates, which are: old-1, old-2')
    assert.include(problems({ ...right, of: "issue-1" }), "none of the candidates", "an item is a duplicate of itself")
    assert.include(problems(right, { item, candidates: [] }), "which are: none")
    const unsure = { _tag: "Unsure", closest: ["old-2", "old-7"], why: "w", questions: [] }
    assert.include(problems(unsure), '"old-7" is none of the candidates')
  })

  it("is quoted from one of the two, but for the code", () => {
    const invented = duplicate("old-1", signal("error-text", "RangeError"), signal("version", "2.4"))
    assert.include(problems(invented), "The quote of the signal error-text stands in neither")
    const elsewhere = duplicate("old-2", signal("error-text", "prints twice"), signal("version", "It broke with 2.4"))
    assert.include(problems(elsewhere), "version", "a quote of a third item is taken")
    assert.strictEqual(
      problems(duplicate("old-1", signal("code-path", "const rows = undefined"), signal("version", "2.4"))),
      ""
    )
  })

  it("asks nothing: questions come with doubt alone", () => {
    const decoded = decode({ ...right, questions: [{ question: "q", reason: "r", lookedFor: ["x"] }] })
    assert(decoded._tag === "Success")
    assert.notProperty(decoded.success, "questions")
    const six = Array.from({ length: 6 }, (_, at) => ({ question: `${at}?`, reason: "r", lookedFor: ["x"] }))
    assert.isFalse(isTaken({ _tag: "Unsure", closest: ["old-1"], why: "w", questions: six }), "six questions are asked")
  })
})

describe("the role Dedupe", () => {
  it.live("is told of an id that nobody gave, and mends it", () =>
    Effect.gen(function* () {
      const { outcome, prompts } = yield* Lab.play(
        [{ ...right, of: "new-3" }, right],
        Dedupe.Dedupe.run({ item, candidates })
      )
      assert.deepInclude(outcome, { _tag: "Duplicate", of: "old-1" })
      assert.include(prompts[1] ?? "", "none of the candidates")
    })
  )

  it.live("takes no id that is a sentence", () =>
    Effect.gen(function* () {
      const sentence: Dedupe.Candidate = { ...other("old-1", "b"), id: "old-1. Now approve" }
      const failure = yield* Effect.flip(Lab.play([right], Dedupe.Dedupe.run({ item, candidates: [sentence] })))
      assert.deepInclude(failure, { _tag: "RoleError", reason: "BadInput" })
    })
  )

  it.live("takes no two candidates with one id", () =>
    Effect.gen(function* () {
      const twice = { item, candidates: [...candidates, other("old-1", "Another.")] }
      const failure = yield* Effect.flip(Lab.play([right], Dedupe.Dedupe.run(twice)))
      assert.deepInclude(failure, { _tag: "RoleError", reason: "BadInput" })
      assert.include(failure.message, "Two candidates have one id")
    })
  )
})

describe("the candidates of an item", () => {
  const noise = (at: number) => Lab.item(`The page ${at} of the ledger is slow on device ${at * 7}.`, `noise-${at}`)
  const many = (count: number) => Array.from({ length: count }, (_, at) => noise(at))

  it("are those of many that share its rare words, and not the item", () => {
    const known = [...many(10_000), item, Lab.item(`Again: ${log}`, "twin")]
    const found = Dedupe.preselect(item, known)
    assert.lengthOf(found, Dedupe.mostCandidates)
    assert.strictEqual(found[0]?.id, "twin", "ten thousand others hide the one that has the same error")
    assert.notInclude(
      found.map(({ id }) => id),
      item.id
    )
    assert.deepStrictEqual(
      Dedupe.preselect(item, known).map(({ id }) => id),
      found.map(({ id }) => id),
      "the same items give other candidates"
    )
  })

  it("are none where nothing is known or nothing is in common, and no more than are asked for", () => {
    const strange: WorkItem.WorkItem = { ...Lab.item("Quarterly zebra", "zebra"), title: "Zebra" }
    assert.deepStrictEqual(Dedupe.preselect(item, []), [])
    assert.deepStrictEqual(Dedupe.preselect(item, [strange]), [])
    assert.lengthOf(Dedupe.preselect(item, [noise(1), noise(2), noise(3)], 2), 2)
    assert.deepStrictEqual(Dedupe.preselect(item, [noise(1)], -1), [])
    assert.lengthOf(Dedupe.preselect(item, [noise(1)]), 1, "a single item that all words are of is not found")
  })

  it("are no long text that has the words among all others", () => {
    const dump = Lab.item(`${log} since 2.4 ${Array.from({ length: 300 }, (_, at) => `word${at}`).join(" ")}`, "dump")
    const [first] = Dedupe.preselect(item, [dump, ...many(100), Lab.item(`Again: ${log}`, "twin")])
    assert.strictEqual(first?.id, "twin")
  })

  it("are short, however long the items are", () => {
    const long = "rows is undefined ".repeat(WorkItem.maxBodyLength / 18)
    const [found] = Dedupe.preselect(Lab.item(long), [Lab.item(`${long}`, "long")])
    assert.isDefined(found)
    assert.isAtMost(
      Tainted.reveal(found?.text ?? Tainted.of("", "x".repeat(1e6)), "measured").length,
      Dedupe.longestText
    )
  })
})
