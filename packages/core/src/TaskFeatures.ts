/**
 * **Features** of a task: what is known of it before a model works on it, as numbers from 0 to 1. More means harder. They
 * hold no text, so they can stand in the journal.
 */
import * as Schema from "effect/Schema"

/** Features by name, each from 0 to 1. A feature that is not named is 0. */
export const Features = Schema.Record(
  Schema.NonEmptyString,
  Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
)
/** Features by name, each from 0 to 1. */
export type Features = typeof Features.Type

/** What is known of a task. What is left out counts nothing. */
export interface Task {
  /** What the model is asked, or the last that it was told. */
  readonly message: string
  /** The last tool calls of the conversation, and whether each went well. */
  readonly tools?: ReadonlyArray<{ readonly tool: string; readonly ok: boolean }>
  /** Lines of code in the repository. */
  readonly lines?: number
  /** Lines of code, or bytes, by language. */
  readonly languages?: Readonly<Record<string, number>>
  /** How often this was tried and failed. */
  readonly failedAttempts?: number
}

/**
 * The features of a task:
 * - `message`: how long it is; 1 from 16,000 characters on.
 * - `detail`: how much of it is code, paths and traces, as a share of its lines.
 * - `tools`: how many of the last 20 tool calls there were.
 * - `toolFailures`: which share of those failed.
 * - `repository`: its size; 1 from a million lines on.
 * - `languages`: how mixed they are; 0 for one, 1 for eight of equal size.
 * - `failedAttempts`: 1 from three on.
 */
export const of = ({ failedAttempts = 0, languages = {}, lines = 0, message, tools = [] }: Task): Features => {
  const recent = tools.slice(-20)
  const failures = recent.filter(({ ok }) => !ok).length
  return {
    message: part(Math.log1p(message.length / 200) / Math.log1p(80)),
    detail: technical(message.slice(0, 16_000)),
    tools: part(recent.length / 20),
    toolFailures: recent.length === 0 ? 0 : part(failures / recent.length),
    repository: part(Math.log10(Math.max(1, lines)) / 6),
    languages: part(mixture(Object.values(languages)) / 3),
    failedAttempts: part(failedAttempts / 3)
  }
}

const part = (value: number): number => (value > 0 ? Math.min(1, value) : 0)

const technical = (message: string): number => {
  const lines = message.split("\n").filter((line) => line.trim() !== "")
  // Each part looks at a bounded number of signs: whoever writes the message must not be able to make this slow.
  const isTechnical = (line: string) => /\w\/\w|\w\.\w{1,4}:\d|^\s+at |[{}();=]{2}|`\S|^\s*```/.test(line)
  return lines.length === 0 ? 0 : lines.filter(isTechnical).length / lines.length
}

/** The entropy of some amounts, in bits. */
const mixture = (amounts: ReadonlyArray<number>): number => {
  const known = amounts.filter((amount) => amount > 0 && Number.isFinite(amount))
  const all = known.reduce((sum, amount) => sum + amount, 0)
  return known.reduce((sum, amount) => sum - (amount / all) * Math.log2(amount / all), 0)
}
