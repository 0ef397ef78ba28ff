/** Why a skill, or an agent file, can not be used. */
import * as Fault from "@millwright/core/Fault"
import * as Effect from "effect/Effect"
import type * as Place from "../Place.ts"

/** A skill, or an agent file, can not be used. `message` names the file and, where it is known, the line. */
export class SkillError extends Fault.Class<SkillError>()("SkillError", {
  NotFound: false,
  TooLarge: false,
  /** It does not have the format of a skill. */
  Malformed: false,
  /** It asks for something to be executed while it is read. */
  Executable: false,
  /** It is there and can not be read: no permission, a folder, not UTF-8, a link that leads out. */
  Unreadable: false,
  /** Another skill of this name comes before it. */
  Duplicate: false,
  /** A companion says something about a part that its core skill does not leave to it. */
  NotOverridable: false,
  /** Its bytes are not those that it is held to. */
  NotPinned: false,
  /** It would instruct an agent, and its place is not of the house. */
  NotTrusted: false
}) {}

/** Where something is wrong. */
export interface At {
  readonly reason: SkillError["reason"]
  readonly source: string
  /** What the source is. Default: a skill. */
  readonly noun?: string
  readonly line?: number
}

/** Says what is wrong, and how to mend it. */
export const refuse = (
  { line, noun = "skill", reason, source }: At,
  what: string,
  mend: string
): Effect.Effect<never, SkillError> =>
  Effect.fail(
    new SkillError({
      reason,
      message: `The ${noun} ${source}${line === undefined ? "" : `:${line}`} can not be used: ${what}. ${mend}`
    })
  )

/** What somebody else wrote, in one line of at most 300 characters. */
export const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim().slice(0, 300)

const reasons: Partial<Record<Place.PlaceError["reason"], SkillError["reason"]>> = {
  NotFound: "NotFound",
  TooLarge: "TooLarge"
}

/** What its place says, as a failure of the skill. */
export const fromPlace =
  (source: string, noun = "skill") =>
  (error: Place.PlaceError): Effect.Effect<never, SkillError> =>
    Effect.fail(
      new SkillError({
        reason: reasons[error.reason] ?? "Unreadable",
        message: `The ${noun} ${source} can not be used: ${error.message}`,
        cause: error
      })
    )
