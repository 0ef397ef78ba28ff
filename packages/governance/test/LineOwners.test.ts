import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as LineOwners from "../src/LineOwners.ts"

const agent = (session: string): LineOwners.Owner => ({ _tag: "Agent", tool: "codex", session, model: "m" })
const ada: LineOwners.Owner = { _tag: "Human", identity: "Ada" }
const mixed: LineOwners.Owner = { _tag: "Mixed" }
const owners = [agent("one"), agent("two"), ada, mixed, LineOwners.unknown]

const some = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Drawn = Schema.Array(Schema.Struct({ first: some(1, 25), size: some(1, 12), owner: some(0, 4) }))
const claimsOf = (drawn: typeof Drawn.Type): ReadonlyArray<LineOwners.Range> =>
  drawn.map(({ first, owner, size }) => ({ first, last: first + size - 1, owner: owners[owner] ?? mixed }))

/** Line by line, as slow and as simple as can be. */
const plain = (claims: ReadonlyArray<LineOwners.Range>, line: number): LineOwners.Owner | undefined => {
  const all = claims.filter(({ first, last }) => first <= line && line <= last).map(({ owner }) => owner)
  const last = (tag: string) => all.findLast(({ _tag }) => _tag === tag)
  if (last("Agent") && last("Human")) return mixed
  return last("Mixed") ?? last("Agent") ?? last("Human") ?? last("Unknown")
}

describe("LineOwners", () => {
  it.prop("settles claims as if line by line, whatever lies over what", { drawn: Drawn }, ({ drawn }) => {
    const claims = claimsOf(drawn)
    const settled = LineOwners.settle(claims)
    for (let line = 1; line < 40; line++) {
      const owner = settled.find(({ first, last }) => first <= line && line <= last)?.owner
      assert.deepStrictEqual(owner, plain(claims, line), `line ${line}`)
    }
    for (const [at, { first, owner }] of settled.entries()) {
      const before = settled[at - 1]
      assert.isTrue(before === undefined || before.last < first, "ranges are in order, and none is over another")
      assert.isFalse(
        before?.last === first - 1 && JSON.stringify(before.owner) === JSON.stringify(owner),
        "what goes on is one range"
      )
    }
  })

  it.prop("adds up", { drawn: Drawn }, ({ drawn }) => {
    const { agent, agents, human, lines, mixed, unknown } = LineOwners.summary(
      LineOwners.make([{ path: "a", ranges: claimsOf(drawn) }])
    )
    assert.strictEqual(agent + human + mixed + unknown, lines, "the parts are the whole")
    assert.strictEqual(agents.get("codex/m") ?? 0, agent, "and so are the agents")
  })

  it("takes a range of two thousand million lines as any other", () => {
    const claims = [
      { first: 1, last: LineOwners.lastLine, owner: agent("one") },
      { first: 7, last: 7, owner: ada }
    ]
    const { agent: lines, mixed } = LineOwners.summary(LineOwners.make([{ path: "a", ranges: claims }]))
    assert.deepStrictEqual([lines, mixed], [LineOwners.lastLine - 1, 1], "counted without going through them")
  })

  it("has nothing of nothing", () => {
    assert.deepStrictEqual(
      LineOwners.make([{ path: "a", ranges: [] }]),
      { files: [] },
      "a file without ranges is left out"
    )
    assert.strictEqual(LineOwners.summary({ files: [] }).lines, 0, "no lines")
  })
})
