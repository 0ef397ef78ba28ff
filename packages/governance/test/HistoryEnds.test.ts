import { assert, describe, it } from "@effect/vitest"
import type * as ForgeHistory from "../src/ForgeHistory.ts"
import * as History from "../src/History.ts"
import * as Metrics from "../src/Metrics.ts"
import * as Window from "../src/Window.ts"
import * as Histories from "./Histories.ts"

const { ada, authors, bo, bot, commit, evidence, issue, opened, pullRequest } = Histories

const facts = (told: History.Told, ...tags: ReadonlyArray<string>) =>
  told.findings.flatMap(({ fact }) => (tags.includes(fact._tag) ? [fact] : []))

const merged = (given: Partial<ForgeHistory.PullRequest> = {}, as = "merge-1"): ForgeHistory.PullRequest => {
  const pull = pullRequest(given)
  const number = pull.id.replace(/\D/g, "")
  return {
    ...pull,
    events: [
      ...pull.events,
      { _tag: "Merged", id: `merged/${number}`, at: 9_000, by: bo, commit: as },
      { _tag: "Closed", id: `closed/${number}`, at: 9_000, by: bo }
    ]
  }
}

describe("What became of a change", () => {
  it("it shipped, with who merged it and by whom it was written; that it was closed by that is nothing of its own", () => {
    const told = History.read(evidence([merged()]))
    assert.deepStrictEqual(facts(told, "ChangeShipped", "ChangeDropped", "Intervened"), [
      {
        _tag: "ChangeShipped",
        change: "acme/engine#1",
        into: "main",
        head: "first",
        commit: "merge-1",
        by: { _tag: "Human", name: "bo" },
        authors: "agent"
      }
    ])
  })

  it("it was dropped, and shipped after all", () => {
    const events: ReadonlyArray<ForgeHistory.Event> = [
      ...opened,
      { _tag: "Closed", id: "closed/0", at: 2_000, by: bot },
      { _tag: "Reopened", id: "reopened/0", at: 3_000, by: bot }
    ]
    const told = History.read(evidence([merged({ events })]))
    assert.deepStrictEqual(
      facts(told, "ChangeShipped", "ChangeDropped", "Intervened").map(({ _tag }) => _tag),
      ["ChangeDropped", "ChangeShipped"],
      "an agent closed it and opened it again, and a human merged it: nobody stepped in"
    )
  })

  it("a commit took it back, by its whole id, by a short one and for what it was squashed into", () => {
    const first = "a".repeat(40)
    const squash = "b".repeat(40)
    const mine = commit(first, { parents: ["base"], author: authors.agent, at: 1_000 })
    const pull = merged({ head: first, commits: [Histories.base, mine] }, squash)
    const by = (id: string, message: string) =>
      commit(id, { parents: [squash], author: authors.bo, at: 20_000, message })
    for (const [id, message] of [
      ["r1", `Revert "Oil"\n\nThis reverts commit ${first}.`],
      ["r2", `Revert "Oil"\n\nThis reverts commit ${squash.slice(0, 10)}.`]
    ] as const) {
      const told = History.read(evidence([pull], { commits: [by(id, message)] }))
      assert.deepStrictEqual(
        facts(told, "DefectFound"),
        [{ _tag: "DefectFound", defect: `git:${id}`, kind: "revert", change: "acme/engine#1", what: 'Revert "Oil"' }],
        message
      )
    }
    const reverting = by("c".repeat(40), `Revert "Oil"\n\nThis reverts commit ${first}.`)
    const again = by("d".repeat(40), `Reapply "Oil"\n\nThis reverts commit ${reverting.id}.`)
    const both = facts(History.read(evidence([pull], { commits: [reverting, again] })), "DefectFound")
    assert.strictEqual(both.length, 1, "what brings it in again is no defect")
    const unknown = by("e".repeat(40), `This reverts commit ${"f".repeat(40)}.`)
    const [fact] = facts(History.read(evidence([pull], { commits: [unknown] })), "DefectFound")
    assert(fact?._tag === "DefectFound")
    assert.strictEqual(fact.change, null, "nobody knows which change it was")
    const inside = {
      ...pull,
      commits: [...pull.commits, { ...by("9".repeat(40), `This reverts commit ${first}.`), parents: [first] }]
    }
    const own = { ...inside, head: "9".repeat(40) }
    const told = History.read(evidence([own], { commits: own.commits }))
    assert.deepStrictEqual(facts(told, "DefectFound"), [], "what a change takes back of itself has never shipped")
  })

  it("bugs and incidents that name it, hot fixes, and what the button of the forge takes back", () => {
    const open = (id: string): ForgeHistory.Event => ({ _tag: "Opened", id, at: 30_000, by: ada })
    const subjects = [
      merged(),
      issue({ id: "acme/engine#7", labels: ["Bug"], body: "Introduced in #1.", events: [open("o7")] }),
      issue({ id: "acme/engine#8", labels: ["bug"], body: "It squeaks.", events: [open("o8")] }),
      issue({
        id: "acme/engine#9",
        labels: ["incident"],
        title: "Down",
        body: "A regression from acme/engine#1",
        events: [open("o9")]
      }),
      merged({ id: "acme/engine#20", labels: ["hotfix"], body: "Fixes #7", head: "x", commits: [], events: [] }, "m20"),
      merged({ id: "acme/engine#21", labels: ["hotfix"], body: "No idea.", head: "y", commits: [], events: [] }, "m21"),
      merged({ id: "acme/engine#22", body: "Reverts acme/engine#1", head: "z", commits: [], events: [] }, "m22"),
      pullRequest({ id: "acme/engine#23", body: "Reverts acme/engine#1", head: "w", commits: [], events: [] })
    ]
    const found = facts(History.read(evidence(subjects)), "DefectFound").flatMap((fact) =>
      fact._tag === "DefectFound" ? [`${fact.kind} ${fact.defect} ${fact.change}`] : []
    )
    assert.deepStrictEqual(found.toSorted(), [
      "bug forge:o7 acme/engine#1",
      "hotfix git:m20 acme/engine#1",
      "hotfix git:m21 null",
      "incident forge:o9 acme/engine#1",
      "revert git:m22 acme/engine#1"
    ])
    const state = History.entries(History.read(evidence(subjects))).reduce(
      (state, entry, index) => Metrics.step(state, { ...entry, version: 1, seq: index + 1, at: entry.at ?? 0 }),
      Metrics.empty
    )
    const { escapedDefects, rework } = Metrics.of(state, { window: Window.make(0, Window.hour), rate: 0 }).figures
    assert.deepStrictEqual(
      [rework.numerator, rework.denominator, rework.unknown],
      [3, 4, 0],
      "#20, #21 and #22 of four"
    )
    assert.strictEqual(escapedDefects.numerator, 1, "#1 was wrong, however often somebody says so")
  })
})
