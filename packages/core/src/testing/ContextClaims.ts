/**
 * What an engine promises about the services of a run: they are those of the layer in which its code was given, whoever
 * starts it, wakes it, answers it or stops it, and whichever process does.
 */
import { assert } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Budget from "../Budget.ts"
import * as Durable from "../Durable.ts"
import * as Gate from "../Gate.ts"
import * as Stage from "../Stage.ts"
import { ada, item, line, type Live, question, resultOf, until, waiting, within } from "./DurableLab.ts"

const { Activity, DurableClock, DurableDeferred, Workflow } = Durable

/** What code is given where it is given to its line. */
class Own extends Context.Service<Own, string>()("@millwright/core/testing/ContextClaims/Own") {}
/** What only others have: a budget, a sandbox's spawner. */
class Foreign extends Context.Service<Foreign, string>()("@millwright/core/testing/ContextClaims/Foreign") {}
/** What has a default: limits of a tool, secrets that are taken out. */
const Setting = Context.Reference<string>("@millwright/core/testing/ContextClaims/Setting", {
  defaultValue: () => "default"
})

/** Does something as somebody with services of their own. */
const as =
  (who: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    effect.pipe(
      Effect.provideService(Own, who),
      Effect.provideService(Foreign, who),
      Effect.provideService(Setting, who),
      Effect.annotateLogs({ who })
    )

/** Whose services stand here. */
const found = Effect.gen(function* () {
  const own = yield* Effect.serviceOption(Own)
  const foreign = yield* Effect.serviceOption(Foreign)
  const annotations = yield* References.CurrentLogAnnotations
  return [
    Option.getOrElse(own, () => "nobody"),
    Option.getOrElse(foreign, () => "nobody"),
    yield* Setting,
    String(annotations["who"] ?? "nobody")
  ].join(", ")
})

/** What a run finds that nobody's services came into. */
const clean = "line, nobody, default, nobody"

/** Takes down where code came by with which services. */
const book = () => {
  const seen: Array<readonly [place: string, found: string]> = []
  return {
    note: (place: string) => Effect.map(found, (services) => void seen.push([place, services])),
    /** Fails when code came by elsewhere than at these places, or anywhere with the services of somebody else. */
    check: (places: ReadonlyArray<string>) => {
      for (const [place, services] of seen) {
        assert.strictEqual(services, clean, `${place}: a run has services of somebody else than of its line`)
      }
      const passed = [...new Set(seen.map(([place]) => place))]
      assert.sameMembers(passed, [...places], "the code did not come by where its services are looked at")
    }
  }
}

const provided = Layer.provide(Layer.succeed(Own, "line"))

const Waiter = Workflow.make("Guarded", {
  payload: { id: Schema.String },
  success: Schema.String,
  idempotencyKey: ({ id }) => id
})
const go = DurableDeferred.make("go", { success: Schema.String })
const tell = (execution: string) =>
  DurableDeferred.succeed(go, {
    token: DurableDeferred.tokenFromExecutionId(go, { workflow: Waiter, executionId: execution }),
    value: "yes"
  })

/** A step that can be undone, and a wait. */
const guarded = (note: (place: string) => Effect.Effect<void>) =>
  Waiter.toLayer(
    Effect.fnUntraced(function* () {
      yield* note("begin")
      yield* Activity.make({ name: "step", execute: note("step") }).pipe(Workflow.withCompensation(() => note("undo")))
      const answer = yield* DurableDeferred.await(go)
      yield* note("answered")
      yield* Activity.make({ name: "after", execute: note("after") })
      return answer
    })
  ).pipe(provided)

/** Nothing of whoever starts, resumes or answers a run comes into it; in the next life of its process neither. */
export const strangers = (live: Live): Effect.Effect<void, unknown> => {
  const { check, note } = book()
  const code = guarded(note)
  return Effect.gen(function* () {
    const { persistence } = yield* live(Layer.empty, Durable.Supports)
    const begin = Effect.gen(function* () {
      const execution = yield* as("who starts")(Waiter.execute({ id: "1" }, { discard: true }))
      yield* waiting(Waiter.poll(execution))
      yield* as("who resumes")(Waiter.resume(execution))
      yield* waiting(Waiter.poll(execution))
      return execution
    })
    const end = (execution: string) =>
      Effect.gen(function* () {
        // Where a process has just begun, somebody takes up the run.
        yield* as("who takes up")(Waiter.resume(execution))
        yield* as("who answers")(tell(execution))
        const answer = yield* within(as("who waits")(Waiter.execute({ id: "1" })), "The end of the run")
        assert.strictEqual(answer, "yes")
      })
    yield* persistence
      ? Effect.flatMap(live(code, begin), (execution) => live(code, end(execution)))
      : live(code, Effect.flatMap(begin, end))
    check(["begin", "step", "answered", "after"])
  })
}

/** Nothing of whoever stops a run comes into what undoes it. */
export const stopped = (live: Live): Effect.Effect<void, unknown> => {
  const { check, note } = book()
  return live(
    guarded(note),
    Effect.gen(function* () {
      const execution = yield* as("who starts")(Waiter.execute({ id: "1" }, { discard: true }))
      yield* waiting(Waiter.poll(execution))
      yield* as("who stops")(Waiter.interrupt(execution))
      const exit = yield* within(Effect.exit(Waiter.execute({ id: "1" })), "The end of the run")
      assert.isTrue(Exit.isFailure(exit), "a stopped run has no answer")
      check(["begin", "step", "undo"])
    })
  )
}

/** Nothing of whoever was there when a clock was set comes into the run that it wakes. */
export const woken = (live: Live): Effect.Effect<void, unknown> => {
  const { check, note } = book()
  const Sleeper = Workflow.make("GuardedSleeper", {
    payload: { id: Schema.String },
    idempotencyKey: ({ id }) => id
  })
  return live(
    Sleeper.toLayer(
      Effect.fnUntraced(function* () {
        yield* note("evening")
        yield* as("who sets the clock")(DurableClock.sleep({ name: "night", duration: "40 minutes" }))
        yield* note("morning")
      })
    ).pipe(provided),
    Effect.gen(function* () {
      const execution = yield* as("who starts")(Sleeper.execute({ id: "1" }, { discard: true }))
      yield* waiting(Sleeper.poll(execution))
      yield* as("who lets time pass")(TestClock.adjust("40 minutes"))
      yield* within(Sleeper.execute({ id: "1" }), "The end of the run")
      check(["evening", "morning"])
    })
  )
}

/** A child has nothing of its parent, neither of its stages nor of its limits, and gives it nothing when it ends. */
export const family = (live: Live): Effect.Effect<void, unknown> => {
  const { check, note } = book()
  const Inner = line("GuardedInner", Schema.Unknown)
  const Outer = line("GuardedOuter", Schema.Unknown)
  const step = (name: string) => Stage.run({ name, success: Schema.Void }, note(name))
  const inner = Inner.toLayer(
    Effect.fnUntraced(function* () {
      yield* note("the child")
      yield* step("the child's stage")
      yield* Effect.orDie(Gate.answer("what", question))
      yield* step("the child's last stage")
      return yield* Stage.run({ name: "left", success: Schema.Unknown }, Budget.left)
    })
  )
  const outer = Outer.toLayer(
    Effect.fnUntraced(function* ({ item }) {
      yield* note("the parent")
      const child = Inner.child({ item }).pipe(
        Effect.orDie,
        Stage.provide(Layer.succeed(Foreign, "the parent's sandbox")),
        Budget.slice("part", { tokens: 7 }),
        as("the parent")
      )
      const left = yield* child
      yield* step("the parent's stage")
      const started = Stage.run({ name: "start", success: Schema.String }, as("the parent")(Inner.start({ item })))
      return [left, yield* started]
    })
  )
  const code = Layer.merge(inner, outer).pipe(provided)
  return live(
    code,
    Effect.gen(function* () {
      const run = yield* Outer.start({ item })
      const answer = Effect.fnUntraced(function* (child: string) {
        yield* until(child, "Waiting")
        yield* as("who answers")(Gate.settle(`${child}:what`, { _tag: "Reply", text: "this" }, ada))
      })
      const gates = yield* within(
        Effect.repeat(Effect.andThen(Effect.yieldNow, Gate.list()), { until: (gates) => gates.size > 0 }),
        "The child"
      )
      for (const gate of gates.keys()) yield* answer(gate.slice(0, gate.lastIndexOf(":")))
      const result = yield* resultOf(run)
      const [left, other] = Array.isArray(result) ? result : []
      assert.deepStrictEqual(
        left,
        {},
        "a child is held to a slice that its parent stands in, until it is taken up anew"
      )
      yield* answer(String(other))
      assert.deepStrictEqual(yield* resultOf(String(other)), {})
      check(["the parent", "the child", "the child's stage", "the child's last stage", "the parent's stage"])
    })
  )
}
