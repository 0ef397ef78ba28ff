/**
 * How many **tokens** a text is: counted with o200k_base, a real tokenizer that stands in for a provider's own, which
 * is not public. What is compared is counted in the same way on both sides.
 */
import { countTokens } from "gpt-tokenizer/encoding/o200k_base"

const counted = new Map<string, number>()

/** The tokens of a text. Each text is counted once. */
export const text = (said: string): number => {
  const known = counted.get(said)
  if (known !== undefined) return known
  const count = countTokens(said, { disallowedSpecial: new Set() })
  counted.set(said, count)
  return count
}

/** A tool as it travels. */
export interface Definition {
  readonly name: string
  readonly description: string
  readonly schema: unknown
}

/** The tokens of a tool's definition, in the words of Anthropic's API. */
export const definition = ({ description, name, schema }: Definition): number =>
  text(JSON.stringify({ name, description, input_schema: schema }))
