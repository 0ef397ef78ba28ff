/** The `line` command: what it understands. `line --help` says it to a person. */
import * as Steering from "@millwright/agents/Steering"
import type * as Fault from "@millwright/core/Fault"
import type * as Gate from "@millwright/core/Gate"
import * as Journal from "@millwright/core/Journal"
import * as Ledger from "@millwright/core/Ledger"
import * as Line from "@millwright/core/Line"
import * as Status from "@millwright/core/Status"
import * as Watch from "@millwright/core/Watch"
import * as Metrics from "@millwright/governance/Metrics"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Answering from "./answering.ts"
import * as Queue from "./backlog.ts"
import * as Ending from "./ending.ts"
import * as Looking from "./looking.ts"
import * as Measuring from "./metrics.ts"
import * as RunLine from "./run-line.ts"
import * as Store from "./store.ts"
import * as Text from "./text.ts"

const root = Command.make("line").pipe(
  Command.withSharedFlags({
    store: Flag.Path("store", { mustExist: false }).pipe(
      Flag.withDescription(
        "The store: a file, a folder with one, or a repository. Default: that of the repository around, else those of its examples"
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

const dimensions = [
  "item",
  "line",
  "run",
  "stage",
  "role",
  "agent",
  "provider",
  "model",
  "paidBy"
] as const satisfies ReadonlyArray<Ledger.Dimension>

const prefix = "npx -y pnpm@12.18.0 line"

/** How a command is typed that means the same store. */
const typed = Effect.map(root, ({ store }) => {
  const flag = Option.match(store, { onNone: () => "", onSome: (path) => ` --store ${quoted(path)}` })
  return (rest: string) => `${prefix} ${rest}${flag}`
})

/** A word for a POSIX shell. */
const quoted = (word: string) => (/^[\w./~+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** Looks at the store that a run is in; without a run, at the only one. */
const look = <E, R>(run: Option.Option<string>, use: (printing: Looking.Printing) => Effect.Effect<void, E, R>) =>
  Effect.gen(function* () {
    const { json, store } = yield* root
    const command = yield* typed
    const stores = yield* Store.locate(store)
    const path = yield* Option.match(run, {
      onNone: () => Store.single(stores),
      onSome: (run) => Store.holding(stores, run)
    })
    yield* Effect.provide(use({ json, print: Console.log, command }), Store.looking(path))
  })

/** Acts on the store that a run is in, and prints where the run stands then. */
const act = <E, R>(run: string, use: Effect.Effect<{ readonly run: string; readonly said: string }, E, R>) =>
  Effect.gen(function* () {
    const { json, store } = yield* root
    const path = yield* Store.holding(yield* Store.locate(store), run)
    yield* Effect.gen(function* () {
      const { run, said } = yield* use
      const progress = yield* Watch.progress(run)
      if (json) return yield* Console.log(Text.json(progress ?? { run }))
      const now = yield* Clock.currentTimeMillis
      yield* Console.log(progress === undefined ? said : `${said}\n${RunLine.text(progress, now)}`)
    }).pipe(Effect.provide(Store.acting(path)))
  })

/** What a process does that has the line, or what to do where there is none. */
const onward = (isRun: boolean, what: string) =>
  isRun
    ? `The process that runs it ${what}.`
    : `No process runs it now. One that has its line ${what} as soon as it takes the run up: start the factory again.`

const settle = (gate: string, answer: Gate.Answer) => {
  const run = gate.includes(":") ? gate.slice(0, gate.indexOf(":")) : gate
  return act(
    run,
    Effect.gen(function* () {
      // Asked before: a process may end with what the answer lets it finish.
      const before = yield* Status.of(run)
      const isRun = before !== undefined && (yield* Line.isRunElsewhere(before))
      yield* Answering.settle(gate, answer)
      return { run, said: `Answered. ${onward(isRun, "goes on with it")}` }
    })
  )
}

/** Where a run stood before it was steered, and whether a living process had it. */
interface Before {
  readonly status: Status.Status
  readonly isRun: boolean
}

/** Steers a run that is there; its name is looked for first, so that a slip is answered with the names that are like it. */
const steer = <A, E, R>(
  run: string,
  said: (before: Before, answer: A) => { readonly run: string; readonly said: string },
  turn: Effect.Effect<A, E, R>
) =>
  act(
    run,
    Effect.gen(function* () {
      const { status } = yield* Looking.known(run)
      const isRun = yield* Line.isRunElsewhere(status)
      return said({ status, isRun }, yield* turn)
    })
  )

const example = (rest: string, description: string) => ({ command: `${prefix} ${rest}`, description })

const list = Command.make(
  "list",
  {
    ...asked,
    status: Flag.Literals("status", tags).pipe(Flag.withDescription("Only runs that stand so"), Flag.optional)
  },
  (asked) =>
    Effect.gen(function* () {
      const { json, store } = yield* root
      const stored = yield* Effect.forEach(yield* Store.locate(store), (path) =>
        Effect.map(Watch.all().pipe(Effect.provide(Store.looking(path))), (all) => ({ store: path, all }))
      )
      yield* Looking.list(stored, asked, { json, print: Console.log })
    })
).pipe(
  Command.withDescription(
    "List the runs: where each stands, what it waits for, what it used; children below their parents"
  ),
  Command.withExamples([
    example("list", "Every run of the repository around, or of its examples"),
    example("list --status Waiting --json", "The runs that wait for a person, as JSON")
  ])
)

const show = Command.make("show", { run }, ({ run }) =>
  look(Option.some(run), (printing) => Looking.show(run, printing))
).pipe(
  Command.withDescription("Show a run: where it stands, its stages and children, what it asks, what it came to"),
  Command.withExamples([example("show issue-1.1", "The first run of the item issue-1")])
)

const cost = Command.make(
  "cost",
  {
    what: Argument.String("run or item").pipe(
      Argument.withDescription("A run, with its children, or an item; without it, all there is"),
      Argument.optional
    ),
    by: Flag.Literals("by", dimensions).pipe(Flag.withDescription("What it is told apart by"), Flag.optional)
  },
  (asked) =>
    Effect.gen(function* () {
      const { json, store } = yield* root
      const stored = yield* Effect.forEach(yield* Store.locate(store), (path) =>
        Effect.map(Ledger.of().pipe(Effect.provide(Store.looking(path))), (ledger) => ({ store: path, ledger }))
      )
      yield* Looking.cost(stored, asked, { json, print: Console.log })
    })
).pipe(
  Command.withDescription("Show what calls of models used and cost: tokens by kind, money, and what is not known"),
  Command.withExamples([
    example("cost", "Every item, the one that cost most first"),
    example("cost issue-1 --by model", "An item, over all of its runs, by model"),
    example("cost issue-1.1 --by agent --json", "A run and its children, with sub-agents apart, as JSON")
  ])
)

const metrics = Measuring.metrics((asked) =>
  Effect.gen(function* () {
    const { json, store } = yield* root
    const stored = yield* Effect.forEach(yield* Store.locate(store), (path) =>
      Effect.map(Metrics.fold.pipe(Effect.provide(Store.looking(path))), (state) => ({ store: path, state }))
    )
    yield* Measuring.show(stored, asked, { json, print: Console.log })
  })
).pipe(
  Command.withExamples([
    example("metrics --days 7 --rate 120", "This week, with people's time at 120 US dollars an hour"),
    example("metrics --from 2026-01-05 --to 2026-02-02 --parts", "Four weeks, with authors, stages and causes apart"),
    example("metrics --days 90 --html quarter.html", "A quarter, as a report with plots for a meeting")
  ])
)

const backlog = Queue.backlog((asked) =>
  Effect.gen(function* () {
    const { json, store } = yield* root
    const stored = yield* Effect.forEach(yield* Store.locate(store), (path) =>
      Effect.map(Queue.read(asked).pipe(Effect.provide(Store.looking(path))), (items) => ({ store: path, items }))
    )
    yield* Queue.show(stored, { json, print: Console.log })
  })
).pipe(Command.withExamples([example("backlog", "What waits for a run, and for what")]))

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
  (asked) => look(asked.run, (printing) => Effect.andThen(Ending.byInterrupt, Looking.tail(asked, printing)))
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
  ({ reason, run }) =>
    steer(
      run,
      ({ isRun, status }) => ({
        run,
        said:
          status._tag === "Cancelled"
            ? "It was cancelled before, and the reason of then stands."
            : `The cancellation stands in the journal. ${onward(isRun, "undoes what its stages did")}`
      }),
      Line.cancel(run, { reason, by: Answering.me() })
    )
).pipe(
  Command.withDescription("Stop a run for good, and its children; what it did is undone where its line says how"),
  Command.withExamples([example('cancel issue-1.1 --reason "a duplicate of issue-0"', "Stop it, and say why")])
)

const resume = Command.make("resume", { run }, ({ run }) =>
  steer(
    run,
    ({ isRun }) => ({ run, said: `Resumed. ${onward(isRun, "goes on with it")}` }),
    Line.resume(run, { by: Answering.me() })
  )
).pipe(
  Command.withDescription("Take a run up again that stalled, or whose process is gone"),
  Command.withExamples([example("resume issue-1.1", "Go on from the last finished stage")])
)

const rewind = Command.make("rewind", { run, before }, ({ before, run }) =>
  steer(
    run,
    ({ isRun }) => ({
      run,
      said: `Sent back to before ${Text.oneLine(before)}. ${onward(isRun, "undoes the rest and goes on from there")}`
    }),
    Line.rewind(run, { before, by: Answering.me() })
  )
).pipe(
  Command.withDescription("Make a run undo and forget a stage and everything after it, and go on from there"),
  Command.withExamples([example("rewind issue-1.1 --before review", "Do the review again, and what follows")])
)

const fork = Command.make("fork", { run, before }, ({ before, run }) =>
  steer(
    run,
    (_, forked: string) => ({ run: forked, said: `Made ${forked}. ${onward(false, "goes on with it")}` }),
    Line.fork(run, { before, by: Answering.me() })
  )
).pipe(
  Command.withDescription("Start another run with what this one did before a stage"),
  Command.withExamples([example("fork issue-1.1 --before implement", "Try another way beside the first")])
)

const tell = Command.make(
  "tell",
  {
    run,
    text: Argument.String("text").pipe(Argument.withDescription("What the agent shall hear")),
    whenDone: Flag.Boolean("when-done").pipe(
      Flag.withDescription("Not at its next turn, but when it gives its outcome"),
      Flag.withDefault(false)
    ),
    session: Flag.String("session").pipe(
      Flag.withDescription("Which agent, where several are at work in the run"),
      Flag.optional
    )
  },
  ({ run, session, text, whenDone }) =>
    steer(
      run,
      ({ isRun }, { role, session }: Steering.AtWork) => {
        const hears = `${role} (${session}) hears it ${whenDone ? "when it gives its outcome" : "at its next turn"}`
        return {
          run,
          said: isRun
            ? `${hears}.`
            : `No process runs it now. ${hears} where its conversation is gone on with; one that begins anew does not hear it.`
        }
      },
      Steering.say({
        to: Option.match(session, { onNone: () => ({ run }), onSome: (session) => ({ session }) }),
        lane: whenDone ? "follow-up" : "steer",
        text
      }).pipe(Journal.as(Answering.me()))
    )
).pipe(
  Command.withDescription("Say something to the agent that works in a run"),
  Command.withExamples([
    example('tell issue-1.1 "Leave the tests alone"', "Steer it"),
    example('tell issue-1.1 "Go over it once more" --when-done', "Give it something to do afterwards")
  ])
)

const approve = Answering.approve(settle).pipe(
  Command.withExamples([example("approve issue-1.1:plan", "Say yes to what this gate asks")])
)
const reject = Answering.reject(settle).pipe(
  Command.withExamples([
    example('reject issue-1.1:plan --note "Smaller steps"', "Say no, and what should be different")
  ])
)
const answer = Answering.answer(settle).pipe(
  Command.withExamples([
    example('answer issue-1.1:name "Millwright"', "Answer in words"),
    example("answer issue-1.1:size --json-answer '{\"days\": 3}'", "Answer with a value")
  ])
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
    backlog,
    cost,
    metrics,
    tail,
    approve,
    reject,
    answer,
    cancel,
    resume,
    rewind,
    fork,
    tell
  ])
)

/** What a person can mend by typing something else. */
const badInput = new Set([
  "BacklogError",
  "StoreError",
  "GitError",
  "LookError",
  "AnswerError",
  "GateError",
  "LineError",
  "MetricsError",
  "SteeringError"
])

/** Tells bad input from a machine that does not work. */
export const isBadInput = ({ _tag }: Fault.Fault): boolean => badInput.has(_tag)
