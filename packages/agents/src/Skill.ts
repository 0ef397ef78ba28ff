/**
 * A **skill**: a `SKILL.md` in git that says how a role works, in the format of Agent Skills (YAML front matter, then
 * Markdown). A run is named by the digest of the exact bytes, so nobody can change what a role read without it showing.
 *
 * A skill is text. Nothing in it is ever executed: front matter in another language than YAML, and YAML that asks for a
 * type (`!!js/function`), are refused instead of ignored.
 */
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as Effect from "effect/Effect"
import * as Yaml from "effect/encoding/Yaml"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"

/** The largest `SKILL.md` that is read, in bytes. */
export const maxBytes = 256 * 1024

/** The largest front matter that is read, in bytes. */
export const maxFrontMatterBytes = 64 * 1024

/** A skill can not be used. `message` names the file and, where it is known, the line. */
export class SkillError extends Fault.Class<SkillError>()("SkillError", {
  NotFound: false,
  TooLarge: false,
  /** It does not have the format of a skill. */
  Malformed: false,
  /** It asks for something to be executed while it is read. */
  Executable: false,
  /** It is there and can not be read: no permission, a folder, not UTF-8. */
  Unreadable: false
}) {}

/** How a role works. */
export const Skill = Schema.Struct({
  name: Schema.String,
  /** What it does, and when it is used. */
  description: Schema.String,
  /** The Markdown below the front matter. */
  instructions: Schema.String,
  metadata: Schema.Record(Schema.String, Schema.String),
  license: Schema.optionalKey(Schema.String),
  /** What it needs around it, in words. */
  compatibility: Schema.optionalKey(Schema.String),
  /** What its author thinks it should be allowed. A wish: what a role may do, its grants say. */
  allowedTools: Schema.optionalKey(Schema.String),
  /** Of the exact bytes of the file. */
  digest: Digest.Digest,
  /** Where it was read. */
  source: Schema.String
})
/** How a role works. */
export type Skill = typeof Skill.Type

const name = Schema.String.check(
  Schema.isPattern(/^(?=.{1,64}$)[a-z0-9]+(?:-[a-z0-9]+)*$/, {
    expected: "1 to 64 lower-case letters and digits, in words joined by single hyphens"
  })
)

const short = (longest: number) => Schema.NonEmptyString.check(Schema.isMaxLength(longest))

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

const decodeFrontMatter = Schema.decodeUnknownEffect(FrontMatter)

interface Place {
  readonly reason: SkillError["reason"]
  readonly source: string
  readonly line?: number
}

const refuse = ({ line, reason, source }: Place, what: string, mend: string): Effect.Effect<never, SkillError> =>
  Effect.fail(
    new SkillError({
      reason,
      message: `The skill ${source}${line === undefined ? "" : `:${line}`} can not be used: ${what}. ${mend}`
    })
  )

const minimal = "Begin the file with a line `---`, then `name: …` and `description: …`, then another line `---`."

/**
 * Reads a skill from the text of a `SKILL.md`. `source` is the path or another name for people; where it ends in
 * `SKILL.md`, the name of its folder has to be the name of the skill.
 */
export const parse = Effect.fnUntraced(function* (text: string, source: string) {
  const size = Buffer.byteLength(text)
  if (size > maxBytes) {
    return yield* refuse(
      { reason: "TooLarge", source },
      `it has ${size} bytes, and at most ${maxBytes} are read`,
      "Move what is looked up into files beside it, and name them in the text."
    )
  }
  const { front, instructions } = yield* split(text, source)
  yield* refuseExecutable(front, source)
  const values = yield* parseYaml(front, source)
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
  if (instructions === "") {
    return yield* refuse(
      { reason: "Malformed", source },
      "nothing stands below its front matter",
      "Write there how the role works."
    )
  }
  const { "allowed-tools": allowedTools, metadata = {}, ...rest } = fields
  const skill: Skill = {
    ...rest,
    ...(allowedTools === undefined ? {} : { allowedTools }),
    metadata: Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, String(value)])),
    instructions,
    digest: Digest.of(text),
    source
  }
  return skill
})

const split = (text: string, source: string) => {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/)
  const fence = /^---[ \t]*(.*)$/.exec(lines[0] ?? "")
  if (fence === null) {
    return refuse({ reason: "Malformed", source, line: 1 }, "it has no front matter", minimal)
  }
  const language = (fence[1] ?? "").trim()
  if (language !== "" && !/^ya?ml$/.test(language)) {
    return refuse(
      { reason: "Executable", source, line: 1 },
      `its front matter is marked as "${oneLine(language)}" and only YAML is read`,
      "Write `---` alone in the first line, and YAML below it."
    )
  }
  const end = lines.findIndex((line, at) => at > 0 && /^---[ \t]*$/.test(line))
  if (end === -1) {
    return refuse({ reason: "Malformed", source, line: 1 }, "its front matter has no end", minimal)
  }
  const front = lines.slice(1, end).join("\n")
  return Buffer.byteLength(front) > maxFrontMatterBytes
    ? refuse(
        { reason: "TooLarge", source, line: 1 },
        `its front matter has more than ${maxFrontMatterBytes} bytes`,
        "Move what the role has to read below the front matter."
      )
    : Effect.succeed({
        front,
        instructions: lines
          .slice(end + 1)
          .join("\n")
          .trim()
      })
}

// Where a value begins: a line, an item, a key's value, or a part of a flow collection. A quoted value is none of these.
const valueStart = String.raw`(?:^\s*|^\s*(?:-\s+)*(?:[^\s"'#][^:]*:\s+)?|[[{,]\s{0,8})`
const tag = new RegExp(`${valueStart}!`)
// An alias needs none: without an anchor it is an error of the YAML.
const anchor = new RegExp(`${valueStart}(?:&[\\w-]|<<\\s{0,8}:)`)
const isQuoted = /:\s+(?:"[^"]*"|'[^']*')\s*$/

const refuseExecutable = (front: string, source: string): Effect.Effect<void, SkillError> => {
  for (const [at, line] of front.split("\n").entries()) {
    if (line.length > 8_192) {
      return refuse(
        { reason: "TooLarge", source, line: at + 2 },
        "a line of its front matter has more than 8192 characters",
        "Break it."
      )
    }
    if (isQuoted.test(line)) continue
    if (tag.test(line)) {
      return refuse(
        { reason: "Executable", source, line: at + 2 },
        "a value of its front matter begins with `!`, which asks YAML for a type",
        "Write the value without a tag, or in quotes when it is text."
      )
    }
    if (anchor.test(line)) {
      return refuse(
        { reason: "Malformed", source, line: at + 2 },
        "its front matter uses a YAML anchor, alias or merge key",
        "Write every value out, or put it in quotes when it is text."
      )
    }
  }
  return Effect.void
}

const parseYaml = (front: string, source: string): Effect.Effect<unknown, SkillError> =>
  Effect.catch(
    Effect.try({
      try: () => Yaml.parse(front),
      catch: (error) => (error instanceof Error ? error.message : String(error))
    }),
    (message) => {
      const line = /at line (\d+)/.exec(message)?.[1]
      return refuse(
        { reason: "Malformed", source, ...(line === undefined ? {} : { line: Number(line) + 1 }) },
        `its front matter is not YAML: ${oneLine(message.replace(/ at line \d+$/, ""))}`,
        'Put values with `: `, `#` or `"` in them into quotes.'
      )
    }
  )

const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim().slice(0, 300)

// The line of the key that a message of Schema speaks about; the front matter begins in line 2.
const lineOf = (front: string, message: string): number => {
  const key = /"([a-z-]+)"\]?/.exec(/at (\[.*)/.exec(message)?.[1] ?? message)?.[1] ?? ""
  return front.split("\n").findIndex((line) => line.startsWith(`${key}:`)) + 2
}

const folderOf = (source: string): string | undefined => {
  const parts = source.split(/[/\\]/)
  return parts.at(-1) === "SKILL.md" ? parts.at(-2) : undefined
}

const fromPlatform =
  (source: string) =>
  (error: PlatformError.PlatformError): Effect.Effect<never, SkillError> =>
    error.reason._tag === "NotFound"
      ? refuse({ reason: "NotFound", source }, "it is not there", "Make it, or mend the path.")
      : refuse(
          { reason: "Unreadable", source },
          `it can not be read (${oneLine(error.message)})`,
          "Mend its permissions."
        )

/** Reads a skill from a `SKILL.md`, or from the folder that it stands in. */
export const load = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const file = paths.resolve(paths.basename(path) === "SKILL.md" ? path : paths.join(path, "SKILL.md"))
  const { size, type } = yield* Effect.catch(fs.stat(file), fromPlatform(file))
  if (type !== "File") {
    return yield* refuse({ reason: "Unreadable", source: file }, `it is a ${type}, not a file`, "Put a file there.")
  }
  if (size > BigInt(maxBytes)) {
    return yield* refuse(
      { reason: "TooLarge", source: file },
      `it has ${size} bytes, and at most ${maxBytes} are read`,
      "Move what is looked up into files beside it, and name them in the text."
    )
  }
  return yield* fromBytes(yield* Effect.catch(fs.readFile(file), fromPlatform(file)), file)
})

const fromBytes = Effect.fnUntraced(function* (bytes: Uint8Array, source: string) {
  // The byte order mark stays, so that the digest is that of the bytes.
  const text = Result.try(() => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes))
  return Result.isFailure(text)
    ? yield* refuse({ reason: "Unreadable", source }, "it is not text in UTF-8", "Save it as UTF-8.")
    : yield* parse(text.success, source)
})

/** The skills that come with this package. */
export type Bundled =
  | "triage"
  | "dedupe"
  | "spec"
  | "implement"
  | "review"
  | "arbiter"
  | "respond"
  | "verify"
  | "monitor"
  | "improve"

/**
 * Reads a skill that comes with this package. It is read from the host's own disk, whatever file system is in force: a
 * role's workplace must not decide what the role is told.
 */
export const bundled = (name: Bundled): Effect.Effect<Skill, SkillError> => {
  const source = `@millwright/agents/skills/${name}/SKILL.md`
  return Effect.try({
    try: () => readFileSync(new URL(`../skills/${name}/SKILL.md`, import.meta.url)),
    catch: () =>
      new SkillError({
        reason: "NotFound",
        message:
          `The skill ${source} is not where this package keeps it. Install @millwright/agents again, or give the ` +
          `role a skill of your own.`
      })
  }).pipe(Effect.flatMap((bytes) => fromBytes(bytes, source)))
}
