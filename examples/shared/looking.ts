/** The commands that look at a store and change nothing: `list`, `show`, `cost` and `tail`. */
import * as RunManifest from "@millwright/agents/RunManifest"
import * as Gate from "@millwright/core/Gate"
import * as Journal from "@millwright/core/Journal"
import type * as Ledger from "@millwright/core/Ledger"
import * as Status from "@millwright/core/Status"
import * as Watch from "@millwright/core/Watch"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Cost from "./cost.ts"
import * as Naming from "./naming.ts"
import * as Page from "./page.ts"
import * as RunLine from "./run-line.ts"
import * as RunTable from "./run-table.ts"
import * as Screen from "./screen.ts"
import * as Stages from "./stages.ts"
import * as Telling from "./telling.ts"
import * as Text from "./text.ts"

/** Where to print. */
export interface Printing {
  readonly json: boolean
  readonly print: (text: string) => Effect.Effect<void>
  /** How a command on this store is typed. */
  readonly command: (rest: string) => string
}

/** The runs that `list` and `tail` are about. */
export interface Asked {
  readonly line: Option.Option<string>
  readonly item: Option.Option<string>
}

/** Of how the runs that are listed stand. */
export type AskedStatus = Asked & { readonly status: Option.Option<Status.Status["_tag"]> }

const filterOf = ({ item, line }: Asked): Watch.Filter => ({
  ...(Option.isSome(line) ? { line: line.value } : {}),
  ...(Option.isSome(item) ? { item: item.value } : {})
})

/** The runs of a store. */
export interface Stored {
  readonly store: string
  readonly all: ReadonlyArray<Watch.Progress>
}

/** The runs that are asked for, in a table for each store. */
export const list = (
  stores: ReadonlyArray<Stored>,
  asked: AskedStatus,
  { json, print }: Pick<Printing, "json" | "print">
) =>
  Effect.gen(function* () {
    const isAsked = ({ status }: Watch.Progress) =>
      Option.getOrElse(asked.line, () => status.line) === status.line &&
      Option.getOrElse(asked.item, () => status.item) === status.item &&
      Option.getOrElse(asked.status, () => status._tag) === status._tag
    const shown = stores.map(({ all, store }) => ({ store, all, runs: all.filter(isAsked) }))
    if (json) {
      const runs = shown.flatMap(({ runs, store }) => runs.map((progress) => ({ ...progress, store })))
      return yield* print(Text.json({ runs }))
    }
    const there = shown.reduce((sum, { all }) => sum + all.length, 0)
    const full = shown.filter(({ runs }) => runs.length > 0)
    if (full.length === 0) return yield* print(there === 0 ? "No runs." : `No run is as asked for, of ${there}.`)
    const now = yield* Clock.currentTimeMillis
    const columns = columnsOf()
    const isColoured = Screen.isColoured(process.stdout, process.env)
    const tables = full.map(({ all, runs, store }) => {
      const { head, lines } = RunTable.make(runs, { all, now, columns })
      const table = [head, ...lines].map((line) => Screen.lineOf(line, columns, isColoured).trimEnd())
      return [...(stores.length === 1 ? [] : [`Store ${store}`]), ...table].join("\n")
    })
    yield* print(tables.join("\n\n"))
  })

/** What was spent, in a table for each store that has what is asked for. */
export const cost = (
  stores: ReadonlyArray<{ readonly store: string; readonly ledger: Ledger.Ledger }>,
  asked: Cost.Asked,
  { json, print }: Pick<Printing, "json" | "print">
) =>
  Effect.gen(function* () {
    const costs = stores.flatMap(({ ledger, store }) => {
      const cost = Cost.of(ledger, asked)
      return cost === undefined ? [] : [{ store, ...cost }]
    })
    if (costs.length === 0 && Option.isSome(asked.what)) {
      return yield* Naming.noSuchThing(
        asked.what.value,
        stores.flatMap(({ ledger }) => Cost.names(ledger))
      )
    }
    if (json) return yield* print(Text.json({ costs }))
    const tables = costs.map((cost) => [...(stores.length === 1 ? [] : [`Store ${cost.store}`]), ...Cost.lines(cost)])
    yield* print(tables.map((lines) => lines.join("\n")).join("\n\n"))
  })

/** How wide the terminal is, where there is one that says so. */
const columnsOf = () => (process.stdout.isTTY && process.stdout.columns > 0 ? process.stdout.columns : Infinity)

/** The progress of a run. Fails with the names that are like it. */
export const known = Effect.fnUntraced(function* (run: string) {
  const progress = yield* Watch.progress(run)
  if (progress !== undefined) return progress
  return yield* Naming.noSuchRun(
    run,
    (yield* Status.runs()).map((status) => status.run)
  )
})

/** All about a run: where it stands, its stages, its gates, its children, and what it came to. */
export const show = (run: string, { command, json, print }: Printing) =>
  Effect.gen(function* () {
    const progress = yield* known(run)
    const gates = [...(yield* Gate.list(run)).values()]
    const stages = [...(yield* Journal.fold(new Map<string, Stages.Row>(), Stages.step, run)).values()]
    const children = below(run, yield* Watch.all())
    const manifest = yield* RunManifest.of(run)
    const now = yield* Clock.currentTimeMillis
    yield* print(
      json
        ? Text.json({ ...progress, gates, stages, children, manifest })
        : Page.of({ progress, gates, stages, children, manifest, now, command }).join("\n")
    )
  })

/** The runs that one started, and those that these started; each right below its parent. */
const below = (run: string, all: ReadonlyArray<Watch.Progress>): ReadonlyArray<Watch.Progress> => {
  const started = Map.groupBy(all, ({ status }) => status.parent?.run)
  const from = (parent: string): ReadonlyArray<Watch.Progress> =>
    (started.get(parent) ?? []).flatMap((progress) => [progress, ...from(progress.status.run)])
  return from(run)
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
    if (!json) return yield* tell(changes, print)
    yield* Stream.runForEach(changes, ({ changed }) => print(changed.map(Text.json).join("\n")))
  })

/** Tells what happens, each thing in a line of its own. */
const tell = <E, R>(changes: Stream.Stream<Watch.Change, E, R>, print: Printing["print"]) =>
  Effect.suspend(() => {
    const seen = new Map<string, Watch.Progress>()
    let widest = 0
    return Stream.runForEach(changes, ({ changed }) => {
      widest = changed.reduce((most, { status }) => Math.max(most, Text.width(Text.oneLine(status.run))), widest)
      const lines = changed.flatMap((progress) => {
        const { run } = progress.status
        const told = Telling.told(seen.get(run), progress)
        seen.set(run, progress)
        return told.map(
          (text) => `${RunLine.moment(progress.changedAt)}  ${Text.column(Text.oneLine(run), widest)}  ${text}`
        )
      })
      return lines.length === 0 ? Effect.void : print(lines.join("\n"))
    })
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
      const { lines } = RunTable.make([...open, ...over], { now, columns: columnsOf() })
      if (runs.length > 0) draw(lines)
    })
    const take = Stream.runForEach(changes, ({ changed }) =>
      Effect.sync(() => changed.forEach((progress) => known.set(progress.status.run, progress)))
    )
    yield* Effect.raceFirst(take, Effect.forever(Effect.andThen(picture, Effect.sleep("250 millis"))))
    yield* picture
  }).pipe(Effect.scoped)
