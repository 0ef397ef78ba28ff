/** The MCP servers of this example: real ones from npm, over stdio. Nothing of them needs a key, a browser or the network. */
import * as McpSource from "@millwright/context/adapters/McpSource"
import * as Effect from "effect/Effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** A server that is a program for Node, from the development dependencies of this folder. */
const node = (name: string, module: string, more: Pick<McpSource.StdioOptions, "args" | "env"> = {}) =>
  McpSource.stdio({
    name,
    command: process.execPath,
    args: [here(`./node_modules/${module}`), ...(more.args ?? [])],
    env: more.env ?? {}
  })

/** The server that is killed while it works. */
export const killed = "everything"

/** The server that is not installed. */
export const missing = "calendar"

/** Where the servers keep what they write. */
export interface Place {
  /** The only folder that the file server may touch. */
  readonly files: string
  /** For what is none of the agent's business. */
  readonly own: string
}

/** All of them. They are started when they are first asked. */
export const sources = ({ files, own }: Place) =>
  Effect.all([
    node("files", "@modelcontextprotocol/server-filesystem/dist/index.js", { args: [files] }),
    node("memory", "@modelcontextprotocol/server-memory/dist/index.js", {
      env: { MEMORY_FILE_PATH: join(own, "memory.jsonl") }
    }),
    McpSource.stdio({
      name: killed,
      command: process.execPath,
      // It tells its number first, so that it can be killed.
      args: [
        "--import",
        pathToFileURL(here("./telling.ts")).href,
        here("./node_modules/@modelcontextprotocol/server-everything/dist/index.js")
      ],
      env: { PROCESS_FILE: processesFile(own) }
    }),
    node("browser", "chrome-devtools-mcp/build/src/bin/chrome-devtools-mcp.js", {
      args: ["--no-usage-statistics"],
      env: { CHROME_DEVTOOLS_MCP_NO_UPDATE_CHECKS: "1" }
    }),
    // It lists its tools without asking anybody. The address is one where nobody listens.
    node("gitlab", "@zereight/mcp-gitlab/build/index.js", {
      env: { GITLAB_PERSONAL_ACCESS_TOKEN: "not-a-token", GITLAB_API_URL: "http://127.0.0.1:9/api/v4" }
    }),
    McpSource.stdio({ name: missing, command: "no-such-calendar-server" })
  ])

const processesFile = (own: string) => join(own, "processes")

/** The process numbers that the server to be killed has had so far. */
export const processes = ({ own }: Place): ReadonlyArray<number> =>
  existsSync(processesFile(own))
    ? readFileSync(processesFile(own), "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map(Number)
    : []
