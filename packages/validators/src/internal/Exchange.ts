/** One request of an API and what was answered: what of it is shown, and what expectations are held against. */
import * as Result from "effect/Result"
import * as JsonPointer from "effect/JsonPointer"
import type * as Step from "../Step.ts"
import type * as Surface from "../Surface.ts"
import * as TextMatch from "./TextMatch.ts"

/** What was answered. */
export interface Exchange {
  readonly method: string
  readonly url: URL
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Why the body is not the whole of it. */
  readonly cut: string | undefined
}

/** How much of a text people are shown, in characters. */
const shown = 16_000

const isText = (body: Buffer): boolean => !body.includes(0) && Buffer.from(body.toString("utf8")).equals(body)

const bounded = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most).toWellFormed()}… (${text.length} characters)` : text

/** As a person reads it. */
export const text = ({ body, cut, headers, method, status, url }: Exchange): string => {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const content = isText(body) ? body.toString("utf8") : `(${body.byteLength} bytes that are no text)`
  const end = cut === undefined ? "" : `\n(${cut})`
  return bounded(
    `${method} ${url.pathname}${url.search}\n\n${status}\n${lines.join("\n")}\n\n${bounded(content, shown)}${end}`,
    shown * 2
  )
}

type Looked = Result.Result<Surface.Checked, string>

const compared = (rule: Step.TextRule, value: string): Looked =>
  Result.map(TextMatch.holds(rule, value), (holds) => ({ holds, saw: bounded(value, 2_000) }))

/** The value at a pointer; `undefined` when there is none. */
const valueAt = (json: unknown, pointer: string): unknown => {
  let value: unknown = json
  for (const token of pointer.split("/").slice(1).map(JsonPointer.unescapeToken)) {
    // `length` of a list, and what every object inherits, are not in the document.
    const isInList = Array.isArray(value) && /^(0|[1-9]\d*)$/.test(token)
    if (
      typeof value !== "object" ||
      value === null ||
      !(isInList || !Array.isArray(value)) ||
      !Object.hasOwn(value, token)
    ) {
      return undefined
    }
    value = Object.getOwnPropertyDescriptor(value, token)?.value
  }
  return value
}

const parsed = (content: string): Result.Result<unknown, unknown> =>
  Result.try({ try: () => JSON.parse(content) as unknown, catch: (cause) => cause })

/** A value as it is compared: a text as it is, everything else as JSON. */
const written = (value: unknown): Result.Result<string, string> =>
  typeof value === "string"
    ? Result.succeed(value)
    : Result.try({ try: () => JSON.stringify(value), catch: () => "the value is nested too deep" })

const bodyOf = ({ body, cut }: Exchange, { pointer, rule }: Extract<Step.Expectation, { _tag: "Body" }>): Looked => {
  // What is missing could be what is looked for.
  if (cut !== undefined) return Result.fail(`the body is not whole: ${cut}`)
  const content = body.toString("utf8")
  if (pointer === undefined) return compared(rule, content)
  if (pointer !== "" && !pointer.startsWith("/"))
    return Result.fail(`${JSON.stringify(pointer)} is no JSON pointer: it begins with /`)
  const json = parsed(content)
  if (Result.isFailure(json)) return Result.succeed({ holds: false, saw: `no JSON: ${bounded(content, 1_000)}` })
  const value = valueAt(json.success, pointer)
  return value === undefined
    ? Result.succeed({ holds: false, saw: `nothing at ${pointer} of ${bounded(content, 1_000)}` })
    : Result.flatMap(written(value), (text) => compared(rule, text))
}

/** Whether an expectation holds; on failure why that can not be said. */
export const check = (exchange: Exchange, that: Step.Expectation): Looked => {
  switch (that._tag) {
    case "Status":
      return Result.succeed({ holds: exchange.status === that.is, saw: `status ${exchange.status}` })
    case "Header": {
      const value = Object.entries(exchange.headers).find(([name]) => name === that.name.toLowerCase())?.[1]
      return value === undefined
        ? Result.succeed({ holds: false, saw: `no header ${that.name}` })
        : compared(that.rule, value)
    }
    case "Body":
      return bodyOf(exchange, that)
    default:
      return Result.fail("it is not asked of an answer")
  }
}
