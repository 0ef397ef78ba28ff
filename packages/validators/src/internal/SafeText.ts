/** Text of others in the Markdown and HTML of the house: it reads as it was written, makes no structure, and hides nothing. */
import type * as Contract from "@millwright/core/Contract"
import * as Tainted from "@millwright/core/Tainted"
import * as Result from "effect/Result"

/** What could hide, reorder or steer becomes visible, as `\u{202e}`. */
export const visible = (text: string): string =>
  text
    .replaceAll(/\r\n?/g, "\n")
    .replace(Tainted.hidden, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)

/** What a forge acts on is written apart, as in `@ ada` and `# 12`. */
const apart = (text: string): string => Result.getOrElse(Tainted.prose(1_000_000).accept(text), () => "")

const escaped = (text: string): string =>
  text
    .replace(/[\\`*_{}[\]<>#|~!&()@]/g, "\\$&")
    .replace(/:\/\//g, ":\\//")
    .replace(/\bwww\./gi, (found) => `${found.slice(0, 3)}\\.`)

/** Code in single backticks stays code, unless it would end a column. */
const isCode = (part: string): boolean => /^`[^`|]+`$/.test(part)

/** One line of Markdown in which nothing is markup, a link or a mention. */
export const line = (text: string): string =>
  apart(visible(text))
    .replace(/\s+/g, " ")
    .trim()
    .split(/(`[^`]+`)/)
    .map((part) => (isCode(part) ? part : escaped(part)))
    .join("")
    .replace(/^([-+=]|\d+[.)])/, "\\$1")

/** A block of code in Markdown that its text can not close. */
export const code = (text: string): string => {
  const plain = visible(text)
  const longest = Math.max(2, ...[...plain.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const fence = "`".repeat(longest + 1)
  return `${fence}text\n${plain.replace(/\n$/, "")}\n${fence}`
}

/** Text of HTML, in an element or in an attribute in double quotes. */
export const html = (text: string): string =>
  visible(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;")

/** How a machine decides an assertion, in words. */
export const check = (one: Contract.Check): string => {
  switch (one._tag) {
    case "Command":
      return `decided by: ${one.run}`
    case "Changed":
      return `at least ${one.least} of ${one.paths.join(", ")} changed`
    case "File":
      return one.is._tag === "NotEmpty"
        ? `there is ${one.path}, not empty`
        : `there is ${one.path}, ${one.is._tag === "Json" ? `JSON of ${JSON.stringify(one.is.schema ?? {})}` : `with the sections ${one.is.sections.join(", ")}`}`
    case "Scenario":
      return `scenario ${one.scenario}`
  }
}

/** An assertion in one line, all of it. */
export const assertion = ({
  check: decided,
  essential,
  from,
  kind,
  statement,
  weight
}: Omit<Contract.Assertion, "id">): string => {
  const more = [
    ...(kind === undefined ? [] : [kind]),
    ...(from === undefined ? [] : [`from ${from}`]),
    ...(weight === undefined ? [] : [`weight ${weight}`]),
    ...(essential === undefined ? [] : ["essential"]),
    ...(decided === undefined ? [] : [check(decided)])
  ]
  return more.length === 0 ? statement : `${statement} (${more.join("; ")})`
}
