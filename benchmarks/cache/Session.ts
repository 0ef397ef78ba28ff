/**
 * The **session** that every participant plays: an engineer's of 60 turns with 13 tools, and in its middle two sub-agents of 12
 * turns each, with system prompts of their own. The same seed gives the same bytes. Prompts and definitions are those that
 * our loop sends, and all participants send the same.
 *
 * The tools are real ones of the catalogue, the system prompts the skills of this repository, and what tools answer is as
 * long as what joined real sessions of a coding agent between two requests.
 */
import { readFileSync } from "node:fs"
import * as HouseRules from "../../packages/agents/src/internal/HouseRules.ts"
import * as Chance from "../Chance.ts"
import * as AgentSessions from "../tools/AgentSessions.ts"
import * as Catalog from "../tools/Catalog.ts"
import * as LoopTools from "./LoopTools.ts"

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
  /** Those of our loop, which stand before the others. */
  readonly loopTools: ReadonlyArray<Tool>
  readonly turns: ReadonlyArray<Turn>
  readonly report: string
}

/** A conversation that another one asks for. */
export interface Agent extends Conversation {
  readonly name: string
  /** What it can be asked for. */
  readonly description: string
  /** Of its system prompt, what our loop is given. */
  readonly instructions: string
  /** Its tools, as ours names them to an index. */
  readonly scope: ReadonlyArray<`${string}/${string}`>
}

/** All that is played. */
export interface Session {
  readonly main: Conversation
  /** By the name that `delegate` is called with. */
  readonly agents: ReadonlyMap<string, Agent>
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

const mainRole = "Engineer"

/** What our loop says to a sub-agent at the end. */
const rule =
  "You work for another agent, which reads nothing of you but the outcome. Whatever you could not do or did not see yourself, say so there."

const named = (plain: string): string => `mcp__${source}__${plain}`

const reading = ["read_file", "list_directory", "directory_tree", "search_files", "git_log", "git_show"]
const all = [...reading, "get_file_info", "write_file", "edit_file", "git_status", "git_diff", "git_commit", "fetch"]

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

  const agent = (name: string, description: string, skills: ReadonlyArray<string>): Agent => {
    const role = `${mainRole}/${name}`
    const instructions = skills.map(skill).join("\n\n")
    return {
      role,
      name,
      description,
      instructions,
      system: `Role: ${role}\n\n${instructions}\n\n${HouseRules.text}\n${rule}`,
      prompt: `Your task:\n${lines(1_200, chance)}`,
      tools: toolsOf(reading),
      scope: reading.map((plain) => `${source}/${plain}` as const),
      loopTools: [LoopTools.handoff],
      turns: Array.from({ length: agentTurns - 1 }, () => turn(reading, drawn())),
      report: reportOf()
    }
  }
  const list = [
    agent("explorer", "Finds out how something works.", ["triage"]),
    agent("auditor", "Looks for what is wrong.", ["review"])
  ]
  const agents = new Map(list.map((each) => [each.name, each]))
  const delegate = LoopTools.delegate(list)
  const main: Conversation = {
    role: mainRole,
    system: [`Role: ${mainRole}`, ...["implement", "spec", "review"].map(skill)].join("\n\n"),
    prompt: `The issue to work on:\n${lines(2_400, chance)}`,
    tools: toolsOf(all),
    loopTools: [delegate, LoopTools.outcome],
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

/** The tools of a conversation in the order in which all send them: the loop's, and then by name. */
export const offered = ({ loopTools, tools }: Conversation): ReadonlyArray<Tool> => [
  ...loopTools,
  ...tools.toSorted((a, b) => (a.name < b.name ? -1 : 1))
]

/** The conversations as the twin plays them. Ours end with the outcome tool, the peers' with a text. */
export const script = ({ agents, main }: Session, ends: "outcome" | "text") => ({
  conversations: [main, ...agents.values()].map(({ report, role, turns }) => ({
    role,
    turns: [
      ...turns,
      ends === "text"
        ? { text: report }
        : { calls: [{ tool: LoopTools.outcome.name, arguments: { outcome: { report } } }] }
    ]
  }))
})
