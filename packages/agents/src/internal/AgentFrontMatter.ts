/** The front matter of agent files, those of Claude Code and those of Warp: what it says, and what of it a role does not have. */
import type { ToolScope } from "@millwright/context/ToolScope"
import type * as Model from "@millwright/core/Model"
import * as Redaction from "@millwright/core/Redaction"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Grant from "../Grant.ts"
import * as AgentTools from "./AgentTools.ts"
import * as FrontMatter from "./FrontMatter.ts"
import { oneLine, refuse } from "./SkillFailure.ts"

/** What a file is called in messages. */
export const noun = "agent file"

const key = Schema.optionalKey

const line = FrontMatter.short(200)
const list = Schema.Union([Schema.String, Schema.Array(Schema.String)])

/** A name, and nothing that could be the value of a secret. */
const secret = Schema.String.check(
  Schema.isPattern(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, { expected: "the name of a secret, without its value" }),
  Schema.makeFilter((name: string) => Redaction.scrub(name) === name || "it looks like the value of a secret")
)

/** What Warp says of where, and as whom, an agent runs. */
const settings = {
  agentType: key(Schema.Literals(["CUSTOM", "FOREMAN", "MAIN", "TRIAGE", "SPEC", "IMPLEMENT", "REVIEW", "VERIFY"])),
  runner: key(line),
  environmentId: key(line),
  workerHost: key(line),
  credentialStrategy: key(Schema.Literals(["EXECUTOR", "CREATOR"]))
}

const Front = Schema.Struct({
  ...settings,
  name: key(FrontMatter.name),
  description: key(FrontMatter.short(16_384)),
  tools: key(list),
  disallowedTools: key(list),
  permissionMode: key(line),
  model: key(line),
  maxTurns: key(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }))),
  harness: key(
    Schema.Struct({
      type: Schema.Literals(["oz", "claude", "claude-code", "codex", "gemini"]),
      model: key(line),
      auth: key(Schema.NullOr(Schema.Struct({ secretName: key(secret) })))
    })
  ),
  secrets: key(Schema.Array(secret)),
  mcpServers: key(Schema.Unknown)
})
const decode = Schema.decodeUnknownEffect(Front)

/** Why a role does not have what stands under a key. */
const notes: ReadonlyMap<string, string> = new Map([
  ["permissionMode", "nobody is asked here, and grants are all that holds; those of `plan` change nothing"],
  ["harness", "it is kept in `harness`: a role runs in the one that is provided to it"],
  ["secrets", "their names are kept: what a sandbox is given is said by its secret broker"],
  ["mcpServers", "nothing is started: connect them to the tool index that the role is given"],
  ["hooks", "commands of a file are never run: write them as hooks of the role"],
  ["skills", "they are not read: give the role a source of skills in the tool index"],
  ...Object.keys(settings).map((name) => [name, "it is kept in `settings`, and for the program to go by"] as const),
  ...["memory", "background", "isolation", "effort", "initialPrompt", "color"].map(
    (name) => [name, "a role has nothing of the kind"] as const
  )
])

const tiers: ReadonlyMap<string, Model.Tier> = new Map([
  ["haiku", "small"],
  ["sonnet", "standard"],
  ["opus", "large"]
])
const ofCaller: ReadonlyArray<string> = ["inherit", "default", "auto"]

const harnesses = { oz: "Warp", claude: "Claude Code", "claude-code": "Claude Code", codex: "Codex", gemini: "Gemini" }

/** Reads what a text says. One without a `name` is named by the folder of its `agent.md`, as in Warp. */
export const read = Effect.fnUntraced(function* (text: string, source: string) {
  const { front, instructions, values } = yield* FrontMatter.parse(text, { source, noun })
  const malformed = (at: string, what: string, mend: string) =>
    refuse({ reason: "Malformed", source, noun, line: FrontMatter.lineOf(front, at) }, what, mend)
  const said = yield* Effect.catch(decode(withoutNulls(values)), ({ message }) =>
    malformed(
      message,
      `its front matter is not that of an agent: ${oneLine(message)}`,
      "Write each key as Claude Code or Warp has it, and of secrets their names."
    )
  )
  const { agentType, description, harness, model, name: own } = said
  const path = source.split(/[/\\]/)
  const format = own === undefined && path.at(-1) === "agent.md" ? ("warp" as const) : ("claude-code" as const)
  const name = format === "warp" ? path.at(-2) : own
  if (!Schema.is(FrontMatter.name)(name)) {
    return yield* malformed(
      "",
      "neither it nor its folder has a name that an agent can have",
      "Give it a `name` of lower-case letters, digits and single hyphens, or call it agent.md in a folder of such a name."
    )
  }
  if (format === "claude-code" && description === undefined) {
    return yield* malformed("", "it has no `description`", "Say in it what the agent is for.")
  }
  if (harness !== undefined && model !== undefined) {
    return yield* malformed(
      '"model"',
      "it has a `model` and a `harness`",
      "Name the model in the harness, or take one out."
    )
  }
  if (instructions === "") {
    return yield* malformed("", "nothing stands below its front matter", "Write there how the agent works.")
  }
  const { odd, ...tools } = toolsOf(said, format)
  if (odd !== undefined) {
    return yield* malformed(
      '"disallowedTools"',
      `it takes away ${JSON.stringify(odd)}, and no tool has such a name`,
      "Part the names of tools with commas."
    )
  }
  const wanted = harness?.model ?? model ?? "inherit"
  const exact = tiers.has(wanted) || ofCaller.includes(wanted) ? null : wanted
  const { secretName } = harness?.auth ?? {}
  const keys = Predicate.isObject(values) ? Object.keys(values) : []
  return {
    format,
    name,
    description: description ?? "",
    instructions,
    grants: tools.grants,
    tools: tools.scope,
    tier: tiers.get(wanted) ?? null,
    model: exact,
    harness: harness === undefined ? null : harnesses[harness.type],
    maxTurns: said.maxTurns ?? null,
    secrets: [...new Set([...(said.secrets ?? []), ...(secretName === undefined ? [] : [secretName])])],
    settings: Object.fromEntries(
      Object.entries({ ...said, agentType: agentType === "MAIN" ? "FOREMAN" : agentType }).flatMap(([key, value]) =>
        Object.hasOwn(settings, key) && Predicate.isString(value) ? [[key, value] as const] : []
      )
    ),
    leftOut: [
      ...tools.leftOut,
      ...(exact === null
        ? []
        : [{ what: "model", why: "it is kept in `model`: which one a tier has is said by the harness" }]),
      ...keys.flatMap((key) => (notes.has(key) ? [{ what: key, why: notes.get(key) ?? "" }] : []))
    ],
    other: keys
      .filter((key) => !notes.has(key) && !Object.hasOwn(Front.fields, key))
      .map((key) => oneLine(key).slice(0, 100))
  }
})

/** A key without a value is as none; but no tools are none, and not all of them. */
const withoutNulls = (values: unknown): unknown =>
  Predicate.isObject(values) && !Array.isArray(values)
    ? Object.fromEntries(
        Object.entries(values).flatMap(([key, value]) =>
          value !== null ? [[key, value] as const] : key === "tools" ? [[key, []] as const] : []
        )
      )
    : (values ?? {})

/** What it may use, and what it takes away though no tool is called so. */
const toolsOf = (
  { disallowedTools, mcpServers, permissionMode, tools }: typeof Front.Type,
  format: "warp" | "claude-code"
) => {
  const allowed = AgentTools.allowed(AgentTools.listed(tools ?? "*"))
  const taken = AgentTools.taken(AgentTools.listed(disallowedTools ?? ""))
  const servers = Predicate.isObject(mcpServers) && !Array.isArray(mcpServers) ? Object.keys(mcpServers) : []
  // An agent of Warp has the servers that it names; one of Claude Code all that there are.
  const scope: ToolScope =
    tools === undefined && format === "warp"
      ? servers.flatMap((server) => (/^[\w.-]+$/.test(server) ? [`${server}/*` as const] : []))
      : allowed.scope
  const isPlan = permissionMode === "plan"
  const holds = (grant: Grant.Grant) =>
    !taken.grants.includes(grant) && (!isPlan || Grant.readOnly.some((each) => each === grant))
  const unlimited = {
    what: "tools",
    why: "it names none, which is all of them where it comes from: a role has what its caller allows, by default to read"
  }
  return {
    odd: taken.odd[0],
    grants: allowed.grants.filter(holds),
    scope: isPlan ? [] : [...scope, ...taken.scope.map((pattern) => `!${pattern}` as const)],
    leftOut: [
      ...(tools === undefined ? [unlimited] : []),
      ...allowed.leftOut,
      ...allowed.odd.map((what) => ({ what, why: "no tool has such a name" })),
      ...taken.leftOut.map(({ what, why }) => ({ what: `no ${what}`, why }))
    ]
  }
}
