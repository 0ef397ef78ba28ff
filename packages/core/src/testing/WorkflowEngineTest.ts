/**
 * What every engine under a line holds to. An adapter proves itself with one line:
 *
 * ```text
 * WorkflowEngineTest.suite("MyEngine", (folder) => Layer.merge(MyEngine.layer({ folder }), MyJournal.layer({ folder })))
 * ```
 *
 * Every test has a folder of its own. The layer is built once for each life of a process: an engine that outlives its
 * process finds there what an earlier life left. What engines differ in is read from `Durable.Supports`.
 */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Durable from "../Durable.ts"
import * as ContextClaims from "./ContextClaims.ts"
import * as ControlClaims from "./ControlClaims.ts"
import * as DurableLab from "./DurableLab.ts"
import * as ExecutionClaims from "./ExecutionClaims.ts"
import * as GateClaims from "./GateClaims.ts"
import * as LineClaims from "./LineClaims.ts"
import * as StageClaims from "./StageClaims.ts"

/** Registers the tests of an engine with vitest. `layer` opens the store in a folder, as often as it is built. */
export const suite = (name: string, layer: (folder: string) => Layer.Layer<DurableLab.Services, unknown>): void => {
  const test = (title: string, body: (live: DurableLab.Live) => Effect.Effect<void, unknown>) =>
    it.live(title, () => DurableLab.inFolder(layer, body), 30_000)

  describe(name, () => {
    describe("stages", () => {
      test("run once, in order, and steps of one name are numbered", StageClaims.once)
      test("answer a replay with what they stored, errors that they declare too", StageClaims.stored)
      test("stall the line on a fault, and only what failed runs again when it is resumed", StageClaims.faults)
      test("stall the line, and can be mended, when their result does not encode", StageClaims.unencodable)
      test("stall the line, and can be mended, when they interrupt themselves", StageClaims.selfInterrupted)
      test("run at the same time, each once, and one that fails does not stop the others", StageClaims.parallel)
    })
    describe("facts", () => {
      test("of a result are written once, over every replay", LineClaims.outbox)
      test("that follow the end of a run do not open it again, and its gates are closed", LineClaims.late)
    })
    describe("waits", () => {
      test("are over whether the answer comes before, while or after the run begins to wait", ExecutionClaims.answers)
      test("let the first of 8 answers stand, and it is the one that the line gets", LineClaims.firstAnswer)
      test("of a parent end with its child", ExecutionClaims.child)
      it.effect(
        "need no process to sleep, and end when their time has come",
        () => DurableLab.inFolder(layer, ExecutionClaims.clock),
        30_000
      )
    })
    describe("gates whose time is measured", () => {
      // Under the clock of a test.
      const timed = (title: string, body: (live: DurableLab.Live) => Effect.Effect<void, unknown>) =>
        it.effect(title, () => DurableLab.inFolder(layer, body), 30_000)

      /** On an engine over several machines, whose own waits need the clock too, days do not pass at once. */
      const near = (title: string, body: (live: DurableLab.Live) => Effect.Effect<void, unknown>) =>
        it.effect(
          title,
          (context) =>
            DurableLab.inFolder(layer, (live) =>
              Effect.flatMap(live(Layer.empty, Durable.Supports), ({ inOrder, persistence }) =>
                persistence && !inOrder
                  ? Effect.sync(() =>
                      context.skip("not shown for an engine over several machines: docs/gaps/durable.md")
                    )
                  : body(live)
              )
            ),
          30_000
        )

      near("remind, ask others, and are answered by the host in the end", GateClaims.reminded)
      timed("fail the line when nobody answers in time, and it is undone", GateClaims.timedOut)
      near("leave no clock behind once they are answered", GateClaims.quiet)
      near("remind beside a stage that takes long, which goes on", GateClaims.beside)
      timed("tell what is newest after a time without a process", GateClaims.unattended)
      near("have one answer when a human and the time-out come together", GateClaims.crossed)
    })
    describe("ends", () => {
      test("of a failed line undo its finished stages, the last one first", LineClaims.compensated)
      test("of an interrupted execution undo its finished steps, and begin no further one", ExecutionClaims.interrupted)
      test("of the process are no end of a run, where the engine outlives it", ExecutionClaims.closed)
    })
    describe("runs", () => {
      test("that are cancelled stop in their stage, and undo what they did", ControlClaims.cancelled)
      test("wait in one branch and work in another, and keep to the first result", ControlClaims.branches)
      test("wait for their child, which may wait for a human, and are told when it is stopped", ControlClaims.children)
      test("go back, and another way, where the engine can forget", ControlClaims.history)
      test("of one key are one run", ControlClaims.keyed)
    })
    describe("services of a run", () => {
      test("are those of its line, whoever starts it, takes it up or answers it", ContextClaims.strangers)
      test("are those of its line while it is undone, whoever stopped it", ContextClaims.stopped)
      it.effect(
        "are those of its line when a clock wakes it",
        () => DurableLab.inFolder(layer, ContextClaims.woken),
        30_000
      )
      test("are none of its parent's, and none of its child's", ContextClaims.family)
    })
    test("8 runs of one item that start at once have 8 names, and all finish", LineClaims.starts)
  })
}
