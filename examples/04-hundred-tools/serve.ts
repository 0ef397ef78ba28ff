/**
 * Serves the tools of MCP servers as three tools, for a harness that is not ours:
 *
 *     node examples/04-hundred-tools/serve.ts --config FILE           over standard input and output
 *     node examples/04-hundred-tools/serve.ts --config FILE --http    over HTTP on 127.0.0.1, with a token
 *     node examples/04-hundred-tools/serve.ts --config FILE --check   says what there is, and ends
 *
 * FILE is what MCP clients have: {"mcpServers": {"files": {"command": "npx", "args": ["-y", "some-server"]}}}.
 *
 * Exit codes: 0 it did what it shall, 2 bad input, 1 anything else; with --check also when a server can not be listed or a
 * part of the scope does nothing.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Ending from "@millwright-examples/shared/ending"
import * as McpToolServer from "@millwright/context/adapters/McpToolServer"
import * as SourceIndex from "@millwright/context/SourceIndex"
import type * as ToolIndex from "@millwright/context/ToolIndex"
import * as ToolScope from "@millwright/context/ToolScope"
import * as Redaction from "@millwright/core/Redaction"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Configuration from "./configuration.ts"
import * as Report from "./report.ts"

const tokenVariable = "MILLWRIGHT_TOOLS_TOKEN"

/** Servers that are fetched first (`npx -y`) take their time. */
const patience = 30_000

/** What there is when every server has listed or failed, or none is waited for any more. */
const listed = (index: ToolIndex.ToolIndex) =>
  index.stats.pipe(
    Effect.repeat({
      until: ({ servers }) => servers.every(({ status }) => status !== "waiting"),
      schedule: Schedule.spaced(100)
    }),
    Effect.timeoutOption(patience),
    Effect.andThen(index.stats)
  )

/** Says on the error output what is served, and what is not. */
const tell = Effect.fnUntraced(function* (index: ToolIndex.ToolIndex) {
  const { entries, servers } = yield* listed(index)
  const live = servers.filter(({ status }) => status === "live").length
  yield* Console.error(`Serving ${entries} tools of ${live} ${live === 1 ? "server" : "servers"}.`)
  for (const { name } of servers.filter(({ status }) => status === "waiting")) {
    yield* Console.error(`${name} has not listed its tools yet.`)
  }
  for (const { kind, message } of yield* index.lint) {
    if (kind === "Failed" || kind === "IdlePattern") yield* Console.error(message)
  }
})

const program = Effect.fnUntraced(function* ({ budget, check, config, http, port, scope, server }: Settings) {
  const read = yield* Effect.transposeOption(Option.map(config, Configuration.read))
  const {
    folder,
    mcpServers,
    scope: said
  } = Option.getOrElse(read, () => ({
    folder: process.cwd(),
    mcpServers: {},
    scope: undefined
  }))
  const servers = [...Object.entries(mcpServers), ...(yield* Effect.forEach(server, Configuration.argument))]
  if (servers.length === 0) {
    return yield* new Configuration.ConfigurationError({
      reason: "BadArgument",
      message: "There is nothing to serve. Name servers with --config FILE or --server NAME=COMMAND; --help says how."
    })
  }
  const asked = scope.length > 0 ? scope : said
  if (asked !== undefined && !Schema.is(ToolScope.ToolScope)(asked)) {
    return yield* new Configuration.ConfigurationError({
      reason: "BadArgument",
      message: `--scope ${scope.join(" ")}: give patterns as "github/*" and "!github/delete_*".`
    })
  }
  if (Option.isSome(port) && !http) {
    return yield* new Configuration.ConfigurationError({
      reason: "BadArgument",
      message: "--port is for HTTP: give --http as well, or leave it out."
    })
  }
  const index = yield* SourceIndex.make(yield* Configuration.sources(servers, { environment: process.env, folder }))
  const options = { scope: asked, budget: Option.getOrUndefined(budget) }
  const seen = asked === undefined ? index : index.within(asked)
  if (check) {
    const stats = yield* listed(seen)
    const findings = yield* seen.lint
    yield* Console.log(`${Report.servers(stats)}\n\nTo look at\n${Report.findings(findings)}`)
    const isServed = stats.servers.every(({ status }) => status === "live")
    if (!isServed || findings.some(({ kind }) => kind === "IdlePattern")) process.exitCode = 1
    return
  }
  // Nobody may be looking: it stands in the log that the client keeps.
  yield* Effect.forkScoped(tell(seen))
  if (!http) return yield* McpToolServer.serveStdio(index, options)
  const given = process.env[tokenVariable] || undefined
  const { token, url } = yield* McpToolServer.serveHttp(index, {
    ...options,
    port: Option.getOrUndefined(port),
    token: given === undefined ? undefined : Redacted.make(given)
  })
  yield* Ending.byInterrupt
  yield* Console.log(`Serving at ${url}`)
  yield* Console.log(
    given === undefined
      ? `Authorization: Bearer ${Redacted.value(token)}\n(made for this process; set ${tokenVariable} for one that stays)`
      : `The token is that of ${tokenVariable}.`
  )
  return yield* Effect.never
}, Effect.scoped)

const flags = {
  config: Flag.String("config").pipe(
    Flag.withDescription("A file with mcpServers, as MCP clients have; may hold ${NAME} for variables, and a scope"),
    Flag.optional
  ),
  server: Flag.String("server").pipe(
    Flag.withDescription("One more server, as NAME=COMMAND ARGUMENTS or NAME=URL; may be repeated"),
    Flag.between(0, 1_000)
  ),
  scope: Flag.String("scope").pipe(
    Flag.withDescription('What of them, as "github/*" or "!github/delete_*"; may be repeated. Default: all'),
    Flag.between(0, 1_000)
  ),
  budget: Flag.Int("budget").pipe(
    Flag.filter(
      (budget) => budget >= 0,
      (budget) => `a number of tokens, none below 0 as ${budget} is`
    ),
    Flag.withDescription("Tokens for what a client is told at first (512, which Claude Code still reads whole)"),
    Flag.optional
  ),
  http: Flag.Boolean("http").pipe(
    Flag.withDescription(`Serve HTTP on 127.0.0.1. The token is taken from ${tokenVariable}, or made`),
    Flag.withDefault(false)
  ),
  port: Flag.Int("port").pipe(Flag.withDescription("For --http. Default: one that is free"), Flag.optional),
  check: Flag.Boolean("check").pipe(
    Flag.withDescription("Say what there is and what to look at, and end. Waits up to 30 seconds for servers"),
    Flag.withDefault(false)
  )
}
type Settings = Command.Command.Config.Infer<typeof flags>

const cli = Command.make("serve", flags, program).pipe(
  Command.withDescription("Serves the tools of MCP servers as three tools that find, show and call them")
)

Command.runWith(cli, { version: "0.0.0" })(process.argv.slice(2)).pipe(
  Effect.catchCause(Ending.explain(({ _tag }) => _tag === "ConfigurationError" || _tag === "McpToolServerError")),
  Effect.provide(NodeServices.layer),
  Effect.provideService(Redaction.Secrets, Redaction.fromEnvironment(process.env)),
  // The output is the client's.
  Effect.provideService(References.LogToStderr, true),
  (main) => NodeRuntime.runMain(main, { disableErrorReporting: true, teardown: Ending.teardown })
)
