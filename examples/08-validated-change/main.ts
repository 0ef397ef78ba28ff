/**
 * Two changes that say they do the same: one does, one only looks as if it did, and its tests are green. Validators that are not the
 * author judge both against a contract that was frozen before, and write the report that a person reads.
 *
 *     pnpm example 08                          both changes; reports in a folder that it names
 *     pnpm example 08 --out ../reports         in a folder of yours
 *     pnpm example 08 --change cheating        one of them
 *
 * No model is asked. With a browser (Chromium, Chrome, Edge, Brave) the page is looked at as well.
 * Exit codes: 0 it did what it shall, 2 bad input, 1 anything else.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Ending from "@millwright-examples/shared/ending"
import * as Fault from "@millwright/core/Fault"
import * as Verdict from "@millwright/core/Verdict"
import * as WorktreeSandbox from "@millwright/sandbox/adapters/WorktreeSandbox"
import * as EvidenceStore from "@millwright/validators/EvidenceStore"
import * as VerdictReport from "@millwright/validators/VerdictReport"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import { strict as assert } from "node:assert"
import * as Done from "./contract.ts"
import * as Judges from "./judges.ts"
import * as Shop from "./shop.ts"

/** What this example is there to show. */
const verify: Readonly<Record<Shop.Name, (verdict: Verdict.Verdict) => void>> = {
  honest: (verdict) => assert(verdict.accepted, Verdict.complaint(verdict)),
  cheating: ({ accepted, findings }) => {
    const failed = findings.filter(({ status }) => status === "fail").map(({ assertion }) => assertion)
    assert(!accepted, "a change that cheats was accepted")
    for (const found of ["VAL-PRICE-002", "RULE-CHEATS", "RULE-TESTS", "RULE-BREAK-FIX"]) {
      assert(failed.includes(found), `${found} did not fail: ${failed.join(", ")}`)
    }
  }
}

const told = ({ assertion, reason, status }: Verdict.Finding): string =>
  `  ${status.padEnd(8)} ${assertion.padEnd(18)} ${reason.split("\n")[0]?.slice(0, 160)}`

/** The folder can not be used. */
class OutError extends Fault.Class<OutError>()("OutError", { NoFolder: false }) {}

/** The folder for the reports, made where it is missing. */
const folderOf = Effect.fnUntraced(function* (asked: Option.Option<string>) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  if (Option.isNone(asked)) return yield* fs.makeTempDirectory({ prefix: "millwright-reports-" })
  const out = path.resolve(asked.value)
  yield* Effect.mapError(
    fs.makeDirectory(out, { recursive: true }),
    (cause) =>
      new OutError({
        reason: "NoFolder",
        message: `--out ${asked.value} can not be made a folder. Name one that is there, or where one may be made.`,
        cause
      })
  )
  return out
})

const program = (asked: Settings) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const work = yield* fs.makeTempDirectoryScoped({ prefix: "millwright-example-08-" })
    const out = yield* folderOf(asked.out)
    const repository = path.join(work, "shop")
    const base = yield* Shop.make(repository)
    const browser = yield* Judges.browser
    if (Option.isNone(browser)) yield* Console.log("So nobody looks at the page.")
    const contract = Done.frozen(base, Option.isSome(browser))
    yield* Console.log(`The contract, frozen before any code (${contract.digest.slice(0, 12)}):`)
    for (const { id, statement } of contract.assertions) yield* Console.log(`  ${id.padEnd(14)} ${statement}`)

    for (const name of Option.match(asked.change, { onNone: () => Shop.changes, onSome: (one) => [one] })) {
      const change = yield* Shop.commit(repository, { base, name })
      yield* Console.log(`\nThe ${name} change:`)
      const verdict = yield* Judges.judge({ repository, browser, contract, change })
      yield* Console.log(verdict.findings.map(told).join("\n"))
      yield* Console.log(verdict.accepted ? "  → accepted" : "  → not accepted")
      const packet = {
        contract,
        verdict,
        change,
        contents: yield* VerdictReport.gather(verdict),
        title: `Large orders cost a tenth less (${name})`
      }
      yield* fs.writeFileString(path.join(out, `${name}.md`), VerdictReport.markdown(packet))
      yield* fs.writeFileString(path.join(out, `${name}.html`), VerdictReport.html(packet))
      verify[name](verdict)
    }
    yield* Console.log(`\nThe reports: ${out}`)
  }).pipe(
    Effect.scoped,
    Effect.provide(EvidenceStore.layerMemory),
    Effect.provide(WorktreeSandbox.layer.pipe(Layer.provideMerge(NodeServices.layer)))
  )

const flags = {
  out: Flag.String("out").pipe(
    Flag.withDescription("The folder for the reports. Default: a new one, which it names"),
    Flag.optional
  ),
  change: Flag.Literals("change", Shop.changes).pipe(
    Flag.withDescription("The change that is judged. Default: both"),
    Flag.optional
  )
}
type Settings = Command.Command.Config.Infer<typeof flags>

const cli = Command.make("example-08", flags, program).pipe(
  Command.withDescription("Judges an honest change and a cheating one against one contract")
)

Command.runWith(cli, { version: "0.0.0" })(process.argv.slice(2)).pipe(
  Effect.catchCause(Ending.explain(({ _tag }) => _tag === "OutError")),
  Effect.provide(NodeServices.layer),
  (main) => NodeRuntime.runMain(main, { disableErrorReporting: true, teardown: Ending.teardown })
)
