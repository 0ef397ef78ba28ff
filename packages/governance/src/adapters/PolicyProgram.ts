#!/usr/bin/env node
/**
 * The program `millwright-policy`: a policy as a required status check.
 *
 *     millwright-policy --base origin/main --head HEAD --sarif policy.sarif
 *
 * Exit codes: 0 it may go out, 1 it takes a human or is refused, 2 bad input (also a policy that can not be read).
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Fault from "@millwright/core/Fault"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as StatusCheck from "../StatusCheck.ts"

/** What was given can not be used. */
class BadInput extends Fault.Class<BadInput>()("BadInput", { Approvals: false, Sarif: false }) {}

const flags = {
  repo: Flag.Directory("repo").pipe(Flag.withDescription("The repository. Default: here"), Flag.withDefault(".")),
  base: Flag.String("base").pipe(
    Flag.withDescription("The commit that the change is to go into. The policy and the roster are read from it")
  ),
  head: Flag.String("head").pipe(Flag.withDescription("The commit that is judged. It is only read")),
  policy: Flag.String("policy").pipe(
    Flag.withDescription("The path of the policy in the base. Default: .millwright/policy.yaml, .yml or .json"),
    Flag.optional
  ),
  approvals: Flag.File("approvals").pipe(
    Flag.withDescription("JSON of what is vouched for: approvals, verdicts, ci, trust. It must not come from the head"),
    Flag.optional
  ),
  sarif: Flag.File("sarif").pipe(Flag.withDescription("Where a SARIF 2.1.0 file is written"), Flag.optional),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Prints JSON"), Flag.withDefault(false))
}
type Settings = Command.Command.Config.Infer<typeof flags>

const knownAt = (file: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.readFileString(file)).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Schema.fromJsonString(StatusCheck.Known), { onExcessProperty: "error" })),
    Effect.mapError(
      (cause) =>
        new BadInput({
          reason: "Approvals",
          message: `--approvals ${file} can not be used: ${cause.message.slice(0, 500)}. Give JSON as the guide \`policy\` shows it.`,
          cause
        })
    )
  )

const program = Effect.fnUntraced(function* ({ approvals, base, head, json, policy, repo, sarif }: Settings) {
  const known = Option.isNone(approvals) ? {} : yield* knownAt(approvals.value)
  const path = Option.isNone(policy) ? {} : { path: policy.value }
  const report = yield* StatusCheck.check(repo, { base, head, known, ...path })
  if (Option.isSome(sarif)) {
    const files = yield* FileSystem.FileSystem
    yield* files.writeFileString(sarif.value, `${JSON.stringify(StatusCheck.sarif(report), null, 2)}\n`).pipe(
      Effect.mapError(
        (cause) =>
          new BadInput({
            reason: "Sarif",
            message: `--sarif ${sarif.value} can not be written: ${cause.message}. Name a file in a folder that is there.`,
            cause
          })
      )
    )
  }
  const { decision, digest, exitCode, facts, ruling } = report
  yield* Console.log(
    json
      ? JSON.stringify({
          base: facts.base,
          head: facts.head,
          policy: report.policy ?? null,
          decision,
          digest,
          ruling,
          exitCode
        })
      : StatusCheck.text(report)
  )
  process.exitCode = exitCode
})

const explain = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
  process.exitCode = Cause.hasInterruptsOnly(cause) ? 130 : 2
  const error = Cause.squash(cause)
  // The command line has said already what it does not understand.
  if (!CliError.isCliError(error)) yield* Console.error(Fault.record(error).message)
})

const command = Command.make("millwright-policy", flags, program).pipe(
  Command.withDescription(
    "Whether a change may go out, by the policy of its base. Exit codes: 0 yes, 1 no, 2 bad input"
  )
)

Command.runWith(command, { version: "0.0.0" })(process.argv.slice(2)).pipe(
  Effect.catchCause(explain),
  Effect.provide(NodeServices.layer),
  (main) => NodeRuntime.runMain(main, { disableErrorReporting: true })
)
