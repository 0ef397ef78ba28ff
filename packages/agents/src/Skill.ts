/**
 * A **skill**: a `SKILL.md` in git that says how a role works, in the format of Agent Skills (YAML front matter, then
 * Markdown). A run is named by the digest of the exact bytes, so nobody can change what a role read without it showing.
 *
 * A skill is text. Nothing in it is ever executed: front matter in another language than YAML, and YAML that asks for a
 * type (`!!js/function`), are refused instead of ignored.
 */
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import * as FolderPlace from "./FolderPlace.ts"
import * as FrontMatter from "./internal/FrontMatter.ts"
import { fromPlace, refuse, SkillError } from "./internal/SkillFailure.ts"
import type * as Place from "./Place.ts"

export {
  /** A skill can not be used. `message` names the file and, where it is known, the line. */
  SkillError
} from "./internal/SkillFailure.ts"

/** The largest `SKILL.md` that is read, in bytes. */
export const maxBytes = 256 * 1024

/** The largest front matter that is read, in bytes. */
export const maxFrontMatterBytes: number = FrontMatter.maxBytes

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

/**
 * Reads a skill from the text of a `SKILL.md`. `source` is the path or another name for people; where it ends in
 * `SKILL.md`, the name of its folder has to be the name of the skill.
 */
export const parse = Effect.fnUntraced(function* (text: string, source: string) {
  const size = Buffer.byteLength(text)
  if (size > maxBytes) {
    return yield* tooLarge(source, size)
  }
  const { fields, instructions } = yield* FrontMatter.read(text, source)
  if (instructions === "") {
    return yield* refuse(
      { reason: "Malformed", source },
      "nothing stands below its front matter",
      "Write there how the role works."
    )
  }
  const { "allowed-tools": allowedTools, metadata, ...rest } = fields
  const skill: Skill = {
    ...rest,
    ...(allowedTools === undefined ? {} : { allowedTools }),
    metadata: texts(metadata),
    instructions,
    digest: Digest.of(text),
    source
  }
  return skill
})

const texts = (metadata: Readonly<Record<string, string | number | boolean>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, String(value)]))

const tooLarge = (source: string, size: number): Effect.Effect<never, SkillError> =>
  refuse(
    { reason: "TooLarge", source },
    `it has ${size} bytes, and at most ${maxBytes} are read`,
    "Move what is looked up into files beside it, and name them in the text."
  )

/** Reads a skill from a `SKILL.md`, or from the folder that it stands in. A `SKILL.md` that is a link leads nowhere else. */
export const load = Effect.fnUntraced(function* (path: string) {
  const paths = yield* Path.Path
  const file = paths.resolve(paths.basename(path) === "SKILL.md" ? path : paths.join(path, "SKILL.md"))
  const folder = FolderPlace.open({ folder: paths.dirname(file), trust: "house" })
  return yield* read(
    Effect.flatMap(folder, (place) => place.read("SKILL.md", maxBytes)),
    file
  )
})

/** Reads a skill from the bytes of a `SKILL.md`. */
export const fromBytes = (bytes: Uint8Array, source: string): Effect.Effect<Skill, SkillError> =>
  Effect.flatMap(FrontMatter.decode(bytes, { source }), (text) => parse(text, source))

/** Reads what a skill says of itself, from the start of its file: what stands below its front matter is not looked at. */
export const head = Effect.fnUntraced(function* ({ bytes, size }: Place.Content, source: string) {
  if (size > maxBytes) return yield* tooLarge(source, size)
  // A character may be cut in two; a line is not.
  const whole = size > bytes.length ? bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1) : bytes
  const { fields } = yield* FrontMatter.read(yield* FrontMatter.decode(whole, { source }), source)
  return { name: fields.name, description: fields.description, metadata: texts(fields.metadata) }
})

/** Reads a skill from the folder that it stands in, in a place. One that is not of the house is `NotTrusted`: a skill instructs. */
export const from = Effect.fnUntraced(function* (place: Place.Place, folder: string) {
  if (place.trust === "house") return yield* inPlace(place, folder)
  return yield* refuse(
    { reason: "NotTrusted", source: sourceOf(place, folder) },
    "it would instruct an agent, and its place is not of the house",
    'Give it to a role as data, with `SkillSource`; or read it, put it where the house decides what is in it, and open that with `trust: "house"`.'
  )
})

/** Reads what a skill of any place says, to be shown. It is no {@link Skill}, so no role takes it for its own. */
export const said = (
  place: Place.Place,
  folder: string
): Effect.Effect<Pick<Skill, "digest" | "source"> & { readonly text: string }, SkillError> =>
  Effect.map(inPlace(place, folder), ({ digest, instructions, source }) => ({ digest, source, text: instructions }))

const sourceOf = (place: Place.Place, folder: string): string => `${place.name}/${folder}/SKILL.md`

const inPlace = (place: Place.Place, folder: string) =>
  read(place.read(`${folder}/SKILL.md`, maxBytes), sourceOf(place, folder))

const read = <R>(content: Effect.Effect<Place.Content, Place.PlaceError, R>, source: string) =>
  content.pipe(
    Effect.catch(fromPlace(source)),
    Effect.flatMap(({ bytes, size }) => (size > maxBytes ? tooLarge(source, size) : fromBytes(bytes, source)))
  )

/**
 * Holds a skill to the bytes of an earlier run, by their digest: `skill: Skill.bundled("triage").pipe(Skill.pinned(digest))`.
 * Other bytes are `NotPinned`, and no model is called.
 */
export const pinned =
  (...digests: ReadonlyArray<Digest.Digest>) =>
  <R>(skill: Effect.Effect<Skill, SkillError, R>): Effect.Effect<Skill, SkillError, R> =>
    Effect.flatMap(skill, (found) =>
      digests.includes(found.digest)
        ? Effect.succeed(found)
        : refuse(
            { reason: "NotPinned", source: found.source },
            `its digest is ${Digest.short(found.digest)}, and it is held to ${digests.map(Digest.short).join(" or ")}`,
            "Read it from where nothing changes, as a commit, or look at what changed and hold it to the new digest."
          )
    )

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
