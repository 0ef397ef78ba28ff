/**
 * A **trajectory**: what an author did, in its order, and what it claimed in the end. It is data: a fold over the journal, or
 * given by whoever has more of it. Every text in it was written by the author or by a program that it ran, and may lie.
 */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Schema from "effect/Schema"

/** One call of a tool. */
export const Call = Schema.Struct({
  tool: Schema.String,
  /** What it was called with, or one line about it; bounded. */
  input: Schema.String,
  /** What came back; bounded. `null`: it is kept nowhere. */
  output: Schema.NullOr(Schema.String),
  /** Whether the tool answered. A script that failed is an answer. */
  ok: Schema.Boolean,
  /** What a script exited with, where that is known. */
  exit: Schema.NullOr(Schema.Int)
})
/** One call of a tool. */
export type Call = typeof Call.Type

/** What an author did. */
export const Trajectory = Schema.Struct({
  calls: Schema.Array(Call),
  /** What it said at its end. `null`: nothing, or it is not known. */
  claim: Schema.NullOr(Schema.String),
  /** So many calls were made that are not here. */
  missing: Schema.Natural
})
/** What an author did. */
export type Trajectory = typeof Trajectory.Type

/** The most calls that are kept, and the most characters of each text. Of outputs the end is kept, where results stand. */
export const limits = { calls: 20_000, input: 4_000, output: 40_000 } as const

/** Makes a trajectory within the {@link limits}. The last calls are kept: what was claimed rests on them. */
export const make = (given: { readonly calls: ReadonlyArray<Call>; readonly claim?: string | null }): Trajectory => ({
  calls: given.calls.slice(-limits.calls).map((call) => ({
    ...call,
    input: call.input.slice(0, limits.input),
    output: call.output === null ? null : call.output.slice(-limits.output)
  })),
  claim: given.claim?.slice(0, limits.input) ?? null,
  missing: Math.max(0, given.calls.length - limits.calls)
})

const exitOf = (output: string | null): number | null => {
  const said = output === null ? null : /\[(?:exit code|exit) (\d{1,3})\]\s*$/.exec(output)
  return said === null ? null : Number(said[1])
}

/**
 * What an agent did, from the facts of a journal. The journal has one line about each call, and what came back only where the model was
 * shown a part of it; read it with `outputs: true`. What was claimed is the author's outcome, which the caller has.
 */
export const ofEvents = (
  events: ReadonlyArray<FactoryEvent.FactoryEvent>,
  options: { readonly role?: string; readonly claim?: string } = {}
): Trajectory => {
  const outputs = new Map<string, string>()
  const calls: Array<Call> = []
  for (const { actor, fact, run } of events) {
    if (options.role !== undefined && !(actor._tag === "Agent" && actor.role === options.role)) continue
    if (fact._tag === "ToolOutput") {
      const key = `${run} ${fact.call}`
      outputs.set(key, `${fact.part === 0 ? "" : (outputs.get(key) ?? "")}${fact.text}`.slice(-limits.output))
    }
    if (fact._tag !== "ToolCalled") continue
    const output = fact.call === undefined ? null : (outputs.get(`${run} ${fact.call}`) ?? null)
    calls.push({ tool: fact.tool, input: fact.summary, output, ok: fact.ok, exit: exitOf(output) })
  }
  return make({ calls, claim: options.claim ?? null })
}
