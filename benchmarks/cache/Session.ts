/**
 * The **session** that every participant plays: an engineer's of 60 turns with 14 tools, and in its middle two sub-agents of 12
 * turns each, with system prompts of their own. The same seed gives the same bytes.
 *
 * The tools are real ones of the catalogue, the system prompts the skills of this repository, and what tools answer is as
 * long as what joined real sessions of a coding agent between two requests.
 */
import { readFileSync } from "node:fs"
import * as Chance from "../Chance.ts"
import * as AgentSessions from "../tools/AgentSessions.ts"
import * as Catalog from "../tools/Catalog.ts"

/** A tool as a model is told of it. `name` is the one that stands in requests. */
export interface Tool {
  readonly name: string
  /** As its source calls it. */
  readonly plain: string
  readonly description: string
  readonly schema: Readonly<Record<string, unknown>>
  readonly isReading: boolean
}

/** A call that the model makes. */
export interface Call {
  readonly tool: string
  readonly arguments: Readonly<Record<string, string | ReadonlyArray<Readonly<Record<string, string>>>>>
}

/** An answer of the model. */
export interface Turn {
  readonly text?: string
  readonly calls?: ReadonlyArray<Call>
}

/** One conversation. Its turns end with the report, as a text. */
export interface Conversation {
  readonly role: string
  readonly system: string
  readonly prompt: string
  readonly tools: ReadonlyArray<Tool>
  readonly turns: ReadonlyArray<Turn>
  readonly report: string
}

/** All that is played. */
export interface Session {
  readonly main: Conversation
  /** By the name that `delegate` is called with. */
  readonly agents: ReadonlyMap<string, Conversation>
  /** What a tool answers, by the one argument that tells its call from all others. */
  readonly answer: (args: unknown) => string
}

/** How long the conversations are. */
export interface Size {
  readonly turns: number
  readonly agentTurns: number
}

/** The size that the bench measures. */
export const size: Size = { turns: 60, agentTurns: 12 }

/** The source that the tools come from, as ours names them in requests. */
export const source = "work"

const named = (plain: string): string => `mcp__${source}__${plain}`

const reading = ["read_file", "list_directory", "directory_tree", "search_files", "git_log", "git_show"]
const all = [...reading, "get_file_info", "write_file", "edit_file", "git_status", "git_diff", "git_commit", "fetch"]

const delegate: Tool = {
  name: named("delegate"),
  plain: "delegate",
  description:
    "Gives a task to an agent with a conversation of its own, and answers with its report. `explorer` finds out how something works, `auditor` looks for what is wrong.",
  schema: {
    type: "object",
    properties: { agent: { type: "string", enum: ["explorer", "auditor"] }, task: { type: "string" } },
    required: ["agent", "task"],
    additionalProperties: false
  },
  isReading: false
}

const toolsOf = (names: ReadonlyArray<string>): ReadonlyArray<Tool> => {
  const { tools } = Catalog.load({}).part
  return names.map((plain) => {
    const found = tools.find(({ name, server }) => name === plain && ["filesystem", "git", "fetch"].includes(server))
    if (found === undefined) throw new Error(`The catalogue has no tool ${plain}`)
    return {
      name: named(plain),
      plain,
      description: found.description ?? "",
      schema: found.inputSchema ?? { type: "object" },
      isReading: reading.includes(plain)
    }
  })
}

const skill = (name: string): string =>
  readFileSync(new URL(`../../packages/agents/skills/${name}/SKILL.md`, import.meta.url), "utf8")

const words =
  "line stage gate run item role skill value return const if yield effect layer journal event store key map list test assert error fault retry budget model tool read write".split(
    " "
  )

/** Lines that look like source code, so many bytes of them. */
const lines = (bytes: number, chance: () => number): string => {
  const word = () => words[Math.floor(chance() * words.length)] ?? ""
  let text = ""
  while (text.length < bytes) {
    text += `${"  ".repeat(Math.floor(chance() * 4))}${Array.from({ length: 3 + Math.floor(chance() * 9) }, word).join(" ")}\n`
  }
  return text.slice(0, bytes)
}

/** How many tokens joined real sessions from one request to the next, where any did. */
const joined = (): ReadonlyArray<number> =>
  AgentSessions.read().flatMap((session) =>
    session.flatMap(({ history }, at) => {
      const more = history - (session[at - 1]?.history ?? history)
      return more > 0 ? [more] : []
    })
  )

const least = 200
const most = 30_000

/** Turns in which the model looks at many files at once, and how many. */
const heavy: Readonly<Record<number, number>> = { 8: 12, 26: 15, 47: 20 }
/** Turns in which it gives a task away. */
const handedOver: Readonly<Record<number, string>> = { 20: "explorer", 40: "auditor" }

/** Makes the session. */
export const make = (seed: number, { agentTurns, turns }: Size = size): Session => {
  const chance = Chance.make(seed)
  const sizes = joined()
  const answers = new Map<string, string>()

  /** A call whose answer no other call has. */
  const call = (plain: string): Call => {
    const number = answers.size + 1
    const path = `/repo/src/${words[number % words.length]}/part-${number}.ts`
    const revision = (number * 7_919 + 0xa00000).toString(16)
    const key = plain === "git_show" ? revision : plain === "fetch" ? `https://example.com/docs/${number}` : path
    const drawn = sizes[Math.floor(chance() * sizes.length)] ?? 0
    answers.set(key, lines(Math.min(most, Math.max(least, 4 * drawn)), chance))
    const edit = { oldText: lines(200, chance), newText: lines(300, chance) }
    const rest: Record<string, Call["arguments"]> = {
      search_files: { path, pattern: words[number % words.length] ?? "" },
      write_file: { path, content: lines(1_200, chance) },
      edit_file: { path, edits: [edit] },
      git_show: { repo_path: "/repo", revision },
      git_log: { repo_path: path },
      git_status: { repo_path: path },
      git_diff: { repo_path: path, target: "main" },
      git_commit: { repo_path: path, message: lines(80, chance) },
      fetch: { url: key }
    }
    return { tool: named(plain), arguments: rest[plain] ?? { path } }
  }

  /** Half of all calls read a file, as in real sessions. */
  const some = (names: ReadonlyArray<string>): Call =>
    call(chance() < 0.5 ? "read_file" : (names[Math.floor(chance() * names.length)] ?? "read_file"))

  const turn = (names: ReadonlyArray<string>, count: number): Turn => ({
    ...(chance() < 0.6 ? { text: lines(60 + Math.floor(chance() * 240), chance).trim() } : {}),
    calls: Array.from({ length: count }, () => (count > 3 ? call("read_file") : some(names)))
  })

  const drawn = () => (chance() < 0.7 ? 1 : chance() < 0.7 ? 2 : 3)
  const reportOf = () => lines(1_500, chance).trim()

  const agent = (role: string, skills: ReadonlyArray<string>): Conversation => ({
    role,
    system: [`Role: ${role}`, ...skills.map(skill)].join("\n\n"),
    prompt: `Your task:\n${lines(1_200, chance)}`,
    tools: toolsOf(reading),
    turns: Array.from({ length: agentTurns - 1 }, () => turn(reading, drawn())),
    report: reportOf()
  })
  const agents = new Map([
    ["explorer", agent("Explorer", ["triage"])],
    ["auditor", agent("Auditor", ["review"])]
  ])
  const main: Conversation = {
    role: "Engineer",
    system: ["Role: Engineer", ...["implement", "spec", "review"].map(skill)].join("\n\n"),
    prompt: `The issue to work on:\n${lines(2_400, chance)}`,
    tools: [...toolsOf(all), delegate],
    turns: Array.from({ length: turns - 1 }, (_, at): Turn => {
      const name = handedOver[at + 1]
      return name === undefined
        ? turn(all, heavy[at + 1] ?? drawn())
        : { calls: [{ tool: delegate.name, arguments: { agent: name, task: agents.get(name)?.prompt ?? "" } }] }
    }),
    report: reportOf()
  }
  return {
    main,
    agents,
    answer: (args) => {
      const given: ReadonlyArray<unknown> = typeof args === "object" && args !== null ? Object.values(args) : []
      const found = given.flatMap((value) => (typeof value === "string" ? (answers.get(value) ?? []) : []))
      if (found[0] === undefined) throw new Error(`Nothing of the session is asked for with ${JSON.stringify(args)}`)
      return found[0]
    }
  }
}

/** What ends a conversation: a tool of ours, which the peers are offered as well, so that all send the same tools. */
export const outcome: Tool = {
  name: "outcome",
  plain: "outcome",
  description: "Ends your work with its outcome. Call it exactly once, when everything else is done.",
  schema: {
    type: "object",
    properties: {
      outcome: {
        type: "object",
        properties: { report: { type: "string" } },
        required: ["report"],
        additionalProperties: false
      }
    },
    required: ["outcome"],
    additionalProperties: false
  },
  isReading: false
}

/** The tools of a conversation in the order in which all send them: that of ours, the outcome and then by name. */
export const offered = ({ tools }: Conversation): ReadonlyArray<Tool> => [
  outcome,
  ...tools.toSorted((a, b) => (a.name < b.name ? -1 : 1))
]

/** The conversations as the twin plays them. Ours end with the outcome tool, the peers' with a text. */
export const script = ({ agents, main }: Session, ends: "outcome" | "text") => ({
  conversations: [main, ...agents.values()].map(({ report, role, turns }) => ({
    role,
    turns: [
      ...turns,
      ends === "text" ? { text: report } : { calls: [{ tool: outcome.name, arguments: { outcome: { report } } }] }
    ]
  }))
})
