import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Grant from "../src/Grant.ts"
import * as Handoff from "../src/Handoff.ts"
import * as Progress from "../src/Progress.ts"
import * as Role from "../src/Role.ts"
import * as Skill from "../src/Skill.ts"
import * as SubAgent from "../src/SubAgent.ts"
import * as ScriptedHarness from "../src/testing/ScriptedHarness.ts"

const scout = SubAgent.make("scout", { description: "Looks.", instructions: "You look.", grants: Grant.readOnly })
const fixer = SubAgent.make("fixer", { description: "Mends.", instructions: "You mend.", grants: ["bash"] })

const options = {
  input: Schema.Struct({}),
  outcome: Schema.TaggedUnion({ Done: {} }),
  skill: Skill.parse("---\nname: lead\ndescription: Leads.\n---\nLead.", "inline"),
  tier: "small"
} as const

const same = <G extends Grant.Grant>(changes: Partial<SubAgent.SubAgent<G>>) => ({ ...scout, ...changes })

describe("SubAgent", () => {
  it("with a grant that its role has not does not compile", () => {
    Role.make("Reads", { ...options, grants: ["read", "grep"], agents: { list: [scout] } })
    const works = Role.make("Works", {
      ...options,
      grants: ["read", "grep", "bash"],
      agents: { list: [scout, fixer], depth: 2 }
    })
    assert.deepStrictEqual(works.grants, ["read", "grep", "bash"])
    // @ts-expect-error: the role may not use bash
    Role.make("Reads", { ...options, grants: ["read", "grep"], agents: { list: [scout, fixer] } })
    // @ts-expect-error: nor may one whose grants come from elsewhere
    Role.make("Reads", { ...options, grants: Grant.readOnly, agents: { list: [fixer] } })
    // @ts-expect-error: a role without grants has nobody who reads
    Role.make("Thinks", { ...options, grants: [], agents: { list: [scout] } })
  })

  it.prop(
    "is of no use to a role beyond what that may do",
    [Schema.Array(Grant.Grant), Schema.Array(Grant.Grant), Schema.Boolean, Schema.Boolean],
    ([grants, parent, hasTools, mayFind]) => {
      const agent = same({ grants, tools: hasTools ? ["a/*"] : [] })
      const problem = SubAgent.problem({ list: [agent] }, { grants: parent, tools: mayFind ? ["*/*"] : [] })
      const isWithin = grants.every((grant) => parent.includes(grant)) && (!hasTools || mayFind)
      assert.strictEqual(problem === undefined, isWithin, problem)
    }
  )

  it("has a name that a model can say, of which there is one, and a place to work in", () => {
    const reach = { grants: Grant.all }
    assert.isUndefined(SubAgent.problem({ list: [scout, fixer], depth: 0, atOnce: 1 }, reach))
    const wrong: ReadonlyArray<readonly [SubAgent.Agents, RegExp]> = [
      [{ list: [scout, scout] }, /Two sub-agents are called scout/],
      ...["", "a/b", "a b", "Role: x\n", "-a", "a".repeat(41)].map(
        (name) => [{ list: [same({ name })] }, /can not name a sub-agent/] as const
      ),
      ...[-1, 0.5, Number.NaN, Infinity].map((depth) => [{ list: [], depth }, /depth/] as const),
      ...[0, -1, 1.5, Number.NaN, Infinity].map((atOnce) => [{ list: [], atOnce }, /at once/] as const)
    ]
    for (const [agents, message] of wrong) assert.match(SubAgent.problem(agents, reach) ?? "", message)
  })

  it.effect("is told what a skill says", () =>
    Effect.gen(function* () {
      const skill = yield* options.skill
      const { instructions } = SubAgent.make("lead", { description: "Leads.", skill, grants: [] })
      assert.strictEqual(instructions, skill.instructions)
    })
  )

  it.live("is a fault of the role where the harness can run none, before anything is asked", () =>
    Effect.gen(function* () {
      const Lead = Role.make("Lead", { ...options, grants: ["read", "grep"], agents: { list: [scout] } })
      const error = yield* Effect.flip(Lead.run({})).pipe(
        Effect.provide(ScriptedHarness.layer(() => [{ outcome: { _tag: "Done" } }])),
        Effect.provide([MemoryJournal.layer, NodeServices.layer])
      )
      assert.deepStrictEqual([error._tag, error.reason], ["HarnessError", "Unsupported"])
      assert.match(error.message, /Lead.*scripted.*LoopHarness/)
    })
  )
})

describe("Handoff", () => {
  it("is what an agent gave, whatever that is", () => {
    const given = { report: "Done.", undone: ["The rest: no time."] }
    assert.deepStrictEqual(Handoff.from(given), given)
    assert.deepStrictEqual(Handoff.from("Done."), { report: "Done." })
    for (const odd of [null, undefined, "", 7, [], {}, { report: "" }, { report: "x", undone: "all" }]) {
      const { report } = Handoff.from(odd)
      assert.isAbove(report.length, 0, String(odd))
    }
  })

  it("is whole when nothing is left to do or to check", () => {
    assert.isTrue(Handoff.isWhole({ report: "Done." }))
    assert.isTrue(Handoff.isWhole({ report: "Done.", undone: [], unchecked: [] }))
    assert.isFalse(Handoff.isWhole({ report: "Done.", undone: ["One."] }))
    assert.isFalse(Handoff.isWhole({ report: "Done.", unchecked: ["One."] }))
    assert.strictEqual(
      Handoff.text({ report: "Done.", undone: ["One."], unchecked: ["Two.", "Three."] }),
      "Done.\n\nLeft undone:\n- One.\n\nNot checked:\n- Two.\n- Three."
    )
  })
})

describe("Progress", () => {
  it("tells an event from the agents that it came through", () => {
    const event = { _tag: "Text", text: "I look." } as const
    const inner = { _tag: "Delegated", agent: "scout", session: "a/b/c", event } as const
    assert.deepStrictEqual(Progress.unwrap(event), { path: [], event })
    assert.deepStrictEqual(Progress.unwrap({ _tag: "Delegated", agent: "lead", session: "a/b", event: inner }), {
      path: ["lead", "scout"],
      event
    })
  })
})
