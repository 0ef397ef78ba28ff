/**
 * What every tool source holds to. An adapter proves itself with one line and a lab, which says what there is to try:
 *
 * ```text
 * ToolSourceTest.suite("MySource", Effect.succeed({ source, sound: { name: "echo", args: { text: "hi" }, says: "hi" } }))
 * ```
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ToolEntry from "../ToolEntry.ts"
import * as ToolListing from "../ToolListing.ts"
import { type Answer, type ToolSource, ToolSourceError } from "../ToolSource.ts"

/** A call that can be tried. */
export interface Trial {
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
}

/** A source and what can be tried on it. What is left out is a skipped test. */
export interface Lab {
  readonly source: ToolSource
  /** Answers with a text that holds `says`. */
  readonly sound: Trial & { readonly says: string }
  /** The tool says that it failed. */
  readonly failing?: Trial
  /** Does not answer by itself. `interrupted` waits until the other side has seen that nobody waits any more. */
  readonly endless?: Trial & { readonly interrupted?: Effect.Effect<void> }
  /** Gives the source a tool of this name, which it has not had, and lets it say so. */
  readonly grow?: { readonly name: string; readonly now: Effect.Effect<void> }
  /** Takes away what is behind the source; it can be had again. */
  readonly breakOff?: Effect.Effect<void>
}

/** Registers the tests of a source with vitest. `make` gives a lab of its own each time. */
export const suite = <E>(name: string, make: Effect.Effect<Lab, E, Scope.Scope>, timeout = 30_000): void => {
  const test = (title: string, claim: (lab: Lab) => Claim | undefined) =>
    it(
      title,
      async (context) => {
        const wasTried = Effect.gen(function* () {
          const holds = claim(yield* make)
          if (holds !== undefined) yield* holds
          return holds !== undefined
        })
        const isTried = await Effect.runPromise(Effect.scoped(wasTried))
        // Outside of the effect, where a skipped test is no failure to be reported.
        context.skip(!isTried, "its lab has nothing to try this with")
        assert.isTrue(isTried)
      },
      timeout
    )
  describe(`ToolSource: ${name}`, () => {
    test("lists tools that can be used, and the same ones again", lists)
    test("lists for two who ask at once", listsForTwo)
    test("answers a call", answers)
    test("answers 8 calls at once, each with its own", answersMany)
    test("a tool that there is not is no defect, and the source works on", unknownTool)
    test("arguments that are wrong or odd are no defect, and the source works on", oddArguments)
    test("a tool that fails says so in its answer", failing)
    test("a call that is interrupted ends, and the source works on", interrupting)
    test("says when it has changed, and lists what is new", growing)
    test("works again after what is behind it was gone", breaking)
  })
}

type Claim = Effect.Effect<unknown, ToolSourceError, Scope.Scope>

const textOf = ({ content }: Answer): string =>
  content.map((part) => (part.type === "text" ? part.text : "")).join("\n")

const names = (tools: ReadonlyArray<unknown>): ReadonlyArray<string> =>
  ToolListing.parse(tools).tools.map(({ name }) => name)

const works = ({ sound: { args, name, says }, source }: Lab) =>
  Effect.map(source.call(name, args), (answer) => {
    assert.isFalse(answer.isError, `${name} failed: ${textOf(answer)}`)
    assert.include(textOf(answer), says, `${name} answers with what it is known to say`)
  })

const lists = (lab: Lab): Claim =>
  Effect.gen(function* () {
    const { tools } = yield* lab.source.list
    const listing = ToolListing.parse(tools)
    assert.include(names(tools), lab.sound.name, "the tool that can be called is listed")
    assert.deepStrictEqual(listing.quarantined, [], "every tool can be used")
    for (const tool of listing.tools)
      assert.strictEqual(ToolEntry.schemaOf(tool).type, "object", `${tool.name} takes an object`)
    const again = yield* lab.source.list
    assert.deepStrictEqual(ToolListing.parse(again.tools), listing, "a source that has not changed lists the same")
  })

const listsForTwo = ({ sound, source }: Lab): Claim =>
  Effect.gen(function* () {
    const both = yield* Effect.all([source.list, source.list], { concurrency: "unbounded" })
    for (const { tools } of both) assert.include(names(tools), sound.name, "each gets the whole list")
  })

const answers = (lab: Lab): Claim => works(lab)

const answersMany = (lab: Lab): Claim =>
  Effect.all(
    Array.from({ length: 8 }, () => works(lab)),
    { concurrency: "unbounded" }
  )

const isRefused = (result: Result.Result<Answer, ToolSourceError>): boolean =>
  Result.isFailure(result) ? result.failure instanceof ToolSourceError : result.success.isError

const unknownTool = (lab: Lab): Claim =>
  Effect.gen(function* () {
    for (const name of ["there-is-no-such-tool", "", "__proto__", "constructor", "a\u0000b", "\ud800"]) {
      const result = yield* Effect.result(lab.source.call(name, {}))
      assert.isTrue(isRefused(result), `a call of ${JSON.stringify(name)} was answered as if there were such a tool`)
    }
    yield* works(lab)
  })

const oddArguments = (lab: Lab): Claim =>
  Effect.gen(function* () {
    const odd = ["", "\u0000", "\ud800", "\u202e", "'; --", null, -0, 1e308, [], { "": { __proto__: null } }]
    for (const value of odd) {
      const keys = [...Object.keys(lab.sound.args), "\n", "constructor"]
      // Whatever it answers: it answers.
      yield* Effect.result(lab.source.call(lab.sound.name, Object.fromEntries(keys.map((key) => [key, value]))))
    }
    yield* works(lab)
  })

const failing = ({ failing, source }: Lab): Claim | undefined =>
  failing &&
  Effect.map(source.call(failing.name, failing.args), (answer) => {
    assert.isTrue(answer.isError, `${failing.name} failed and its answer does not say so: ${textOf(answer)}`)
    assert.notStrictEqual(textOf(answer), "", "and it says why")
  })

const interrupting = (lab: Lab): Claim | undefined => {
  const { endless, source } = lab
  return (
    endless &&
    Effect.gen(function* () {
      yield* works(lab)
      const fiber = yield* Effect.forkScoped(source.call(endless.name, endless.args))
      yield* Effect.sleep(50)
      yield* Fiber.interrupt(fiber)
      if (endless.interrupted !== undefined) yield* endless.interrupted
      yield* works(lab)
    })
  )
}

const growing = ({ grow, source }: Lab): Claim | undefined =>
  grow &&
  Effect.gen(function* () {
    const changed = yield* Effect.forkScoped(Stream.runHead(source.changes))
    yield* Effect.yieldNow
    assert.notInclude(names((yield* source.list).tools), grow.name, "it has not had the tool before")
    yield* grow.now
    yield* Fiber.join(changed)
    assert.include(names((yield* source.list).tools), grow.name, "what is new is listed after it said so")
  })

const breaking = (lab: Lab): Claim | undefined => {
  const { breakOff, source } = lab
  return (
    breakOff &&
    Effect.gen(function* () {
      yield* works(lab)
      yield* breakOff
      // The first to find out may be told; the next is served.
      yield* Effect.result(source.list)
      assert.include(names((yield* source.list).tools), lab.sound.name, "it lists again")
      yield* works(lab)
    })
  )
}
