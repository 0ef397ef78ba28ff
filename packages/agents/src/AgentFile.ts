/**
 * An **agent file**: an agent as people keep it for Claude Code (`.claude/agents/*.md`) or for Warp (`agents/NAME/agent.md`), read
 * into a value that a role is made of. It is text: nothing in it is run, connected or granted. What it wants to use is said in
 * grants and a tool scope, of which its role has what the caller allows; what has no place in a role is reported.
 */
import { ToolScope } from "@millwright/context/ToolScope"
import * as Scope from "@millwright/context/ToolScope"
import * as Digest from "@millwright/core/Digest"
import * as Model from "@millwright/core/Model"
import * as Tainted from "@millwright/core/Tainted"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Grant from "./Grant.ts"
import * as AgentFrontMatter from "./internal/AgentFrontMatter.ts"
import * as FrontMatter from "./internal/FrontMatter.ts"
import { type At, fromPlace, refuse, SkillError } from "./internal/SkillFailure.ts"
import * as Place from "./Place.ts"
import * as Role from "./Role.ts"
import * as Skill from "./Skill.ts"

/** What an agent file says. */
export const AgentFile = Schema.Struct({
  /** Of this value. */
  version: Schema.Literal(1),
  format: Schema.Literals(["claude-code", "warp"]),
  /** What it calls itself, or the folder of an `agent.md` that does not. */
  name: FrontMatter.name,
  /** Empty: it has none. */
  description: Schema.String,
  /** The Markdown below the front matter. */
  instructions: Schema.String,
  /** What its tools stand for. All of them where it names none: what a role has, {@link reach} says. */
  grants: Schema.Array(Grant.Grant),
  /** What its tools of MCP servers stand for, in a tool index whose sources are named as those servers. */
  tools: ToolScope,
  /** `null`: that of whoever makes the role. */
  tier: Schema.NullOr(Model.Tier),
  /** The one model that it names, where that is no tier. */
  model: Schema.NullOr(Schema.String),
  /** The harness that it names, as `Harness.name` has it. */
  harness: Schema.NullOr(Schema.String),
  maxTurns: Schema.NullOr(Schema.Int),
  /** The names of the secrets that it wants. Never their values. */
  secrets: Schema.Array(Schema.String),
  /** What Warp is told of where, and as whom, it runs: `agentType`, `runner`, `environmentId`, `workerHost`, `credentialStrategy`. */
  settings: Schema.Record(Schema.String, Schema.String),
  /** What it says and its role does not have. */
  leftOut: Schema.Array(Schema.Struct({ what: Schema.String, why: Schema.String })),
  /** The keys that are not known. What stands under them is not kept. */
  other: Schema.Array(Schema.String),
  /** Of the exact bytes of the file. */
  digest: Digest.Digest,
  /** Where it was read. */
  source: Schema.String,
  trust: Schema.Literals(["house", "outside"])
})
/** What an agent file says. */
export type AgentFile = typeof AgentFile.Type

/** Reads an agent file from its text. `source` is its path, or another name for people. */
export const parse = Effect.fnUntraced(function* (text: string, from: Pick<AgentFile, "source" | "trust">) {
  const { source } = from
  if (Buffer.byteLength(text) > Skill.maxBytes) return yield* tooLarge(source)
  if (Tainted.hides(text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n"))) {
    return yield* refused(
      { reason: "Malformed", source },
      "it has characters that can not be seen",
      "Look at it with a program that shows them, and take them out."
    )
  }
  const said = yield* AgentFrontMatter.read(text, source)
  const file: AgentFile = { version: 1, ...said, digest: Digest.of(text), ...from }
  return file
})

/** Reads an agent file from a place. */
export const read = Effect.fnUntraced(function* (place: Place.Place, path: string) {
  const source = `${place.name}/${path}`
  const { bytes, size } = yield* Effect.catch(
    place.read(path, Skill.maxBytes),
    fromPlace(source, AgentFrontMatter.noun)
  )
  if (size > Skill.maxBytes) return yield* tooLarge(source)
  const text = yield* FrontMatter.decode(bytes, { source, noun: AgentFrontMatter.noun })
  return yield* parse(text, { source, trust: place.trust })
})

const refused = (at: At, what: string, mend: string) => refuse({ ...at, noun: AgentFrontMatter.noun }, what, mend)

const tooLarge = (source: string) =>
  refused({ reason: "TooLarge", source }, `it has more than ${Skill.maxBytes} bytes`, "Make it shorter.")

/** Something that looks like an agent file and is none, or a part of a place that was not looked at. */
export interface Problem {
  readonly place: Place.Place
  readonly path: string
  readonly error: SkillError
}

/** The agent files of some places. */
export interface Found {
  /** In the order of names, of which each is there once. */
  readonly files: ReadonlyArray<AgentFile>
  readonly problems: ReadonlyArray<Problem>
}

/** Where agent files are looked for, and how many. */
export interface Where {
  /** The folders of a place that hold them; empty is its root. Default: {@link roots}. */
  readonly roots?: ReadonlyArray<string>
  /** Names in the roots of one place. Default 500. */
  readonly entries?: number
}

/** Where agent files stand in a repository. */
export const roots: ReadonlyArray<string> = [".claude/agents", "agents"]

/**
 * Finds the agent files of places: each Markdown file in a root but its README, and the `agent.md` in each folder of one. The
 * first of a name has it, in the order of places and roots. What is wrong with any of them is in the answer, and hides no other.
 */
export const find = Effect.fnUntraced(function* (places: ReadonlyArray<Place.Place>, where: Where = {}) {
  const { entries = 500, roots: searched = roots } = where
  const files = new Map<string, AgentFile>()
  const problems: Array<Problem> = []
  for (const place of places) {
    const seen = new Set<string>()
    let left = entries
    for (const root of searched) {
      const report = (path: string, error: SkillError) => problems.push({ place, path, error })
      const skipped = (path: string, why: string, reason: SkillError["reason"] = "Unreadable") =>
        report(
          path,
          new SkillError({ reason, message: `${Place.quoted(path)} in ${place.name} is not looked at: ${why}` })
        )
      const listed = yield* Effect.result(place.list(root))
      if (listed._tag === "Failure") {
        if (listed.failure.reason !== "NotFound") skipped(root, listed.failure.message)
        continue
      }
      for (const { kind, path: entry, problem, real } of listed.success) {
        if (left-- <= 0) {
          skipped(
            entry,
            `it and what follows is more than ${entries} names. Name a smaller folder, or allow more.`,
            "TooLarge"
          )
          break
        }
        const path = kind === "folder" ? `${entry}/agent.md` : entry
        if (kind !== "folder" && kind !== "file") {
          skipped(entry, `${problem ?? `it is a ${kind}`}. Put an agent file there.`)
          continue
        }
        // A link to a file that was seen is that file. A folder gives its name.
        const same = kind === "folder" ? `${real}/${entry.split("/").at(-1)}` : real
        if (!path.endsWith(".md") || /\/readme\.md$/i.test(`/${path}`) || seen.has(same)) continue
        seen.add(same)
        const file = yield* Effect.result(read(place, path))
        if (file._tag === "Failure") {
          // A folder without one is no agent's.
          if (kind === "file" || file.failure.reason !== "NotFound") report(path, file.failure)
          continue
        }
        const first = files.get(file.success.name)
        if (first === undefined) files.set(file.success.name, file.success)
        else report(path, duplicate(file.success, first))
      }
    }
  }
  const found: Found = { files: [...files.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), problems }
  return found
})

const duplicate = ({ name, source }: AgentFile, first: AgentFile): SkillError =>
  new SkillError({
    reason: "Duplicate",
    message: `The agent ${name} in ${source} is not used: ${first.source} comes before it. Rename one of them, or leave it out.`
  })

/** What the caller allows a role of an agent file. */
export interface Allowed {
  /** Default: to read and to search. */
  readonly grants?: ReadonlyArray<Grant.Grant>
  /** Of the tool index. Default: nothing. */
  readonly tools?: ToolScope
}

/** What a role of an agent file may do: what the file wants and the caller allows, and nothing else. */
export const reach = (file: Pick<AgentFile, "grants" | "tools">, allowed: Allowed = {}) => {
  const { grants = Grant.readOnly, tools = [] } = allowed
  const given = (scope: ToolScope) => scope.filter((pattern) => !pattern.startsWith("!"))
  // A pattern that another one fits, its `*` read as a letter, names nothing that the other one does not.
  const within = (one: ToolScope, other: ToolScope) => given(one).filter(Scope.allows(given(other)))
  const both = [...new Set([...within(file.tools, tools), ...within(tools, file.tools)])]
  const taken = [...file.tools, ...tools].filter((pattern) => pattern.startsWith("!"))
  return {
    grants: file.grants.filter((grant) => grants.some((each) => each === grant)),
    tools: both.length === 0 ? [] : [...both, ...new Set(taken)]
  }
}

/** An agent file as a skill. One from a place that is not of the house is `NotTrusted`: a skill instructs. */
export const skill = ({ description, digest, instructions, name, source, trust }: AgentFile) =>
  trust === "house"
    ? Effect.succeed<Skill.Skill>({ name, description, instructions, metadata: {}, digest, source })
    : refused(
        { reason: "NotTrusted", source },
        "it would instruct an agent, and its place is not of the house",
        'Read it, put it where the house decides what is in it, and open that with `trust: "house"`.'
      )

/** How a role is made of an agent file. All but what the file says is as in `Role.make`. */
export interface Options<Input extends Schema.Constraint, Outcome extends Schema.Constraint>
  extends Omit<Role.Options<Input, Outcome>, "skill" | "grants" | "tools" | "tier">, Allowed {
  /** Comes before that of the file. Default: that of the file, and `standard` where it has none. */
  readonly tier?: Model.Tier
}

/** Makes a role of an agent file: its text as the skill, and of what it wants what the caller allows. */
export const role = <Input extends Schema.Constraint, Outcome extends Schema.Constraint>(
  file: AgentFile,
  { grants, tier, tools, ...options }: Options<Input, Outcome>
): Effect.Effect<Role.Role<string, Input, Outcome>, SkillError> =>
  Effect.map(skill(file), (skill) => {
    const may = reach(file, { ...(grants && { grants }), ...(tools && { tools }) })
    return Role.make<string, Input, Outcome, Grant.Grant>(file.name, {
      ...(file.maxTurns !== null && { maxTurns: file.maxTurns }),
      ...options,
      skill: Effect.succeed(skill),
      grants: may.grants,
      ...(may.tools.length > 0 && { tools: may.tools }),
      tier: tier ?? file.tier ?? "standard"
    })
  })
