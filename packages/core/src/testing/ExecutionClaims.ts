/** What an engine promises to a workflow: its waits, its children, its clocks, and how it ends. */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Durable from "../Durable.ts"
import { type Live, range, waiting, within } from "./DurableLab.ts"

const { Activity, DurableDeferred, Workflow } = Durable

/** A workflow that waits for a deferred. */
const Waiter = Workflow.make("Waiter", {
  payload: { id: Schema.String },
  success: Schema.String,
  idempotencyKey: ({ id }) => id
})
const go = DurableDeferred.make("go", { success: Schema.String })
const tell = (execution: string, value: string) =>
  DurableDeferred.succeed(go, {
    token: DurableDeferred.tokenFromExecutionId(go, { workflow: Waiter, executionId: execution }),
    value
  })

/** A wait is over whether its answer comes before, while or after the run begins to wait. */
export const answers = (live: Live): Effect.Effect<void, unknown> =>
  live(
    Waiter.toLayer(({ id }) =>
      Effect.gen(function* () {
        // Runs that begin to wait after 0, 1, 2 … turns of the scheduler meet the answer at every point.
        yield* Activity.make({ name: "before", execute: Effect.repeat(Effect.yieldNow, { times: Number(id) }) })
        return yield* DurableDeferred.await(go)
      })
    ),
    Effect.gen(function* () {
      for (const turn of range(60)) {
        const execution = yield* Waiter.execute({ id: String(turn) }, { discard: true })
        yield* Effect.repeat(Effect.yieldNow, { times: 59 - turn })
        if (turn % 10 === 0) yield* waiting(Waiter.poll(execution))
        yield* tell(execution, `${turn}`)
        yield* tell(execution, "a second answer")
        const answer = yield* within(Waiter.execute({ id: String(turn) }), `The end of run ${turn}`)
        assert.strictEqual(answer, `${turn}`, "the first answer stands")
      }
    })
  )

/** A parent that waits for its child ends with it. */
export const child = (live: Live): Effect.Effect<void, unknown> => {
  const Parent = Workflow.make("Parent", {
    payload: { id: Schema.String },
    success: Schema.String,
    idempotencyKey: ({ id }) => id
  })
  const code = Layer.merge(
    Parent.toLayer(({ id }) => Effect.map(Waiter.execute({ id: `child of ${id}` }), (answer) => `child: ${answer}`)),
    Waiter.toLayer(() => DurableDeferred.await(go))
  )
  return Effect.gen(function* () {
    const { persistence } = yield* live(Layer.empty, Durable.Supports)
    const begin = Effect.gen(function* () {
      const parent = yield* Parent.execute({ id: "1" }, { discard: true })
      yield* waiting(Parent.poll(parent))
      const known = yield* Waiter.executionId({ id: "child of 1" })
      yield* waiting(Waiter.poll(known))
      return known
    })
    const end = (execution: string) =>
      Effect.gen(function* () {
        yield* Parent.resume(yield* Parent.executionId({ id: "1" }))
        yield* tell(execution, "yes")
        assert.strictEqual(yield* within(Parent.execute({ id: "1" }), "The end of the parent"), "child: yes")
      })
    yield* persistence
      ? Effect.flatMap(live(code, begin), (execution) => live(code, end(execution)))
      : live(code, Effect.flatMap(begin, end))
  })
}

/** A clock needs no process, and goes off when its time has come. */
export const clock = (live: Live): Effect.Effect<void, unknown> => {
  const Sleeper = Workflow.make("Sleeper", { payload: { id: Schema.String }, idempotencyKey: ({ id }) => id })
  let ran = 0
  return live(
    Sleeper.toLayer(
      Effect.fnUntraced(function* () {
        yield* Activity.make({ name: "before", execute: Effect.sync(() => void ran++) })
        yield* Durable.DurableClock.sleep({ name: "night", duration: "40 minutes" })
      })
    ),
    Effect.gen(function* () {
      const execution = yield* Sleeper.execute({ id: "1" }, { discard: true })
      yield* waiting(Sleeper.poll(execution))
      yield* TestClock.adjust("39 minutes")
      yield* waiting(Sleeper.poll(execution))
      yield* TestClock.adjust("1 minute")
      yield* Sleeper.execute({ id: "1" })
      assert.strictEqual(ran, 1, "a finished step ran again")
    })
  )
}

/** Steps that can be undone, and then a wait. */
const undoable = (undone: Array<string>, after: Array<string>) =>
  Waiter.toLayer(
    Effect.fnUntraced(function* () {
      for (const name of ["first", "second"]) {
        yield* Activity.make({ name, execute: Effect.sync(() => void after.push(name)) }).pipe(
          Workflow.withCompensation(() => Effect.sync(() => void undone.push(name)))
        )
      }
      const answer = yield* DurableDeferred.await(go)
      yield* Activity.make({ name: "after", execute: Effect.sync(() => void after.push("after")) })
      return answer
    })
  )

/** An interrupted execution undoes its finished steps, and begins no further one. */
export const interrupted = (live: Live): Effect.Effect<void, unknown> => {
  const undone: Array<string> = []
  const ran: Array<string> = []
  return live(
    undoable(undone, ran),
    Effect.gen(function* () {
      const execution = yield* Waiter.execute({ id: "1" }, { discard: true })
      yield* waiting(Waiter.poll(execution))
      yield* Waiter.interrupt(execution)
      const exit = yield* within(Effect.exit(Waiter.execute({ id: "1" })), "The end of the execution")
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause), "an interrupted execution has no answer")
      assert.deepStrictEqual(undone, ["second", "first"], "what it did is undone once, the last first")
      yield* tell(execution, "too late")
      assert.deepStrictEqual(ran, ["first", "second"], "an interrupted execution began another step")
    })
  )
}

/** The end of the process is no end of a run, where the engine outlives it. */
export const closed = (live: Live): Effect.Effect<void, unknown> => {
  const undone: Array<string> = []
  const ran: Array<string> = []
  let begun = 0
  const Busy = Workflow.make("Busy", { payload: { id: Schema.String }, idempotencyKey: ({ id }) => id })
  const busy = Busy.toLayer(
    Effect.fnUntraced(function* () {
      yield* Activity.make({ name: "done", execute: Effect.sync(() => void ran.push("done")) }).pipe(
        Workflow.withCompensation(() => Effect.sync(() => void undone.push("done")))
      )
      const step = Effect.suspend(() => (++begun > 1 ? Effect.void : Effect.never))
      yield* Activity.make({ name: "running", execute: step })
    })
  )
  const code = Layer.merge(undoable(undone, ran), busy)
  return Effect.gen(function* () {
    const supports = yield* live(
      code,
      Effect.gen(function* () {
        yield* waiting(Waiter.poll(yield* Waiter.execute({ id: "waits" }, { discard: true })))
        yield* Busy.execute({ id: "runs" }, { discard: true })
        const hasBegun = Effect.andThen(
          Effect.yieldNow,
          Effect.sync(() => begun > 0)
        )
        yield* within(Effect.repeat(hasBegun, { until: (is) => is }), "A step that runs")
        return yield* Durable.Supports
      })
    )
    const known = yield* live(
      code,
      Effect.gen(function* () {
        const execution = yield* Waiter.executionId({ id: "waits" })
        const before = yield* Waiter.poll(execution)
        if (!supports.persistence) return Option.isSome(before)
        yield* Waiter.resume(execution)
        yield* tell(execution, "yes")
        assert.strictEqual(yield* within(Waiter.execute({ id: "waits" }), "The end of the execution"), "yes")
        yield* within(Busy.execute({ id: "runs" }), "The end of the execution that ran")
        return Option.isSome(before)
      })
    )
    assert.strictEqual(known, supports.persistence, "an execution is known to the next life if the engine says so")
    if (!supports.persistence) return assert.deepStrictEqual(undone, ["done"], "a run that can not go on is undone")
    assert.deepStrictEqual(undone, [], "closing the engine undid a step of a run that goes on in another process")
    assert.deepStrictEqual(ran, ["first", "second", "done", "after"], "a finished step ran again")
  })
}
