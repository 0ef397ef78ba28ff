import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Answering from "@millwright-examples/shared/answering"
import * as Text from "@millwright-examples/shared/text"
import * as Progress from "@millwright/agents/Progress"
import * as Fault from "@millwright/core/Fault"
import * as Gate from "@millwright/core/Gate"
import * as Git from "@millwright/core/Git"
import * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Policy from "@millwright/core/Policy"
import * as Redaction from "@millwright/core/Redaction"
import * as Status from "@millwright/core/Status"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import * as SandboxSpec from "@millwright/sandbox/SandboxSpec"
import * as Cause from "effect/Cause"
import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Prompt from "effect/cli/Prompt"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import { fileURLToPath } from "node:url"
import * as Demo from "./demo.ts"
import * as Environment from "./environment.ts"
import * as Factory from "./factory.ts"
import * as Intake from "./intake.ts"
import { IssueToChange } from "./line.ts"
import * as Models from "./models.ts"
import * as Follow from "./progress.ts"
import * as Skills from "./skills.ts"
import * as Summary from "./summary.ts"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const command = "npx -y pnpm@12.18.0 quickstart"

/** Titles, reasons and paths are somebody else's: none of them may steer the terminal. */
const print = (text: string) => console.log(Text.plain(text))

const flags = {
  repo: Flag.Directory("repo", { mustExist: false }).pipe(
    Flag.withDescription(
      "The repository to work in; a run in it needs --issue. Default: a small demo repository, made on the spot"
    ),
    Flag.optional
  ),
  issue: Flag.File("issue", { mustExist: false }).pipe(
    Flag.withDescription("The issue, a Markdown file. Default, without --repo: the bug of the demo repository"),
    Flag.optional
  ),
  model: Flag.String("model").pipe(
    Flag.withDescription(
      `The model, as its provider names it. Default: ${Models.defaults.anthropic}, and ${Models.defaults.openAi} over the OpenAI protocol`
    ),
    Flag.optional
  ),
  skills: Flag.Directory("skills", { mustExist: false }).pipe(
    Flag.withDescription(
      "A folder with skills of your own: triage/SKILL.md, spec/…, implement/…, review/…. Default: the bundled ones"
    ),
    Flag.optional
  ),
  attempts: Flag.Int("attempts").pipe(
    Flag.filter(
      (attempts) => attempts >= 1,
      (attempts) => `${attempts} attempts are none. Give 1 or more`
    ),
    Flag.withDescription("How often a new run may try the work before the item is parked. Default: 3"),
    Flag.withDefault(3)
  ),
  budget: Flag.Finite("budget").pipe(
    Flag.filter(
      (usd) => usd > 0,
      (usd) => `${usd} US dollars buy nothing. Give more than 0`
    ),
    Flag.withDescription("The most that a run may cost, in US dollars. Default: 5"),
    Flag.withDefault(5)
  ),
  tokens: Flag.Int("tokens").pipe(
    Flag.filter(
      (tokens) => tokens > 0,
      (tokens) => `${tokens} tokens are none. Give 1 or more`
    ),
    Flag.withDescription(
      "The most that a run may use, in tokens; then there is no limit in money. Default: --budget holds"
    ),
    Flag.optional
  ),
  review: Flag.Boolean("review").pipe(
    Flag.withDescription("Ask a person before a new run delivers any change, whatever the policy says. Default: no"),
    Flag.withDefault(false)
  ),
  sandbox: Flag.Literals("sandbox", ["worktree", "bubblewrap"]).pipe(
    Flag.withDescription(
      "Where agents work: a worktree, which isolates nothing, or a clone behind bubblewrap (Linux). Default: worktree"
    ),
    Flag.withDefault("worktree" as const)
  ),
  fresh: Flag.Boolean("fresh").pipe(
    Flag.withDescription("Begin a new run, also when one of this issue is not over. Default: go on with that one"),
    Flag.withDefault(false)
  ),
  rehearsal: Flag.File("rehearsal").pipe(
    Flag.withDescription("The script that is played when there is no key. Default: that of the demo"),
    Flag.withDefault(here("./rehearsal.json"))
  )
}

const root = Command.make("quickstart").pipe(Command.withSharedFlags(flags))

/** The small demo change may ship by itself; in any other repository source code is a matter for a person. */
const policyFor = ({ isDemo, review }: { readonly isDemo: boolean; readonly review: boolean }): Policy.Policy => {
  if (review) {
    return {
      rules: [{ name: "asked for with --review", paths: ["**"], class: "HumanReview" }],
      maxLines: Number.MAX_SAFE_INTEGER,
      maxFiles: Number.MAX_SAFE_INTEGER
    }
  }
  return isDemo
    ? {
        ...Policy.careful,
        maxLines: 60,
        rules: [...Policy.careful.rules, { name: "small source changes", paths: ["src/**"], class: "AutoShip" }]
      }
    : Policy.careful
}

const locate = Effect.fnUntraced(function* (repo: Option.Option<string>) {
  const path = yield* Path.Path
  const isDemo = Option.isNone(repo)
  const target = isDemo ? here("../../.millwright/quickstart/repository") : path.resolve(repo.value)
  return { isDemo, target }
})

const office = Effect.fnUntraced(function* (repository: string) {
  const path = yield* Path.Path
  const store = path.join(yield* Git.commonDir(repository), "millwright", "factory.db")
  return { store, sessions: path.join(path.dirname(store), "sessions"), layer: Factory.office(store, repository) }
})

/** The repository that `--repo` names, and its office where there is one: looking at it must not make it. */
const found = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const { isDemo, target } = yield* locate((yield* root).repo)
  if (isDemo && !(yield* files.exists(target))) return { isDemo, repository: target, layer: Option.none() }
  const repository = yield* Git.root(target)
  const { layer, store } = yield* office(repository)
  return { isDemo, repository, layer: (yield* files.exists(store)) ? Option.some(layer) : Option.none() }
})

type Settings = Command.Command.Config.Infer<typeof flags>

const run = (
  { attempts, budget, fresh, issue, model, rehearsal, repo, review, sandbox, skills, tokens }: Settings,
  keys: Models.Keys
) =>
  Effect.gen(function* () {
    const path = yield* Path.Path
    if (Option.isSome(repo) && Option.isNone(issue)) {
      return yield* new Intake.IntakeError({
        reason: "NoIssue",
        message:
          `There is a repository, ${repo.value}, and no issue to work on. Name a Markdown file with a heading that ` +
          `says what is wrong or wanted: \`--repo ${repo.value} --issue issue.md\`.`
      })
    }
    const roles = yield* Skills.roles(Option.getOrUndefined(skills))
    const { isDemo, target } = yield* locate(repo)
    const own = isDemo ? undefined : yield* Intake.repository(target)
    const reference = path.resolve(Option.getOrElse(issue, () => here("./issues/lost-remainder.md")))
    const item = yield* Intake.issue(target, reference)
    const selected = yield* Models.make(keys, { model: Option.getOrUndefined(model), rehearsal })
    if (Option.isNone(tokens)) yield* Models.priced(selected.model, budget)
    // Only now, so that bad input leaves nothing behind.
    const made = own ?? (yield* Effect.flatMap(Demo.repository(here("./demo"), target), Intake.repository))
    const { base, into, root: repository } = made
    yield* Console.log(`${selected.line}\nRepository ${repository}\n`)
    const spendable = Option.match(tokens, { onNone: () => ({ usd: budget }), onSome: (tokens) => ({ tokens }) })
    const { layer, sessions } = yield* office(repository)
    const floor = Factory.floor({
      sessions,
      model: selected.model,
      sandbox,
      settings: { roles },
      limits: { ...spendable, time: "2 hours" }
    })
    const payload = { item, repository, base, into, attempts, policy: policyFor({ isDemo, review }) }
    yield* work(payload, { fresh, commands: { again: again(), answer: answerIn(repository, isDemo) } }).pipe(
      Effect.provide(floor.pipe(Layer.provideMerge(layer))),
      Effect.provideService(Progress.Progress, Follow.tools(print))
    )
  }).pipe(Effect.scoped)

type Payload = Parameters<typeof IssueToChange.start>[0]

/** Goes on with the last run of this item that is not over and that nobody else runs; otherwise starts one. */
const work = (
  payload: Payload,
  { commands, fresh }: { readonly commands: Summary.Commands; readonly fresh: boolean }
) =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    const before = yield* Stream.runFold(
      journal.read(),
      () => 0,
      (_, { seq }) => seq
    )
    const open = (yield* Status.runs(IssueToChange.name))
      .filter((run) => !fresh && run.item === payload.item.id && !Status.isEnded(run))
      .toReversed()
    const free = yield* Effect.findFirst(open, (status) => Effect.map(Line.isRunElsewhere(status), (yes) => !yes))
    const run = Option.isSome(free) ? free.value.run : yield* IssueToChange.start(payload)
    yield* Effect.forkScoped(Follow.follow(run, before, print))
    if (Option.isSome(free)) yield* Line.resume(run)
    const status = yield* settle(run).pipe(
      Effect.onInterrupt(() => Console.error(`\nInterrupted. What was finished is kept; go on with: ${commands.again}`))
    )
    print(`\n${yield* Summary.of(run, commands)}`)
    yield* tidy(payload)
    process.exitCode = status._tag === "Waiting" ? 3 : status._tag === "Stalled" || status._tag === "Failed" ? 1 : 0
  }).pipe(Effect.scoped)

/** Removes the workspaces of this item's runs that are over. Their branches stay, and what is still in use is left. */
const tidy = Effect.fnUntraced(function* ({ base, item, repository }: Payload) {
  const sandbox = yield* Sandbox.Sandbox
  const discard = ({ run }: Status.Status) =>
    sandbox.discard(SandboxSpec.checkout({ id: run, repository, base, branch: `millwright/${run}` }))
  const over = (yield* Status.runs(IssueToChange.name)).filter((run) => run.item === item.id && Status.isEnded(run))
  yield* Effect.forEach(over, (run) => Effect.ignore(discard(run)), { discard: true })
})

/** Waits for the run; in a terminal, asks the person who sits there what the run asks. */
const settle = Effect.fnUntraced(function* (run: string) {
  while (true) {
    const status = yield* Line.settled(run)
    const [id] = status.openGates
    if (status._tag !== "Waiting" || id === undefined || !process.stdin.isTTY) return status
    // Whoever is faster: the person here, or another one at another terminal.
    const isLeft = yield* Effect.raceFirst(ask(run, id), answered(id)).pipe(
      Effect.as(false),
      // Ctrl-C at a question leaves it open; the summary says how it is answered later.
      Effect.catchTag("QuitError", () => Effect.succeed(true))
    )
    if (isLeft) return status
  }
})

const ask = Effect.fnUntraced(function* (run: string, id: string) {
  const opened = (yield* Gate.list(run)).get(id)?.opened
  if (opened !== undefined) yield* Console.log(`\n${Summary.asked(opened)}\n`)
  yield* Answering.settle(
    id,
    opened?.kind === "answer" ? yield* reply : (yield* agree) ? { _tag: "Approve" } : yield* refusal
  )
})

const answered = Effect.fnUntraced(function* (id: string) {
  const journal = yield* Journal.Journal
  yield* journal.follow().pipe(
    Stream.filter(({ fact }) => fact._tag === "GateAnswered" && fact.gate === id),
    Stream.runHead
  )
})

const agree = Prompt.run(Prompt.Confirm({ message: "Yes?" }))
const reply = Effect.map(Prompt.run(Prompt.String({ message: "Answer" })), (text) => ({ _tag: "Reply" as const, text }))
const refusal = Effect.map(
  Prompt.run(
    Prompt.String({
      message: "What should be different?",
      validate: (why) =>
        why.trim() === "" ? Effect.fail("Say why: the work is done again with it") : Effect.succeed(why)
    })
  ),
  (note) => ({ _tag: "Reject" as const, note })
)

/** The office of the repository that `--repo` names, where something has run. */
const used = Effect.gen(function* () {
  const { layer, repository } = yield* found
  if (Option.isSome(layer)) return layer.value
  return yield* new Intake.IntakeError({
    reason: "NothingRan",
    message: `Nothing has run in ${repository} yet, so no gate is open there. Name the repository of the run with --repo.`
  })
})

/** Answers a gate of the repository that `--repo` names. */
const answering = (gate: string, answer: Gate.Answer) =>
  Effect.gen(function* () {
    yield* Answering.settle(gate, answer).pipe(Effect.provide(yield* used))
    yield* Console.log(
      "Answered. A process that waits for it goes on; if there is none, run the command again that began the run."
    )
  })

const gate = Argument.String("gate").pipe(Argument.withDescription("The gate, as the run printed it"))

const show = Command.make("show", { gate }, ({ gate: id }) =>
  Effect.gen(function* () {
    const gates = yield* Gate.list().pipe(Effect.provide(yield* used))
    const gate = gates.get(id)
    if (gate !== undefined) return yield* Console.log(Summary.asked(gate.opened))
    return yield* new Intake.IntakeError({
      reason: "NoSuchGate",
      message: `There is no gate "${id}". The gates: ${[...gates.keys()].join(", ") || "none"}.`
    })
  })
).pipe(Command.withDescription("Print what a gate asks, and what to read before it is answered"))

const list = Command.make("runs", {}, () =>
  Effect.gen(function* () {
    const { isDemo, layer, repository } = yield* found
    const lines = Option.isNone(layer)
      ? []
      : yield* listed({ answer: answerIn(repository, isDemo) }).pipe(Effect.provide(layer.value))
    print(lines.length === 0 ? `No runs in ${repository}.` : lines.join("\n"))
  })
).pipe(Command.withDescription("List the runs of a repository, and how the open gates are answered"))

/** Every run in a line, and below it what it asks. */
const listed = Effect.fnUntraced(function* (commands: Pick<Summary.Commands, "answer">) {
  const gates = yield* Gate.list()
  const blocks = yield* Effect.forEach(yield* Status.runs(IssueToChange.name), (run) =>
    Effect.gen(function* () {
      const isLeft = run._tag === "Running" && !(yield* Line.isRunElsewhere(run))
      const asked = run.openGates.flatMap((id) => {
        const opened = run._tag === "Waiting" ? gates.get(id)?.opened : undefined
        return opened === undefined ? [] : [`Waiting       ${opened.question}`, ...Summary.answers(opened, commands)]
      })
      const line = `${run.run.padEnd(40)}${(isLeft ? "Interrupted" : run._tag).padEnd(13)}${run.title}`
      return [line, ...asked.map((text) => `  ${text}`)]
    })
  )
  return blocks.flat()
})

/** What was typed, but to go on with the run and not to begin another one. */
const again = () =>
  [command, ...process.argv.slice(2).filter((word) => !/^--fresh(?:=|$)/.test(word))].map(quoted).join(" ")

const answerIn =
  (repository: string, isDemo: boolean): Summary.Commands["answer"] =>
  (verb, gate) =>
    [command, ...(isDemo ? [] : ["--repo", repository]), verb, gate].map(quoted).join(" ")

/** A word as a shell takes it; the command itself is several words and stays. */
const quoted = (word: string) =>
  word === command || /^[\w./:=@-][\w./:=@#-]*$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

/** Bad input, as opposed to a machine that does not work. */
const badInput = new Set([
  "IntakeError",
  "WorkItemError",
  "GitError",
  "SkillError",
  "ForgeError",
  "GateError",
  "AnswerError",
  "LineError"
])

/** What a provider says about the key and the model that it was asked with, before anything runs. */
const badModel = new Set(["Unauthorized", "UnknownModel"])

const explain = (cause: Cause.Cause<unknown>) =>
  Effect.sync(() => {
    if (Cause.hasInterruptsOnly(cause)) {
      process.exitCode = 130
      return
    }
    const error = Cause.squash(cause)
    if (CliError.isCliError(error)) {
      process.exitCode = 2
      return
    }
    process.exitCode = Fault.isFault(error) && (badInput.has(error._tag) || badModel.has(error.reason)) ? 2 : 1
    console.error(Text.plain(Fault.isFault(error) ? error.message : Fault.record(error).message))
  })

export const main = (args: ReadonlyArray<string>): void => {
  // A package manager runs scripts in the root of the workspace; paths are meant from where the person is.
  process.chdir(process.env["INIT_CWD"] ?? process.cwd())
  const { keys, secrets } = Environment.take(process.env)
  const cli = root.pipe(
    Command.withHandler((settings) => run(settings, keys)),
    Command.withDescription(
      "Carries an issue through triage, code, validation, review and policy to a change on a branch. " +
        "Exit codes: 0 delivered or parked, 1 stalled or failed, 2 bad input, 3 waiting for a person"
    ),
    Command.withSubcommands([
      show,
      Answering.approve(answering),
      Answering.reject(answering),
      Answering.answer(answering),
      list
    ])
  )
  Command.runWith(cli, { version: "0.0.0" })(args).pipe(
    Effect.catchCause(explain),
    Effect.provide(NodeServices.layer),
    Effect.provideService(Redaction.Secrets, secrets),
    (program) => NodeRuntime.runMain(program, { disableErrorReporting: true })
  )
}
