import { assert, describe, it } from "@effect/vitest"
import * as Actor from "../src/Actor.ts"
import * as Clearance from "../src/Clearance.ts"
import * as Policy from "../src/Policy.ts"

const head = "a".repeat(40)
const ships: Policy.Decision = { _tag: "AutoShip", rule: "documents", paths: ["a.md"] }
const sensitive: Policy.Decision = {
  _tag: "HumanReview",
  rule: "auth, payments, personal data",
  paths: ["auth.ts"],
  reviewers: 2,
  roles: ["domain expert", "validation architect"]
}
const stop: Policy.Decision = { _tag: "HardStop", rule: "the factory", paths: [".millwright/a"] }

const yes = (name: string, decision: Policy.Decision, at = head): Clearance.Approval => ({
  by: Actor.human(name),
  head: at,
  decision: Policy.digest(decision)
})

const rule = (
  decision: Policy.Decision,
  state: Partial<Clearance.State> = {},
  setting: Partial<Clearance.Setting> = {}
): ReadonlyArray<string> => {
  const ruling = Clearance.rule({
    decision,
    setting: { ...Clearance.asPolicySays, ...setting },
    state: { head, verdicts: [], approvals: [], authors: [], people: {}, ...state }
  })
  return ruling._tag === "Ships" ? ["Ships", ...ruling.approvedBy] : ruling.holds.map(({ why }) => why)
}

const people = { ada: ["domain expert"], bob: ["validation architect"], eve: ["domain expert", "validation architect"] }

describe("Clearance.rule", () => {
  it("lets out what the policy ships, and nothing in the dark, with too little trust or with trust that nobody knows", () => {
    assert.deepStrictEqual(rule(ships), ["Ships"])
    assert.deepStrictEqual(rule(ships, {}, { dark: false }), ["DarkModeOff"])
    assert.deepStrictEqual(rule(ships, {}, { minTrust: 2 }), ["TrustTooLow"])
    assert.deepStrictEqual(rule(ships, { trust: 1 }, { minTrust: 2 }), ["TrustTooLow"])
    assert.deepStrictEqual(rule(ships, { trust: Number.NaN }, { minTrust: 2 }), ["TrustTooLow"])
    assert.deepStrictEqual(rule(ships, { trust: 2 }, { minTrust: 2 }), ["Ships"])
    assert.deepStrictEqual(rule(ships, { approvals: [yes("ada", ships)] }, { dark: false }), ["Ships", "ada"])
  })

  it("holds what a validator has not accepted on this very head, and what CI has not passed on it", () => {
    const said = (at: string, accepted: boolean) => ({ validator: "scrutiny", head: at, accepted })
    const asked = { validators: ["scrutiny"] }
    assert.deepStrictEqual(rule(ships, {}, asked), ["ValidatorsNotPassed"])
    assert.deepStrictEqual(rule(ships, { verdicts: [said("old", true)] }, asked), ["ValidatorsNotPassed"])
    assert.deepStrictEqual(rule(ships, { verdicts: [said(head, true)] }, asked), ["Ships"])
    assert.deepStrictEqual(rule(ships, { verdicts: [said(head, true), said(head, false)] }, asked), [
      "ValidatorsNotPassed"
    ])
    assert.deepStrictEqual(rule(ships, { verdicts: [said(head, false)] }), ["ValidatorsNotPassed"], "a no always holds")
    assert.deepStrictEqual(rule(ships, {}, { requiresGreenCi: true }), ["CiUnknown"])
    assert.deepStrictEqual(rule(ships, { ci: { head: "old", isGreen: true } }, { requiresGreenCi: true }), [
      "CiUnknown"
    ])
    assert.deepStrictEqual(rule(ships, { ci: { head, isGreen: false } }), ["CiFailed"])
  })

  it("takes a person of its own for each role, whoever comes first", () => {
    const approved = (...names: ReadonlyArray<string>) =>
      rule(sensitive, { people, approvals: names.map((name) => yes(name, sensitive)) })
    assert.deepStrictEqual(approved(), ["HumanReview"])
    assert.deepStrictEqual(approved("ada"), ["HumanReview"])
    assert.deepStrictEqual(approved("eve"), ["HumanReview"], "one person is not two")
    assert.deepStrictEqual(approved("eve", "carl"), ["HumanReview"], "carl has no role")
    assert.deepStrictEqual(approved("ada", "bob"), ["Ships", "ada", "bob"])
    assert.deepStrictEqual(approved("eve", "ada"), ["Ships", "ada", "eve"])
    assert.deepStrictEqual(approved("eve", "bob"), ["Ships", "bob", "eve"])
    assert.deepStrictEqual(approved("ada", "ADA", "ada"), ["HumanReview"], "one person who says yes three times")
  })

  it("counts no agent, no author, no other head and no other decision", () => {
    const approvals = [yes("ada", sensitive), yes("bob", sensitive)]
    assert.deepStrictEqual(rule(sensitive, { people, approvals, authors: ["Ada"] }), ["HumanReview"], "ada made it")
    const agent: Clearance.Approval = { ...yes("bob", sensitive), by: { _tag: "Agent", role: "bob" } }
    assert.deepStrictEqual(rule(sensitive, { people, approvals: [yes("ada", sensitive), agent] }), ["HumanReview"])
    const host: Clearance.Approval = { ...yes("bob", sensitive), by: Actor.host }
    assert.deepStrictEqual(rule(sensitive, { people, approvals: [yes("ada", sensitive), host] }), ["HumanReview"])
    const old = [yes("ada", sensitive, "b".repeat(40)), yes("bob", sensitive, "b".repeat(40))]
    assert.deepStrictEqual(rule(sensitive, { people, approvals: old }), ["HumanReview", "StaleHead"])
    const other = [yes("ada", ships), yes("bob", ships)]
    assert.deepStrictEqual(rule(sensitive, { people, approvals: other }), ["HumanReview", "StaleHead"])
  })

  it("lets nothing through a hard stop but what humans signed, and then asks for humans still", () => {
    const approvals = [yes("ada", stop)]
    assert.deepStrictEqual(rule(stop), ["Forbidden", "HumanReview"])
    assert.deepStrictEqual(rule(stop, { approvals }), ["Forbidden"], "an approval is no signature")
    assert.deepStrictEqual(rule(stop, { approvals, isHumanSigned: false }), ["Forbidden"])
    assert.deepStrictEqual(rule(stop, { isHumanSigned: true }), ["HumanReview"])
    assert.deepStrictEqual(rule(stop, { approvals, isHumanSigned: true }), ["Ships", "ada"])
  })

  it("reads a decision that was written before there were reviewers", () => {
    const old: Policy.Decision = { _tag: "HumanReview", rule: "source", paths: ["a.ts"] }
    assert.deepStrictEqual(rule(old), ["HumanReview"])
    assert.deepStrictEqual(rule(old, { approvals: [yes("ada", old)] }), ["Ships", "ada"])
    const unknown: Policy.Decision = { _tag: "HumanReview", rule: "no rule knows this path", paths: ["a.ts"] }
    assert.deepStrictEqual(rule(unknown), ["PathOutside"])
  })
})
