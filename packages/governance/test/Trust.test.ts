import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@millwright/core/Actor"
import * as Digest from "@millwright/core/Digest"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Trust from "../src/Trust.ts"

const day = 86_400_000
const options = { now: 100 * day, window: 14 * day }

const events = (facts: ReadonlyArray<readonly [at: number, run: string | null, fact: FactoryEvent.Fact]>) =>
  facts.map(([at, run, fact], index): FactoryEvent.FactoryEvent => ({
    version: 1,
    seq: index + 1,
    at,
    line: null,
    run,
    item: null,
    stage: null,
    actor: Actor.host,
    fact
  }))

const skillDigest = Digest.of("skill")
const role: FactoryEvent.Fact = {
  _tag: "RoleStarted",
  role: "Implement",
  skill: "implement",
  skillDigest,
  harness: "loop",
  tier: "standard"
}

/** A change that a run made and that shipped, and what was found. */
const shipped = (
  number: number,
  given: { readonly at?: number; readonly defect?: number; readonly authors?: "agent" | "mixed" } = {}
): ReadonlyArray<readonly [number, string | null, FactoryEvent.Fact]> => {
  const { at = day, authors = "agent", defect } = given
  const run = `issue-${number}.1`
  const commit = `head-${number}`
  const change = `acme/engine#${number}`
  const by = Actor.human("bo")
  return [
    [at, run, role],
    [at, run, { _tag: "ChangeCommitted", branch: "b", commit, files: 1, lines: 1 }],
    [at, null, { _tag: "ChangeShipped", change, into: "main", head: commit, commit: `m-${number}`, by, authors }],
    ...(defect === undefined
      ? []
      : [[defect, null, { _tag: "DefectFound", defect: `d-${number}`, kind: "revert", change, what: "" }] as const])
  ]
}

const many = (count: number, given: Parameters<typeof shipped>[1] = {}, from = 0) =>
  Array.from({ length: count }, (_, index) => shipped(from + index, given)).flat()

const roleOf = (facts: Parameters<typeof events>[0]) => {
  const found = Trust.of(events(facts), options)
  assert.deepStrictEqual(
    found.map(({ name }) => name),
    ["Implement", `implement@${skillDigest}`],
    "the role and the version of its skill are told"
  )
  assert.deepStrictEqual(found[0]?.clean, found[1]?.clean)
  return found[0]
}

describe("Trust", () => {
  it("comes from changes whose time has come, and one that is too young or not an agent's alone is unknown", () => {
    const facts = [...many(3), ...many(1, { at: 90 * day }, 10), ...many(1, { authors: "mixed" }, 20)]
    assert.deepInclude(roleOf(facts), { level: 0, clean: { numerator: 3, denominator: 3, unknown: 2, value: 1 } })
  })

  it("grows with how much is known, and falls with defects", () => {
    assert.strictEqual(roleOf(many(5))?.level, 1)
    assert.strictEqual(roleOf(many(20))?.level, 2)
    assert.strictEqual(roleOf(many(50))?.level, 3)
    assert.strictEqual(
      roleOf([...many(45), ...many(5, { defect: 2 * day }, 100)])?.level,
      1,
      "45 of 50 are at least 79 %"
    )
    assert.strictEqual(roleOf([...many(5), ...many(5, { defect: 2 * day }, 100)])?.level, 0)
  })

  it("does not change with a defect that comes after the window, with facts that come twice, or with no facts", () => {
    assert.deepInclude(roleOf(many(1, { defect: 15 * day })), {
      clean: { numerator: 1, denominator: 1, unknown: 0, value: 1 }
    })
    assert.deepInclude(roleOf(many(1, { defect: 15 * day - 1 })), {
      clean: { numerator: 0, denominator: 1, unknown: 0, value: 0 }
    })
    assert.deepStrictEqual(roleOf([...many(5), ...many(5)]), roleOf(many(5)))
    assert.deepStrictEqual(Trust.of([], options), [])
  })
})
