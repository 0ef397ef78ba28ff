/**
 * A panel: three reviewers look at one change, each through a lens of its own and none seeing another, and an arbiter judges what
 * they found before anybody acts on it.
 *
 *     pnpm example 07                                 a change of a small repository, made on the spot
 *     pnpm example 07 --repo ../mine --from main      what was committed in a repository of yours since a revision
 *     pnpm example 07 --diff change.patch             what `git diff` printed; with --repo, reviewers read there
 *
 * Without a key the models are rehearsed: they know the change of this example, and approve every other one.
 * Exit codes: 0 it did what it shall, 2 bad input, 1 anything else.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Ending from "@millwright-examples/shared/ending"
import * as LoopHarness from "@millwright/agents/adapters/LoopHarness"
import * as Lens from "@millwright/agents/Lens"
import * as PanelFindings from "@millwright/agents/PanelFindings"
import * as PanelReport from "@millwright/agents/PanelReport"
import * as Panel from "@millwright/agents/roles/Panel"
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Budget from "@millwright/core/Budget"
import * as Contract from "@millwright/core/Contract"
import type * as Fault from "@millwright/core/Fault"
import * as Redaction from "@millwright/core/Redaction"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { strict as assert } from "node:assert"
import { fileURLToPath } from "node:url"
import * as Environment from "../01-issue-to-change/environment.ts"
import * as Models from "../01-issue-to-change/models.ts"
import * as Subject from "./subject.ts"

const { keys, secrets } = Environment.take(process.env)

const panel = Panel.make({
  reviewers: [
    { name: "correctness", lenses: [Lens.correctness, Lens.specDrift] },
    { name: "security", lenses: [Lens.security] },
    { name: "tests", lenses: [Lens.tests, Lens.hygiene] }
  ],
  quorum: 2
})

/** What holds for every report: nothing that a reviewer said is lost. */
const verify = (report: PanelReport.PanelReport): void => {
  const placed = report.reviews.flatMap(({ comments }) => comments).length
  const judged = [...report.upheld, ...report.overruled].flatMap(({ finding }) => finding.said).length
  assert.equal(judged, placed, "a comment got lost between the reviewers and the report")
  assert.equal(report.reviews.length + report.failed.length, 3)
}

/** What the rehearsal comes to on the change of this example. */
const verifyOurs = (report: PanelReport.PanelReport): void => {
  assert.equal(report.verdict, "RequestChanges")
  const [worst] = report.upheld
  assert(worst !== undefined)
  assert.deepEqual(PanelFindings.by(worst.finding), ["security", "tests"], "what two said is not one finding")
  assert.deepEqual(
    report.minority.map(({ _tag }) => _tag),
    ["Overruled", "Alone", "Alone"]
  )
  const dropped = report.reviews.flatMap((review) => review.dropped)
  assert.deepEqual(dropped, [], "a comment on a line that is not changed was not mended")
}

const program = (asked: Settings) =>
  Effect.gen(function* () {
    const { dir, isOurs, patch } = yield* Subject.find(asked)
    const selected = yield* Models.make(keys, {
      model: Option.getOrUndefined(asked.model),
      rehearsal: fileURLToPath(new URL("./rehearsal.json", import.meta.url))
    })
    yield* Console.log(`${selected.line}\n${patch.split("\n").length} lines of difference, three reviewers\n`)
    // Reviewers read where the change is; they hold no tool that writes.
    process.chdir(dir)
    const item = yield* WorkItem.fromMarkdown(isOurs ? Subject.issue : "# A change", "task.md")
    const contract = Contract.freeze(item.id, [
      { statement: "The change does what its task asks, and nothing that harms." }
    ])
    const floor = Budget.layer({ usd: 2 }).pipe(
      Layer.merge(LoopHarness.layer),
      Layer.provide([GenAiPrices.layer, Models.layer(selected.model)]),
      Layer.provideMerge(MemoryJournal.layer)
    )
    const report = yield* panel
      .run({ item, contract, patch: Tainted.of("git diff", patch), repository: Tainted.of("nothing", "") })
      .pipe(Effect.provide(floor))
    yield* Console.log(PanelReport.markdown(report))
    verify(report)
    if (isOurs && selected.model.rehearsed) verifyOurs(report)
  }).pipe(Effect.scoped)

const flags = {
  diff: Flag.String("diff").pipe(Flag.withDescription("A file with what `git diff` printed"), Flag.optional),
  repo: Flag.Directory("repo", { mustExist: false }).pipe(
    Flag.withDescription("The repository. Default: a small one, made on the spot"),
    Flag.optional
  ),
  from: Flag.String("from").pipe(
    Flag.withDescription("What the change begins after, a revision of --repo. Default: the last commit but one"),
    Flag.optional
  ),
  model: Flag.String("model").pipe(Flag.withDescription("The model, as its provider names it"), Flag.optional)
}
type Settings = Command.Command.Config.Infer<typeof flags>

const cli = Command.make("example-07", flags, program).pipe(
  Command.withDescription("Reviews a change with three reviewers and an arbiter")
)

const isBadInput = ({ _tag, reason }: Fault.Fault): boolean =>
  _tag === "SubjectError" || _tag === "GitError" || reason === "BadInput"

Command.runWith(cli, { version: "0.0.0" })(process.argv.slice(2)).pipe(
  Effect.catchCause(Ending.explain(isBadInput)),
  Effect.provide(NodeServices.layer),
  Effect.provideService(Redaction.Secrets, secrets),
  (main) => NodeRuntime.runMain(main, { disableErrorReporting: true, teardown: Ending.teardown })
)
