/** The agent, played: it works for as long as its task says, commits what its task holds, and says in all of it who it is. */
import * as Steering from "@millwright/agents/Steering"
import * as Actor from "@millwright/core/Actor"
import * as Fault from "@millwright/core/Fault"
import * as Git from "@millwright/core/Git"
import * as GitCommit from "@millwright/core/GitCommit"
import * as Journal from "@millwright/core/Journal"
import * as Usage from "@millwright/core/Usage"
import * as CommitIdentity from "@millwright/governance/CommitIdentity"
import * as Effect from "effect/Effect"
import type * as Clock from "./clock.ts"
import type * as Line from "./line.ts"
import * as Repository from "./repository.ts"
import type { Task } from "./tasks.ts"

/** The agent came to no end. */
export class AgentError extends Fault.Class<AgentError>()("AgentError", { Crashed: false }) {}

/** How a task goes, beside what it comes to. */
export interface Course {
  /** Ada says this to the agent while it works. */
  readonly hint?: string
  /** How often it fails before it does not. */
  readonly fails?: number
  /** It commits in somebody's name, with a key of its own. */
  readonly forges?: Repository.Person
}

const role = "Implement"
const model = "played-1"

/** An agent for a repository. Answers with what does a task. */
export const make = (dir: string, week: Clock.Week) => {
  const failed = new Map<string, number>()
  return Effect.fnUntraced(function* (task: Task, { fails = 0, forges, hint }: Course) {
    const { files, item, minutes, skill, usd } = task
    const asAgent = Journal.as({ _tag: "Agent", role })
    const tries = failed.get(item.id) ?? 0
    const session = `${item.id}-${tries + 1}`
    const start = [
      { _tag: "RoleStarted", role, skill: "implement", skillDigest: skill, harness: "played", tier: "standard" },
      { _tag: "AgentStarted", role, session, resumed: false }
    ] as const
    for (const fact of start) yield* asAgent(Journal.record(fact))
    if (hint !== undefined) {
      yield* Journal.as(Actor.human("ada"))(Steering.say({ to: { session }, lane: "steer", text: hint }))
    }
    yield* week.pass(`${minutes} minutes`)
    const usage = { input: 4_000, cacheRead: minutes * 6_000, cacheWrite: minutes * 500, output: minutes * 150 }
    const call = { model, provider: "played", usage, latency: minutes * 60_000, rehearsed: true }
    yield* asAgent(Journal.record({ _tag: "ModelCalled", ...call, cost: Usage.known(usd) }))
    if (tries < fails) {
      failed.set(item.id, tries + 1)
      return yield* new AgentError({
        reason: "Crashed",
        message: "The agent's process is gone. Take the run up again."
      })
    }
    yield* Repository.git(dir, Repository.agent, "checkout", "-q", "--detach", "main")
    const base = yield* Git.resolve(dir, "main")
    const branch = `factory/${item.id}`
    if (forges !== undefined) {
      const message = `${item.title}\n\nSigned-off-by: ${forges.name} <${forges.email}>`
      const head = yield* Repository.commit(dir, { branch, files, message, who: forges })
      return { base, branch, head } satisfies Line.Work
    }
    yield* Repository.write(dir, files)
    const agent = { id: "implementer-1", role, model: `played/${model}`, skill }
    const identity = CommitIdentity.commit({ agent, author: Repository.agent, message: item.title })
    yield* GitCommit.commitAll(dir, { branch, base, ...identity })
    const head = yield* Git.resolve(dir, branch)
    yield* Repository.claim(dir, { commit: head, files, owner: { _tag: "Agent", tool: "millwright", session, model } })
    yield* asAgent(Journal.record({ _tag: "AgentEnded", session, fault: null }))
    return { base, branch, head } satisfies Line.Work
  })
}
