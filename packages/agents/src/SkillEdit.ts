/**
 * An **edit** of a skill, as a role proposes it and a person decides about it: one text that stands once, another in its place, and the
 * evidence that speaks for it. Applying one is pure, and is refused where the skill is not the one that it was made for.
 */
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Skill from "./Skill.ts"

/**
 * The most that one proposal may touch, in characters, the most edits that it may have, and how long a skill may get by edits or be as
 * a draft, in characters. One that is longer may only get shorter.
 */
export const most = { characters: 6_000, edits: 8, skill: 20_000 } as const

const text = Schema.NonEmptyString.check(Schema.isMaxLength(2_000))
const Because = Schema.Array(Schema.NonEmptyString).check(Schema.isMinLength(1), Schema.isMaxLength(50))

/** One edit. */
export const SkillEdit = Schema.Struct({
  /** The name of the skill, and the digest of its file when the edit was made. */
  skill: Schema.NonEmptyString,
  digest: Digest.Digest,
  /** A text that stands exactly once in the file, and what is to stand there. */
  find: Schema.NonEmptyString.check(Schema.isMaxLength(4_000)),
  replace: Schema.String.check(Schema.isMaxLength(4_000)),
  /** The ids of the evidence. */
  because: Because,
  /** What will be seen if it helps. */
  expected: text
})
/** One edit. */
export type SkillEdit = typeof SkillEdit.Type

/** A skill that is not there yet: the whole file, for the same review as any other. */
export const SkillDraft = Schema.Struct({
  name: Schema.NonEmptyString,
  text: Schema.NonEmptyString.check(Schema.isMaxLength(most.skill)),
  because: Because,
  expected: text
})
/** A skill that is not there yet. */
export type SkillDraft = typeof SkillDraft.Type

/** An edit can not be applied. */
export class SkillEditError extends Fault.Class<SkillEditError>()("SkillEditError", {
  /** No such skill is known. */
  UnknownSkill: false,
  /** The skill has been edited since. */
  Stale: false,
  /** The text that is to be replaced does not stand in it exactly once, or edits overlap. */
  NotOnce: false,
  /** It would change a part that only people change. */
  Protected: false,
  /** What would come of it is no skill. */
  NotASkill: false,
  TooLarge: false,
  /** It refers to evidence that nobody gave. */
  NoEvidence: false
}) {}

const fail = (reason: SkillEditError["reason"], message: string): Result.Result<never, SkillEditError> =>
  Result.fail(new SkillEditError({ reason, message }))

/** The headings below which only people write, where a skill names none in its metadata `protected`, with commas. */
export const usuallyProtected: ReadonlyArray<string> = ["Outcomes", "Escalate"]

/**
 * The parts of a skill that only people change: its front matter, what stands before its first heading of the second level, and
 * the protected sections.
 */
export const protectedParts = (
  file: string,
  headings: ReadonlyArray<string> = usuallyProtected
): ReadonlyArray<string> => {
  const [head = "", ...sections] = file.split(/^(?=## )/m)
  const isProtected = (section: string) => {
    const title = (/^## *(.*?)[ #]*$/m.exec(section)?.[1] ?? "").toLowerCase()
    return headings.some((heading) => heading.toLowerCase() === title)
  }
  return [head, ...sections.filter(isProtected)].map((part) => part.trimEnd())
}

/** Applies the edits of one skill to its file, all or none, in whatever order they stand. */
export const apply = (file: string, edits: ReadonlyArray<SkillEdit>): Result.Result<string, SkillEditError> => {
  const digest = Digest.of(file)
  const stale = edits.find((edit) => edit.digest !== digest)
  if (stale !== undefined) {
    return fail(
      "Stale",
      `The skill ${stale.skill} was edited since: the proposal is for ${Digest.short(stale.digest)}, and it is ${Digest.short(digest)}. Make the proposal again.`
    )
  }
  // Who reads a skill in a block reads line feeds alone, whatever its lines end with.
  const ending = (text: string) => (file.includes("\r\n") ? text.replace(/\r?\n/g, "\r\n") : text)
  const places = edits
    .map((edit) => ({ ...edit, find: ending(edit.find), replace: ending(edit.replace) }))
    .map((edit) => ({ edit, from: file.indexOf(edit.find), to: file.indexOf(edit.find) + edit.find.length }))
    .sort((a, b) => a.from - b.from)
  for (const [at, { edit, from, to }] of places.entries()) {
    if (from === -1 || file.includes(edit.find, from + 1)) {
      const often = from === -1 ? "does not stand" : "stands more than once"
      return fail(
        "NotOnce",
        `The text to replace ${often} in the skill ${edit.skill}. Give one that stands there exactly once.`
      )
    }
    if ((places[at + 1]?.from ?? Infinity) < to) {
      return fail("NotOnce", `Two edits of the skill ${edit.skill} overlap. Make one of them.`)
    }
  }
  return Result.succeed(
    places.reduceRight((text, { edit, from, to }) => `${text.slice(0, from)}${edit.replace}${text.slice(to)}`, file)
  )
}

/** The sections that a skill protects. */
const protectedBy = ({ metadata }: Skill.Skill): ReadonlyArray<string> => {
  const named = metadata["protected"]
  return named === undefined ? usuallyProtected : [...usuallyProtected, ...named.split(",").map((each) => each.trim())]
}

/** What comes of the edits of one skill: a file that is still that skill, and says what only people change in the same words. */
export const edited = (file: string, edits: ReadonlyArray<SkillEdit>): Effect.Effect<string, SkillEditError> =>
  Effect.gen(function* () {
    const after = yield* Effect.fromResult(apply(file, edits))
    if (after.length > Math.max(most.skill, file.length)) {
      return yield* Effect.fromResult(
        fail(
          "TooLarge",
          `The skill ${edits[0]?.skill} would have ${after.length} characters, and edits may bring it to ${most.skill}. Cut as much as you add.`
        )
      )
    }
    const [before, now] = yield* Effect.all([
      Skill.parse(file, "the skill"),
      Skill.parse(after, "the edited skill")
    ]).pipe(Effect.mapError((error) => new SkillEditError({ reason: "NotASkill", message: error.message })))
    const headings = protectedBy(before)
    const kept = protectedParts(file, headings)
    const left = protectedParts(after, headings)
    if (kept.length !== left.length || kept.some((part, at) => part !== left[at])) {
      return yield* Effect.fromResult(
        fail(
          "Protected",
          `The edits change the front matter, the opening, or a protected section (${headings.join(", ")}) of the skill ${now.name}. ` +
            `Only people change these: say in words what should be different.`
        )
      )
    }
    return after
  })
