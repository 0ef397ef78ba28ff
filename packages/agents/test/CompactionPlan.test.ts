import { assert, describe, it } from "@effect/vitest"
import * as Usage from "@millwright/core/Usage"
import * as Prompt from "effect/ai/Prompt"
import * as Schema from "effect/Schema"
import * as CompactionPlan from "../src/loop/CompactionPlan.ts"
import * as Transcript from "../src/loop/Transcript.ts"
import type * as SessionEntry from "../src/SessionEntry.ts"

/** What happens in a conversation; sizes are in tokens. */
const Happening = Schema.TaggedUnion({
  /** An answer with so many calls, and whether somebody speaks before all of them have returned. */
  Turn: { calls: Schema.Literals([1, 2, 3]), size: Schema.Literals([10, 200, 3_000]), isSpokenTo: Schema.Boolean },
  Said: { by: Schema.Literals(["steer", "follow-up", "notice", "reminder"]) },
  Compacts: { keep: Schema.Literals([0, 300, 5_000]), limit: Schema.Literals([400, 4_000, 100_000]) }
})
type Happening = typeof Happening.Type

const user = (text: string) => Prompt.userMessage({ content: [Prompt.textPart({ text })] })

/** Plays it, and hands each compaction to whoever looks. */
const play = (
  happenings: ReadonlyArray<Happening>,
  look: (plan: CompactionPlan.Plan, before: Transcript.Transcript["items"], now: Transcript.Transcript) => void
) => {
  const transcript = Transcript.make()
  let count = 0
  const take = (body: SessionEntry.Body) => {
    const parent = transcript.path.at(-1)?.id ?? null
    Transcript.take(transcript, { id: `e${count++}`, parent, at: 0, body })
  }
  take({ _tag: "Opened", role: "r", system: "s", request: "q" })
  take({ _tag: "Said", message: user("task"), by: "task" })
  for (const happening of happenings) {
    switch (happening._tag) {
      case "Turn": {
        const ids = Array.from({ length: happening.calls }, () => `c${count++}`)
        const calls = ids.map((id) => Prompt.toolCallPart({ id, name: "bash", params: {}, providerExecuted: false }))
        const content = [Prompt.reasoningPart({ text: "thought" }), ...calls]
        const usage = { ...Usage.zero, input: 500, output: 50 }
        take({ _tag: "Answered", messages: [Prompt.assistantMessage({ content })], model: "m", usage, isCut: false })
        for (const [at, id] of ids.entries()) {
          if (at > 0 && happening.isSpokenTo) take({ _tag: "Said", message: user(`said ${count}`), by: "steer" })
          const result = "x".repeat(4 * happening.size)
          const part = Prompt.toolResultPart({ id, name: "bash", isFailure: false, result, providerExecuted: false })
          take({ _tag: "Returned", part })
        }
        break
      }
      case "Said":
        take({ _tag: "Said", message: user(`said ${count}`), by: happening.by })
        break
      case "Compacts": {
        const plan = CompactionPlan.make({ transcript, tools: 50, ...happening })
        const before = transcript.items
        const dropped = { messages: plan.removed.length, toolResults: 0, tokens: plan.removedTokens }
        const joined = [Prompt.systemMessage({ content: "Loaded: some." })]
        // As large as turns are: what one compaction kept, the next one may keep again.
        const summary = user(`summary ${"y".repeat(1_000)}`)
        const { ids, steps, turns } = transcript
        take({ _tag: "Compacted", summary, kept: plan.kept, dropped, joined })
        assert.deepStrictEqual(
          [transcript.turns, transcript.steps, transcript.ids],
          [turns, steps, ids],
          "Turns are counted anew, or a circle is forgotten"
        )
        look(plan, before, transcript)
      }
    }
  }
  return transcript
}

/** What was thought is bound to what stood before it, and that is another beginning now. */
const withoutReasoning = (message: Prompt.Message): Prompt.Message =>
  message.role === "assistant"
    ? Prompt.assistantMessage({
        content: message.content.filter(({ type }) => type !== "reasoning"),
        options: message.options
      })
    : message

const textOf = (message: Prompt.Message) =>
  message.role === "user" && message.content[0]?.type === "text" ? message.content[0].text : ""

describe("CompactionPlan", () => {
  it.prop(
    "keeps instructions and a tail as they are, tears nothing apart, and leaves one summary",
    [Schema.Array(Happening)],
    ([happenings]) => {
      const transcript = play(happenings, (plan, before, now) => {
        const instructions = (items: typeof before) => items.filter(({ isInstruction }) => isInstruction)
        assert.deepStrictEqual(
          instructions(now.items).map(({ message }) => message),
          instructions(before).map(({ message }) => message),
          "An instruction is gone, or stands elsewhere"
        )
        const tail = now.items.slice(now.items.length - plan.tail.length)
        const thoughtless = plan.tail.map((item) => ({ ...item, message: withoutReasoning(item.message) }))
        assert.deepStrictEqual(tail, thoughtless, "The tail is not as it was, but for what was thought")
        if (plan.tail.length > 0) assert.strictEqual(plan.tail[0]?.message.role, "assistant")
        assert.lengthOf(
          now.items.filter(({ message }) => textOf(message).startsWith("summary")),
          1,
          "An earlier summary stayed"
        )
        assert.lengthOf(
          now.items.filter(({ message }) => message.content === "Loaded: some."),
          1
        )
        for (const { message } of plan.removed) {
          assert.isFalse(
            now.items.some((item) => item.message === message),
            "What was taken out is there"
          )
        }
        assert.strictEqual(
          plan.removed.length + plan.tail.filter(({ isInstruction }) => !isInstruction).length,
          before.filter(({ isInstruction }) => !isInstruction).length,
          "A message is neither kept nor taken out"
        )
        const open = new Set<string>()
        for (const { message } of now.items) {
          if (message.role === "system") continue
          for (const part of message.content) {
            if (part.type === "tool-call") open.add(part.id)
            if (part.type === "tool-result") assert.isTrue(open.delete(part.id), "A result stayed without its call")
          }
        }
        assert.strictEqual(open.size, 0, "A call stayed without its result")
      })
      // Whoever takes the session up reads the same.
      const { path, ...state } = Transcript.of(transcript.path)
      const { path: _, ...walked } = transcript
      assert.deepStrictEqual(state, walked)
      assert.lengthOf(path, transcript.path.length)
    },
    { arbitrary: { runs: 300 } }
  )

  it("weighs by what the provider counted", () => {
    const turn = { _tag: "Turn", calls: 1, size: 200, isSpokenTo: false } as const
    const transcript = play([turn, turn, turn], () => {})
    const estimated = CompactionPlan.make({
      transcript: { ...transcript, used: undefined },
      tools: 50,
      limit: 100,
      keep: 0
    })
    const used = { tokens: estimated.before * 3, at: transcript.path.length }
    const counted = CompactionPlan.make({ transcript: { ...transcript, used }, tools: 50, limit: 100, keep: 0 })
    assert.approximately(counted.before, estimated.before * 3, 5)
    assert.approximately(counted.removedTokens, estimated.removedTokens * 3, 5)
  })

  it("shows the longest beginning that fits, up to an answer", () => {
    const turn = { _tag: "Turn", calls: 1, size: 200, isSpokenTo: false } as const
    const { items } = play([turn, turn, turn], () => {})
    const shown = (most: number) => CompactionPlan.beginning(items, { most, scale: 1, tools: 50 }).length
    assert.deepStrictEqual(
      [100, 320, 550, 5_000].map(shown),
      [0, 4, 6, 8],
      "System prompt, task, and two messages for each turn"
    )
  })
})
