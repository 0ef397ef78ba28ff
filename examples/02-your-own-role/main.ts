/**
 * A role of your own, alone and on real input: release notes from the real log and difference of a repository.
 *
 *     pnpm example 02                                 a small repository, made on the spot
 *     pnpm example 02 --repo ../mine --from v1.2.0    a repository of yours, since a commit, tag or branch
 *
 * The role is in `role.ts`, how it works in `skills/release-notes/SKILL.md`. Without a key the model is rehearsed.
 * Exit codes: 0 it did what it shall, 2 bad input, 1 anything else.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as LoopHarness from "@millwright/agents/adapters/LoopHarness"
import * as Skill from "@millwright/agents/Skill"
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Budget from "@millwright/core/Budget"
import * as Fault from "@millwright/core/Fault"
import * as Git from "@millwright/core/Git"
import * as Redaction from "@millwright/core/Redaction"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { fileURLToPath } from "node:url"
import * as Environment from "../01-issue-to-change/environment.ts"
import * as Models from "../01-issue-to-change/models.ts"
import * as History from "./history.ts"
import * as Notes from "./notes.ts"
import * as ReleaseNotes from "./role.ts"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const { keys, secrets } = Environment.take(process.env)

/** The repository that was asked for, or one made on the spot that goes away again. */
const subject = Effect.fnUntraced(function* (repo: Option.Option<string>, from: Option.Option<string>) {
  if (Option.isSome(repo)) {
    const dir = yield* Git.root(repo.value)
    // Without a commit to start from: the last one alone.
    return {
      dir,
      base: yield* Git.resolve(
        dir,
        Option.getOrElse(from, () => "HEAD~1")
      ),
      head: yield* Git.resolve(dir, "HEAD")
    }
  }
  const files = yield* FileSystem.FileSystem
  const dir = `${yield* files.makeTempDirectoryScoped({ prefix: "millwright-release-" })}/repository`
  return { dir, ...(yield* History.make(here("../01-issue-to-change/demo"), dir)) }
})

const program = ({ from, model, repo }: Settings) =>
  Effect.gen(function* () {
    const skill = yield* Skill.load(here("./skills/release-notes"))
    const { base, dir, head } = yield* subject(repo, from)
    const commits = yield* Git.log(dir, { base, head, limit: 200 })
    const { text: diff } = yield* Git.patch(dir, { base, head, maxBytes: 100_000 })
    const selected = yield* Models.make(keys, {
      model: Option.getOrUndefined(model),
      rehearsal: here("./rehearsal.json")
    })
    yield* Console.log(`${selected.line}\n${commits.length} commits, ${diff.split("\n").length} lines of difference\n`)

    const floor = Budget.layer({ usd: 1 }).pipe(
      Layer.merge(LoopHarness.layer),
      Layer.provide([GenAiPrices.layer, Models.layer(selected.model)]),
      Layer.provideMerge(MemoryJournal.layer)
    )
    yield* Effect.gen(function* () {
      const numbered = commits.map(({ subject }, index) => ({ number: index + 1, subject }))
      const outcome = yield* ReleaseNotes.make(skill).run({ commits: numbered, diff })
      // What the role wrote is a proposal; the host checks it before anybody sees it.
      yield* Notes.verify(outcome, commits)
      yield* Notes.verifyJournal(skill)
      if (Option.isNone(repo)) yield* Notes.verifyDemo(outcome)
      yield* Console.log(Notes.markdown(outcome, commits))
    }).pipe(Effect.provide(floor))
  }).pipe(Effect.scoped)

const flags = {
  repo: Flag.Directory("repo", { mustExist: false }).pipe(
    Flag.withDescription("The repository. Default: a small one, made on the spot"),
    Flag.optional
  ),
  from: Flag.String("from").pipe(
    Flag.withDescription("What was released before, a revision of --repo. Default: the last commit but one"),
    Flag.optional
  ),
  model: Flag.String("model").pipe(Flag.withDescription("The model, as its provider names it"), Flag.optional)
}
type Settings = Command.Command.Config.Infer<typeof flags>

const explain = (cause: Cause.Cause<unknown>) =>
  Effect.sync(() => {
    if (Cause.hasInterruptsOnly(cause)) return void (process.exitCode = 130)
    const error = Cause.squash(cause)
    process.exitCode = CliError.isCliError(error) || error instanceof Git.GitError ? 2 : 1
    if (!CliError.isCliError(error)) console.error(Fault.record(error).message)
  })

const cli = Command.make("example-02", flags, program).pipe(
  Command.withDescription("Writes release notes with a role of its own, from what git says")
)

Command.runWith(cli, { version: "0.0.0" })(process.argv.slice(2)).pipe(
  Effect.catchCause(explain),
  Effect.provide(NodeServices.layer),
  Effect.provideService(Redaction.Secrets, secrets),
  (main) => NodeRuntime.runMain(main, { disableErrorReporting: true })
)
