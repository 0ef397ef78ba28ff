import { assert, describe, it } from "@effect/vitest"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { workspace } from "../ToolsWorkplace.ts"
import * as CodexLab from "./CodexLab.ts"
import * as Lab from "./LoopLab.ts"

describe.skipIf(CodexLab.program === undefined)(CodexLab.titled("Codex in a long conversation"), () => {
  it.live(
    "its notes are billed and are no turn, and a session that begins with them goes on",
    () =>
      Effect.gen(function* () {
        yield* workspace({})
        const script: ProviderTwin.Script = {
          conversations: [
            // What its program puts before the notes.
            { when: { promptIncludes: "Another language model" }, turns: [Lab.done("ok"), Lab.done("again")] },
            {
              turns: [
                { ...Lab.bash("echo one"), usage: { input: 260_000, cacheRead: 0, cacheWrite: 0, output: 9 } },
                { text: "THE-NOTES", usage: { input: 11, cacheRead: 7, cacheWrite: 0, output: 3 } }
              ]
            }
          ]
        }
        const twin = yield* ProviderTwin.make({ script, apiKey: Redacted.make(Lab.key), contextTokens: 1_000_000 })
        const lab = yield* CodexLab.running(twin.openAiUrl)
        const first = yield* lab.run()
        assert.deepStrictEqual(first.outcome, { _tag: "Done", note: "ok" })
        assert.deepStrictEqual(
          lab.events.flatMap((event) => (event._tag === "Turn" ? [event.number] : [])),
          [1, 2]
        )
        const second = yield* lab.run({ session: first.session })
        assert.deepStrictEqual(second.outcome, { _tag: "Done", note: "again" })
        const requests = yield* twin.requests
        assert.lengthOf(requests, 4)
        assert.deepStrictEqual(
          (yield* lab.facts("ModelCalled")).map(({ usage }) => usage),
          requests.map(({ usage }) => usage)
        )
        const last = JSON.stringify(requests[3]?.body)
        assert.include(last, "THE-NOTES")
        assert.notInclude(last, "echo one", "what the notes stand for is sent with them")
      }).pipe(Effect.scoped, Effect.provide(CodexLab.Services)),
    60_000
  )

  it.live(
    "a session that is shorter at its end than at its beginning is kept",
    () =>
      Effect.gen(function* () {
        yield* workspace({})
        const many = Array.from({ length: 6 }, () => Lab.bash("true"))
        const script: ProviderTwin.Script = {
          conversations: [
            { when: { promptIncludes: "Another language model" }, turns: [Lab.done("short")] },
            {
              turns: [
                ...[...many, Lab.done("long")],
                { ...Lab.bash("true"), usage: { input: 260_000, cacheRead: 0, cacheWrite: 0, output: 9 } },
                { text: "THE-NOTES" }
              ]
            }
          ]
        }
        const twin = yield* ProviderTwin.make({ script, apiKey: Redacted.make(Lab.key), contextTokens: 1_000_000 })
        const lab = yield* CodexLab.running(twin.openAiUrl)
        const first = yield* lab.run()
        const second = yield* lab.run({ session: first.session })
        assert.deepStrictEqual(second.outcome, { _tag: "Done", note: "short" })
        assert.isBelow(JSON.stringify(second.session).length, JSON.stringify(first.session).length)
      }).pipe(Effect.scoped, Effect.provide(CodexLab.Services)),
    60_000
  )

  it.live(
    "a task without a word and one of a million letters reach the model as they are, and a longer one is said to be too long",
    () =>
      Effect.gen(function* () {
        yield* workspace({})
        for (const prompt of ["", "word ".repeat(200_000)]) {
          const twin = yield* ProviderTwin.make({
            script: { conversations: [{ turns: [Lab.done("ok")] }] },
            contextTokens: 10_000_000
          })
          const lab = yield* CodexLab.running(twin.openAiUrl)
          assert.deepStrictEqual((yield* lab.run({ prompt })).outcome, { _tag: "Done", note: "ok" })
          const [request] = yield* twin.requests
          assert.include(JSON.stringify(request?.body), prompt)
        }
        const lab = yield* CodexLab.start([Lab.done("ok")])
        const error = yield* Effect.flip(lab.run({ prompt: "word ".repeat(1_000_000) }))
        assert.strictEqual(error.reason, "ContextOverflow")
        assert.deepStrictEqual(yield* lab.twin.requests, [])
      }).pipe(Effect.scoped, Effect.provide(CodexLab.Services)),
    60_000
  )
})
