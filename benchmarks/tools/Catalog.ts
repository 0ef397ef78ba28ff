/** A **catalogue** of tools, and queries with the tools that are right for them, as files hold them. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import * as Bench from "../Bench.ts"

/** A tool. */
export interface Tool {
  readonly server: string
  readonly name: string
  readonly description?: string
  readonly inputSchema?: Readonly<Record<string, unknown>>
}

/** What a server says about itself. */
export interface Server {
  readonly title?: string
  readonly description?: string
}

/** A query. A need is met by any of its tools, each `server/name`. */
export interface Query {
  readonly query: string
  readonly needs: ReadonlyArray<ReadonlyArray<string>>
  readonly source: string
}

/** Servers and their tools. */
export interface Part {
  readonly tools: ReadonlyArray<Tool>
  readonly servers: ReadonlyMap<string, Server>
}

/** The files to read; those of the sample for what is not given. */
export interface Files {
  readonly catalog?: string | undefined
  readonly queries?: string | undefined
  readonly servers?: string | undefined
}

const read = (path: string): unknown => {
  const bytes = readFileSync(path)
  try {
    return JSON.parse((path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8"))
  } catch (error) {
    throw new Bench.BadInput(
      `${path} can not be read as JSON: ${error instanceof Error ? error.message : String(error)}`
    )
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isTool = (value: unknown): value is Tool =>
  isRecord(value) && typeof value["server"] === "string" && typeof value["name"] === "string"

const isQuery = (value: unknown): value is Query =>
  isRecord(value) &&
  typeof value["query"] === "string" &&
  typeof value["source"] === "string" &&
  Array.isArray(value["needs"]) &&
  value["needs"].every((need) => Array.isArray(need) && need.every((id) => typeof id === "string"))

const listOf = <A>(path: string, what: string, is: (value: unknown) => value is A): ReadonlyArray<A> => {
  const found = read(path)
  const list = Array.isArray(found) ? found : []
  if (list.length > 0 && list.every(is)) return list
  throw new Bench.BadInput(`${path} holds no list of ${what}: see benchmarks/data/tool-index/README.md for its shape.`)
}

/** Tools of a file. */
export const toolsOf = (path: string): ReadonlyArray<Tool> => listOf(path, "tools", isTool)

const sample = (name: string): string => join(import.meta.dirname, "..", "data", "tool-index", `${name}.json.gz`)

/** Reads tools, servers and queries. */
export const load = (files: Files): { readonly part: Part; readonly queries: ReadonlyArray<Query> } => {
  const described = read(files.servers ?? sample("servers"))
  const servers = new Map<string, Server>()
  for (const [name, server] of Object.entries(isRecord(described) ? described : {})) {
    if (isRecord(server)) servers.set(name, server)
  }
  return {
    part: { tools: toolsOf(files.catalog ?? sample("catalog")), servers },
    queries: listOf(files.queries ?? sample("queries"), "queries", isQuery)
  }
}

/** `server/name`. */
export const idOf = ({ name, server }: Tool): string => `${server}/${name}`

/** The names and descriptions of a tool's parameters, at the top of its schema. */
export const parametersOf = ({ inputSchema }: Tool): string => {
  const properties = inputSchema?.["properties"]
  if (!isRecord(properties)) return ""
  const about = (value: unknown): string =>
    isRecord(value) && typeof value["description"] === "string" ? value["description"] : ""
  return Object.entries(properties)
    .map(([name, property]) => `${name} ${about(property)}`)
    .join(" ")
}
