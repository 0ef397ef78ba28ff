/**
 * The **authorship note** of git-ai, standard 3.0.0: what `refs/notes/ai` says of a commit, which lines of which files a session of an
 * agent or a known human wrote.
 *
 * {@link read} takes whatever lies there and never fails: what does not follow the standard is counted in `problems`, and what can be
 * understood all the same is. {@link write} writes what follows the standard, one text for one note, or says why it can not.
 *
 * Lines that no entry names are unknown. So are those of a key with `h_` that no record explains: it is nobody. Those of a session that no
 * record explains are an agent's, of which nothing else is known.
 */
import * as Authorship from "./internal/Authorship.ts"
import * as LineOwners from "./LineOwners.ts"

export {
  /** The key of a human, by the identity that git has. */
  humanKey,
  /** The key of a prompt: of a session, in the form that came before. */
  promptKey,
  /** The key of a session, by its tool and its id there. */
  sessionKey,
  /** A trace of a session, as a key has it behind `::`. What is named by the same text is the same trace. */
  traceKey
} from "./internal/Authorship.ts"
export type {
  /** Lines of one file that one key claims. */
  AttestedEntry,
  /** What is claimed of one file. */
  AttestedFile,
  /** The note of one commit. */
  AuthorshipNote,
  /** A session in the form that came before sessions: with counts of lines. */
  Prompt,
  /** A session of an agent. */
  Session
} from "./internal/Authorship.ts"
export {
  /** Reads a note, whatever it is. */
  read,
  /** A note, and what is wrong with it. */
  type Reading
} from "./internal/AuthorshipReader.ts"
export {
  /** A note can not be written in the way of the standard. */
  AuthorshipNoteError,
  /** Writes a note as the standard says. */
  write
} from "./internal/AuthorshipWriter.ts"
export type {
  /** What can be wrong with a note. */
  Kind as ProblemKind,
  /** A kind of thing that is wrong, in how many places, and the first line it is in. */
  Problem
} from "./internal/NoteProblems.ts"

/** The ref that the notes lie at. */
export const ref = "refs/notes/ai"

/** How many lines are claimed for agents and for humans, as git-ai counts them: a line that two claim counts twice. */
export const claimed = ({ files }: Pick<Authorship.AuthorshipNote, "files">): { agent: number; human: number } => {
  const count = { agent: 0, human: 0 }
  for (const { key, ranges } of files.flatMap(({ entries }) => entries)) {
    const lines = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0)
    count[Authorship.kindOf(key) === "human" ? "human" : "agent"] += lines
  }
  return count
}

/** Who wrote the lines that a note speaks of. */
export const owners = (note: Authorship.AuthorshipNote): LineOwners.LineOwners =>
  LineOwners.make(
    note.files.map(({ entries, path }) => ({
      path,
      ranges: entries.flatMap(({ key, ranges }) => {
        const owner = ownerOf(note, key)
        return ranges.map(({ first, last }) => ({ first, last, owner }))
      })
    }))
  )

const ownerOf = ({ humans, prompts, sessions }: Authorship.AuthorshipNote, key: string): LineOwners.Owner => {
  if (Authorship.kindOf(key) === "human") {
    const identity = humans.get(key)
    return identity === undefined ? LineOwners.unknown : { _tag: "Human", identity }
  }
  const record = sessions.get(Authorship.recordOf(key)) ?? prompts.get(key)
  if (record === undefined) return { _tag: "Agent", tool: null, session: null, model: null }
  return { _tag: "Agent", tool: said(record.tool), session: said(record.id), model: said(record.model) }
}

const silent = "unknown"
const said = (text: string): string | null => (text === silent || text === "" ? null : text)

/** What {@link make} makes a note for. */
export interface Made {
  /** The full id of the commit that the note will lie at. */
  readonly base: string
  /** What wrote it, as it tells its version. */
  readonly version?: string
}

/**
 * A note that tells line owners. The standard has no word for lines that are mixed, and for those of a human without an identity: they are
 * left out, and so unknown to whoever reads it. The trace of a session is made of its key and the commit, so the same owners give the same note.
 */
export const make = ({ files }: LineOwners.LineOwners, { base, version }: Made): Authorship.AuthorshipNote => {
  const sessions = new Map<string, Authorship.Session>()
  const humans = new Map<string, string>()
  const keyOf = (owner: LineOwners.Owner): string | undefined => {
    if (owner._tag === "Human" && owner.identity !== null) {
      const key = Authorship.humanKey(owner.identity)
      humans.set(key, owner.identity)
      return key
    }
    if (owner._tag !== "Agent") return undefined
    const named = { tool: owner.tool ?? silent, id: owner.session ?? silent }
    const key = Authorship.sessionKey(named)
    // Of a session that changed its model, the record tells the last one.
    sessions.set(key, { ...named, model: owner.model ?? silent, directedBy: null, attributes: {} })
    return `${key}::${Authorship.traceKey(`${base}:${key}`)}`
  }
  return {
    base,
    version: version ?? null,
    sessions,
    humans,
    prompts: new Map(),
    files: files.map(({ path, ranges }) => ({
      path,
      entries: ranges.flatMap(({ first, last, owner }) => {
        const key = keyOf(owner)
        return key === undefined ? [] : [{ key, ranges: [{ first, last }] }]
      })
    }))
  }
}
