/**
 * **Conversation notes**: what was said to and by the agents that made a commit, kept with the commit as a git note. A note is lines, each one
 * conversation as JSON, so a note of several commits, or of two clones, is the lines of all of them.
 *
 * Secrets are taken out before anything is written: those that this process knows (`Redaction.Secrets`), those that the caller names, and
 * the usual tokens. It is a net. A conversation that should not leave the machine must not be written into a note.
 *
 * What is read is from outside: whoever may push notes wrote it. Names are checked, and a conversation comes as a tainted text.
 */
import * as Digest from "@millwright/core/Digest"
import * as Redaction from "@millwright/core/Redaction"
import * as Tainted from "@millwright/core/Tainted"
import * as Usage from "@millwright/core/Usage"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as ConversationText from "./internal/ConversationText.ts"
import * as NoteFault from "./internal/NoteFault.ts"
import * as NoteLookup from "./NoteLookup.ts"
import * as Notes from "./Notes.ts"

/** Where conversations are kept. */
export const ref = "refs/notes/millwright/conversations"

/** A name in a note: one line of at most 200 characters that hides nothing. */
const Name = Schema.NonEmptyString.check(
  Schema.isMaxLength(200),
  Schema.makeFilter((text: string) => !Tainted.hides(text) && !/[\n\t]/.test(text))
)

const Id = Schema.String.check(Schema.isPattern(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/))

/** Whose conversation it is. */
export const About = Schema.Struct({
  /** The session, as its agent names it. One session has one line in the note of a commit. */
  session: Name,
  /** The agent: the harness that drove it, or the role. */
  agent: Name,
  model: Schema.optionalKey(Name),
  /** The run, the work item and the stage that it was for. */
  run: Schema.optionalKey(Name),
  item: Schema.optionalKey(Name),
  stage: Schema.optionalKey(Name),
  /** When it ended, in milliseconds since 1970, UTC. */
  at: Schema.optionalKey(Schema.Natural),
  /** Tokens of the whole session, of what was left out too. */
  usage: Schema.optionalKey(Usage.Usage)
})
/** Whose conversation it is. */
export type About = typeof About.Type

/** One line of a note. */
export const Conversation = Schema.Struct({
  version: Schema.Literal(1),
  ...About.fields,
  /** The commit that it was written for. */
  commit: Id,
  /** How many messages are stored, and how many were left out, from the middle, since they were too large together. */
  messages: Schema.Natural,
  leftOut: Schema.Struct({ messages: Schema.Natural, bytes: Schema.Natural }),
  /** The digest of what is stored, once it is unpacked. */
  digest: Digest.Digest,
  /** Lines of JSON, one a message, as base64 of gzip. */
  transcript: Schema.String.check(Schema.isPattern(/^[A-Za-z0-9+/]+={0,2}$/))
})
/** One line of a note. */
export type Conversation = typeof Conversation.Type

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Conversation))

/** What a note holds: the conversations, and how many lines are none. */
export interface Read {
  readonly conversations: ReadonlyArray<Conversation>
  readonly unread: number
}

/** The lines of a note, as latin1: what somebody else wrote there stays what it is, byte by byte. */
const linesOf = (note: Uint8Array): ReadonlyArray<string> =>
  Buffer.from(note)
    .toString("latin1")
    .split("\n")
    .filter((line) => line.trim() !== "")

const read = (line: string): Option.Option<Conversation> => decode(Buffer.from(line, "latin1").toString("utf8"))

const noteOf = (lines: Iterable<string>): Uint8Array =>
  Buffer.from([...lines].map((line) => `${line}\n`).join(""), "latin1")

/** Reads the bytes of a note. */
export const parse = (note: Uint8Array): Read => {
  const lines = linesOf(note)
  const conversations = lines.flatMap((line) => Option.toArray(read(line)))
  return { conversations, unread: lines.length - conversations.length }
}

/** The lines of two notes, each once: how `NoteRemote` and `NoteCarry` put conversation notes together. */
export const union = (a: Uint8Array, b: Uint8Array): Uint8Array => noteOf(new Set([a, b].flatMap(linesOf)))

/** What {@link write} writes. */
export interface Writing extends Notes.Writing {
  /** The whole id of the commit, which has to be here. */
  readonly commit: string
  readonly about: About
  /** What was said, in order, in whatever form the agent has it. */
  readonly messages: ReadonlyArray<Schema.Json>
  /** Secrets beside those in `Redaction.Secrets`. */
  readonly secrets?: ReadonlyArray<Redacted.Redacted<string>>
  /** The most bytes of messages before they are compressed; what is more is left out from the middle. Default: 1 MiB. */
  readonly maxBytes?: number
}

/**
 * Writes a conversation into the note of a commit, beside those of other sessions and in the place of an earlier one of the same session.
 * The commit is bound, so that `NoteLookup` finds the note once it was rewritten. Answers with whether something was new.
 */
export const write = Effect.fnUntraced(function* (
  dir: string,
  options: Writing
): Effect.fn.Return<boolean, Notes.Failure, ChildProcessSpawner | FileSystem.FileSystem> {
  const secrets = [...(yield* Redaction.Secrets), ...(options.secrets ?? [])]
  const commit = yield* NoteFault.checkId(options.commit)
  const maxBytes = Math.min(options.maxBytes ?? 1024 * 1024, NoteFault.largest / 2)
  const packed = ConversationText.pack(options.messages, { secrets, maxBytes })
  const about = Redaction.scrubJson(options.about, secrets)
  const line = JSON.stringify({ version: 1, ...about, commit, ...packed })
  if (Option.isNone(decode(line))) {
    return yield* new NoteFault.NotesError({
      reason: "BadConversation",
      message: `What the note of ${commit} says about session ${JSON.stringify(about.session.slice(0, 100))} is no conversation. Give names of one line and at most 200 characters, and whole numbers.`
    })
  }
  const isSame = (other: Conversation) =>
    other.session === about.session && other.agent === about.agent && other.commit === commit
  return yield* Notes.update(dir, {
    ...options,
    ref,
    commit,
    bind: true,
    merge: (current) => {
      const others = Option.match(current, { onNone: () => [], onSome: linesOf }).filter(
        (known) => !Option.exists(read(known), isSame)
      )
      return noteOf([...others, Buffer.from(line).toString("latin1")])
    }
  })
})

/** A note with conversations, and how it was found. */
export interface Found extends Read {
  readonly note: Omit<NoteLookup.Found, "bytes">
}

/** The conversations of a commit, also where it was rewritten since: `NoteLookup.find` says how. */
export const find = Effect.fnUntraced(function* (
  dir: string,
  commit: string
): Effect.fn.Return<ReadonlyArray<Found>, Notes.Failure, ChildProcessSpawner> {
  const { notes } = yield* NoteLookup.find(dir, { ref, commit })
  return notes.map(({ bytes, ...note }) => ({ note, ...parse(bytes) }))
})

/**
 * What was said, as lines of JSON. Fails with `Unreadable` where it can not be unpacked, is larger than 64 MiB, or is not what its digest
 * says.
 */
export const messages = (conversation: Conversation): Effect.Effect<Tainted.Tainted, Notes.NotesError> => {
  const text = ConversationText.unpack(conversation)
  const origin = `conversation ${conversation.session} of commit ${conversation.commit}`
  if (text !== undefined) return Effect.succeed(Tainted.of(origin, text))
  return Effect.fail(
    new NoteFault.NotesError({
      reason: "Unreadable",
      message: `The ${origin} can not be unpacked, is too large, or is not what its digest says. Somebody changed it: look at \`git log -p ${ref}\`.`
    })
  )
}
