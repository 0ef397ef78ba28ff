import { assert, describe, it } from "@effect/vitest"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import type * as ToolSource from "@millwright/context/ToolSource"
import * as Effect from "effect/Effect"
import { workspace } from "../ToolsWorkplace.ts"
import * as Lab from "./LoopLab.ts"

const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

const image = (data: string, mediaType = "image/png"): ToolSource.Content => ({ type: "image", data, mediaType })

const answering = Effect.fnUntraced(function* (answer: ToolSource.Answer) {
  const source = ScriptedSource.make("camera")
  source.lists({ name: "look", description: "Takes a picture." })
  source.script.call = () => Effect.succeed(answer)
  return yield* SourceIndex.make([source.source])
})

const modes = [
  ["native", Lab.call("mcp__camera__look", {})],
  ["bridge", Lab.call("tool_call", { name: "camera/look", arguments: {} })],
  ["bridge", Lab.call("tool_call", '{"name":"camera/look"}')]
] as const

const ask = Effect.fnUntraced(function* (answer: ToolSource.Answer, [mode, call]: (typeof modes)[number] = modes[0]) {
  yield* workspace({})
  const index = yield* answering(answer)
  const options = { tools: { deferral: "always" as const, mode } }
  const lab = yield* Lab.start("anthropic", [{ calls: [call] }, Lab.done("x")], { index, options })
  yield* lab.run({ tools: ["camera/*"] })
  return { lab, blocks: yield* lab.blocks(1) }
})

describe("what a tool of the index answers", () => {
  it.live("may be a picture and a failure in one, which the provider does not take in one result", () =>
    Effect.gen(function* () {
      const { blocks } = yield* ask({ content: [{ type: "text", text: "It is dark" }, image(png)], isError: true })
      const sent = JSON.stringify(blocks)
      assert.include(sent, "It is dark")
      assert.include(sent, png, "The picture says what went wrong")
    }).pipe(Effect.provide(Lab.Services))
  )

  it.live("is no picture because it says so, and costs the conversation nothing", () =>
    Effect.gen(function* () {
      for (const [data, type] of [
        ["not base64!", "image/png"],
        ["aGVsbG8=", "image/png"],
        [png, "image/jpeg"],
        [png, "image/svg+xml"],
        [`${png.slice(0, 24)}${Buffer.from([0, 0, 255, 255, 0, 0, 0, 1]).toString("base64")}`, "image/png"],
        [Buffer.concat([Buffer.from(png, "base64"), Buffer.alloc(4 * 1024 * 1024)]).toString("base64"), "image/png"]
      ] as const) {
        const { blocks } = yield* ask({ content: [image(data, type)], isError: false })
        const sent = JSON.stringify(blocks)
        assert.include(sent, "not passed on", `${type} ${data.slice(0, 20)}`)
        assert.notInclude(sent, '"type":"image"')
      }
      const { blocks } = yield* ask({ content: Array.from({ length: 25 }, () => image(png)), isError: false })
      assert.lengthOf(JSON.stringify(blocks).match(/"type":"image"/g) ?? [], 20)
    }).pipe(Effect.provide(Lab.Services))
  )
})

describe("the journal", () => {
  it.live("names the tool of the index, whichever way it was called", () =>
    Effect.gen(function* () {
      for (const way of modes) {
        const { lab } = yield* ask(ScriptedSource.answer("seen"), way)
        assert.deepStrictEqual(
          (yield* lab.facts("ToolCalled")).map(({ tool }) => tool),
          ["camera/look"]
        )
      }
    }).pipe(Effect.provide(Lab.Services))
  )
})
