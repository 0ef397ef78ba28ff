import { assert, describe, it } from "@effect/vitest"
import * as ProviderTwin from "@millwright/core/testing/ProviderTwin"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import * as Command from "../../scripts/Command.ts"
import type * as Bench from "../Bench.ts"
import * as Account from "../cache/Account.ts"
import * as Own from "../cache/Own.ts"
import * as Participant from "../cache/Participant.ts"
import * as Session from "../cache/Session.ts"

const bench = (...args: ReadonlyArray<string>): Promise<Command.Ended> =>
  Command.run(process.execPath, [join(Command.root, "scripts", "bench.ts"), "cache", ...args])

const usage = (input: number, cacheRead: number, cacheWrite: number) => ({ input, cacheRead, cacheWrite, output: 10 })
const provider = { name: "P", price: { input: 10, cacheRead: 1, cacheWrite: 20, output: 100 } }

describe("the session", () => {
  const session = Session.make(7)
  const conversations = [session.main, ...session.agents.values()]

  it("is the same for the same seed, and another for another", () => {
    const told = ({ agents, main }: Session.Session) => JSON.stringify([main, ...agents.values()])
    assert.strictEqual(told(Session.make(7)), told(session))
    assert.notStrictEqual(told(Session.make(8)), told(session))
  })

  it("has as many answers as it says, and calls only tools that are offered", () => {
    for (const [conversation, { turns }] of conversations.map(
      (each, at) => [each, Session.script(session, "text").conversations[at] ?? assert.fail("no script")] as const
    )) {
      const wanted = conversation === session.main ? Session.size.turns : Session.size.agentTurns
      assert.lengthOf(turns, wanted, `${conversation.role} has another number of turns`)
      const names = new Set(Session.offered(conversation).map(({ name }) => name))
      for (const { tool } of conversation.turns.flatMap(({ calls = [] }) => calls)) {
        assert.isTrue(names.has(tool), `${conversation.role} calls ${tool}, which it does not have`)
      }
    }
  })

  it("answers each call in its own way, with 0.2 to 30 kB", () => {
    const calls = conversations
      .flatMap(({ turns }) => turns.flatMap(({ calls = [] }) => calls))
      .filter(({ tool }) => !tool.endsWith("delegate"))
    const answers = calls.map((call) => session.answer(call.arguments))
    assert.isAbove(answers.length, 100)
    assert.strictEqual(new Set(answers).size, answers.length, "Two calls have one answer")
    for (const { length } of answers) assert.isTrue(length >= 200 && length <= 30_000, `An answer has ${length} bytes`)
    assert.throws(() => session.answer({ path: "/nowhere" }), /Nothing of the session/)
  })

  it("gives two tasks away, and looks at many files at once three times", () => {
    const given = session.main.turns.flatMap(({ calls = [] }) => calls).filter(({ tool }) => tool.endsWith("delegate"))
    assert.deepStrictEqual(
      given.map(({ arguments: { agent } }) => agent),
      [...session.agents.keys()]
    )
    assert.deepStrictEqual(
      session.main.turns.map(({ calls = [] }) => calls.length).filter((count) => count > 3),
      [12, 15, 20]
    )
  })
})

describe("the account", () => {
  it("is the share of all input that was read, and the price of each kind", () => {
    assert.strictEqual(Account.share(usage(10, 80, 10)), 80)
    assert.closeTo(Account.cost(usage(100_000, 200_000, 300_000), provider.price), 1 + 0.2 + 6 + 0.001, 1e-9)
  })

  const judged = (own: number, peer: number) =>
    Account.figures(provider, [
      { name: "Millwright", isOwn: true, runs: [usage(100 - own, own, 0)] },
      { name: "peer", isOwn: false, runs: [usage(100 - peer, peer, 0)] }
    ])
  const lead = (figures: ReadonlyArray<Bench.Measured>) => figures.find(({ unit }) => unit === "points")

  it("has a goal for ours, none for a peer, and one for the lead", () => {
    const figures = judged(97, 90)
    assert.deepStrictEqual(
      figures.filter(({ goal }) => goal !== undefined).map(({ name, value }) => [name, value]),
      [
        ["P: read from the cache", 97],
        ["P: more than the best peer reads", 7]
      ]
    )
    assert.strictEqual(figures.find(({ peer }) => peer === "peer")?.value, 90)
  })

  it("takes a tie for no lead, and says so at the end", () => {
    const tie = lead(judged(97, 97))
    assert.deepStrictEqual([tie?.value, tie?.goal], [0, { op: ">=", value: 0.01 }])
    assert.strictEqual(Account.missed(judged(97, 97)), "Goals that do not hold: P: more than the best peer reads.")
    assert.isUndefined(Account.missed(judged(97, 90)))
  })

  it("says why a peer has no figures, and does not compare with it", () => {
    const figures = Account.figures(provider, [
      { name: "Millwright", isOwn: true, runs: [usage(3, 97, 0)] },
      { name: "peer", isOwn: false, runs: [], missing: "it broke" }
    ])
    assert.strictEqual(figures.filter(({ missing }) => missing === "it broke").length, 4)
    assert.isUndefined(lead(figures))
  })

  it("leads by the worst run of ours over the best of a peer", () => {
    const figures = Account.figures(provider, [
      { name: "Millwright", isOwn: true, runs: [usage(3, 97, 0), usage(4, 96, 0)] },
      { name: "peer", isOwn: false, runs: [usage(10, 90, 0), usage(5, 95, 0)] }
    ])
    assert.strictEqual(lead(figures)?.value, 1)
  })
})

/** Schemas of tools without what says nothing to a model, which ours takes out, and what is said of further keys. */
const bare = (schemas: ReadonlyArray<unknown>): unknown =>
  JSON.parse(
    JSON.stringify(schemas, (key, value: unknown) => (/^(\$schema|additional.*)$/.test(key) ? undefined : value))
  )

interface Sent {
  readonly system: ReadonlyArray<{ readonly text: string }>
  readonly tools: ReadonlyArray<{ readonly name: string; readonly description: string; readonly input_schema: unknown }>
}

describe("pnpm bench cache", () => {
  it("has the peers send the prompts and the tools that ours sends", { timeout: 120_000 }, async () => {
    const session = Session.make(7, { turns: 60, agentTurns: 2 })
    const requests = await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const script = Session.script(session, "outcome")
          const twin = yield* ProviderTwin.make({ script, contextTokens: 1_000_000 })
          const at: Own.At = { api: "anthropic", model: "claude-sonnet-4-6", url: twin.anthropicUrl }
          assert.strictEqual(yield* Effect.promise(() => Own.run(session, at)), session.main.report)
          return yield* twin.requests
        })
      )
    )
    for (const conversation of [session.main, ...session.agents.values()]) {
      const { body } = requests.find(({ role }) => role === conversation.role) ?? assert.fail(`No ${conversation.role}`)
      // The twin let it in, so that is its shape.
      const { system, tools } = body as unknown as Sent
      assert.strictEqual(system.map(({ text }) => text).join(""), conversation.system)
      const wanted = Session.offered(conversation)
      for (const key of ["name", "description"] as const) {
        assert.deepStrictEqual(
          tools.map((tool) => tool[key]),
          wanted.map((tool) => tool[key])
        )
      }
      assert.deepStrictEqual(bare(tools.map((tool) => tool.input_schema)), bare(wanted.map(({ schema }) => schema)))
    }
  })

  it("plays the whole session with ours, which holds its goal", { timeout: 120_000 }, async () => {
    const [own, claude] = [Participant.all[0], Participant.providers[0]]
    if (own === undefined || claude === undefined) return assert.fail("Ours and the Claude API stand first")
    const { requests, usage } = await Participant.play(own, { provider: claude, seed: 7, folder: "" })
    assert.strictEqual(requests, Session.size.turns + 2 * Session.size.agentTurns)
    assert.strictEqual(usage.input, 0, "Something stands behind the last mark")
    assert.isAtLeast(Account.share(usage), Account.goal)
  })

  it("ends with 2 on a peer that there is not", async () => {
    const { code, output } = await bench("--peers", "nobody")
    assert.strictEqual(code, 2, output)
    assert.match(output, /knows no "nobody"/)
  })
})
