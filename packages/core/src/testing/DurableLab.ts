/** What the claims about an engine have in common: a store of their own, lives of a process on it, and ways to look. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Actor from "../Actor.ts"
import type * as Durable from "../Durable.ts"
import * as Fault from "../Fault.ts"
import * as Journal from "../Journal.ts"
import * as Line from "../Line.ts"
import * as Status from "../Status.ts"
import * as WorkItem from "../WorkItem.ts"

/** What a line or a workflow of the lab runs with. */
export type Services = Durable.Engine | Journal.Journal

/** One life of a process: runs the body with the lines of `code` on the store of the test, and closes everything. */
export type Live = <A, E>(
  code: Layer.Layer<never, unknown, Services>,
  body: Effect.Effect<A, E, Services>
) => Effect.Effect<A, unknown>

/** Gives lives on a store in a folder of its own, which is gone afterwards. */
export const inFolder = (
  layer: (folder: string) => Layer.Layer<Services, unknown>,
  body: (live: Live) => Effect.Effect<void, unknown>
): Effect.Effect<void, unknown> =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "durable-"))),
    (folder) =>
      body((code, inside) =>
        Effect.provide(inside, Layer.fresh(Layer.provideMerge(code, layer(folder))), { local: true })
      ),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )

/** A fault that trying again does not mend. */
export class Broken extends Fault.Class<Broken>()("Broken", { Broken: false }) {}
/** An error that the lines of the lab declare. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}

/** The work item of every run. */
export const item: WorkItem.WorkItem = {
  id: "issue-1",
  title: "It breaks",
  body: WorkItem.bodyOf(""),
  labels: [],
  source: "issue-1.md"
}
/** Who answers gates. */
export const ada = { actor: Actor.human("ada") }
/** What gates ask. */
export const question = { question: "Go on?", cause: "test" }
/** The numbers from 0 to `count` - 1. */
export const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index)

/** A line for the item, with a result of this schema. */
export const line = <A>(name: string, success: Schema.Codec<A, unknown>) =>
  Line.make(name, { payload: { item: WorkItem.WorkItem }, success, error: Schema.Union([Line.Parked, Refused]) })

/** Every fact in the journal, as its tag and the stage that it belongs to. */
export const facts = Effect.gen(function* () {
  const journal = yield* Journal.Journal
  const events = yield* Stream.runCollect(journal.read())
  return events.map(({ fact, stage }) => (stage === null ? fact._tag : `${fact._tag} ${stage}`))
})

/** How often a fact is in the journal. */
export const count = (fact: string) => Effect.map(facts, (all) => all.filter((one) => one === fact).length)

/** Waits for at most 10 seconds, and then says what happened instead. */
export const within = <A, E, R>(waiting: Effect.Effect<A, E, R>, what: string) =>
  Effect.timeoutOrElse(waiting, {
    duration: "10 seconds",
    orElse: () =>
      Effect.flatMap(facts, (all) => Effect.die(new Error(`${what} did not come. Facts: ${all.join(", ")}`)))
  })

/** Waits for the status, and says what happened instead. */
export const until = (run: string, tag: Status.Status["_tag"]) =>
  within(
    Effect.repeat(Line.settled(run), { until: (status) => status._tag === tag || Status.isEnded(status) }),
    tag
  ).pipe(Effect.tap((status) => Effect.sync(() => assert.strictEqual(status._tag, tag, JSON.stringify(status)))))

/** Waits for the result of a run. */
export const resultOf = (run: string) =>
  Effect.map(until(run, "Finished"), (status) => (status._tag === "Finished" ? status.result : undefined))

/** Nothing tells from outside that an execution began to wait. */
export const waiting = <A, E, R>(poll: Effect.Effect<Option.Option<Durable.Workflow.Result<A, E>>, never, R>) =>
  within(
    Effect.repeat(Effect.andThen(Effect.yieldNow, poll), {
      until: (result) => Option.isSome(result) && result.value._tag === "Suspended"
    }),
    "A wait"
  )
