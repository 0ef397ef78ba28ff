/** What a tool said in full, as facts that a journal takes: in parts, each without secrets, whole characters and mostly whole lines. */
import * as Digest from "@millwright/core/Digest"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Redaction from "@millwright/core/Redaction"
import type * as Redacted from "effect/Redacted"
import type * as Truncation from "../tools/Truncation.ts"

/** The most of one part, in bytes. */
export const largest = 256 * 1024

type Output = Extract<FactoryEvent.Fact, { readonly _tag: "ToolOutput" }>

/** The facts, and what the `ToolCalled` behind them says of them. */
export interface Filed {
  readonly facts: ReadonlyArray<Output>
  readonly output: Digest.Digest
  readonly fullBytes: number
}

/** Files what a call said. */
export const of = (
  call: string,
  { head, missing, tail }: Truncation.Said,
  secrets: ReadonlyArray<Redacted.Redacted<string>>
): Filed => {
  // The journal takes secrets out of each fact by itself. What it finds more in a part than in the whole, and only looks
  // like one, is taken out here already: the digest is that of what stands there.
  const clean = (text: string) => parts(text).map((part) => Redaction.scrub(part, secrets))
  const first = clean(head)
  const texts = [...first, ...clean(tail)]
  return {
    facts: texts.map((text, part) => ({
      _tag: "ToolOutput",
      call,
      part,
      text,
      isLast: part === texts.length - 1,
      ...(missing > 0 && part === first.length - 1 && { missing })
    })),
    output: Digest.of(texts.join("")),
    fullBytes: Buffer.byteLength(head) + Buffer.byteLength(tail) + missing
  }
}

/** A text in parts of at most so many bytes. They end with a line where one ends in their second half. */
export const parts = (text: string, most = largest): ReadonlyArray<string> => {
  const bytes = Buffer.from(text)
  const found: Array<string> = []
  for (let from = 0; from < bytes.length;) {
    let to = Math.min(bytes.length, from + most)
    if (to < bytes.length) {
      const line = bytes.lastIndexOf(10, to - 1) + 1
      if (line > from + most / 2) to = line
      else while (to > from + 1 && ((bytes[to] ?? 0) & 0xc0) === 0x80) to--
    }
    found.push(bytes.toString("utf8", from, to))
    from = to
  }
  return found.length === 0 ? [""] : found
}
