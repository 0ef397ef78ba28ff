/** Which servers are served: a file in the shape that MCP clients have theirs in, or arguments. */
import * as McpSource from "@millwright/context/adapters/McpSource"
import * as ToolScope from "@millwright/context/ToolScope"
import * as Fault from "@millwright/core/Fault"
import * as Redaction from "@millwright/core/Redaction"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { dirname, resolve } from "node:path"

/** What is served can not be read. */
export class ConfigurationError extends Fault.Class<ConfigurationError>()("ConfigurationError", {
  /** The file is not there, is no JSON, or says something else than it may. */
  BadFile: false,
  /** An argument is not what it has to be. */
  BadArgument: false,
  /** A variable that the file names is not set. */
  MissingVariable: false
}) {}

const Texts = Schema.Record(Schema.String, Schema.String)
/** The first part of the ids of its tools. */
const isName = (name: string): boolean => /^[^/\s]{1,64}$/.test(name)

const Server = Schema.Union([
  Schema.Struct({
    command: Schema.NonEmptyString,
    args: Schema.optionalKey(Schema.Array(Schema.String)),
    env: Schema.optionalKey(Texts),
    cwd: Schema.optionalKey(Schema.String)
  }),
  Schema.Struct({
    url: Schema.String.check(
      Schema.isPattern(/^https?:\/\//, { expected: "an address that begins with http:// or https://" })
    ),
    headers: Schema.optionalKey(Texts),
    type: Schema.optionalKey(Schema.String)
  })
])
type Server = typeof Server.Type

/** What is served. */
const Configuration = Schema.Struct({
  mcpServers: Schema.Record(Schema.String, Server),
  /** What of it: patterns as `github/*` and `!github/delete_*`. */
  scope: Schema.optionalKey(ToolScope.ToolScope)
})
/** What is served. */
export type Configuration = typeof Configuration.Type

const bad = (reason: "BadFile" | "BadArgument", message: string) => new ConfigurationError({ reason, message })

/** Reads a file. What it does not say in our words (`type`, `alwaysLoad`), it says to others. */
export const read = Effect.fnUntraced(function* (file: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(files.readFileString(file), () =>
    bad(
      "BadFile",
      `The file ${file} can not be read. Give one as MCP clients have: {"mcpServers": {"NAME": {"command": …}}}.`
    )
  )
  const found = yield* Effect.mapError(Schema.decodeEffect(Schema.fromJsonString(Configuration))(text), ({ message }) =>
    bad(
      "BadFile",
      `The file ${file} is not as it has to be: ${message.replaceAll(/\s+/g, " ")}. It is {"mcpServers": {"NAME": SERVER}, "scope": ["NAME/*"]}; a server has a "command", with "args" and "env", or a "url", with "headers".`
    )
  )
  const old = Object.entries(found.mcpServers).find(([, server]) => "type" in server && server.type === "sse")
  if (old !== undefined) {
    return yield* bad(
      "BadFile",
      `The file ${file} has a server ${JSON.stringify(old[0])} of the type "sse", which is not spoken here. Give its address for streamable HTTP, with the type "http".`
    )
  }
  const misnamed = Object.keys(found.mcpServers).find((name) => !isName(name))
  if (misnamed !== undefined) {
    return yield* bad(
      "BadFile",
      `The file ${file} has a server ${JSON.stringify(misnamed)}: a name has no spaces and no slashes.`
    )
  }
  return { ...found, folder: dirname(resolve(file)) }
})

/** Reads `NAME=COMMAND ARGUMENTS…`, with spaces between, or `NAME=URL`. */
export const argument = (text: string): Effect.Effect<readonly [name: string, Server], ConfigurationError> => {
  const [, name, rest] = /^([^=]*)=(.*)$/s.exec(text) ?? []
  const [command = "", ...args] = rest?.trim().split(/\s+/) ?? []
  if (name === undefined || !isName(name) || command === "") {
    return Effect.fail(
      bad(
        "BadArgument",
        `--server ${text}: give a name, = and a command or an address, as in --server "files=npx -y some-server ."`
      )
    )
  }
  return Effect.succeed([name, /^https?:\/\//.test(command) ? { url: command } : { command, args, cwd: process.cwd() }])
}

/** `${NAME}` and `${NAME:-otherwise}`, as clients have them, so that no key stands in the file. */
const filled = (text: string, environment: NodeJS.ProcessEnv): Effect.Effect<string, ConfigurationError> =>
  Effect.suspend(() => {
    let missing: string | undefined
    const whole = text.replaceAll(/\$\{(\w+)(?::-([^}]*))?\}/g, (_, name: string, otherwise?: string) => {
      const value = environment[name] || otherwise
      if (value === undefined) missing = name
      return value ?? ""
    })
    if (missing === undefined) return Effect.succeed(whole)
    const message = `The variable ${missing} is not set, and the configuration needs it. Set it, or write \${${missing}:-otherwise}.`
    return Effect.fail(new ConfigurationError({ reason: "MissingVariable", message }))
  })

/** The servers as sources, in the order of their names in the configuration. */
export const sources = (
  servers: ReadonlyArray<readonly [name: string, Server]>,
  { environment, folder }: { readonly environment: NodeJS.ProcessEnv; readonly folder: string }
) =>
  Effect.forEach(
    servers,
    Effect.fnUntraced(function* ([name, server]) {
      const fill = (text: string) => filled(text, environment)
      // Whatever was a variable may be a key.
      const hide = (text: string, key = "") =>
        Effect.map(fill(text), (value) =>
          value === text && !Redaction.secretName.test(key) ? value : Redacted.make(value)
        )
      const hideAll = (texts: Readonly<Record<string, string>> = {}) =>
        Effect.forEach(Object.entries(texts), ([key, text]) =>
          Effect.map(hide(text, key), (value) => [key, value] as const)
        ).pipe(Effect.map((all) => Object.fromEntries(all)))
      if ("url" in server) {
        return yield* McpSource.http({ name, url: yield* fill(server.url), headers: yield* hideAll(server.headers) })
      }
      return yield* McpSource.stdio({
        name,
        command: yield* fill(server.command),
        args: yield* Effect.forEach(server.args ?? [], (text) => hide(text)),
        env: yield* hideAll(server.env),
        cwd: resolve(folder, server.cwd ?? ".")
      })
    })
  )
