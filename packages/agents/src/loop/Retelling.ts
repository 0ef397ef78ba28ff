/** A conversation **retold** as text, for somebody who was not there: another agent, or the same one when it has forgotten. */
import type * as Prompt from "effect/ai/Prompt"
import * as Predicate from "effect/Predicate"
import * as Tools from "../Tools.ts"
import type * as Transcript from "./Transcript.ts"

/** How much is told of what tools answered, and of what the agent itself wrote, in characters. Default: all. */
export interface Options {
  readonly results?: number
  readonly texts?: number
}

/** The turns of a conversation: what stands before the first answer, then each answer with what followed it. */
export const turns = <A extends { readonly message: Prompt.Message }>(
  items: ReadonlyArray<A>
): ReadonlyArray<ReadonlyArray<A>> => {
  const all: Array<Array<A>> = [[]]
  for (const item of items) {
    if (item.message.role === "assistant") all.push([item])
    else all.at(-1)?.push(item)
  }
  return all
}

/** Messages as text. What the agent thought is its own, and what the loop said of its tools means nothing to others. */
export const of = (items: ReadonlyArray<Transcript.Item>, options: Options = {}): string =>
  items.flatMap((item) => message(item, options)).join("\n\n")

const message = ({ isInstruction, message }: Transcript.Item, options: Options): ReadonlyArray<string> => {
  if (message.role === "system") return []
  return message.content.flatMap((part): ReadonlyArray<string> => {
    switch (part.type) {
      case "text":
        if (part.text.trim() === "") return []
        if (message.role === "assistant") return [`Agent: ${head(part.text, options.texts)}`]
        return [isInstruction ? `Asked: ${part.text}` : part.text]
      case "file":
        return [`[a file: ${part.mediaType}]`]
      case "tool-call":
        return [
          options.results === undefined
            ? `Called ${part.name} ${textOf(part.params)}`
            : `Called ${Tools.summary(part.name, part.params)}`
        ]
      case "tool-result":
        return [
          `${part.isFailure ? "Failed" : "Result"} of ${part.name}: ${head(inside(resultOf(part)), options.results)}`
        ]
      default:
        return []
    }
  })
}

const resultOf = ({ modelOutput, result }: Prompt.ToolResultPart): string =>
  modelOutput === undefined
    ? textOf(result)
    : modelOutput
        .map((output) => (output.type === "text" ? textOf(output.text) : `[a file: ${output.mediaType}]`))
        .join("\n")

/** What is retold is in a block of its own, so that of a result would only be in the way. */
const inside = (text: string): string => /^<untrusted [^\n]*>\n([^]*)\n<\/untrusted [^\n>]+>$/.exec(text)?.[1] ?? text

const textOf = (value: unknown): string => (Predicate.isString(value) ? value : (JSON.stringify(value) ?? ""))

const head = (text: string, most = Number.POSITIVE_INFINITY): string =>
  text.length <= most ? text : `${text.slice(0, most).toWellFormed()}… (${text.length - most} characters more)`
