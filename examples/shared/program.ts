/** The `line` command as a program. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Commands from "./commands.ts"
import * as Ending from "./ending.ts"

export const main = (args: ReadonlyArray<string>): void => {
  // A package manager runs scripts in the root of the workspace; paths are meant from where the person is.
  process.chdir(process.env["INIT_CWD"] ?? process.cwd())
  Ending.endWithReader()
  Command.runWith(Commands.line, { version: "0.0.0" })(args).pipe(
    Effect.catchCause(Ending.explain(Commands.isBadInput)),
    Effect.provide(NodeServices.layer),
    (program) => NodeRuntime.runMain(program, { disableErrorReporting: true, teardown: Ending.teardown })
  )
}
