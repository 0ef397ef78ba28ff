/**
 * A **sub-agent**: an agent that works on a part of a task for another one, in a conversation of its own, and hands over a
 * report. It may never do more than the agent that it works for.
 */
import type { ToolScope } from "@millwright/context/ToolScope"
import type * as Budget from "@millwright/core/Budget"
import type * as Model from "@millwright/core/Model"
import type * as Grant from "./Grant.ts"
import type * as Skill from "./Skill.ts"

/** An agent that others can give tasks to. */
export interface SubAgent<out G extends Grant.Grant = Grant.Grant> {
  readonly name: string
  /** What it can be asked for. The agents that may ask it read this. */
  readonly description: string
  readonly instructions: string
  readonly grants: ReadonlyArray<G>
  /** What it may use of what its parent may use of the tool index. Empty: nothing. */
  readonly tools: ToolScope
  /** That of its parent where it is not given. */
  readonly tier: Model.Tier | undefined
  readonly maxTurns: number
  readonly limits: Budget.Limits
}

/** How a sub-agent is made. */
export type Options<G extends Grant.Grant> = {
  readonly description: string
  readonly grants: ReadonlyArray<G>
  /** What it may use of what its parent may use of the tool index. Default: nothing. */
  readonly tools?: ToolScope
  /** Default: that of its parent. */
  readonly tier?: Model.Tier
  /** Default 30. */
  readonly maxTurns?: number
  /** What one task may use up. Holds beside all limits around it. */
  readonly limits?: Budget.Limits
} & ({ readonly instructions: string } | { readonly skill: Skill.Skill })

/** Makes a sub-agent. Its name is 1 to 40 letters, digits, `_` and `-`. */
export const make = <const G extends Grant.Grant>(name: string, options: Options<G>): SubAgent<G> => ({
  name,
  description: options.description,
  instructions: "skill" in options ? options.skill.instructions : options.instructions,
  grants: options.grants,
  tools: options.tools ?? [],
  tier: options.tier,
  maxTurns: options.maxTurns ?? 30,
  limits: options.limits ?? {}
})

/** Whom an agent may give tasks to. */
export interface Agents<out G extends Grant.Grant = Grant.Grant> {
  readonly list: ReadonlyArray<SubAgent<G>>
  /** How many agents may stand below one another: with 1, which is the default, sub-agents have none of their own. */
  readonly depth?: number
  /** How many of them work for one agent at once. Default 4. Only those that change nothing work beside each other. */
  readonly atOnce?: number
  /** What all of them together may use up in one run of the agent, beside the limits of each. */
  readonly limits?: Omit<Budget.Limits, "time">
}

/** What an agent may do. */
export interface Reach {
  readonly grants: ReadonlyArray<Grant.Grant>
  readonly tools?: ToolScope | undefined
}

/** What a sub-agent may do beyond what an agent may, in words. Of its tool scope only what is in its parent's ever counts. */
export const excess = ({ grants, tools }: SubAgent, parent: Reach): ReadonlyArray<string> => [
  ...grants.filter((grant) => !parent.grants.includes(grant)),
  ...(tools.length > 0 && (parent.tools ?? []).length === 0 ? tools : [])
]

/** Why these can not be the sub-agents of an agent, if they can not. */
export const problem = ({ depth = 1, atOnce = 4, list }: Agents, parent: Reach): string | undefined => {
  if (!Number.isInteger(depth) || depth < 0) return `The depth ${depth} is no whole number from 0. Give one.`
  if (!Number.isInteger(atOnce) || atOnce < 1)
    return `${atOnce} agents can not work at once. Give a whole number from 1.`
  for (const [at, agent] of list.entries()) {
    const { name } = agent
    if (!/^[A-Za-z0-9][\w-]{0,39}$/.test(name)) {
      return `${JSON.stringify(name.slice(0, 80))} can not name a sub-agent. Take 1 to 40 letters, digits, _ and -.`
    }
    if (list.findIndex((other) => other.name === name) < at) return `Two sub-agents are called ${name}. Rename one.`
    const more = excess(agent, parent)
    if (more.length > 0) {
      return `The sub-agent ${name} may use ${more.join(", ")}, and the agent that it works for may not. Grant it to both, or to none.`
    }
  }
  return undefined
}
