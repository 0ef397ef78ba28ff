/** What every model adapter holds to while a conversation goes on: what was sent once is never rewritten, whoever speaks next. */
import { assert } from "@effect/vitest"
import type * as AiError from "effect/ai/AiError"
import * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as Model from "../Model.ts"
import * as ToolLoading from "../ToolLoading.ts"
import * as Lab from "./ModelLab.ts"
import type * as ProbeClaims from "./ProbeClaims.ts"
import * as PromptPrefix from "./PromptPrefix.ts"

/** A tool that an index of tools knows, by its number: the name is as long as a name can be. */
export const definition = (number: number): ToolLoading.Definition => ({
  name: `mcp__calendar__event_${number}`.padEnd(64, "_x"),
  description: `Reads the events of calendar ${number}. "Quoted", 🗓`,
  schema: {
    type: "object",
    properties: { day: { type: "string", format: "date", "x-hint": [number, null] }, again: { $ref: "#/$defs/again" } },
    required: ["day"],
    additionalProperties: false,
    $defs: { again: { type: "object", properties: { again: { $ref: "#/$defs/again" } } } }
  }
})

const search = Tool.make("tool_search", { description: "Looks for tools" })

const dynamic = ({ description, name, schema }: ToolLoading.Definition): Tool.Any =>
  Tool.dynamic(name, { description, parameters: schema })

/** What is offered from the start: an index of six tools around the one that looks in it, or that one alone. */
export const offered = (mode: ToolLoading.Mode): ReadonlyArray<Tool.Any> => {
  if (mode === "inline") return [search]
  const index = [1, 2, 3, 4, 5, 6].map((number) => dynamic(definition(number)).annotate(ToolLoading.Deferred, true))
  return [...index.slice(0, 3), search, ...index.slice(3)]
}

/** Asks as an agent loop does, with these tools. */
export const ask = (model: Model.Model, prompt: Prompt.RawInput, tools: ReadonlyArray<Tool.Any>) =>
  Stream.runCollect(
    model.languageModel.streamText({
      prompt,
      toolkit: Toolkit.make(...tools),
      disableToolCallResolution: true,
      toolCallValidation: "deferred"
      // Nothing is decoded, so no service is needed.
    }) as Stream.Stream<Response.AnyPart, AiError.AiError>
  )

/** What follows an answer: a result for each of its calls and, behind it, what a load says in the given way. */
const followed = (
  parts: Lab.Parts,
  load: { readonly mode: ToolLoading.Mode; readonly tools: ReadonlyArray<number>; readonly drop?: number }
): Prompt.RawInput => {
  const { drop, mode, tools } = load
  const loaded = tools.map(definition)
  const names = loaded.map(({ name }) => name)
  const removals = drop === undefined ? [] : [definition(drop).name]
  const isLoad = loaded.length + removals.length > 0
  return [
    {
      role: "tool",
      content: Lab.callsIn(parts).map(({ id, name }) => ({
        type: "tool-result",
        id,
        name,
        isFailure: false,
        result: `Found ${names.length} for ${name}.`,
        ...(mode === "native" && name === "tool_search" ? { options: ToolLoading.references(names) } : {})
      }))
    },
    ...(mode === "inline" && isLoad
      ? [
          {
            role: "system",
            content: `The tools changed: ${names.length} more.`,
            options: ToolLoading.changes({ additions: loaded, removals })
          } as const
        ]
      : [])
  ]
}

/**
 * A conversation of four turns. Tools are loaded in the second and in the third, and called without being offered
 * by name; in the fourth, `inline` takes one away. The requests are the twin's.
 */
export const converse = Effect.fnUntraced(function* (lab: Lab.Lab, mode: ToolLoading.Mode) {
  const call = (number: number) => ({ tool: definition(number).name, arguments: { day: "2026-01-01" } })
  const look = { tool: "tool_search" }
  yield* Lab.play(
    lab,
    { calls: [look] },
    { text: "I look again.", calls: [call(2), look] },
    { reasoning: "Now both.", calls: [call(5), call(2)] },
    { text: "ok" }
  )
  const tools = offered(mode)
  let prompt = Lab.question
  const called: Array<string> = []
  for (const load of [{ tools: [2] }, { tools: [5, 4] }, { tools: [], drop: 4 }, undefined]) {
    const parts = yield* ask(lab.model, prompt, tools)
    called.push(...Lab.callsIn(parts).map(({ name }) => name))
    if (load === undefined) break
    const answer = Prompt.concat(prompt, Prompt.fromResponseParts(parts))
    prompt = Prompt.concat(answer, followed(parts, { mode, ...load }))
  }
  const [two, five] = [definition(2).name, definition(5).name]
  assert.deepStrictEqual(called, ["tool_search", two, "tool_search", five, two], "A call of a loaded tool got lost")
  return (yield* lab.twin.requests).map(({ body }) => body)
})

/** Fails where a request does not begin with all that the one before it has in its prompt. */
export const appendOnly = (bodies: ReadonlyArray<unknown>): void => {
  for (const [index, body] of bodies.slice(1).entries()) {
    const changed = PromptPrefix.changed(bodies[index], body)
    assert.strictEqual(changed, 0, `Request ${index + 2} rewrites ${changed} bytes of what the one before it had sent`)
  }
}

const place = Effect.fnUntraced(function* (lab: Lab.Lab) {
  yield* Lab.play(lab, { calls: [{ tool: "today" }] }, { text: "It is Monday." }, { text: "ok" })
  const first = yield* Lab.ask(lab.model)
  const noted = Prompt.concat(Lab.answered(first, "Monday"), [{ role: "system", content: "A server is gone." }])
  const second = yield* Lab.ask(lab.model, noted)
  const asked = Prompt.concat(Prompt.concat(noted, Prompt.fromResponseParts(second)), [Lab.user("And tomorrow?")])
  yield* Lab.ask(lab.model, asked)
  const bodies = (yield* lab.twin.requests).map(({ body }) => body)
  appendOnly(bodies)
  const said = PromptPrefix.of(bodies[2])
  const order = ["Monday", "A server is gone.", "It is Monday.", "And tomorrow?"].map((text) => said.indexOf(text))
  assert.isAbove(order[0] ?? -1, 0, "The result of the tool did not reach the model")
  assert.deepStrictEqual(
    order,
    order.toSorted((a, b) => a - b),
    "The system message does not stand where it was said"
  )
  assert.lengthOf(said.split("A server is gone."), 2, "The system message is there more or less than once")
})

const rawSchema = Effect.fnUntraced(function* (lab: Lab.Lab) {
  const { description, name, schema } = definition(1)
  assert.lengthOf(name, 64)
  yield* Lab.play(lab, { calls: [{ tool: name, arguments: { day: 5 } }] })
  const call = Lab.callsIn(yield* ask(lab.model, Lab.question, [dynamic(definition(1))]))[0]
  assert.deepStrictEqual(
    [call?.name, call?.params],
    [name, { day: 5 }],
    "The arguments are not as the model wrote them"
  )
  const body = yield* Lab.bodyOf(lab, 0)
  for (const part of [name, description, schema]) {
    assert.include(body, JSON.stringify(part), "What the model is told of the tool is not what was given")
  }
})

const loads = Effect.fnUntraced(function* (lab: Lab.Lab) {
  for (const mode of lab.model.supports.toolLoading) {
    const before = (yield* lab.twin.requests).length
    const bodies = (yield* converse(lab, mode)).slice(before)
    assert.lengthOf(bodies, 4)
    appendOnly(bodies)
    const [, , third = null] = bodies
    const schema = JSON.stringify(definition(5).schema)
    assert.lengthOf(JSON.stringify(third).split(schema), 2, `A tool that is loaded ${mode} is not in the request once`)
  }
})

const leavesOut = Effect.fnUntraced(function* (lab: Lab.Lab) {
  for (const mode of ToolLoading.Mode.literals) {
    if (lab.model.supports.toolLoading.includes(mode)) continue
    const before = (yield* lab.twin.requests).length
    const bodies = (yield* converse(lab, mode)).slice(before)
    appendOnly(bodies)
    const sent = JSON.stringify(bodies)
    assert.notMatch(
      sent,
      /toolReferences|toolAdditions|tool_reference|tool_addition|tool_removal|defer_loading/,
      `The model does not have ${mode}, and the request asks for it`
    )
    assert.strictEqual(sent.includes("The tools changed"), mode === "inline", "What was said beside the load got lost")
  }
})

/** Every promise, as an effect that fails where it is broken. */
export const claims: ReadonlyArray<ProbeClaims.Claim> = [
  { name: "a system message in the middle keeps its place, and changes nothing before it", holds: place },
  { name: "a tool with a raw JSON Schema goes over as it is, with a name of 64 characters", holds: rawSchema },
  { name: "a tool that is loaded in the middle changes no earlier byte, in each way that the model has", holds: loads },
  { name: "a way to load tools that the model does not have leaves no trace in the request", holds: leavesOut }
]
