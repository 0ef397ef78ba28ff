import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as CommitIdentity from "../src/CommitIdentity.ts"
import * as Provenance from "../src/Provenance.ts"
import * as ProvenanceRule from "../src/ProvenanceRule.ts"
import type * as Roster from "../src/Roster.ts"
import { commitAs, git, gitAs, repository, type Signer, temporary, test, write } from "./SignedRepository.ts"

const rule: ProvenanceRule.Rule = { name: "human-provenance", humans: 1 }
const agent: CommitIdentity.Agent = { id: "implementer-1", role: "Implement" }

/** Approves what stands on HEAD, as a person does it by hand. */
const approve = (who: Signer, dir: string): string =>
  commitAs(who, dir, "Looks right", "--trailer", `Approves=${git(dir, "rev-parse", "HEAD")}`)

describe("ProvenanceRule.check", () => {
  test("holds for what humans signed, or approved on top of it, and not for what came after", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, grace, roster } = yield* repository
      const asked = (rule: ProvenanceRule.Rule) =>
        Effect.map(Provenance.verify(dir, { base, head: "HEAD", roster }), (range) => ProvenanceRule.check(range, rule))
      const nothing = yield* asked(rule)
      assert.deepStrictEqual(
        nothing,
        { rule: rule.name, holds: true, exitCode: 0, asked: 0, problems: [] },
        "of nothing it holds"
      )
      write(dir, "a", "a")
      const made = commitAs({ name: bot.name, email: bot.email }, dir, CommitIdentity.message("Work", agent))
      const before = yield* asked(rule)
      assert.deepStrictEqual(
        { ...before, problems: before.problems.map(({ commit, path, ruleId }) => ({ commit, path, ruleId })) },
        {
          rule: rule.name,
          holds: false,
          exitCode: 1,
          asked: 1,
          problems: [{ commit: made, path: null, ruleId: rule.name }]
        },
        "an agent's commit alone"
      )
      assert.match(
        before.problems[0]?.message ?? "",
        /\(Work\) needs 1 .*nobody did\. It is by an agent \(implementer-1\)/,
        "it says who"
      )
      commitAs(bot, dir, "\u001b[2J::set-output\u202e\r" + "😀".repeat(90))
      const orders = (yield* asked(rule)).problems[1]?.message ?? ""
      assert.notMatch(orders, /[\p{C}]/u, "what a log would take for an order is not in a message")
      git(dir, "reset", "-q", "--hard", "HEAD~1")
      approve(ada, dir)
      assert.isTrue((yield* asked(rule)).holds, "a human approved it")
      const two = yield* asked({ ...rule, humans: 2 })
      assert.strictEqual(two.problems.length, 2, "one human is not two, for what she approved and for her approval")
      assert.match(two.problems[0]?.message ?? "", /needs 2 .*; ada did/, "it says who did")
      approve(grace, dir)
      assert.deepStrictEqual(
        (yield* asked({ ...rule, humans: 2 })).problems.map(({ message }) => /\(.*?\)/.exec(message)?.[0]),
        ["(Looks right)"],
        "two humans approved the work, and one is behind the last approval"
      )
      const again = commitAs(bot, dir, "one more")
      assert.deepStrictEqual(
        (yield* asked(rule)).problems.map(({ commit }) => commit),
        [again],
        "what came after is not approved"
      )
      const held = [
        { commit: made, paths: ["src/auth.ts"] },
        { commit: again, paths: ["src/a.ts", "src/b.ts"] }
      ]
      assert.deepStrictEqual(
        (yield* asked({ ...rule, held })).problems.map(({ commit, path }) => [commit, path]),
        [
          [again, "src/a.ts"],
          [again, "src/b.ts"]
        ],
        "a problem for each path of what is asked about"
      )
      const elsewhere = yield* asked({ ...rule, held: [{ commit: base, paths: [] }] })
      assert.strictEqual(elsewhere.exitCode, 1, "a commit that is not in the range can not be told anything of")
    }))

  test("takes nothing for an approval that an agent can bring about", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* repository
      const unsigned = { name: ada.name, email: ada.email }
      const cases: ReadonlyArray<readonly [string, (made: string) => void]> = [
        ["one that nobody signed", () => approve(unsigned, dir)],
        ["one that an agent signed", () => approve(bot, dir)],
        ["one under her name with the agent's key", () => approve({ ...unsigned, key: bot.key }, dir)],
        ["a trailer in the work itself", (made) => commitAs(bot, dir, `m\n\nApproves: ${made}`)],
        ["a signed commit that changes something", () => (write(dir, "b", "b"), approve(ada, dir))],
        ["a signed commit of another commit", () => commitAs(ada, dir, `m\n\nApproves: ${base}`)],
        ["a signed commit that only talks of it", (made) => commitAs(ada, dir, `m\n\nApproves: ${made}\n\nNot yet.`)],
        [
          "one that names an agent, under her name and with her signature",
          (made) => commitAs(ada, dir, `${CommitIdentity.message("Looks right", agent)}Approves: ${made}`)
        ],
        ["an abbreviated name", (made) => commitAs(ada, dir, `m\n\nApproves: ${made.slice(0, 12)}`)],
        [
          "an approval by an agent that she made again with her signature, as a rebase does",
          () => {
            approve({ name: bot.name, email: bot.email }, dir)
            gitAs(ada, dir, "commit", "-q", "--amend", "--allow-empty", "--no-edit")
          }
        ]
      ]
      for (const [what, act] of cases) {
        git(dir, "reset", "-q", "--hard", base)
        write(dir, "a", "a")
        const made = commitAs(bot, dir, "Work")
        act(made)
        const range = yield* Provenance.verify(dir, { base, head: "HEAD", roster })
        const checked = ProvenanceRule.check(range, rule)
        assert.include(
          checked.problems.map(({ commit }) => commit),
          made,
          what
        )
      }
    }))

  test("judges rebased and squashed history as what it is", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* repository
      const holds = (from = base) =>
        Effect.map(
          Provenance.verify(dir, { base: from, head: "HEAD", roster }),
          (range) => ProvenanceRule.check(range, rule).holds
        )
      git(dir, "checkout", "-q", "-b", "work")
      write(dir, "a", "a")
      commitAs(bot, dir, "Work")
      approve(ada, dir)
      assert.isTrue(yield* holds(), "approved")
      git(dir, "checkout", "-q", "main")
      write(dir, "c", "c")
      const onto = commitAs(ada, dir, "Meanwhile")
      git(dir, "checkout", "-q", "work")
      gitAs({ name: bot.name, email: bot.email }, dir, "rebase", "-q", "--keep-empty", "main")
      assert.isFalse(yield* holds(onto), "what was rebased has lost the signatures and the approval")
      git(dir, "checkout", "-q", "main")
      git(dir, "merge", "-q", "--squash", "work")
      commitAs({ name: "Forge", email: "noreply@forge.example" }, dir, "Work (#1)")
      assert.isFalse(yield* holds(onto), "nor is the forge's squash anybody's")
      approve(ada, dir)
      assert.isTrue(yield* holds(onto), "until a human approves that")
    }))

  test("counts an approval that the forge vouches for, of a human, for that commit and what it stands on", () =>
    Effect.gen(function* () {
      const { base, bot, dir, roster } = yield* repository
      commitAs(bot, dir, "one")
      const two = commitAs(bot, dir, "two")
      const three = commitAs(bot, dir, "three")
      const [ada, , factory] = roster.members
      const range = yield* Provenance.verify(dir, { base, head: "HEAD", roster })
      const left = (approvals: NonNullable<ProvenanceRule.Rule["approvals"]>) =>
        ProvenanceRule.check(range, { ...rule, approvals }).problems.map(({ commit }) => commit)
      const by = (member: Roster.Member | undefined) => member ?? assert.fail("the roster has three members")
      assert.deepStrictEqual(left([{ commit: two, by: by(ada) }]), [three], "one and two")
      assert.deepStrictEqual(left([{ commit: three, by: by(ada) }]), [], "all")
      assert.strictEqual(left([{ commit: three, by: by(factory) }]).length, 3, "an agent's approval is no human's")
      assert.strictEqual(left([{ commit: base, by: by(ada) }]).length, 3, "of what was there before")
      const odd = { commit: three, by: { ...by(ada), name: "constructor" } }
      const asked = ProvenanceRule.check(range, { ...rule, approvals: [odd], roles: ["expert"] })
      assert.strictEqual(asked.problems.length, 3, "a name that an object has by itself has no role")
    }))

  test("asks for roles, each of another human, as the roster gives them", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, grace, roster } = yield* repository
      commitAs(bot, dir, "Work")
      const work = git(dir, "rev-parse", "HEAD")
      approve(ada, dir)
      approve(grace, dir)
      const holds = (roles: Record<string, ReadonlyArray<string>>, asked: ReadonlyArray<string>) => {
        const members = roster.members.map((member) => ({ ...member, roles: roles[member.name] ?? [] }))
        return Effect.map(Provenance.verify(dir, { base, head: "HEAD", roster: { members } }), (range) =>
          ProvenanceRule.check(range, { ...rule, roles: asked, held: [{ commit: work, paths: [] }] })
        )
      }
      const both = ["expert", "architect"]
      const without = yield* holds({}, ["expert"])
      assert.match(
        without.problems[0]?.message ?? "",
        /for each of expert another one; ada, grace did/,
        "nobody is an expert"
      )
      assert.isTrue((yield* holds({ ada: ["expert"] }, ["expert"])).holds, "one is")
      assert.isFalse((yield* holds({ ada: both }, both)).holds, "one human is not two")
      assert.isTrue(
        (yield* holds({ ada: both, grace: ["expert"] }, both)).holds,
        "whoever has both is taken for the other"
      )
      assert.isFalse((yield* holds({ ada: ["expert"], Implement: both }, both)).holds, "an agent has no role")
    }))

  test("says that nobody can know where history is cut off", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* repository
      commitAs(bot, dir, "hidden")
      const seen = commitAs(ada, dir, "seen")
      const outside = yield* temporary
      git(outside, "clone", "-q", "--depth=1", `file://${dir}`, "clone")
      git(`${outside}/clone`, "fetch", "-q", "--depth=1", "origin", base)
      const range = yield* Provenance.verify(`${outside}/clone`, { base, head: "HEAD", roster })
      const { exitCode, holds, problems } = ProvenanceRule.check(range, rule)
      assert.deepStrictEqual(
        [holds, exitCode, problems.map(({ commit }) => commit)],
        [false, 2, [seen]],
        "not held, and not failed"
      )
      assert.match(problems[0]?.message ?? "", /git fetch --unshallow/, "with what to do")
      const short = yield* Provenance.verify(dir, { base, head: "HEAD", roster, limit: 1 })
      assert.strictEqual(ProvenanceRule.check(short, rule).exitCode, 2, "nor where only some commits were looked at")
    }))

  it("is done with a long range, and with a circle that git could never make", () => {
    const claims: Provenance.Claims = {
      author: { name: "", email: "" },
      committer: { name: "", email: "" },
      agent: null,
      human: null,
      signedOffBy: []
    }
    const commit = (id: string, ...parents: ReadonlyArray<string>): Provenance.Commit => ({
      id,
      tree: "t",
      parents,
      subject: id,
      approves: parents,
      standing: { _tag: "HumanSigned", member: `m${Number(id) % 3}`, key: "k", claims }
    })
    const range = (commits: ReadonlyArray<Provenance.Commit>): Provenance.Range => ({
      base: "b",
      head: "h",
      commits,
      isAncestor: true,
      roles: {},
      cut: [],
      truncated: false
    })
    const long = range(Array.from({ length: 3_000 }, (_, n) => commit(`${n}`, `${n - 1}`)))
    assert.strictEqual(
      ProvenanceRule.check(long, { ...rule, humans: 3 }).problems.length,
      2,
      "each approves all below it"
    )
    assert.isTrue(ProvenanceRule.check(range([commit("1", "2"), commit("2", "1")]), rule).holds, "it ends")
  })
})
