import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fault from "../src/Fault.ts"

class PrinterError extends Fault.Class<PrinterError>()("PrinterError", { OutOfPaper: false, Busy: true }) {}

describe("Fault", () => {
  it("says by its reason whether it may be tried again", () => {
    const busy = new PrinterError({
      reason: "Busy",
      message: "Printer 3 is busy. Try again in a minute.",
      retryAfter: 60_000
    })
    const empty = new PrinterError({ reason: "OutOfPaper", message: "Printer 3 has no paper. Put some in." })
    assert.deepStrictEqual([busy.isRetryable, empty.isRetryable], [true, false])
    assert.isTrue(Fault.isFault(busy))
    assert.isFalse(Fault.isFault(new Error("no")))
    assert.strictEqual(busy.retryAfter, 60_000)
  })

  it("has closed reasons", () => {
    assert.throws(() =>
      Schema.decodeUnknownSync(PrinterError)({ _tag: "PrinterError", reason: "OnFire", message: "m" })
    )
  })

  it.effect("is caught by its tag", () =>
    Effect.gen(function* () {
      const caught = yield* Effect.fail(new PrinterError({ reason: "Busy", message: "m" })).pipe(
        Effect.catchTag("PrinterError", (error) => Effect.succeed(error.reason))
      )
      assert.strictEqual(caught, "Busy")
    })
  )

  it.effect("crosses a process as JSON and is a fault again", () =>
    Effect.gen(function* () {
      const codec = Schema.toCodecJson(PrinterError)
      const encoded = yield* Schema.encodeEffect(codec)(
        new PrinterError({ reason: "Busy", message: "m", cause: new Error("inner") })
      )
      const decoded = yield* Schema.decodeUnknownEffect(codec)(JSON.parse(JSON.stringify(encoded)))
      assert.isTrue(
        Fault.isFault(decoded) && decoded.isRetryable,
        "a stored fault still says whether it may be tried again"
      )
    })
  )

  it("is recorded without a stack and within bounds", () => {
    const recorded = Fault.record(new PrinterError({ reason: "Busy", message: "x".repeat(10_000) }))
    assert.deepInclude(recorded, { tag: "PrinterError", reason: "Busy", retryable: true })
    assert.isAtMost(recorded.message.length, 4_001)
    assert.isTrue(Schema.is(Fault.Recorded)(recorded))
  })

  it.each([
    ["an error", new TypeError("bad"), "Defect", "bad"],
    ["a tagged value", { _tag: "Odd", message: "m" }, "Odd", "m"],
    ["a text", "went wrong", "Defect", "went wrong"],
    ["nothing", undefined, "Defect", "undefined"],
    ["null", null, "Defect", "null"]
  ])("records %s", (_, value, tag, message) => {
    assert.deepStrictEqual(Fault.record(value), { tag, reason: tag, message, retryable: false })
  })
})
