import { assert, describe, it } from "@effect/vitest"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Question from "../src/roles/Question.ts"
import * as Triage from "../src/roles/Triage.ts"
import * as Lab from "./RoleLab.ts"

const decode = (outcome: unknown, gates = Triage.gates) =>
  Schema.decodeUnknownResult(Schema.toCodecJson(Triage.outcome(gates)), { errors: "all" })(outcome)

const whyNot = (outcome: unknown, gates = Triage.gates): string => {
  const decoded = decode(outcome, gates)
  return decoded._tag === "Failure" ? decoded.failure.message : ""
}

const seen = {
  symptoms: ["The last row is shown again."],
  hypotheses: [],
  reproduction: { _tag: "NotAttempted", reason: "There is nothing to run." }
}
const judged = (changes: Readonly<Record<string, string>> = {}, gates = Triage.gates) =>
  gates.map(({ name }) => ({ gate: name, judgement: changes[name] ?? "holds", because: "I saw it." }))
const automatable = (gates: ReadonlyArray<unknown>) => ({
  _tag: "Automatable",
  summary: "s",
  ...seen,
  gates,
  clauses: []
})
const needsSpec = (gates: ReadonlyArray<unknown>) => ({ _tag: "NeedsSpec", why: "w", ...seen, gates })
const asked = (...questions: ReadonlyArray<string>) =>
  questions.map((question) => ({ question, reason: "It decides.", lookedFor: ["grep version"] }))
const needsInfo = (questions: ReadonlyArray<unknown>) => ({
  _tag: "NeedsInfo",
  questions,
  ...seen,
  symptoms: [],
  gates: judged({ defined: "unsure" })
})

describe("an automatable item", () => {
  it("is one of which every gate holds", () => {
    assert.strictEqual(whyNot(automatable(judged())), "")
  })

  it.each(Triage.gates.map(({ name }) => name))(
    "is none when %s fails, is unsure, is missing or is judged twice",
    (gate) => {
      assert.include(whyNot(automatable(judged({ [gate]: "fails" }))), `the gate ${gate} fails`)
      assert.include(whyNot(automatable(judged({ [gate]: "unsure" }))), `the gate ${gate} is unsure`)
      const without = judged().filter((one) => one.gate !== gate)
      assert.include(whyNot(automatable(without)), `The gate ${gate} is judged 0 times`)
      const twice = [...judged(), { gate, judgement: "holds", because: "Again." }]
      assert.include(whyNot(automatable(twice)), `The gate ${gate} is judged 2 times`)
    }
  )

  it("is none by gates that nobody asked about, and none without any", () => {
    assert.notStrictEqual(
      whyNot(automatable([...judged(), { gate: "looks-fine", judgement: "holds", because: "b" }])),
      ""
    )
    assert.include(whyNot(automatable([])), "judged 0 times")
  })
})

describe("an item that is not automatable", () => {
  it("says which gate of the list is the first that does not hold", () => {
    const decoded = decode(needsSpec(judged({ small: "fails", "one-component": "unsure" }).toReversed()))
    assert(decoded._tag === "Success", "the order in which gates were judged matters")
    const failing = Triage.firstFailing(decoded.success)
    assert.deepInclude(failing, { name: "one-component", judgement: "unsure", because: "I saw it." })
    const fine = decode(automatable(judged()))
    assert(fine._tag === "Success")
    assert.isUndefined(Triage.firstFailing(fine.success))
  })

  it("says so of gates that are not in the list that it is asked with", () => {
    const mine: Triage.Gates = [{ name: "ours", question: "Is it ours?" }]
    const decoded = decode(needsSpec(judged({ ours: "fails" }, mine)), mine)
    assert(decoded._tag === "Success")
    assert.deepInclude(Triage.firstFailing(decoded.success), { name: "ours", question: "", judgement: "fails" })
    assert.deepInclude(Triage.firstFailing(decoded.success, mine), { name: "ours", question: "Is it ours?" })
  })

  it("has such a gate", () => {
    assert.include(whyNot(needsSpec(judged())), "All gates hold")
    assert.include(whyNot(needsSpec(judged({ small: "fails" }).slice(1))), "The gate defined is judged 0 times")
  })

  it("has gates to be judged by", () => {
    // @ts-expect-error: without a gate, everything would be automatable
    assert.isDefined(() => Triage.make({ gates: [] }))
  })

  it("is told apart by the gates that the role was made with", () => {
    const own: Triage.Gates = [{ name: "on-a-sunday", question: "Is it Sunday?" }]
    assert.strictEqual(whyNot(automatable(judged({}, own)), own), "")
    assert.include(whyNot(automatable(judged({ "on-a-sunday": "unsure" }, own)), own), "on-a-sunday is unsure")
    assert.notStrictEqual(whyNot(automatable(judged()), own), "", "gates of another list are taken")
  })
})

describe("a question of triage", () => {
  it("is one of at most five, says why it is asked and where the answer was looked for", () => {
    assert.strictEqual(whyNot(needsInfo(asked("1?", "2?", "3?", "4?", "5?"))), "")
    assert.notStrictEqual(whyNot(needsInfo(asked("1?", "2?", "3?", "4?", "5?", "6?"))), "", "six questions are asked")
    assert.notStrictEqual(whyNot(needsInfo([])), "", "no question is asked")
    assert.include(whyNot(needsInfo(asked("Which  version?", "which version?"))), "asked twice")
    const [question] = asked("Which version?")
    assert.include(whyNot(needsInfo([{ ...question, reason: "" }])), "reason")
    assert.include(whyNot(needsInfo([{ ...question, lookedFor: [] }])), "lookedFor")
    assert.include(whyNot(needsInfo([{ question: "Which version?", reason: "r" }])), "lookedFor")
  })

  it("stays open until somebody answers it", () => {
    const questions = asked("Which version?", "Which file?", "Since when?")
    const reply = (text: string) => Question.answered(questions, Tainted.of("a reply", text))
    const told = (text: string) =>
      reply(text).map(({ answer, question }) => [question, Tainted.reveal(answer, "shown")] as const)
    const open = (text: string) => Question.unanswered(questions, reply(text)).map(({ question }) => question)
    assert.deepStrictEqual(told("3. Since May\n1) 2.0\nor 2.1"), [
      ["Which version?", "2.0\nor 2.1"],
      ["Since when?", "Since May"]
    ])
    assert.deepStrictEqual(open("3. Since May\n1) 2.0\nor 2.1"), ["Which file?"])
    assert.deepStrictEqual(open("It is 2.0, a.csv, since May"), [], "a reply without numbers answers all")
    assert.deepStrictEqual(
      open("  \n "),
      ["Which version?", "Which file?", "Since when?"],
      "a blank reply answers some"
    )
    assert.deepStrictEqual(
      told("Hello.\n2. a.csv\n7. nothing"),
      [["Which file?", "Hello.\na.csv\n7. nothing"]],
      "words are lost"
    )
    assert.deepStrictEqual(open("1. \n2. b"), ["Which version?", "Since when?"])
  })
})

describe("the role Triage", () => {
  const input = (body: string, answers: ReadonlyArray<Question.Answer> = []) => ({
    item: Lab.item(body),
    repository: Tainted.of("nothing", ""),
    answers
  })

  it.live("is told once of each gate that is missing, and mends it", () =>
    Effect.gen(function* () {
      const { outcome, prompts } = yield* Lab.play(
        [automatable(judged().slice(2)), automatable(judged())],
        Triage.Triage.run(input("b"))
      )
      assert.strictEqual(outcome._tag, "Automatable")
      assert.lengthOf(prompts, 2)
      assert.include(prompts[1] ?? "", "The gate defined is judged 0 times")
      assert.include(prompts[1] ?? "", "The gate cause-found is judged 0 times", "not all mistakes are told at once")
    })
  )

  it.live("is a fault when the gates are missing twice", () =>
    Effect.gen(function* () {
      const bad = automatable(judged({ small: "unsure" }))
      const failure = yield* Effect.flip(Lab.play([bad, bad], Triage.Triage.run(input("b"))))
      assert.deepInclude(failure, { _tag: "RoleError", reason: "MalformedOutcome" })
    })
  )

  it.live("does not ask again what was answered", () =>
    Effect.gen(function* () {
      const answers = [{ question: "Which version?", answer: Tainted.of("a reply", "2.0") }]
      const { outcome, prompts } = yield* Lab.play(
        [needsInfo(asked("which VERSION?", "Which file?")), needsInfo(asked("Which file?"))],
        Triage.Triage.run(input("b", answers))
      )
      assert(outcome._tag === "NeedsInfo")
      assert.deepStrictEqual(
        outcome.questions.map(({ question }) => question),
        ["Which file?"]
      )
      assert.include(prompts[1] ?? "", "Question 1 was answered, see the field answers")
    })
  )

  it.live("shows the questions of its gates to the model, whichever they are", () =>
    Effect.gen(function* () {
      const own: Triage.Gates = [{ name: "on-a-sunday", question: "Is it Sunday today?" }]
      const { bodies } = yield* Lab.play([automatable(judged({}, own))], Triage.make({ gates: own }).run(input("b")))
      assert.include(bodies[0] ?? "", "on-a-sunday: Is it Sunday today?")
    })
  )

  it.live("takes an item of 256 KiB from an empty repository", () =>
    Effect.gen(function* () {
      const body = "x ".repeat(WorkItem.maxBodyLength / 2)
      const { outcome, bodies } = yield* Lab.play(
        [{ _tag: "Park", reason: "Nothing is there." }],
        Triage.Triage.run(input(body))
      )
      assert.strictEqual(outcome._tag, "Park")
      assert.isAbove((bodies[0] ?? "").length, WorkItem.maxBodyLength)
    })
  )
})
