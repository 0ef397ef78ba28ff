/** One way through a session while a loop walks it: what was said so far, and where what comes next is kept. */
import * as Digest from "@millwright/core/Digest"
import * as Redaction from "@millwright/core/Redaction"
import * as Prompt from "effect/ai/Prompt"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { randomUUID } from "node:crypto"
import * as Harness from "../Harness.ts"
import * as Session from "../Session.ts"
import * as SessionEntry from "../SessionEntry.ts"
import type * as Sessions from "../Sessions.ts"
import type * as ModelTurn from "./ModelTurn.ts"
import * as ToolTurn from "./ToolTurn.ts"
import * as Transcript from "./Transcript.ts"

/** A conversation that goes on. */
export interface Conversation {
  readonly id: string
  /** It was begun earlier, and broke off. */
  readonly isResumed: boolean
  readonly transcript: Transcript.Transcript
  /** Appends, and keeps what was appended. Nothing of it stands when it fails. */
  readonly append: (...bodies: ReadonlyArray<SessionEntry.Body>) => Effect.Effect<void, Session.SessionError>
  /** Everything of this way, for whoever goes on with it. */
  readonly save: Effect.Effect<Harness.Session>
}

/** Where conversations are kept, and whose they are. */
export interface Options {
  readonly harness: string
  readonly sessions: Sessions.Sessions["Service"] | undefined
}

/** What {@link Conversation.save} gives. */
export const Saved = Schema.Struct({ id: Schema.String, entries: Schema.Array(SessionEntry.Json) })

/** One way through a session, as a harness takes it up. */
export const saved = (way: Session.Session, harness: string): Effect.Effect<Harness.Session> =>
  Effect.map(Effect.orDie(Schema.encodeEffect(Saved)(way)), (data) => ({ harness, data }))

/**
 * Opens the conversation of a request: one that is handed over, one that broke off, or a new one. {@link begin} has to
 * follow.
 */
export const open = Effect.fnUntraced(function* (
  request: Harness.Request,
  { harness, sessions }: Options
): Effect.fn.Return<Conversation, Harness.HarnessError | Session.SessionError> {
  if (request.session !== undefined) {
    const given = yield* handed(request.session, harness)
    const { entries } = given
    const { id, known } = yield* placed(given, sessions)
    const missing = entries.filter((entry) => !known.has(entry.id))
    if (missing.length > 0) yield* sessions?.append(id, missing) ?? Effect.void
    const conversation = make({ id, entries, isResumed: false }, { harness, sessions })
    // Another role has other tools, and an outcome of its own.
    if (Transcript.roleOf(conversation.transcript) !== request.role) Transcript.forget(conversation.transcript)
    return conversation
  }
  const id = request.id ?? randomUUID()
  const stored = request.id === undefined ? [] : yield* sessions?.read(id) ?? Effect.succeed([])
  const way = stored.length === 0 ? [] : yield* Effect.fromResult(Session.path({ id, entries: stored }))
  const root = way[0]?.body
  // What was asked for in another way is another conversation.
  const isResumed = root?._tag === "Opened" && root.request === digestOf(request)
  if (request.resumeOnly === true && !isResumed) {
    const why =
      root === undefined
        ? "is not in this store of sessions. Look at its name and its store"
        : `was asked for something else. Run the role ${request.role} with the skill and the input that it had`
    return yield* new Session.SessionError({
      reason: "NotFound",
      message: `The conversation ${id} can not be gone on with: it ${why}, or begin a new one without Role.goingOn.`
    })
  }
  return make({ id, entries: isResumed ? way : [], isResumed }, { harness, sessions })
})

/** Says what is new: the system prompt and the task of a new conversation, what a person asks further. */
export const begin = Effect.fnUntraced(function* (
  { append, isResumed, transcript }: Conversation,
  request: Harness.Request,
  system: string
) {
  // What the host gathered (an issue, a patch, a log) may hold a secret too.
  const asked = Redaction.scrub(request.prompt, yield* Redaction.Secrets)
  // A role without an input has its task in its instructions, and no provider takes a conversation in which nothing is said.
  const task = saying("task", asked.trim() === "" ? "Begin." : asked)
  if (transcript.path.length === 0) {
    yield* append({ _tag: "Opened", role: request.role, system, request: digestOf(request) }, task)
  } else if (!isResumed || transcript.path.length === 1) {
    // Calls that another place left open are not run here: nobody here has asked for them.
    yield* append(...Transcript.open(transcript).map((call) => refusing(call, elsewhere)), task)
  }
})

const elsewhere =
  "No result: the conversation was handed over before there was one, so nobody knows whether this ran. " +
  "Look at what is there before you call it again."

/** What stands in the place of a result, as an entry. */
export const refusing = (call: ModelTurn.ToolCall, text: string): SessionEntry.Body => ({
  _tag: "Returned",
  part: ToolTurn.result(call, { ok: false, text })
})

const digestOf = ({ prompt, role, system }: Harness.Request): string => Digest.ofJson([role, system, prompt])

/** What somebody says, as an entry. `prompt` is its place in the journal. */
export const saying = (by: SessionEntry.Speaker, text: string, prompt?: number): SessionEntry.Body => ({
  _tag: "Said",
  message: Prompt.userMessage({ content: [Prompt.textPart({ text })] }),
  by,
  ...(prompt !== undefined && { prompt })
})

/** What the loop says beside the conversation. */
export const noting = (by: SessionEntry.Speaker, message: Prompt.SystemMessage): SessionEntry.Body => ({
  _tag: "Said",
  message,
  by
})

const make = (
  { entries, id, isResumed }: Session.Session & { readonly isResumed: boolean },
  { harness, sessions }: Options
): Conversation => {
  const transcript = Transcript.of(entries)
  if (isResumed) Transcript.afresh(transcript)
  // Results come at once. Each follows the one before it, or a way would lack the others.
  const lock = Semaphore.makeUnsafe(1)
  return {
    id,
    isResumed,
    transcript,
    append: (...bodies) =>
      Effect.gen(function* () {
        const at = Math.max(0, Math.floor(yield* Clock.currentTimeMillis))
        let parent = transcript.path.at(-1)?.id ?? null
        const added = bodies.map((body): SessionEntry.SessionEntry => {
          const entry = { id: randomUUID(), parent, at, body }
          parent = entry.id
          return entry
        })
        yield* sessions?.append(id, added) ?? Effect.void
        for (const entry of added) Transcript.take(transcript, entry)
      }).pipe(lock.withPermits(1), Effect.uninterruptible),
    save: Effect.suspend(() => saved({ id, entries: transcript.path }, harness))
  }
}

/** Where a session that was handed over is kept: not behind another conversation that has its name here. */
const placed = Effect.fnUntraced(function* ({ entries, id }: Session.Session, sessions: Options["sessions"]) {
  const root = entries[0]?.id ?? ""
  const read = (name: string) =>
    Effect.map(sessions?.read(name) ?? Effect.succeed([]), (kept) => new Set(kept.map((entry) => entry.id)))
  const known = yield* read(id)
  if (known.size === 0 || known.has(root)) return { id, known }
  const own = Session.nameOf([id, root])
  return { id: own, known: yield* read(own) }
})

/** The session that a request goes on with. */
const handed = Effect.fnUntraced(function* ({ data, harness }: Harness.Session, own: string) {
  const saved = harness === own ? yield* Effect.option(Schema.decodeUnknownEffect(Saved)(data)) : undefined
  const session = saved?._tag === "Some" ? saved.value : undefined
  const way = session && Result.getOrUndefined(Session.path(session))
  if (session !== undefined && way?.[0]?.body._tag === "Opened") return { id: session.id, entries: way }
  return yield* new Harness.HarnessError({
    reason: "Broken",
    message:
      `The session to go on with was made by the harness "${harness}", or is not a ` +
      `transcript of this one ("${own}"). Start the role anew.`
  })
})
