import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import * as Actor from "../src/Actor.ts"
import * as MemoryEngine from "../src/adapters/MemoryEngine.ts"
import * as MemoryJournal from "../src/adapters/MemoryJournal.ts"
import * as Fault from "../src/Fault.ts"
import * as Gate from "../src/Gate.ts"
import * as Line from "../src/Line.ts"
import * as Stage from "../src/Stage.ts"
import * as WorkItem from "../src/WorkItem.ts"
import { alone, item, live, range, test } from "./FactoryStore.ts"

const ada = { actor: Actor.human("ada") }
const payload = { item: WorkItem.WorkItem }
const told = "what nobody may read in a span"

class Printer extends Fault.Class<Printer>()("Printer", { Jammed: true, Burnt: false }) {}
class Turned extends Schema.TaggedError<Turned>()("Turned", { reason: Schema.String }) {}

const printer = (reason: Printer["reason"]) => new Printer({ reason, message: `The printer said ${told}. Mend it.` })

/** A tracer that keeps the spans that it is asked for. */
const recording = () => {
  const spans: Array<Tracer.NativeSpan> = []
  let told = () => {}
  const isOpen = ({ status }: Tracer.NativeSpan) => status._tag !== "Ended"
  class Kept extends Tracer.NativeSpan {
    override end(...given: Parameters<Tracer.NativeSpan["end"]>): void {
      super.end(...given)
      told()
    }
  }
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Kept(options)
      spans.push(span)
      return span
    }
  })
  /** A fact stands a moment before the life that wrote it is over. */
  const closed = Effect.callback<void>((resume) => {
    told = () => {
      if (!spans.some(isOpen)) resume(Effect.void)
    }
    told()
  }).pipe(
    Effect.timeoutOrElse({
      duration: "10 seconds",
      orElse: () => Effect.die(`Spans stay open: ${tree(spans.filter(isOpen)).join("; ")}`)
    })
  )
  return { spans, closed, traced: Effect.withTracer(tracer) }
}

/** The names of a span and of those above it, from the top. */
const path = (span: Tracer.AnySpan): ReadonlyArray<string> =>
  span._tag === "Span" ? [...Option.match(span.parent, { onNone: () => [], onSome: path }), span.name] : ["elsewhere"]

const tree = (spans: ReadonlyArray<Tracer.NativeSpan>) => spans.map((span) => path(span).join(" > "))
const endOf = ({ attributes, status }: Tracer.NativeSpan): string =>
  status._tag !== "Ended"
    ? "open"
    : status.exit._tag === "Success"
      ? "ok"
      : `${attributes.get("error.type") ?? "interrupted"}`

/** Everything that a span holds, whatever exporter looks at it. */
const contents = (spans: ReadonlyArray<Tracer.NativeSpan>): string =>
  spans
    .map(({ attributes, events, name, status }) =>
      JSON.stringify([name, [...attributes], events, status._tag === "Ended" && status.exit], (_, value: unknown) =>
        typeof value === "bigint" ? String(value) : value
      )
    )
    .join("\n")

const quietStage = (name: string) => Stage.run({ name, success: Schema.Void }, Effect.void)

const Steps = Line.make("Steps", { payload, success: Schema.String, error: Turned })

describe("spans of a line", () => {
  test("stand in one tree: the life, the attempts of its stages, and what these do", (store) => {
    const { closed, spans, traced } = recording()
    let tries = 0
    const code = Steps.toLayer(() =>
      Effect.gen(function* () {
        yield* Stage.run(
          { name: "print", success: Schema.Void, retry: Schedule.recurs(1) },
          Effect.suspend(() => (tries++ === 0 ? Effect.fail(printer("Jammed")) : Effect.withSpan(Effect.void, "inner")))
        )
        yield* Line.parallel("both", { left: quietStage("check"), right: quietStage("check") })
        return told
      })
    )
    return traced(
      live(
        store,
        code,
        Effect.gen(function* () {
          const run = yield* Effect.withSpan(Steps.start({ item }), "the program's own")
          assert.strictEqual((yield* Line.ended(run))._tag, "Finished")
          yield* closed
          assert.sameMembers(tree(spans), [
            "the program's own",
            "invoke_workflow Steps",
            "invoke_workflow Steps > stage print",
            "invoke_workflow Steps > stage print",
            "invoke_workflow Steps > stage print > inner",
            "invoke_workflow Steps > stage check",
            "invoke_workflow Steps > stage check"
          ])
          const life = spans.find(({ name }) => name === "invoke_workflow Steps")
          assert.deepStrictEqual(Object.fromEntries(life?.attributes ?? []), {
            "millwright.line": "Steps",
            "millwright.run": run,
            "millwright.item": item.id,
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": "Steps"
          })
          const attempts = spans.filter(({ name }) => name === "stage print")
          assert.deepStrictEqual(attempts.map(endOf), ["Printer.Jammed", "ok"], "each attempt ends in its own way")
          assert.deepStrictEqual(
            attempts.map(({ attributes }) => attributes.get("millwright.stage.attempt")),
            [1, 2]
          )
          assert.sameMembers(
            spans
              .filter(({ name }) => name === "stage check")
              .map(({ attributes }) => String(attributes.get("millwright.stage"))),
            ["both/left/check", "both/right/check"],
            "a stage of a branch is not told apart from its twin"
          )
          assert.notInclude(contents(spans), told, "a span holds a result or a message")
        })
      )
    )
  })

  test("are not left open by a gate, and a life that goes on replays no stage as a span", (store) => {
    const { closed, spans, traced } = recording()
    const code = Steps.toLayer(() =>
      Effect.gen(function* () {
        for (const number of range(3)) yield* quietStage(`before ${number}`)
        yield* Effect.orDie(Gate.answer("clarify", { question: told, cause: "c" }))
        yield* quietStage("after")
        return "done"
      })
    )
    return traced(
      live(
        store,
        code,
        Effect.gen(function* () {
          const run = yield* Steps.start({ item })
          yield* Line.settled(run)
          yield* closed
          const first = spans.length
          assert.strictEqual(
            spans[0]?.attributes.get("millwright.suspended"),
            true,
            "the life does not say that it waits"
          )
          assert.strictEqual(endOf(spans[0] ?? assert.fail("no span")), "ok", "to wait is no failure")
          yield* Gate.settle(`${run}:clarify`, { _tag: "Reply", text: told }, ada)
          assert.strictEqual((yield* Line.ended(run))._tag, "Finished")
          yield* closed
          const later = spans.slice(first)
          assert.sameMembers(
            tree(later).filter((name) => name.includes("invoke_workflow")),
            ["invoke_workflow Steps", "invoke_workflow Steps > stage after"],
            "a stage that was only replayed has a span, or the new life is not a trace of its own"
          )
          assert.deepStrictEqual(
            new Set([spans[0], ...later].flatMap((span) => span?.attributes.get("millwright.run") ?? [])),
            new Set([run]),
            "the lives of a run have nothing in common"
          )
          assert.notInclude(contents(spans), told, "a span holds a question or an answer")
        })
      )
    )
  })

  test("say of a stalled line which fault stopped it, and nothing of its message", (store) => {
    const { closed, spans, traced } = recording()
    const code = Steps.toLayer(() =>
      Effect.as(Stage.run({ name: "print", success: Schema.Void }, Effect.fail(printer("Burnt"))), "")
    )
    return traced(
      live(
        store,
        code,
        Effect.gen(function* () {
          const run = yield* Steps.start({ item })
          assert.strictEqual((yield* Line.settled(run))._tag, "Stalled")
          yield* closed
          assert.deepStrictEqual(spans.map(endOf), ["Printer.Burnt", "Printer.Burnt"])
          assert.notInclude(contents(spans), told)
        })
      )
    )
  })

  test("say of a declared error its tag; a reason that is free text is not told", (store) => {
    const { closed, spans, traced } = recording()
    const code = Steps.toLayer(() =>
      Stage.run({ name: "turn", success: Schema.String, error: Turned }, Effect.fail(new Turned({ reason: told })))
    )
    return traced(
      live(
        store,
        code,
        Effect.gen(function* () {
          const run = yield* Steps.start({ item })
          assert.strictEqual((yield* Line.ended(run))._tag, "Failed")
          yield* closed
          assert.deepStrictEqual(spans.map(endOf), ["Turned", "Turned"])
          assert.notInclude(contents(spans), told)
        })
      )
    )
  })

  test("end when the run is interrupted", (store) => {
    const { closed, spans, traced } = recording()
    return Effect.gen(function* () {
      const isIn = yield* Deferred.make<void>()
      const code = Steps.toLayer(() =>
        Stage.run(
          { name: "long", success: Schema.String },
          Effect.andThen(Deferred.succeed(isIn, undefined), Effect.never)
        )
      )
      yield* live(
        store,
        code,
        Effect.gen(function* () {
          const run = yield* Steps.start({ item })
          yield* Deferred.await(isIn)
          yield* Line.cancel(run, { reason: "enough" })
          yield* Line.ended(run)
        })
      )
      yield* closed
      assert.sameMembers(tree(spans), ["invoke_workflow Steps", "invoke_workflow Steps > stage long"])
      assert.deepStrictEqual(spans.map(endOf), ["interrupted", "interrupted"])
    }).pipe(traced)
  })

  test("go where the line was given its code, and not where whoever starts it or answers it sends theirs", (store) => {
    const { closed, spans, traced } = recording()
    const stranger = recording()
    const as = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.withTracerEnabled(stranger.traced(Effect.withSpan(effect, "the stranger's own")), true)
    const code = Steps.toLayer(() =>
      Effect.gen(function* () {
        yield* quietStage("before")
        yield* Effect.orDie(Gate.answer("clarify", { question: told, cause: "c" }))
        yield* quietStage("after")
        return "done"
      })
    )
    return traced(
      live(
        store,
        code,
        Effect.gen(function* () {
          const run = yield* as(Effect.withTracerEnabled(Steps.start({ item }), false))
          yield* Line.settled(run)
          yield* as(Gate.settle(`${run}:clarify`, { _tag: "Reply", text: told }, ada))
          assert.strictEqual((yield* Line.ended(run))._tag, "Finished")
          yield* closed
          const ofRuns = (all: ReadonlyArray<Tracer.NativeSpan>) =>
            tree(all).filter((name) => name.includes("invoke_workflow"))
          assert.includeMembers(
            ofRuns(spans),
            ["invoke_workflow Steps > stage before", "invoke_workflow Steps > stage after"],
            "a stage has no span where its line was given its code"
          )
          assert.deepStrictEqual(ofRuns(stranger.spans), [], "a run is told to whoever started it or answered it")
        })
      )
    )
  })

  test("are the same of Effect's own engine, and of a child of a line", () => {
    const { closed, spans, traced } = recording()
    const Inner = Line.make("Inner", { payload, success: Schema.Void })
    const code = Layer.mergeAll(
      Inner.toLayer(() => quietStage("inside")),
      Steps.toLayer(({ item }) =>
        Effect.as(Inner.child({ item }), "done").pipe(
          Effect.catchTags({ ChildStopped: Effect.die, Parked: Effect.die })
        )
      )
    )
    return alone(
      Effect.gen(function* () {
        const run = yield* Steps.start({ item })
        assert.strictEqual((yield* Line.ended(run))._tag, "Finished")
        yield* closed
        const names = tree(spans)
        assert.include(names, "invoke_workflow Steps > stage child-Inner")
        assert.include(names, "invoke_workflow Inner > stage inside", "a child has no trace of its own")
        assert.strictEqual(names.filter((name) => name.endsWith("stage child-Inner")).length, 1, "a replay made a span")
        assert.deepStrictEqual(
          names.filter((name) => !/^invoke_workflow (Steps|Inner)( > stage [\w-]+)?$/.test(name)),
          [],
          "the engine makes spans of its own"
        )
      }),
      Layer.provideMerge(code, Layer.mergeAll(MemoryEngine.layer, MemoryJournal.layer))
    ).pipe(traced)
  })
})
