import { assert, describe, it } from "@effect/vitest"
import * as Autonomy from "../src/Autonomy.ts"
import type * as ForgeHistory from "../src/ForgeHistory.ts"
import * as History from "../src/History.ts"
import * as Histories from "./Histories.ts"

const { ada, base, bo, bot, commit, evidence, first, opened, pullRequest } = Histories

const tell = (
  events: ReadonlyArray<ForgeHistory.Event>,
  pull: Partial<ForgeHistory.PullRequest> = {},
  given: Partial<History.Evidence> = {}
) => History.read(evidence([pullRequest({ ...pull, events: [...opened, ...events] })], given))

const interventions = ({ findings }: History.Told) =>
  findings.flatMap(({ by, fact }) =>
    fact._tag === "Intervened"
      ? [{ id: fact.id, kind: fact.kind, cause: fact.cause, by: by._tag === "Human" ? by.name : by._tag }]
      : []
  )

const reviewed = (
  id: string,
  by: ForgeHistory.Account,
  verdict: "approved" | "changes-requested" | "commented",
  body: string
): ForgeHistory.Event => ({ _tag: "Reviewed", id, at: 2_000, by, verdict, body, commit: "first" })

describe("History", () => {
  it("tells a human's commit behind an agent's from what an agent went on with", () => {
    const second = commit("second", {
      parents: ["first"],
      author: Histories.authors.ada,
      at: 5_000,
      message: "fix: oil"
    })
    const third = commit("third", { parents: ["second"], author: Histories.authors.agent, at: 6_000 })
    const pushes: ReadonlyArray<ForgeHistory.Event> = [
      { _tag: "Pushed", id: "push/2", at: 5_100, by: ada, before: "first", after: "second", forced: false },
      { _tag: "Pushed", id: "push/3", at: 6_100, by: bot, before: "second", after: "third", forced: false }
    ]
    const told = tell(pushes, { head: "third", commits: [third, first, base, second] })
    assert.deepStrictEqual(
      interventions(told),
      [{ id: "git:second", kind: "edit", cause: "edited by hand: fix", by: "ada" }],
      "the one commit of a human behind an agent's is the one edit"
    )
    assert.deepStrictEqual(told.doubts, [], "nobody's part is in doubt")
    assert.strictEqual(told.changes[0]?.authors, "mixed", "an agent and a human wrote it")
    const fact = told.findings[0]?.fact
    assert(fact?._tag === "Intervened")
    assert.strictEqual(fact.waited, 5_000 - 1_200, "it waited since it was opened")
    assert.notStrictEqual(fact.before, null, "the tree that was edited is known")
    assert.notStrictEqual(fact.after, fact.before, "the edit made another tree")
  })

  it("reads reviews: words are a review, an approval without words is an approval, a cover of comments is nothing", () => {
    const told = tell([
      reviewed("review/1", ada, "approved", "  "),
      reviewed("review/2", ada, "commented", ""),
      reviewed("review/3", bo, "changes-requested", "nit: a dot is missing"),
      reviewed("review/4", bot, "approved", ""),
      { _tag: "ReviewCommented", id: "comment/9", at: 2_100, by: bo, body: "Why?", commit: "first", path: "a.ts" },
      { _tag: "Commented", id: "comment/10", at: 2_200, by: ada, body: "Thanks" },
      { _tag: "Commented", id: "comment/11", at: 2_300, by: bot, body: "Done" }
    ])
    assert.deepStrictEqual(interventions(told), [
      { id: "forge:review/1", kind: "approve", cause: "reviewed", by: "ada" },
      { id: "forge:review/3", kind: "review", cause: "reviewed: nit", by: "bo" },
      { id: "forge:comment/9", kind: "review", cause: "reviewed: unclassified", by: "bo" },
      { id: "forge:comment/10", kind: "review", cause: "reviewed: unclassified", by: "ada" }
    ])
  })

  it("reads that people close, open again, relabel and rewrite what an agent made", () => {
    const told = tell([
      { _tag: "Labeled", id: "event/1", at: 1_500, by: bot, label: "ready" },
      { _tag: "Labeled", id: "event/2", at: 1_600, by: ada, label: "urgent" },
      { _tag: "Unlabeled", id: "event/3", at: 1_700, by: ada, label: "Ready" },
      { _tag: "Closed", id: "event/4", at: 1_800, by: ada },
      { _tag: "Reopened", id: "event/5", at: 1_900, by: bo },
      { _tag: "Pushed", id: "push/2", at: 2_000, by: bo, before: "gone", after: "first", forced: true }
    ])
    assert.deepStrictEqual(interventions(told), [
      { id: "forge:event/3", kind: "steer", cause: "steered: relabeled", by: "ada" },
      { id: "forge:event/4", kind: "interrupt", cause: "stopped by hand", by: "ada" },
      { id: "forge:event/5", kind: "pickup", cause: "taken up by hand: reopened", by: "bo" },
      { id: "forge:push/2", kind: "edit", cause: "edited by hand: rewritten", by: "bo" }
    ])
    assert.strictEqual(told.changes[0]?.gaps.length, 1, "what was taken from the branch by force is not known")
  })

  it("an agent that takes a human's name, trailer or place is not taken for one, and its change is not zero-touch", () => {
    const forged = commit("forged", {
      parents: ["first"],
      author: Histories.authors.ada,
      at: 3_000,
      message: "Mend\n\nSigned-off-by: Ada <ada@example.org>\nCo-authored-by: Bo <bo@example.org>\n"
    })
    const push: ForgeHistory.Event = {
      _tag: "Pushed",
      id: "push/2",
      at: 3_100,
      by: bot,
      before: "first",
      after: "forged",
      forced: false
    }
    const told = tell([push, reviewed("review/1", { ...ada, app: "some-app" }, "approved", "LGTM")], {
      head: "forged",
      commits: [base, first, forged]
    })
    assert.deepStrictEqual(interventions(told), [], "nothing of this is a human's")
    assert.deepStrictEqual(told.doubts.map(({ about }) => about).sort(), ["forge:review/1", "git:forged"])
    assert.match(
      told.doubts.find(({ about }) => about === "git:forged")?.why ?? "",
      /says that it is by ada.*pushed it/
    )
    assert.strictEqual(told.changes[0]?.authors, "unknown", "who wrote it is not known")
    assert.strictEqual(Autonomy.of([], true, told.changes[0].authors), "unknown", "no level can be won by forging")
  })

  it("believes a verified signature more than whoever pushed", () => {
    const second = commit("second", { parents: ["first"], author: Histories.authors.eve, at: 5_000 })
    const push: ForgeHistory.Event = {
      _tag: "Pushed",
      id: "push/2",
      at: 5_100,
      by: bot,
      before: "first",
      after: "second",
      forced: false
    }
    const signed = tell(
      [push],
      { head: "second", commits: [base, first, second] },
      {
        standing: (id) =>
          id === "second" ? { _tag: "Human", name: "bo" } : { _tag: "Unproven", why: "It is not signed." }
      }
    )
    assert.deepStrictEqual(
      interventions(signed).map(({ by, id }) => [id, by]),
      [["git:second", "bo"]]
    )
  })

  it("tells a takeover from an assignment that nobody worked on, and when it was given back", () => {
    const second = commit("second", { parents: ["first"], author: Histories.authors.ada, at: 5_000 })
    const events: ReadonlyArray<ForgeHistory.Event> = [
      { _tag: "Assigned", id: "event/1", at: 4_000, by: ada, to: ada },
      { _tag: "Assigned", id: "event/2", at: 4_500, by: bo, to: bo },
      { _tag: "Pushed", id: "push/2", at: 5_100, by: ada, before: "first", after: "second", forced: false },
      { _tag: "Assigned", id: "event/3", at: 7_000, by: ada, to: bot }
    ]
    const told = tell(events, { head: "second", commits: [base, first, second] })
    assert.deepStrictEqual(
      interventions(told).map(({ id, kind }) => [id, kind]),
      [
        ["forge:event/1", "takeover"],
        ["git:second", "edit"]
      ]
    )
    const ended = told.findings.find(({ fact }) => fact._tag === "InterventionEnded")
    assert.strictEqual(ended?.at, 7_000, "it was given back when it was assigned to the agent")
  })
})
