/**
 * A skill set as a tool source, so that whatever serves the tool index serves skills: a model reads the name and one line of
 * each, and calls the one that it needs. A call answers with what the skill says, or with a file beside it.
 *
 * Skills of a place of the house are instructions; all others reach a model as data, in a block. Each use is a fact, with the
 * digest of the bytes that were read.
 */
import { type Answer, type ToolSource, ToolSourceError } from "@millwright/context/ToolSource"
import * as Digest from "@millwright/core/Digest"
import * as Journal from "@millwright/core/Journal"
import * as Tainted from "@millwright/core/Tainted"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { PlaceError } from "./Place.ts"
import type * as Skill from "./Skill.ts"
import * as SkillSet from "./SkillSet.ts"
import * as Untrusted from "./Untrusted.ts"

/** How the source is called: the first part of the ids of its entries. */
export interface Options {
  /** Default `skills`. */
  readonly name?: string
}

/** The most of a file beside a skill that is answered, in bytes. */
export const maxFileBytes = 64 * 1024

/** Makes the source. The journal gets a fact for each use. */
export const make = Effect.fnUntraced(function* (set: SkillSet.SkillSet, { name = "skills" }: Options = {}) {
  const journal = yield* Journal.Journal
  const use = Effect.fnUntraced(function* (entry: SkillSet.Entry, file: string | undefined) {
    const { name: skill, place } = entry
    const { digest, source, text } =
      file === undefined ? yield* whole(entry) : yield* beside(entry, { path: file, maxBytes: maxFileBytes })
    yield* Journal.record({
      _tag: "SkillUsed",
      skill,
      digest,
      source,
      trust: place.trust,
      ...(file !== undefined && { file })
    })
    const answer: Answer =
      place.trust === "house"
        ? { content: [{ type: "text", text }], isError: false, isHouse: true }
        : { content: [{ type: "text", text: Untrusted.block(Tainted.of(source, text)) }], isError: false }
    return answer
  })
  const source: ToolSource = {
    name,
    kind: "skill",
    list: Effect.sync(() => ({
      instructions: "Skills: each says how a kind of work is done. Call one to read it before you begin such work.",
      tools: set.skills.map(({ description, name }) => ({ name, description, inputSchema, annotations }))
    })),
    call: (asked, { file }) =>
      Effect.gen(function* () {
        const entry = set.skills.find((each) => each.name === asked)
        if (entry === undefined) {
          return yield* new ToolSourceError({
            reason: "NoSuchTool",
            message: `${name} has no skill ${JSON.stringify(asked.slice(0, 100))}. It has ${set.skills.length}: list them.`
          })
        }
        return yield* use(entry, Predicate.isString(file) ? file : undefined).pipe(
          Effect.provideService(Journal.Journal, journal),
          Effect.catchTag("JournalError", (error) =>
            Effect.fail(
              new ToolSourceError({
                reason: "Disconnected",
                message: `The skill ${asked} was not read, since that can not be written down: ${error.message}`,
                cause: error
              })
            )
          ),
          // The agent hears why, and may read another file.
          Effect.catchTags({ PlaceError: told, SkillError: told })
        )
      }),
    changes: Stream.empty
  }
  return source
})

/** Reading what is written changes nothing. */
const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }

const inputSchema = {
  type: "object",
  properties: {
    file: { type: "string", description: "A file beside the skill, as it names it. Left out: the skill itself." }
  }
}

const told = ({ message }: PlaceError | Skill.SkillError): Effect.Effect<Answer> =>
  Effect.succeed({ content: [{ type: "text", text: message }], isError: true })

const whole = Effect.fnUntraced(function* (entry: SkillSet.Entry) {
  const { digest, source, text } = yield* SkillSet.said(entry)
  const { isPartial, paths } = yield* SkillSet.files(entry)
  const more = isPartial ? ", and more" : ""
  const list =
    paths.length === 0 ? "" : `\n\nFiles beside this skill, to be read with \`file\`: ${paths.join(", ")}${more}`
  return { digest, source, text: `${text}${list}` }
})

const beside = Effect.fnUntraced(function* (
  entry: SkillSet.Entry,
  asked: { readonly path: string; readonly maxBytes: number }
) {
  const { bytes, size } = yield* SkillSet.file(entry, asked.path, asked.maxBytes)
  const cut = size > bytes.length ? `\n[cut: it has ${size} bytes, and the first ${bytes.length} are shown]` : ""
  const source = `${entry.place.name}/${entry.folder}/${asked.path}`
  return { digest: Digest.of(bytes), source, text: `${Buffer.from(bytes).toString("utf8")}${cut}` }
})
