/** The tool `edit`: replaces a text that stands in a file exactly once, or everywhere. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Target from "./Target.ts"
import * as ToolFailure from "./ToolFailure.ts"

/** What the model is told about it. */
export const description = [
  "Replaces text in a file. `old` must stand in the file exactly once, character for character, without line numbers:",
  "give enough lines around it to be unique, or set `all`. Line ends and the line feed at the end of the file are kept.",
  "An empty `new` deletes. To make a new file use write."
].join(" ")

/** What the model gives. */
export const Parameters = Schema.Struct({
  path: Schema.String.annotate({ description: "The file, relative to the workspace" }),
  old: Schema.String.annotate({ description: "The text to replace, exactly as it stands in the file" }),
  new: Schema.String.annotate({ description: "The text to put in its place" }),
  all: Schema.optionalKey(Schema.Boolean.annotate({ description: "Replace every occurrence. Default false" }))
})

const maxBytes = 10 * 1024 * 1024
const mostPlaces = 1_000

/** A file's text with something replaced, and at which lines. */
export interface Edited {
  readonly text: string
  readonly lines: ReadonlyArray<number>
}

const count = (text: string, part: string, most: number): ReadonlyArray<number> => {
  const places: Array<number> = []
  for (let at = text.indexOf(part); at !== -1 && places.length < most; at = text.indexOf(part, at + 1)) places.push(at)
  return places
}

const linesOf = (text: string, places: ReadonlyArray<number>): ReadonlyArray<number> => {
  const lines: Array<number> = []
  let line = 1
  let from = 0
  for (const place of places) {
    for (let at = text.indexOf("\n", from); at !== -1 && at < place; at = text.indexOf("\n", at + 1)) {
      line++
      from = at + 1
    }
    lines.push(line)
  }
  return lines
}

const usesCrLf = (text: string): boolean => {
  const all = text.split("\n").length - 1
  return all > 0 && (text.split("\r\n").length - 1) * 2 > all
}

const list = (lines: ReadonlyArray<number>): string =>
  `${lines.slice(0, 10).join(", ")}${lines.length > 10 ? ", …" : ""}`

/** Replaces in a text. Pure: what {@link run} does between reading and writing. */
export const apply = Effect.fnUntraced(function* (
  text: string,
  { all = false, new: fresh, old, path }: typeof Parameters.Type
) {
  if (old === "") {
    return yield* ToolFailure.fail(
      "BadInput",
      "`old` is empty. Give the text to replace, or use write for a whole file."
    )
  }
  const toFileEnds = (part: string): string => (usesCrLf(text) ? part.replace(/\r?\n/g, "\r\n") : part)
  const sought = text.includes(old) ? old : toFileEnds(old)
  const replacement = toFileEnds(fresh)
  if (sought === replacement) {
    return yield* ToolFailure.fail("BadInput", "`old` and `new` are the same: there is nothing to change.")
  }
  const places = count(text, sought, mostPlaces)
  if (places.length === 0) {
    const first =
      old
        .split("\n")
        .map((line) => line.trim())
        .find((line) => line !== "") ?? ""
    const near = first === "" ? [] : linesOf(text, count(text, first, 11))
    return yield* ToolFailure.fail(
      "NoMatch",
      `\`old\` does not stand in ${ToolFailure.quote(path)}. ` +
        (near.length === 0
          ? "Nor does its first line: read the file again."
          : `Its first line stands at line ${list(near)}: read there, and take over spaces and the lines below exactly.`)
    )
  }
  if (places.length > 1 && !all) {
    const times = places.length >= mostPlaces ? `at least ${mostPlaces}` : String(places.length)
    return yield* ToolFailure.fail(
      "NotUnique",
      `\`old\` stands ${times} times in ${ToolFailure.quote(path)}, at lines ${list(linesOf(text, places))}. ` +
        "Give more of the lines around the one that is meant, or set `all`."
    )
  }
  const changed = text.split(sought).join(replacement)
  const lostEnd = text.endsWith("\n") && changed !== "" && !changed.endsWith("\n")
  const edited: Edited = {
    text: lostEnd ? `${changed}${usesCrLf(text) ? "\r\n" : "\n"}` : changed,
    lines: linesOf(text, places)
  }
  return edited
})

/** Edits. */
export const run = Effect.fnUntraced(function* (parameters: typeof Parameters.Type) {
  const relative = yield* Target.writable(parameters.path)
  const before = yield* Target.text(relative, maxBytes)
  const { lines, text } = yield* apply(before, parameters)
  yield* Target.replace(relative, new TextEncoder().encode(text))
  return `Changed ${ToolFailure.quote(relative)} at line ${list(lines)}.`
})
