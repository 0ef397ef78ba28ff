/** A **question** of a role to a person: one that nothing in the repository answers, with the reason why it is asked. */
import * as Tainted from "@millwright/core/Tainted"
import * as Schema from "effect/Schema"

/** The most questions that a role asks at once. */
export const most = 5

/** A question. `reason` is what changes with the answer; `lookedFor` where the answer was looked for and not found. */
export const Question = Schema.Struct({
  question: Schema.NonEmptyString,
  reason: Schema.NonEmptyString,
  lookedFor: Schema.Array(Schema.NonEmptyString).check(Schema.isMinLength(1))
})
/** A question. */
export type Question = typeof Question.Type

const key = (question: string): string => question.toLowerCase().replace(/\s+/g, " ").trim()

const distinct = Schema.makeFilter((asked: ReadonlyArray<Question>) =>
  new Set(asked.map(({ question }) => key(question))).size === asked.length ? undefined : "A question is asked twice"
)

/** At most {@link most} questions, none of them twice. */
export const Some = Schema.Array(Question).check(Schema.isMaxLength(most), distinct)

/** One to {@link most} questions, none of them twice. */
export const List = Some.check(Schema.isMinLength(1))

/** What was answered to a question, by its text. */
export const Answer = Schema.Struct({ question: Schema.String, answer: Tainted.text("an answer to a question") })
/** What was answered to a question. */
export type Answer = typeof Answer.Type

/** The questions that nobody has answered yet; a blank answer is none. */
export const unanswered = (
  questions: ReadonlyArray<Question>,
  answers: ReadonlyArray<Answer>
): ReadonlyArray<Question> => {
  const answered = new Set(
    answers
      .filter(({ answer }) => Tainted.reveal(answer, "measured").trim() !== "")
      .map(({ question }) => key(question))
  )
  return questions.filter(({ question }) => !answered.has(key(question)))
}

/** What is wrong with questions that were answered before, for whoever asks them again. */
export const repeated = (questions: ReadonlyArray<Question>, answers: ReadonlyArray<Answer>): ReadonlyArray<string> => {
  const open = new Set(unanswered(questions, answers))
  // By its number: the words of a model are no sentence of ours.
  return questions.flatMap((question, at) =>
    open.has(question) ? [] : [`Question ${at + 1} was answered, see the field answers`]
  )
}

/** Questions as a numbered list, for a person. */
export const numbered = (questions: ReadonlyArray<Question>): string =>
  questions.map(({ question, reason }, at) => `${at + 1}. ${question} (${reason})`).join("\n")

/**
 * What a reply answers. Lines that begin with the number of a question, as `2. Yes`, answer that one, with all that stands below; a
 * reply without numbers answers all of them. What stands before the first number belongs to the first that is answered.
 */
export const answered = (questions: ReadonlyArray<Question>, reply: Tainted.Tainted): ReadonlyArray<Answer> => {
  const parts = new Map<number, Array<string>>()
  const before: Array<string> = []
  let part = before
  for (const line of Tainted.reveal(reply, "stored").split(/\r?\n/)) {
    const [, number = "", rest = ""] = /^\s{0,3}(\d{1,2})[.):]\s+(.*)$/.exec(line) ?? []
    const at = Number(number) - 1
    if (number === "" || questions[at] === undefined || parts.has(at)) part.push(line)
    else {
      part = parts.size === 0 ? [...before, rest] : [rest]
      parts.set(at, part)
    }
  }
  return questions.flatMap(({ question }, at) => {
    const text = parts.size === 0 ? before : parts.get(at)
    return text === undefined ? [] : [{ question, answer: Tainted.of(reply.origin, text.join("\n").trim()) }]
  })
}
