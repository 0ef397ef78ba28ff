import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@millwright/core/Actor"
import * as Digest from "@millwright/core/Digest"
import * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TranscriptIndex from "../src/TranscriptIndex.ts"
import type * as Transcript from "../src/Transcript.ts"
import * as Waste from "../src/Waste.ts"
import * as Lab from "./TranscriptLab.ts"
import { answer, play, prices, read } from "./WasteLab.ts"

const secret = "sk-ant-api03-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/** A read of a file as Claude Code writes it, in an answer that was sent so many tokens. */
const reads = (nth: number, sent: number, path: string) => [
  Lab.answer({
    id: `msg_00000000000${nth}`,
    content: [{ type: "tool_use", id: `toolu_0000000000${nth}`, name: "Read", input: { file_path: path } }],
    usage: {
      input_tokens: 0,
      cache_read_input_tokens: sent - 2_000,
      cache_creation_input_tokens: 2_000,
      output_tokens: 10
    }
  }),
  Lab.result(`toolu_0000000000${nth}`, `${secret} said `.repeat(100))
]

describe("Waste of what programs wrote", () => {
  it.effect("is found in what Claude Code wrote, and holds nothing of what was said", () =>
    Effect.gen(function* () {
      const path = `/home/ada/${secret}.ts`
      const text = Lab.lines(...[1, 2, 3, 4].flatMap((nth) => reads(nth, 10_000 + nth * 2_000, path)))
      const waste = Waste.of(TranscriptIndex.of(yield* Lab.read(text)), prices)
      const characters = `${secret} said `.length * 100
      const tokens = Math.floor(characters / 5)
      assert.deepStrictEqual(
        waste.findings.map(({ kind, places, usage }) => [kind, places.length, usage?.cacheWrite, usage?.cacheRead]),
        // The third and the fourth are sent what the second said, the fourth what the third said; what the fourth said nobody is sent.
        [["reread", 2, 2 * tokens, tokens]]
      )
      const told = JSON.stringify(Schema.encodeSync(Waste.Json)(waste)) + Waste.report(waste)
      assert.notInclude(told, "sk-ant")
      assert.notInclude(told, "/home/ada")
    })
  )

  for (const name of [
    "claude.jsonl",
    "claude-2.1.33.jsonl",
    "claude-agent.jsonl",
    "codex.jsonl",
    "gemini.json",
    "pi.jsonl"
  ]) {
    it.effect(`is within the bill of ${name}, and the same where it is read again`, () =>
      Effect.gen(function* () {
        const entries = yield* Lab.read(Lab.fixture(name))
        const once = Waste.of(TranscriptIndex.of(entries), prices)
        assert.isAtMost(once.total.usd ?? 0, once.bill.usd)
        assert.deepStrictEqual(Waste.of(TranscriptIndex.of([...entries, ...entries]), prices), once)
      })
    )
  }

  const encode = Schema.encodeSync(Schema.toCodecJson(FactoryEvent.FactoryEvent))
  const journal = (facts: ReadonlyArray<FactoryEvent.Fact>) =>
    facts
      .map((fact, at) =>
        JSON.stringify(
          encode({
            version: 1,
            seq: at + 1,
            at: 1_000 + at,
            line: "L",
            run: "item.1",
            item: "item",
            stage: null,
            actor: Actor.host,
            fact
          })
        )
      )
      .join("\n")
  const called = (cacheRead: number): FactoryEvent.Fact => ({
    _tag: "ModelCalled",
    model: "m",
    provider: "anthropic",
    usage: { input: 0, cacheRead, cacheWrite: 2_000, output: 10 },
    cost: { _tag: "Known", usd: 1 },
    latency: 1,
    rehearsed: false
  })
  const ran: FactoryEvent.Fact = {
    _tag: "ToolCalled",
    tool: "bash",
    summary: "npm test",
    arguments: Digest.of("npm test"),
    ok: true,
    outputBytes: 5_000,
    duration: 1
  }
  const started: FactoryEvent.Fact = { _tag: "AgentStarted", role: "R", session: "x", resumed: false }

  it.effect("is found in our journal, and not where another agent began its own conversation", () =>
    Effect.gen(function* () {
      const kinds = (facts: ReadonlyArray<FactoryEvent.Fact>) =>
        Effect.map(Lab.read(journal(facts)), (entries) =>
          Waste.of(TranscriptIndex.of(entries), prices).findings.map(({ kind, usage }) => [kind, usage?.cacheWrite])
        )
      const again = [called(2_000), ran, called(4_000)]
      assert.deepStrictEqual(yield* kinds([started, called(0), ran, ...again]), [["repeated-command", 1_000]])
      assert.deepStrictEqual(yield* kinds([started, called(0), ran, started, ...again]), [])
    })
  )
})

describe("Waste.report", () => {
  it("tells what it comes to, what would mend it, and the most expensive findings", () => {
    const steps = ["a", "b", "c"].map((file) => [answer(read(file)), answer(read(file)), answer()])
    const waste = Waste.of(TranscriptIndex.of(play(steps.flat())), prices)
    const text = Waste.report(waste, { most: 2 })
    assert.include(text, "| reread | 3 | 3 |")
    assert.include(text, `- **reread**: ${Waste.fix.reread}`)
    assert.include(text, "1 more are cheaper.")
    assert.isTrue(
      waste.findings.every(({ usd }, at) => (waste.findings[at - 1]?.usd ?? Number.POSITIVE_INFINITY) >= (usd ?? 0)),
      "the most expensive does not stand first"
    )
  })

  it("takes no name for Markdown", () => {
    const name = "a|b`c\n# d <script>"
    const entries = play([answer(read("a")), answer(read("a")), answer()]).map((entry): Transcript.Entry =>
      entry._tag === "Called" ? { ...entry, tool: name, session: name } : entry
    )
    const waste = Waste.of(
      TranscriptIndex.of(entries.map((entry) => ({ ...entry, session: name }) as Transcript.Entry)),
      prices
    )
    assert.lengthOf(waste.findings, 1)
    const row = Waste.report(waste).split("\n").at(-2) ?? ""
    assert.include(row, "`a?b?c?# d <script>`")
    assert.lengthOf(row.match(/ \| /g) ?? [], 7)
  })
})
