/** How much of a model's context messages take, estimated: no tokenizer is asked, so the same messages weigh the same everywhere. */
import * as TokenBudget from "@millwright/context/TokenBudget"
import type * as Prompt from "effect/ai/Prompt"
import * as Predicate from "effect/Predicate"

/** What providers count for a picture or a page, about. */
const file = 1_500

/** What a message and its parts have around them. */
const frame = 4

/** The tokens of a message. */
export const of = (message: Prompt.Message): number =>
  message.role === "system"
    ? frame + TokenBudget.estimate(message.content)
    : message.content.reduce((sum, part) => sum + frame + ofPart(part), frame)

type Part = Exclude<Prompt.Message, Prompt.SystemMessage>["content"][number]

const ofPart = (part: Part): number => {
  switch (part.type) {
    case "text":
      return TokenBudget.estimate(part.text)
    case "reasoning":
      return TokenBudget.estimate(part.text)
    case "file":
      return file
    case "tool-call":
      return TokenBudget.estimate(`${part.name}${textOf(part.params)}`)
    case "tool-result":
      return part.modelOutput === undefined
        ? TokenBudget.estimate(textOf(part.result))
        : part.modelOutput.reduce(
            (sum, output) => sum + (output.type === "text" ? TokenBudget.estimate(textOf(output.text)) : file),
            0
          )
    default:
      return 0
  }
}

const textOf = (value: unknown): string => (Predicate.isString(value) ? value : (JSON.stringify(value) ?? ""))

/** The tokens of messages together. */
export const sum = (items: ReadonlyArray<{ readonly message: Prompt.Message }>): number =>
  items.reduce((all, { message }) => all + of(message), 0)
