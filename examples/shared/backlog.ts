/** The command `backlog`: the items that have not ended, and what each of them waits for. */
import * as Backlog from "@millwright/core/Backlog"
import type * as BacklogItem from "@millwright/core/BacklogItem"
import * as Journal from "@millwright/core/Journal"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as Looking from "./looking.ts"
import * as RunLine from "./run-line.ts"
import * as Text from "./text.ts"

/** An item, and where it stands. */
export interface Listed {
  readonly item: BacklogItem.Item
  readonly standing: Backlog.Standing
}

/** What is asked for. */
export interface Asked {
  readonly limit: number
}

const flags = {
  limit: Flag.Int("open-questions").pipe(
    Flag.withDescription("From so many open questions on an item is not started, as the factory's dispatcher has it"),
    Flag.withDefault(3)
  )
}

/** `backlog`. Which stores are looked at is the program's. */
export const backlog = <E, R>(look: (asked: Asked) => Effect.Effect<void, E, R>) =>
  Command.make("backlog", flags, look).pipe(
    Command.withDescription("Show the items that have not ended: which is ready, and what the others wait for")
  )

/** The items of a journal that have not ended, the most urgent first. */
export const read = Effect.fnUntraced(function* ({ limit }: Asked) {
  const backlog = yield* Effect.fromResult(Backlog.make({ openQuestions: limit }))
  const journal = yield* Journal.Journal
  yield* Stream.runForEach(journal.read(), (event) => Effect.sync(() => Backlog.see(backlog, event)))
  // What was put off until now is ready, also where nobody has looked since.
  Backlog.next(backlog, yield* Clock.currentTimeMillis)
  return [...backlog.entries.values()]
    .flatMap(({ id, item }): ReadonlyArray<Listed> => {
      const standing = Backlog.standing(backlog, id)
      return standing === undefined ? [] : [{ item, standing }]
    })
    .sort(({ item: one }, { item: other }) => one.priority - other.priority || one.created - other.created)
})

/** The items of each store, in a table. */
export const show = (
  stores: ReadonlyArray<{ readonly store: string; readonly items: ReadonlyArray<Listed> }>,
  { json, print }: Pick<Looking.Printing, "json" | "print">
) => {
  if (json) {
    return print(Text.json({ items: stores.flatMap(({ items, store }) => items.map((each) => ({ ...each, store }))) }))
  }
  const full = stores.filter(({ items }) => items.length > 0)
  if (full.length === 0) return print("No items wait.")
  const tables = full.map(({ items, store }) => [
    ...(stores.length === 1 ? [] : [`Store ${store}`]),
    ...Text.columns([
      ["ITEM", "PRIORITY", "STANDS"],
      ...items.map(({ item, standing }) => [Text.oneLine(item.id), String(item.priority), Text.oneLine(said(standing))])
    ])
  ])
  return print(tables.map((lines) => lines.join("\n")).join("\n\n"))
}

const said = (standing: Backlog.Standing): string => {
  switch (standing._tag) {
    case "Waiting": {
      const questions = standing.openQuestions
      const reasons = [
        ...(questions === undefined ? [] : [`${questions} open question${questions === 1 ? "" : "s"}`]),
        ...standing.on.map(({ because, item }) => `${item} (${because})`)
      ]
      return `Waiting for ${reasons.join(", ")}`
    }
    case "Delayed":
      return `Again at ${RunLine.moment(standing.until)}: ${standing.reason}`
    case "Claimed": {
      const { claim, closing, isAtGate } = standing
      const run = claim.run === undefined ? "Claimed" : `Claimed, ${claim.run}`
      return [run, ...(isAtGate ? ["waits for a person"] : []), ...(closing === undefined ? [] : [closing])].join(", ")
    }
    case "Parked":
      return `Parked: ${standing.reason}`
    default:
      return standing._tag
  }
}
