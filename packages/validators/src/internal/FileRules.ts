/** What is wrong with a file that a contract asks for. It decides by the bytes alone. */
import { type Schema as JsonSchema, Validator } from "@cfworker/json-schema"
import * as Contract from "@millwright/core/Contract"
import type * as Verdict from "@millwright/core/Verdict"
import * as Result from "effect/Result"
import * as MarkdownSections from "./MarkdownSections.ts"

/** The largest file that is read as a whole, in bytes. */
export const maxBytes = 5_000_000

/** One thing that is wrong. */
export type Wrong = Pick<Verdict.Problem, "rule" | "message" | "line">

/** What is wrong with a file; on failure why that can not be said. */
export const wrong = (
  rule: Contract.FileRule,
  { bytes, size }: { readonly bytes: Uint8Array; readonly size: number }
): Result.Result<ReadonlyArray<Wrong>, string> => {
  if (rule._tag === "NotEmpty") return Result.succeed(bytes.some((byte) => byte > 0x20) ? [] : [empty])
  if (size > maxBytes)
    return Result.fail(`it has ${size} bytes, and at most ${maxBytes} are read. Make several files of it`)
  const text = decoded(bytes)
  if (text === undefined)
    return Result.succeed([{ rule: "file-not-text", message: "It is not text in UTF-8", line: null }])
  if (text.trim() === "") return Result.succeed([empty])
  return Contract.FileRule.match(rule, {
    NotEmpty: () => Result.succeed([]),
    Json: ({ schema }) => json(text, schema),
    Markdown: ({ sections }) => Result.succeed(markdown(text, sections))
  })
}

const empty: Wrong = { rule: "file-empty", message: "Nothing stands in it", line: null }

const decoded = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const json = (text: string, schema: unknown): Result.Result<ReadonlyArray<Wrong>, string> => {
  const parsed = Result.try({
    try: (): unknown => JSON.parse(text),
    catch: (error) => (error instanceof Error ? error.message : "")
  })
  if (Result.isFailure(parsed)) {
    return Result.succeed([{ rule: "file-not-json", message: `It is not JSON: ${parsed.failure}`, line: null }])
  }
  if (schema === undefined) return Result.succeed([])
  return Result.try({
    try: () => {
      // What a contract holds is JSON; whether it is a schema shows when it is used.
      const { errors, valid } = new Validator(schema as JsonSchema, "2020-12", false).validate(parsed.success)
      return valid ? [] : [...new Set(errors.filter(isInner).map(said))].slice(0, 20).map(misfit)
    },
    catch: () => "its JSON Schema can not be used. Look whether its references lead anywhere"
  })
}

// The innermost errors say what is wrong; those around them, only that something is.
const outer = new Set(["properties", "items", "allOf", "$ref", "prefixItems", "additionalProperties"])
const isInner = ({ error, keyword }: { readonly error: string; readonly keyword: string }): boolean =>
  !outer.has(keyword) || error.includes("additional")

const said = ({ error, instanceLocation }: { readonly error: string; readonly instanceLocation: string }): string =>
  `${instanceLocation === "#" ? "The whole" : instanceLocation.slice(1)}: ${error.replace(/\.$/, "")}`

const misfit = (message: string): Wrong => ({ rule: "file-misfit", message, line: null })

const markdown = (text: string, wanted: ReadonlyArray<string>): ReadonlyArray<Wrong> => {
  const found = MarkdownSections.sections(text)
  return wanted.flatMap((title): ReadonlyArray<Wrong> => {
    const same = found.filter((section) => section.title.toLowerCase() === title.trim().toLowerCase())
    const [first] = same
    if (first === undefined) {
      return [{ rule: "section-missing", message: `It has no heading "${title}"`, line: null }]
    }
    return same.every(({ isEmpty }) => isEmpty)
      ? [{ rule: "section-empty", message: `Nothing stands below "${title}"`, line: first.line }]
      : []
  })
}
