import { assert, describe, it } from "@effect/vitest"
import * as PromptPrefix from "@millwright/core/testing/PromptPrefix"
import * as Effect from "effect/Effect"
import * as AgentSessions from "../tools/AgentSessions.ts"
import * as Catalog from "../tools/Catalog.ts"
import * as Draw from "../tools/Draw.ts"
import * as LoadOnWire from "../tools/LoadOnWire.ts"
import * as PlayedSession from "../tools/PlayedSession.ts"
import * as TokenBill from "../tools/TokenBill.ts"
import * as TokenCount from "../tools/TokenCount.ts"

const { part, queries } = Catalog.load({})
const data = { catalog: part.tools, queries }

describe("the bill of a session", () => {
  const session = [0, 100, 300].map((history) => ({ history, isMiss: false }))

  it("is the sum of its requests, those that search as well", () => {
    const bill = TokenBill.of(session, { prefix: 1_000, start: 50, needs: [[20, 30]] })
    // One need is met in the middle: two requests before the second of the session.
    assert.strictEqual(bill.tokens, 1_050 + 1_150 + 1_170 + 1_200 + 1_400)
    assert.strictEqual(bill.own, 1_050 + 1_200 + 1_400)
    assert.strictEqual(bill.fixed, 1_050 + 1_100 + 1_100)
  })

  it("reads at a tenth what the request before has written, and nothing where the cache was lost", () => {
    const plan = { prefix: 1_000, start: 0, needs: [] }
    assert.closeTo(TokenBill.of(session, plan).cost, 1.25 * 1_300 + 0.1 * (1_000 + 1_100), 1e-6)
    const lost = session.map((request) => ({ ...request, isMiss: true }))
    assert.closeTo(TokenBill.of(lost, plan).cost, 1.25 * TokenBill.of(lost, plan).tokens, 1e-6)
  })

  it("is made of real sessions", () => {
    const sessions = AgentSessions.read()
    assert.lengthOf(sessions, 95)
    assert.isTrue(sessions.every((session) => session[0]?.history === 0))
  })
})

describe("a draw of tools", () => {
  it("is the same for the same number, and as many as were asked for", () => {
    for (const count of [1, 100, 880]) {
      const drawn = Draw.tools(part.tools, count, 3)
      assert.deepStrictEqual(Draw.tools(part.tools, count, 3), drawn)
      assert.strictEqual(new Set(drawn.map(Catalog.idOf)).size, count, "Each is another one")
    }
    assert.notDeepEqual(Draw.tools(part.tools, 100, 4), Draw.tools(part.tools, 100, 3))
  })
})

describe("a played session", () => {
  it.live("has all definitions from the start, or those alone that a search refers to", () =>
    Effect.gen(function* () {
      const tools = Draw.tools(part.tools, 60, 1)
      const index = yield* PlayedSession.index(tools)
      const needs = Draw.needs(yield* index.list(), { count: 3, queries, seed: 1 })
      const upfront = yield* PlayedSession.play({ index, deferral: "never", prefix: 0, needs })
      const definitions = tools.reduce((sum, tool) => sum + TokenCount.text(JSON.stringify(tool)), 0)
      assert.approximately(upfront.start / definitions, 1, 0.15)
      assert.deepStrictEqual(upfront.needs, [])
      for (const mode of ["native", "inline", "bridge"] as const) {
        const played = yield* PlayedSession.play({ index, deferral: "always", mode, prefix: 0, needs })
        assert.strictEqual(played.mode, mode)
        assert.isBelow(played.start, upfront.start / 2, mode)
        assert.lengthOf(played.needs, needs.length)
        // A call, its result and at least one definition.
        assert.isAbove(played.needs.flat()[0] ?? 0, 150, mode)
      }
    })
  )
})

describe("loads on the wire", () => {
  it("would be seen to change bytes, if tools were put into the list of a request", () => {
    const body = { tools: [{ name: "tool_search" }], messages: [{ role: "user", content: "hello" }] }
    const later = { ...body, tools: [...body.tools, { name: "loaded" }] }
    assert.isAbove(PromptPrefix.changed(body, later), 0)
  })

  it.live("change no byte that was sent before, in any mode", () =>
    Effect.gen(function* () {
      const figures = yield* LoadOnWire.figures(data)
      assert.deepStrictEqual(
        figures.map(({ value }) => value),
        [0, 0, 0, 0]
      )
    }).pipe(Effect.scoped)
  )
})
