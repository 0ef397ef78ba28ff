/** The `line` command: what it understands. `line --help` says it to a person. */
import type * as Fault from "@millwright/core/Fault"
import type * as Gate from "@millwright/core/Gate"
import * as Line from "@millwright/core/Line"
import type * as Status from "@millwright/core/Status"
import * as Watch from "@millwright/core/Watch"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Answering from "./answering.ts"
import * as Ending from "./ending.ts"
import * as Looking from "./looking.ts"
import * as RunLine from "./run-line.ts"
import * as Store from "./store.ts"
import * as Text from "./text.ts"

const root = Command.make("line").pipe(
  Command.withSharedFlags({
    store: Flag.Path("store", { mustExist: false }).pipe(
      Flag.withDescription(
        "The store: a file, a folder with one, or a repository. Default: that of the repository around"
      ),
      Flag.optional
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print one JSON document, or one a line for tail"),
      Flag.withDefault(false)
    )
  })
)

const run = Argument.String("run").pipe(Argument.withDescription("The run, as list prints it"))
const before = Flag.String("before").pipe(Flag.withDescription("The stage, as show prints it"))
const asked = {
  line: Flag.String("line").pipe(Flag.withDescription("Only runs of this line"), Flag.optional),
  item: Flag.String("item").pipe(Flag.withDescription("Only runs of this work item"), Flag.optional)
}
const tags = [
  "Running",
  "Waiting",
  "Stalled",
  "Finished",
  "Parked",
  "Cancelled",
  "Failed"
] as const satisfies ReadonlyArray<Status.Status["_tag"]>

/** Looks at the store that is meant. */
const look = <E, R>(use: (printing: Looking.Printing) => Effect.Effect<void, E, R>) =>
  Effect.gen(function* () {
    const { json, store } = yield* root
    const path = yield* Store.locate(store)
    yield* Effect.provide(use({ json, print: Console.log }), Store.looking(path))
  })

/** Acts on the store that is meant, and prints where the run stands then. */
const act = <E, R>(use: Effect.Effect<{ readonly run: string; readonly said: string }, E, R>) =>
  Effect.gen(function* () {
    const { json, store } = yield* root
    const path = yield* Store.locate(store)
    yield* Effect.gen(function* () {
      const { run, said } = yield* use
      const progress = yield* Watch.progress(run)
      if (json) return yield* Console.log(Text.json(progress ?? { run }))
      const now = yield* Clock.currentTimeMillis
      yield* Console.log(progress === undefined ? said : `${said}\n${RunLine.text(progress, now)}`)
    }).pipe(Effect.provide(Store.acting(path)))
  })

const settle = (gate: string, answer: Gate.Answer) =>
  act(
    Effect.gen(function* () {
      const run = gate.slice(0, Math.max(0, gate.indexOf(":")))
      yield* Answering.settle(gate, answer)
      return { run, said: "Answered. A process that runs the line goes on; if there is none, resume the run." }
    })
  )

/** Steers a run that is there; its name is looked for first, so that a slip is answered with the names that are like it. */
const steer = <A, E, R>(
  run: string,
  said: (answer: A) => { readonly run: string; readonly said: string },
  turn: Effect.Effect<A, E, R>
) => act(Effect.andThen(Looking.known(run), Effect.map(turn, said)))

const example = (rest: string, description: string) => ({ command: `npx -y pnpm@12.18.0 line ${rest}`, description })

const list = Command.make(
  "list",
  {
    ...asked,
    status: Flag.Literals("status", tags).pipe(Flag.withDescription("Only runs that stand so"), Flag.optional)
  },
  (asked) => look((printing) => Looking.list(asked, printing))
).pipe(
  Command.withDescription("List the runs"),
  Command.withExamples([
    example("list", "Every run of the repository around"),
    example("list --status Waiting --json", "The runs that wait for a person, as JSON")
  ])
)

const show = Command.make("show", { run }, ({ run }) => look((printing) => Looking.show(run, printing))).pipe(
  Command.withDescription("Show a run: where it stands, what it used, what it asks"),
  Command.withExamples([example("show issue-1.1", "The first run of the item issue-1")])
)

const tail = Command.make(
  "tail",
  {
    ...asked,
    run: Argument.String("run").pipe(Argument.withDescription("The run; without it, all runs"), Argument.optional),
    after: Flag.Int("after").pipe(
      Flag.withDescription("Only what came after this place (seq) in the journal"),
      Flag.optional
    )
  },
  (asked) => look((printing) => Effect.andThen(Ending.byInterrupt, Looking.tail(asked, printing)))
).pipe(
  Command.withDescription("Watch runs as they go on: one until it is over, or all until Ctrl-C"),
  Command.withExamples([
    example("tail", "All runs; in a terminal they are drawn in place"),
    example("tail issue-1.1 --json --after 120", "One JSON document a line, from a place in the journal on")
  ])
)

const cancel = Command.make(
  "cancel",
  { run, reason: Flag.String("reason").pipe(Flag.withDescription("Why; it stands in the journal")) },
  ({ reason, run }) => steer(run, () => ({ run, said: "Cancelled." }), Line.cancel(run, { reason, by: Answering.me() }))
).pipe(
  Command.withDescription("Stop a run for good"),
  Command.withExamples([example('cancel issue-1.1 --reason "a duplicate of issue-0"', "Stop it, and say why")])
)

const resume = Command.make("resume", { run }, ({ run }) =>
  steer(run, () => ({ run, said: "Resumed. A process that has the line goes on with it." }), Line.resume(run))
).pipe(
  Command.withDescription("Take a run up again that stalled, or whose process is gone"),
  Command.withExamples([example("resume issue-1.1", "Go on from the last finished stage")])
)

const rewind = Command.make("rewind", { run, before }, ({ before, run }) =>
  steer(
    run,
    () => ({
      run,
      said: `It goes back to before ${before}, as soon as a process that has its line has undone the rest.`
    }),
    Line.rewind(run, { before, by: Answering.me() })
  )
).pipe(
  Command.withDescription("Make a run undo and forget a stage and everything after it, and go on from there"),
  Command.withExamples([example("rewind issue-1.1 --before review", "Do the review again, and what follows")])
)

const fork = Command.make("fork", { run, before }, ({ before, run }) =>
  steer(run, (forked: string) => ({ run: forked, said: `Started ${forked}.` }), Line.fork(run, { before }))
).pipe(
  Command.withDescription("Start another run with what this one did before a stage"),
  Command.withExamples([example("fork issue-1.1 --before implement", "Try another way beside the first")])
)

/** The command. */
export const line = root.pipe(
  Command.withDescription(
    "Looks at the runs of a factory and steers them, beside the processes that run them. " +
      "Exit codes: 0 done, 2 bad input, 1 anything else"
  ),
  Command.withSubcommands([
    list,
    show,
    tail,
    Answering.approve(settle),
    Answering.reject(settle),
    Answering.answer(settle),
    cancel,
    resume,
    rewind,
    fork
  ])
)

/** What a person can mend by typing something else. */
const badInput = new Set(["StoreError", "GitError", "LookError", "AnswerError", "GateError", "LineError"])

/** Tells bad input from a machine that does not work. */
export const isBadInput = ({ _tag }: Fault.Fault): boolean => badInput.has(_tag)
