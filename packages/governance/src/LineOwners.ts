/**
 * Who wrote which lines of a file: the **line owners**, as `AuthorshipNote`, `AgentTrace` and `Blame` all tell them. All of it is claimed
 * by whoever wrote the note. A line that nobody speaks for is unknown, and never a human's.
 */
import * as Schema from "effect/Schema"
import * as LinePaint from "./internal/LinePaint.ts"

/** Who wrote a line. `null` where nobody says. */
export const Owner = Schema.TaggedUnion({
  /** A session of a coding agent. */
  Agent: {
    tool: Schema.NullOr(Schema.String),
    /** The session's id, as the tool has it. */
    session: Schema.NullOr(Schema.String),
    model: Schema.NullOr(Schema.String)
  },
  /** Somebody was seen to type it. `identity` is git's: `Ada <ada@example.org>`. */
  Human: { identity: Schema.NullOr(Schema.String) },
  /** An agent and a human both. */
  Mixed: {},
  Unknown: {}
})
/** Who wrote a line. */
export type Owner = typeof Owner.Type

/** The last line that a range may have. */
export const lastLine = 2 ** 31 - 1

const LineNumber = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: lastLine }))

/** Lines from `first` to `last`, both of them included; the first line of a file is 1. */
export const Range = Schema.Struct({ first: LineNumber, last: LineNumber, owner: Owner })
/** Lines from `first` to `last`. */
export type Range = typeof Range.Type

/** The owners of one file's lines: ranges in order, none over another. Lines between them are unknown. */
export const FileOwners = Schema.Struct({ path: Schema.NonEmptyString, ranges: Schema.Array(Range) })
/** The owners of one file's lines. */
export type FileOwners = typeof FileOwners.Type

/** The owners of the lines of files, in the order of paths. */
export const LineOwners = Schema.Struct({ files: Schema.Array(FileOwners) })
/** The owners of the lines of files. */
export type LineOwners = typeof LineOwners.Type

/** Nobody says who wrote it. */
export const unknown: Owner = { _tag: "Unknown" }

/**
 * Ranges as they were claimed, which may lie over each other, as owners. Of several agents that claim a line the last one has it, and so of
 * several humans; what an agent and a human claim is mixed; a claim that nobody knows counts where there is no other.
 */
export const settle = (claims: ReadonlyArray<Range>): ReadonlyArray<Range> => LinePaint.settle(claims, mixed)

const mixed: Owner = { _tag: "Mixed" }

/** The owners of files. What is claimed for one path in several places is settled together, in that order. */
export const make = (files: Iterable<FileOwners>): LineOwners => {
  const byPath = Map.groupBy(files, ({ path }) => path)
  const settled = [...byPath].map(([path, all]) => ({ path, ranges: settle(all.flatMap(({ ranges }) => ranges)) }))
  return { files: settled.filter(({ ranges }) => ranges.length > 0).sort((a, b) => (a.path < b.path ? -1 : 1)) }
}

/** Who wrote a line of a file. */
export const ownerOf = ({ files }: LineOwners, path: string, line: number): Owner =>
  files.find((file) => file.path === path)?.ranges.find(({ first, last }) => first <= line && line <= last)?.owner ??
  unknown

/** How many lines are whose. `lines` is all of them: the denominator of the others, which add up to it. */
export interface Summary {
  readonly lines: number
  readonly agent: number
  readonly human: number
  readonly mixed: number
  readonly unknown: number
  /** Lines of agents by `tool/model`, each part `?` where nobody says. */
  readonly agents: ReadonlyMap<string, number>
}

/** How many lines are whose, of those that ranges speak of. `Blame` speaks of every line; a note only of those that somebody claims. */
export const summary = ({ files }: LineOwners): Summary => {
  const count = { Agent: 0, Human: 0, Mixed: 0, Unknown: 0 }
  const agents = new Map<string, number>()
  for (const { first, last, owner } of files.flatMap(({ ranges }) => ranges)) {
    const size = last - first + 1
    count[owner._tag] += size
    if (owner._tag !== "Agent") continue
    const name = `${owner.tool ?? "?"}/${owner.model ?? "?"}`
    agents.set(name, (agents.get(name) ?? 0) + size)
  }
  const { Agent: agent, Human: human, Mixed: both, Unknown: none } = count
  return { lines: agent + human + both + none, agent, human, mixed: both, unknown: none, agents }
}
