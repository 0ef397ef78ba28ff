/** An agent and its sub-agents before a provider twin, each with turns of its own. */
import * as ToolIndex from "@millwright/context/ToolIndex"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Model from "@millwright/core/Model"
import * as Pricing from "@millwright/core/Pricing"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as LoopHarness from "../../src/adapters/LoopHarness.ts"
import type * as Grant from "../../src/Grant.ts"
import * as Harness from "../../src/Harness.ts"
import * as Progress from "../../src/Progress.ts"
import * as Sessions from "../../src/Sessions.ts"
import * as SubAgent from "../../src/SubAgent.ts"
import * as Lab from "./LoopLab.ts"

/** Only reads. */
export const scout = SubAgent.make("scout", {
  description: "Finds things.",
  instructions: "You look for what you are asked for.",
  grants: ["read", "grep"]
})

/** Changes files. */
export const fixer = SubAgent.make("fixer", {
  description: "Mends things.",
  instructions: "You mend what you are asked to mend.",
  grants: ["read", "bash"]
})

/** The same agent with something else. */
export const but = <G extends Grant.Grant>(agent: SubAgent.SubAgent<G>, changes: Partial<SubAgent.SubAgent<G>>) => ({
  ...agent,
  ...changes
})

export const delegate = (agent: string, task = "Look around."): ProviderTwin.Call =>
  Lab.call("delegate", { agent, task })

export const delegating = (agent: string, task?: string): ProviderTwin.Turn => ({ calls: [delegate(agent, task)] })

/** The outcome of a sub-agent. */
export const handover = (report: string, more: object = {}): ProviderTwin.Turn => ({
  calls: [Lab.call("outcome", { outcome: { report, ...more } })]
})

export const both = { list: [scout, fixer] }

/** Who did it. */
export const actorOf = ({ actor }: Pick<FactoryEvent.FactoryEvent, "actor">): string =>
  actor._tag === "Agent" ? actor.role : actor._tag

/** The facts of a kind. */
export const factsOf = <Tag extends FactoryEvent.Fact["_tag"]>(
  events: ReadonlyArray<FactoryEvent.FactoryEvent>,
  tag: Tag
): ReadonlyArray<Extract<FactoryEvent.Fact, { readonly _tag: Tag }>> =>
  events.flatMap(({ fact }) => (fact._tag === tag ? [fact as Extract<FactoryEvent.Fact, { readonly _tag: Tag }>] : []))

/** The turns of each role. */
export type Scripts = Readonly<Record<string, ReadonlyArray<ProviderTwin.Turn>>>

/** Where conversations are kept, and where tools are found. */
export interface Around {
  readonly sessions?: Sessions.Sessions["Service"]
  readonly index?: ToolIndex.ToolIndex
}

export const start = Effect.fnUntraced(function* (protocol: Lab.Protocol, scripts: Scripts, around: Around = {}) {
  const conversations = Object.entries(scripts).map(([role, turns]) => ({ role, turns }))
  const twin = yield* ProviderTwin.make({ script: { conversations }, apiKey: Redacted.make(Lab.key) })
  return { twin, ...(yield* at(protocol, twin.anthropicUrl, around)), ...reading(twin) }
})

/** The loop with a model at an address. */
export const at = Effect.fnUntraced(function* (protocol: Lab.Protocol, url: string, around: Around = {}) {
  const model = yield* Lab.modelAt(protocol, url)
  const { journal } = yield* MemoryJournal.make
  const harnessWith = (journal: Journal.Journal["Service"]) =>
    Layer.build(
      LoopHarness.layer.pipe(
        Layer.provide([
          Layer.succeed(Model.Models, Model.single(model)),
          Layer.succeed(Pricing.Pricing, Lab.cents),
          Layer.succeed(Journal.Journal, journal),
          around.sessions === undefined ? Layer.empty : Layer.succeed(Sessions.Sessions, around.sessions),
          around.index === undefined ? Layer.empty : Layer.succeed(ToolIndex.ToolIndex, around.index)
        ])
      )
    ).pipe(Effect.map((built) => Context.get(built, Harness.Harness)))
  const harness = yield* harnessWith(journal)
  const events: Array<Harness.HarnessEvent> = []
  return {
    harness,
    /** The same loop with another journal. */
    harnessWith,
    journal,
    events,
    /** What happened, each after the agents that it came through. */
    tree: () =>
      events.map((each) => {
        const { event, path } = Progress.unwrap(each)
        return [...path, "tool" in event ? `${event._tag} ${event.tool}` : event._tag].join(" ")
      }),
    run: (agents: SubAgent.Agents, changes?: Partial<Harness.Request>) =>
      Stream.runForEach(harness.run(Lab.request({ agents, ...changes })), (event) =>
        Effect.sync(() => events.push(event))
      ).pipe(Effect.andThen(Effect.sync(() => events.at(-1)))),
    all: Stream.runCollect(journal.read())
  }
})

const reading = (twin: ProviderTwin.ProviderTwin) => {
  const of = (role: string) =>
    Effect.map(twin.requests, (all) => all.filter((request) => request.role === role).map(({ body }) => body))
  return {
    requests: of,
    /** The results of tools that the last request of a role ends with. */
    results: (role = "Tester") =>
      Effect.map(of(role), (bodies) => {
        const blocks = Lab.blocksOf(bodies.at(-1))
        return blocks
          .slice(blocks.findLastIndex(({ role }) => role === "assistant") + 1)
          .flatMap(({ block, role }) =>
            role === "tool" || block["type"] === "tool_result" ? [String(block["content"])] : []
          )
      }),
    /** The tools that the last request of a role offers. */
    offered: (role: string) =>
      Effect.map(of(role), (bodies) => JSON.stringify((bodies.at(-1) as { readonly tools?: unknown })?.tools))
  }
}
