/**
 * A week of a small factory, and afterwards the questions that everybody asks: who decided what, what did it cost, and can I believe it?
 *
 *     pnpm example 09                          lives through the week and answers; reports in a folder that it names
 *     pnpm example 09 --out ../reports         in a folder of yours
 *
 * No model is asked and no network is needed. It takes git, and ssh-keygen for the keys of its people.
 * Exit codes: 0 it did what it shall, 2 bad input, 1 anything else.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Ending from "@millwright-examples/shared/ending"
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as AuthorshipNote from "@millwright/governance/AuthorshipNote"
import * as ForgeHistory from "@millwright/governance/ForgeHistory"
import * as InterventionNotes from "@millwright/governance/InterventionNotes"
import * as Metrics from "@millwright/governance/Metrics"
import * as NoteRemote from "@millwright/governance/NoteRemote"
import * as EffectClock from "effect/Clock"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import * as Audit from "./audit.ts"
import * as Clock from "./clock.ts"
import * as Evidence from "./evidence.ts"
import * as Repository from "./repository.ts"
import * as Verify from "./verify.ts"
import * as Week from "./week.ts"

/** The folder can not be used. */
class OutError extends Fault.Class<OutError>()("OutError", { NoFolder: false, NotWritten: false }) {}

/** The folder for the reports, made where it is missing. One that nobody asked for is gone where nothing came of it. */
const folderOf = Effect.fnUntraced(function* (asked: Option.Option<string>) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  if (Option.isNone(asked)) {
    return yield* Effect.acquireRelease(fs.makeTempDirectory({ prefix: "millwright-reports-" }), (made, exit) =>
      Exit.isFailure(exit) ? Effect.ignore(fs.remove(made, { recursive: true })) : Effect.void
    )
  }
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

const Forge = Schema.fromJsonString(Schema.toCodecJson(ForgeHistory.ForgeHistory))

/** Says which report can not be written. A failure elsewhere stays what it is. */
const unwritten = (out: string, error: PlatformError.PlatformError) => {
  const file = "pathOrDescriptor" in error.reason ? String(error.reason.pathOrDescriptor) : ""
  if (!file.startsWith(out)) return error
  const message = `The report ${file} can not be written (${error.reason._tag}). Give --out a folder that you may write to, and in which nothing else has its name.`
  return new OutError({ reason: "NotWritten", message, cause: error })
}

/** A clone as anybody makes one. Git brings no notes by itself. */
const clone = Effect.fnUntraced(function* (from: string, to: string) {
  yield* Repository.git(".", Repository.agent, "clone", "-q", "--no-local", "--branch", "main", from, to)
  for (const ref of [InterventionNotes.ref, AuthorshipNote.ref]) yield* NoteRemote.fetch(to, { remote: from, ref })
})

/** Lives through the week in a folder. What is known of it afterwards is the repository, and what the journal came to. */
const lived = Effect.fnUntraced(function* (folder: string) {
  const path = yield* Path.Path
  const week = yield* Clock.make(Week.monday)
  const live = Effect.gen(function* () {
    const repository = yield* Repository.make(folder)
    return { repository, ...(yield* Week.live(repository, { store: path.join(folder, "factory.db"), week })) }
  })
  return yield* Effect.provideService(live, EffectClock.Clock, week.clock)
})

/** Lives through the week, asks, and writes the reports. */
const audited = Effect.fnUntraced(function* (out: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "millwright-example-09-" })
  const { events, forge, ledger, repository, state } = yield* lived(folder)
  const memory = path.join(out, "forge.json")
  yield* fs.writeFileString(memory, yield* Schema.encodeEffect(Forge)(forge))
  yield* Console.log(`A week: ${forge.subjects.length - 1} pull requests, ${events.length} facts in the journal.\n`)

  // Who decided what? Nobody looks into the store for it.
  const fresh = path.join(folder, "clone")
  yield* clone(repository.dir, fresh)
  const remembered = yield* Schema.decodeEffect(Forge)(yield* fs.readFileString(memory))
  const audit = yield* Audit.of(fresh, { base: repository.base, forge: remembered })
  yield* Console.log(`Who decided what, by git, its notes and the forge's memory:\n${Audit.table(audit)}\n`)
  Verify.ledgers(ledger, audit.rebuilt.ledger)
  yield* Console.log(`Ledger     of ${ledger.size} interventions: the same from the journal and from a fresh clone`)
  for (const { about, change, why } of audit.rebuilt.told.doubts) {
    yield* Console.log(`In doubt   ${about.slice(0, 11)} of #${change}: ${why}`)
  }
  for (const { change, models, versions } of Metrics.traces(state)) {
    const skills = versions.map(({ digest, skill }) => `${skill}@${Digest.short(digest)}`)
    yield* Console.log(`Defect     in #${change}, made with ${skills.join(", ")} by ${models.join(", ")}`)
  }

  // What did it come to?
  const metrics = yield* Evidence.report(out, { from: Week.monday, state })
  yield* Console.log(`\nWhat it came to:\n${Evidence.text(metrics)}\n`)

  // Can others believe it, and whose is this line?
  const { change, people } = Verify.row(audit, "short")
  const { file, key } = yield* Evidence.attest(out, change.head, people)
  const { predicate } = yield* Evidence.verify({ file, key }, change.head)
  const count = predicate.interventions?.count ?? 0
  yield* Console.log(
    `Attested   ${change.head.slice(0, 7)} of #${change.id}, with ${count} interventions; verified offline`
  )
  const lines = yield* Evidence.owners(fresh, "src/reading.js")
  const { agent, human, unknown } = lines
  yield* Console.log(`Lines      of src/reading.js: ${agent} an agent's, ${human} a human's, ${unknown} nobody says`)
  Verify.week({ audit, events, lines, metrics, state })
}, Effect.scoped)

const program = Effect.fnUntraced(function* (asked: Settings) {
  const out = yield* folderOf(asked.out)
  yield* Effect.catchTag(audited(out), "PlatformError", (error) => Effect.fail(unwritten(out, error)))
  yield* Console.log(`\nThe reports: ${out}`)
}, Effect.scoped)

const flags = {
  out: Flag.String("out").pipe(
    Flag.withDescription("The folder for the reports. Default: a new one, which it names"),
    Flag.optional
  )
}
type Settings = Command.Command.Config.Infer<typeof flags>

const cli = Command.make("example-09", flags, program).pipe(
  Command.withDescription("Lives through a week of a small factory, and says who decided what in it")
)

Command.runWith(cli, { version: "0.0.0" })(process.argv.slice(2)).pipe(
  Effect.catchCause(Ending.explain(({ _tag }) => _tag === "OutError")),
  Effect.provide(NodeServices.layer),
  (main) => NodeRuntime.runMain(main, { disableErrorReporting: true, teardown: Ending.teardown })
)
