/**
 * The **transcript**: what a coding agent wrote down of its sessions, whichever program it was, as entries of one kind. An entry holds
 * names, sizes, digests and times, and nothing of what was said, so it holds no secret.
 *
 * Programs write the same thing down several times: an answer once for each of its blocks, a whole conversation again when it is
 * resumed. So an entry is a *sighting*, and `key` names what was sighted: entries of one tag with the same key are one thing, in whatever file,
 * session or order they are found. `TranscriptIndex` puts them together.
 */
import * as Digest from "@millwright/core/Digest"
import * as Usage from "@millwright/core/Usage"
import * as Schema from "effect/Schema"

/** What a turn between two answers is: the first four are a human's, the others the program's in a human's place. */
export const Speech = Schema.Literals([
  "prompt",
  /** A command of the program, such as one that begins with a slash. */
  "command",
  /** A command that the human ran in a shell, and whose output the model is shown. */
  "shell",
  /** The human stopped the agent. */
  "interrupt",
  /** What the program tells the model beside: a caveat, the text of a skill, a reminder. */
  "meta",
  /** The summary that stands in the place of what was said before. */
  "summary",
  /** A notice of the program: a task that ended, the output of a command, a hook. */
  "system"
])
/** What a turn between two answers is. */
export type Speech = typeof Speech.Type

/** What a tool does, by its name and input: what is not known is `other`. */
export const Doing = Schema.Literals(["read", "edit", "search", "command", "delegate", "ask", "other"])
/** What a tool does. */
export type Doing = typeof Doing.Type

/** Why a part of a file is no entry. */
export const Why = Schema.Literals([
  /** It is no JSON, or breaks off. */
  "NotJson",
  /** It is longer than what is kept in memory of one line. */
  "TooLong",
  /** It is JSON that its program does not write, or not yet. */
  "Unknown"
])
/** Why a part of a file is no entry. */
export type Why = typeof Why.Type

/** The lines of a file that were asked for or changed: the first, counted from 1, and how many; `null`: from the start, to the end. */
export const Range = Schema.Struct({ from: Schema.NullOr(Schema.Natural), lines: Schema.NullOr(Schema.Natural) })
/** The lines of a file that were asked for or changed. */
export type Range = typeof Range.Type

const shared = {
  key: Schema.NonEmptyString,
  session: Schema.String,
  /** The sub-agent that it is of; `null`: the agent that the session is of. */
  agent: Schema.NullOr(Schema.String),
  /** In milliseconds since 1970, UTC; `null`: not told, or no time. */
  at: Schema.NullOr(Schema.Natural)
}

/** A tool as the model was shown it. `bytes` is the size of its schema, where it is told. */
export const LoadedTool = Schema.Struct({
  name: Schema.String,
  digest: Schema.NullOr(Digest.Digest),
  bytes: Schema.NullOr(Schema.Natural)
})
/** A tool as the model was shown it. */
export type LoadedTool = typeof LoadedTool.Type

/** One sighting. */
export const Entry = Schema.TaggedUnion({
  /** A session began, was taken up again, or was ended. `from` is the session that it goes on from. */
  Session: {
    ...shared,
    event: Schema.Literals(["begun", "resumed", "ended"]),
    program: Schema.String,
    version: Schema.NullOr(Schema.String),
    from: Schema.NullOr(Schema.String)
  },
  /** A model answered. */
  Answered: {
    ...shared,
    provider: Schema.NullOr(Schema.String),
    model: Schema.NullOr(Schema.String),
    /** The provider's name for the request. */
    request: Schema.NullOr(Schema.String),
    /** `null`: it is not told, or what is told can not be: nobody knows, and it is not 0. */
    usage: Schema.NullOr(Usage.Usage),
    /** Of `usage.cacheWrite`, what the provider keeps for longer, at a higher price. */
    longCacheWrite: Schema.Natural,
    /** What it was asked for: the work, or a summary of the work so far. */
    purpose: Schema.Literals(["turn", "compaction"])
  },
  /** The program said something in the place of an answer: no model was asked, or none answered. */
  Unanswered: { ...shared, isFailure: Schema.Boolean },
  /** A tool was called. */
  Called: {
    ...shared,
    /** The key of the answer that calls it. */
    answer: Schema.NullOr(Schema.String),
    tool: Schema.String,
    doing: Doing,
    /** Of its input, whatever the order of its fields. */
    input: Digest.Digest,
    /** Of the path as it is written, and the path itself where it was asked for. */
    file: Schema.NullOr(Digest.Digest),
    path: Schema.optionalKey(Schema.String),
    range: Schema.NullOr(Range),
    /** Of the command that it runs. */
    command: Schema.NullOr(Digest.Digest)
  },
  /** What the call with the same key came to. `characters` are those of its text as the model is shown it; `null`: not told. */
  Returned: {
    ...shared,
    characters: Schema.NullOr(Schema.Natural),
    output: Schema.NullOr(Digest.Digest),
    isError: Schema.Boolean,
    /** The human did not want it. */
    isRejected: Schema.Boolean
  },
  /** Somebody said something between two answers. */
  Said: { ...shared, speech: Speech, characters: Schema.Natural },
  /** Earlier turns gave way to a summary. Sizes are in tokens, where they are told. What the summary cost is an `Answered`. */
  Compacted: {
    ...shared,
    trigger: Schema.NullOr(Schema.Literals(["auto", "manual"])),
    before: Schema.NullOr(Schema.Natural),
    after: Schema.NullOr(Schema.Natural)
  },
  /** These tools stand in the prompt from here on. */
  Loaded: { ...shared, tools: Schema.Array(LoadedTool) },
  /** A part of a file that is none of these. `line` is where it begins, counted from 1. */
  Unparsed: { key: Schema.NonEmptyString, source: Schema.String, line: Schema.Natural, bytes: Schema.Natural, why: Why }
})
/** One sighting. */
export type Entry = typeof Entry.Type

/** The entries of one tag. */
export type Of<Tag extends Entry["_tag"]> = Extract<Entry, { readonly _tag: Tag }>

/** The JSON codec of an entry. */
export const Json = Schema.toCodecJson(Entry)

/** Whether a human said it. */
export const isHuman = ({ speech }: Pick<Of<"Said">, "speech">): boolean =>
  speech === "prompt" || speech === "command" || speech === "shell" || speech === "interrupt"
