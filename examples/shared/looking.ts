/** The commands that look at a store and change nothing: `list`, `show` and `tail`. */
import * as Actor from "@millwright/core/Actor"
import * as Fault from "@millwright/core/Fault"
import * as Gate from "@millwright/core/Gate"
import * as Status from "@millwright/core/Status"
import * as Usage from "@millwright/core/Usage"
import * as Watch from "@millwright/core/Watch"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as RunLine from "./run-line.ts"
import * as Screen from "./screen.ts"
import * as Text from "./text.ts"

/** What was asked for is not there. */
export class LookError extends Fault.Class<LookError>()("LookError", { NoSuchRun: false }) {}

/** Where to print. */
export interface Printing {
  readonly json: boolean
  readonly print: (text: string) => Effect.Effect<void>
}

/** The runs that `list` and `tail` are about. */
export interface Asked {
  readonly line: Option.Option<string>
  readonly item: Option.Option<string>
}

const filterOf = ({ item, line }: Asked): Watch.Filter => ({
  ...(Option.isSome(line) ? { line: line.value } : {}),
  ...(Option.isSome(item) ? { item: item.value } : {})
})

/** Every run in a line. */
export const list = (asked: Asked & { readonly status: Option.Option<Status.Status["_tag"]> }, printing: Printing) =>
  Effect.gen(function* () {
    const runs = (yield* Watch.all(filterOf(asked))).filter(
      ({ status }) => Option.isNone(asked.status) || status._tag === asked.status.value
    )
    const now = yield* Clock.currentTimeMillis
    yield* printing.print(
      printing.json
        ? Text.json({ runs })
        : runs.length === 0
          ? "No runs."
          : runs.map((progress) => RunLine.text(progress, now)).join("\n")
    )
  })

/** The progress of a run. Fails with the names that are like it. */
export const known = Effect.fnUntraced(function* (run: string) {
  const progress = yield* Watch.progress(run)
  if (progress !== undefined) return progress
  const names = (yield* Watch.all()).map(({ status }) => status.run)
  const like = Text.near(run, names)
  return yield* new LookError({
    reason: "NoSuchRun",
    message: `There is no run "${Text.oneLine(run)}" in this store. ${
      like.length > 0 ? `Did you mean ${like.join(", ")}?` : `There are ${names.length}; list shows them.`
    }`
  })
})

/** All about a run: where it stands, its gates, and what it came to. */
export const show = (run: string, { json, print }: Printing) =>
  Effect.gen(function* () {
    const progress = yield* known(run)
    const gates = [...(yield* Gate.list(run)).values()]
    const now = yield* Clock.currentTimeMillis
    yield* print(json ? Text.json({ ...progress, gates }) : page(progress, gates, now).join("\n"))
  })

const page = (progress: Watch.Progress, gates: ReadonlyArray<Gate.Gate>, now: number): ReadonlyArray<string> => {
  const { attempts, done, open, spent, startedAt, status } = progress
  const row = (name: string, text: string) => `${name.padEnd(10)}${text}`
  return [
    row("Run", `${status.run}: ${Text.oneLine(status.title)}`),
    row("Line", Text.oneLine(status.line)),
    row("Status", `${status._tag}${came(status)}`),
    row("Started", `${new Date(startedAt).toISOString()}, ${RunLine.duration(now - startedAt)} ago`),
    row(
      "Stages",
      `${done.length} done in ${attempts} attempts${done.length === 0 ? "" : `: ${done.map(Text.oneLine).join(", ")}`}`
    ),
    ...open.map(({ attempt, since, stage }) =>
      row("", `${Text.oneLine(stage)}, attempt ${attempt}, for ${RunLine.duration(now - since)}`)
    ),
    row(
      "Used",
      `${Usage.total(spent.bill.usage)} tokens, ${RunLine.money(spent.bill)}, ${RunLine.duration(spent.time)} in stages`
    ),
    ...gates.flatMap(({ answered, opened, openedAt }) => [
      "",
      row("Gate", `${Text.oneLine(opened.gate)} (${Text.oneLine(opened.cause)})`),
      ...Text.plain(`${opened.question}\n${opened.context}`.trim())
        .split("\n")
        .map((line) => `  ${line}`),
      answered === undefined
        ? row(
            "Open",
            status.openGates.includes(opened.gate) ? `for ${RunLine.duration(now - openedAt)}` : "the run is over"
          )
        : row(
            "Answered",
            `by ${Text.oneLine(Actor.label(answered.by))}: ${Text.oneLine(JSON.stringify(answered.answer))}`
          )
    ])
  ]
}

const came = (status: Status.Status): string => {
  switch (status._tag) {
    case "Finished":
      return `: ${Text.fit(Text.oneLine(JSON.stringify(status.result)), 400)}`
    case "Parked":
    case "Cancelled":
      return `: ${Text.oneLine(status.reason)}`
    case "Stalled":
    case "Failed":
      return `: ${Text.oneLine(status.fault.message)}`
    default:
      return ""
  }
}

/** One run until it is over, or all runs for as long as somebody looks. */
export const tail = (
  asked: Asked & { readonly run: Option.Option<string>; readonly after: Option.Option<number> },
  { json, print }: Printing
) =>
  Effect.gen(function* () {
    if (Option.isSome(asked.run)) yield* known(asked.run.value)
    const from = Option.match(asked.after, { onNone: () => ({}), onSome: (after) => ({ after }) })
    const changes = Option.match(asked.run, {
      onNone: () => Watch.runs(filterOf(asked), from),
      onSome: (run) => Stream.map(Watch.run(run, from), (now) => ({ seq: now.seq, changed: [now] }))
    })
    if (!json && Screen.isLive(process.stdout, process.env)) return yield* live(changes)
    const told = (progress: Watch.Progress) =>
      `${new Date(progress.changedAt).toISOString().slice(0, 19)}  ${RunLine.text(progress, progress.changedAt)}`
    yield* Stream.runForEach(changes, ({ changed }) =>
      print(changed.map((progress) => (json ? Text.json(progress) : told(progress))).join("\n"))
    )
  })

/** Draws in place what is known now, four times a second at most. Runs that are over stand below those that are not. */
const live = <E, R>(changes: Stream.Stream<Watch.Change, E, R>) =>
  Effect.gen(function* () {
    const draw = yield* Screen.open(process.stdout, Screen.isColoured(process.stdout, process.env))
    const known = new Map<string, Watch.Progress>()
    const picture = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const runs = [...known.values()]
      const open = runs.filter(({ status }) => !Status.isEnded(status))
      const over = runs.filter(({ status }) => Status.isEnded(status)).toReversed()
      if (runs.length > 0) draw([...open, ...over].map((progress) => RunLine.pieces(progress, now)))
    })
    const take = Stream.runForEach(changes, ({ changed }) =>
      Effect.sync(() => changed.forEach((progress) => known.set(progress.status.run, progress)))
    )
    yield* Effect.raceFirst(take, Effect.forever(Effect.andThen(picture, Effect.sleep("250 millis"))))
    yield* picture
  }).pipe(Effect.scoped)
