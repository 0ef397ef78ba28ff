/** What an authorship note holds, and how its keys are made and told apart. */
import * as Digest from "@millwright/core/Digest"

/** A session of an agent. What is not known is the word `unknown`, as the standard's own tool writes it. */
export interface Session {
  readonly tool: string
  /** The id of the session or conversation, as the tool has it. */
  readonly id: string
  readonly model: string
  /** The human who directed it. */
  readonly directedBy: string | null
  readonly attributes: Readonly<Record<string, string>>
}

/** A session in the form that came before sessions: with counts of lines. */
export interface Prompt extends Session {
  readonly messagesUrl: string | null
  readonly additions: number
  readonly deletions: number
  readonly accepted: number
  readonly overridden: number
}

/** Lines of a file, both ends included; the first line is 1. */
export interface Lines {
  readonly first: number
  readonly last: number
}

/** Lines of one file that one key claims. */
export interface AttestedEntry {
  /** `s_…::t_…`: a session and its trace; `h_…`: a human; else a prompt. */
  readonly key: string
  readonly ranges: ReadonlyArray<Lines>
}

/** What is claimed of one file. */
export interface AttestedFile {
  readonly path: string
  readonly entries: ReadonlyArray<AttestedEntry>
}

/** The note of one commit. */
export interface AuthorshipNote {
  readonly files: ReadonlyArray<AttestedFile>
  /** The commit that it was made for; `null`: it does not say. */
  readonly base: string | null
  /** The version of the program that made it; `null`: it does not say. */
  readonly version: string | null
  readonly sessions: ReadonlyMap<string, Session>
  readonly prompts: ReadonlyMap<string, Prompt>
  /** Identities, as git has them: `Ada <ada@example.org>`. */
  readonly humans: ReadonlyMap<string, string>
}

/** The version of the standard. */
export const schemaVersion = "authorship/3.0.0"

/** What a key speaks of. */
export const kindOf = (key: string): "session" | "human" | "prompt" =>
  key.startsWith("s_") ? "session" : key.startsWith("h_") ? "human" : "prompt"

/** Whether a key is as the standard has it now. */
export const isStandard = (key: string): boolean =>
  /^(?:s_[0-9a-f]{14}::t_[0-9a-f]{14}|h_[0-9a-f]{14}|[0-9a-f]{16})$/.test(key)

/** The name that the record of a key has in the note. */
export const recordOf = (key: string): string => (kindOf(key) === "session" ? (key.split("::")[0] ?? key) : key)

/** Whether a note has the record of a key. */
export const isKnown = (note: Pick<AuthorshipNote, "humans" | "prompts" | "sessions">, key: string): boolean => {
  const records = { session: note.sessions, human: note.humans, prompt: note.prompts }[kindOf(key)]
  return records.has(recordOf(key))
}

type Named = Pick<Session, "id" | "tool">

/** The key of a session: the same for all that one session of an agent wrote. */
export const sessionKey = ({ id, tool }: Named): string => `s_${Digest.of(`${tool}:${id}`).slice(0, 14)}`

/** The key of a prompt, as the form before sessions has it. */
export const promptKey = ({ id, tool }: Named): string => Digest.of(`${tool}:${id}`).slice(0, 16)

/** The key of a human, by the identity that git has. */
export const humanKey = (identity: string): string => `h_${Digest.of(identity).slice(0, 14)}`

/** A trace of a session, as a key has it behind `::`. What is named by the same text is the same trace. */
export const traceKey = (name: string): string => `t_${Digest.of(name).slice(0, 14)}`
