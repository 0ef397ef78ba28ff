/** The front matter of a Markdown file, a `SKILL.md` before all: YAML between two fences, size-capped, and nothing in it executed. */
import * as Effect from "effect/Effect"
import * as Yaml from "effect/encoding/Yaml"
import * as Schema from "effect/Schema"
import { type At, oneLine, refuse, type SkillError } from "./SkillFailure.ts"

/** The largest front matter that is read, in bytes. */
export const maxBytes = 64 * 1024

/** What a skill or an agent may be called. */
export const name = Schema.String.check(
  Schema.isPattern(/^(?=.{1,64}$)[a-z0-9]+(?:-[a-z0-9]+)*$/, {
    expected: "1 to 64 lower-case letters and digits, in words joined by single hyphens"
  })
)

/** A text that says something, of at most so many characters. */
export const short = (longest: number) => Schema.NonEmptyString.check(Schema.isMaxLength(longest))

// Other keys are other programs' business.
const FrontMatter = Schema.Struct({
  name,
  description: short(1024),
  license: Schema.optionalKey(short(1024)),
  compatibility: Schema.optionalKey(short(500)),
  metadata: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Number, Schema.Boolean]))
  ),
  "allowed-tools": Schema.optionalKey(Schema.String)
})

/** Which file is read, in the words of a message about it. */
type Where = Pick<At, "source" | "noun">

const decodeFrontMatter = Schema.decodeUnknownEffect(FrontMatter)

const minimal = "Begin the file with a line `---`, then `name: …` and `description: …`, then another line `---`."

/** What a file says above and below its fences. The name has to be that of the folder, where the source is a path. */
export const read = Effect.fnUntraced(function* (text: string, source: string) {
  const { front, instructions, values } = yield* parse(text, { source })
  const fields = yield* Effect.catch(decodeFrontMatter(values), (error) =>
    refuse(
      { reason: "Malformed", source, line: lineOf(front, error.message) },
      `its front matter is not that of a skill: ${oneLine(error.message)}`,
      "`name` and `description` are texts and needed; `license`, `compatibility` and `allowed-tools` are texts; " +
        "`metadata` maps names to texts."
    )
  )
  const folder = folderOf(source)
  if (folder !== undefined && folder !== fields.name) {
    return yield* refuse(
      { reason: "Malformed", source, line: lineOf(front, '"name"') },
      `it is named "${fields.name}" and stands in the folder "${folder}"`,
      "Give both the same name."
    )
  }
  return { fields, instructions }
})

/** What a file says above its fences, as YAML has it, and below them. */
export const parse = Effect.fnUntraced(function* (text: string, where: Where) {
  const { front, instructions } = yield* split(text, where)
  yield* refuseExecutable(front, where)
  return { front, instructions, values: yield* parseYaml(front, where) }
})

/** The text of a file. */
export const decode = (bytes: Uint8Array, where: Where): Effect.Effect<string, SkillError> =>
  Effect.catch(
    // The byte order mark stays, so that the digest is that of the bytes.
    Effect.try({ try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), catch: String }),
    () => refuse({ reason: "Unreadable", ...where }, "it is not text in UTF-8", "Save it as UTF-8.")
  )

const split = (text: string, where: Where) => {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/)
  const fence = /^---[ \t]*(.*)$/.exec(lines[0] ?? "")
  if (fence === null) {
    return refuse({ reason: "Malformed", ...where, line: 1 }, "it has no front matter", minimal)
  }
  const language = (fence[1] ?? "").trim()
  if (language !== "" && !/^ya?ml$/.test(language)) {
    return refuse(
      { reason: "Executable", ...where, line: 1 },
      `its front matter is marked as "${oneLine(language)}" and only YAML is read`,
      "Write `---` alone in the first line, and YAML below it."
    )
  }
  const end = lines.findIndex((line, at) => at > 0 && /^---[ \t]*$/.test(line))
  const front = lines.slice(1, end === -1 ? undefined : end).join("\n")
  // The start of a long file may have been read, and no end of it.
  if (Buffer.byteLength(front) > maxBytes) {
    return refuse(
      { reason: "TooLarge", ...where, line: 1 },
      `its front matter has more than ${maxBytes} bytes`,
      "Move what the role has to read below the front matter."
    )
  }
  if (end === -1) {
    return refuse({ reason: "Malformed", ...where, line: 1 }, "its front matter has no end", minimal)
  }
  const instructions = lines.slice(end + 1).join("\n")
  return Effect.succeed({ front, instructions: instructions.trim() })
}

// Where a value begins: a line, an item, a key's value, or a part of a flow collection. A quoted value is none of these.
const valueStart = String.raw`(?:^\s*|^\s*(?:-\s+)*(?:[^\s"'#][^:]*:\s+)?|[[{,]\s{0,8})`
const tag = new RegExp(`${valueStart}!`)
// An alias needs none: without an anchor it is an error of the YAML. Quotes are no excuse: whether a line begins within some, its
// own quotes do not tell.
const anchor = /(?:^\s*|[-?:]\s+|["'\]}]:|[[{,]\s*)(?:&\S|<<\s{0,8}:)/
const isQuoted = /^\s*(?:-\s+)*[\w-]+:\s+(?:"[^"]*"|'[^']*')\s*$/

const refuseExecutable = (front: string, where: Where): Effect.Effect<void, SkillError> => {
  for (const [at, line] of front.split("\n").entries()) {
    if (line.length > 8_192) {
      return refuse(
        { reason: "TooLarge", ...where, line: at + 2 },
        "a line of its front matter has more than 8192 characters",
        "Break it."
      )
    }
    if (tag.test(line) && !isQuoted.test(line)) {
      return refuse(
        { reason: "Executable", ...where, line: at + 2 },
        "a value of its front matter begins with `!`, which asks YAML for a type",
        "Write the value without a tag, or in quotes when it is text."
      )
    }
    if (anchor.test(line)) {
      return refuse(
        { reason: "Malformed", ...where, line: at + 2 },
        "its front matter uses a YAML anchor, alias or merge key",
        "Write every value out; a text with `&` after `:` or `,` says it in words."
      )
    }
  }
  return Effect.void
}

const parseYaml = (front: string, where: Where): Effect.Effect<unknown, SkillError> =>
  Effect.catch(
    Effect.try({
      try: () => Yaml.parse(front),
      catch: (error) => (error instanceof Error ? error.message : String(error))
    }),
    (message) => {
      const line = /at line (\d+)/.exec(message)?.[1]
      return refuse(
        { reason: "Malformed", ...where, ...(line === undefined ? {} : { line: Number(line) + 1 }) },
        `its front matter is not YAML: ${oneLine(message.replace(/ at line \d+$/, ""))}`,
        'Put values with `: `, `#` or `"` in them into quotes.'
      )
    }
  )

/** The line of the key that a message of Schema speaks about; the front matter begins in line 2. */
export const lineOf = (front: string, message: string): number => {
  const key = /"([A-Za-z-]+)"\]?/.exec(/at (\[.*)/.exec(message)?.[1] ?? message)?.[1] ?? ""
  return front.split("\n").findIndex((line) => line.startsWith(`${key}:`)) + 2
}

const folderOf = (source: string): string | undefined => {
  const parts = source.split(/[/\\]/)
  return parts.at(-1) === "SKILL.md" ? parts.at(-2) : undefined
}
