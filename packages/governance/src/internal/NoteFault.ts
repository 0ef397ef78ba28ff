/** What can be wrong with notes and with those who ask for them, and the checks of names that come from a caller. */
import * as Fault from "@millwright/core/Fault"
import * as Effect from "effect/Effect"

/** Notes can not be read or written as they were asked for. */
export class NotesError extends Fault.Class<NotesError>()("NotesError", {
  /** The name is none of a ref below `refs/notes/`. */
  BadRef: false,
  /** The id is none that the repository could have. */
  BadCommit: false,
  /** The ref does not hold notes: it is another ref's name, or no commit. */
  NotNotes: false,
  /** An object is missing or damaged here, as in a partial clone. Nothing is written over what can not be read. */
  Unreadable: false,
  TooLarge: false,
  /** What shall be said about a conversation is not what a conversation note holds. */
  BadConversation: false,
  /** Others moved the ref first, each time. */
  Contended: true,
  /** A remote is given by its path or its URL, without a password in it. */
  BadRemote: false,
  /** The remote is there, and takes or gives nothing. */
  Refused: false,
  Unreachable: true
}) {}

/** The most bytes of one note. */
export const largest = 32 * 1024 * 1024

const refName = /^refs\/notes(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$/

/** The name of a ref that may hold notes. It is an option of no command and a pattern of nothing. */
export const checkRef = (ref: string): Effect.Effect<string, NotesError> =>
  refName.test(ref) && !/\.\.|\.(?:lock)?(?:\/|$)|\.lock/.test(ref) && ref.length <= 200
    ? Effect.succeed(ref)
    : Effect.fail(
        new NotesError({
          reason: "BadRef",
          message: `${JSON.stringify(ref.slice(0, 200))} is no name for notes. Give one like refs/notes/review: letters, digits, "_", "-" and "." in parts.`
        })
      )

/** A whole id, as `Git.resolve` gives it. The object may be missing: notes outlive what they are about. */
export const checkId = (id: string, length?: number): Effect.Effect<string, NotesError> =>
  /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(id) && (length === undefined || id.length === length)
    ? Effect.succeed(id)
    : Effect.fail(
        new NotesError({
          reason: "BadCommit",
          message: `${JSON.stringify(id.slice(0, 100))} is no whole id of this repository${length === undefined ? "" : `, which have ${length} characters`}. Ask Git.resolve for it.`
        })
      )

/** A note that is larger than one may be. */
export const tooLarge = (dir: string, what: string): NotesError =>
  new NotesError({
    reason: "TooLarge",
    message: `${what} in ${dir} is larger than a note may be (${largest / 1024 / 1024} MiB). Keep it elsewhere, and its digest in the note.`
  })

/** An object that should be here, and is not. */
export const unreadable = (dir: string, what: string): NotesError =>
  new NotesError({
    reason: "Unreadable",
    message: `${what} is named in the notes of ${dir}, and is missing. Fetch it: \`git fetch --refetch\`, or look at \`git fsck\`.`
  })
