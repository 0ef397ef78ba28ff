/**
 * The tool names of Claude Code in the words of the house: the grants and the scope that stand for what an agent file allows and
 * takes away. What can not be said as exactly is left out of what is allowed, and is taken away whole.
 */
import type { ToolScope } from "@millwright/context/ToolScope"
import type * as Grant from "../Grant.ts"
import { oneLine } from "./SkillFailure.ts"

/** What a file says and a role of it does not have, and why. */
export interface LeftOut {
  readonly what: string
  readonly why: string
}

/** What tool names stand for. */
export interface Tools {
  readonly grants: ReadonlyArray<Grant.Grant>
  /** None of them begins with `!`. */
  readonly scope: ToolScope
  readonly leftOut: ReadonlyArray<LeftOut>
  /** What is no name of a tool. */
  readonly odd: ReadonlyArray<string>
}

const grants: ReadonlyMap<string, Grant.Grant> = new Map([
  ["Read", "read"],
  ["Grep", "grep"],
  ["Glob", "grep"],
  ["Edit", "edit"],
  ["MultiEdit", "edit"],
  ["NotebookEdit", "edit"],
  ["Write", "write"],
  ["Bash", "bash"]
])

const instead: ReadonlyMap<string, string> = new Map([
  ...["Agent", "Task"].map((name) => [name, "whom a role may give tasks to is said in code, as its `agents`"] as const),
  ...["WebFetch", "WebSearch"].map((name) => [name, "no grant reaches the web; a tool of the index may"] as const)
])

/** A list of tools: in YAML, or in one text with commas. One inside of brackets parts nothing. */
export const listed = (tools: string | ReadonlyArray<string>): ReadonlyArray<string> => {
  const items: Array<string> = []
  for (const text of typeof tools === "string" ? [tools] : tools) {
    let depth = 0
    let item = ""
    for (const character of text) {
      if (character === "(") depth++
      if (character === ")") depth--
      if (character === "," && depth === 0) {
        items.push(item)
        item = ""
      } else item += character
    }
    items.push(item)
  }
  return [...new Set(items.map((item) => item.trim()))].filter((item) => item !== "")
}

const ofServer = /^mcp__((?:(?!__)[\w.*-])+)(?:__([\w.*-]+))?$/
const ofProgram = /^(?!mcp__)([A-Za-z]\w*)(\(.*\))?$/s

/** What the tools that a file allows stand for. */
export const allowed = (items: ReadonlyArray<string>): Tools => read(items, (name) => grants.get(name))

/** What the tools that a file takes away stand for. Case does not matter, and a part of a tool takes all of it. */
export const taken = (items: ReadonlyArray<string>): Tools => {
  const isPart = (item: string) => item.endsWith(")")
  const whole = items.map((item) => (isPart(item) ? item.slice(0, Math.max(0, item.indexOf("("))) : item))
  const tools = read(whole, (name) => [...grants].find(([theirs]) => theirs.toLowerCase() === name.toLowerCase())?.[1])
  const parts = items
    .filter(isPart)
    .map((item) => ({ what: shown(item), why: "a grant has no parts: all of it is gone" }))
  return { ...tools, leftOut: [...tools.leftOut, ...parts] }
}

const read = (items: ReadonlyArray<string>, grantOf: (name: string) => Grant.Grant | undefined): Tools => {
  const given = new Set<Grant.Grant>()
  const scope = new Set<ToolScope[number]>()
  const leftOut: Array<LeftOut> = []
  const odd: Array<string> = []
  for (const item of items) {
    const what = shown(item)
    const [, server, tool = "*"] = ofServer.exec(item) ?? []
    const [, name, limit] = ofProgram.exec(item) ?? []
    const grant = name === undefined ? undefined : grantOf(name)
    if (item === "*") {
      for (const each of grants.values()) given.add(each)
      scope.add("*/*")
    } else if (server !== undefined) scope.add(`${server}/${tool}`)
    else if (name === undefined) odd.push(what)
    else if (grant === undefined) leftOut.push({ what, why: instead.get(name) ?? "nothing here stands for it" })
    else if (limit !== undefined)
      leftOut.push({ what, why: `it is a part of a tool, and the grant ${grant} is all of it` })
    else given.add(grant)
  }
  return { grants: [...given], scope: [...scope], leftOut, odd }
}

const shown = (item: string): string => oneLine(item).slice(0, 100)
