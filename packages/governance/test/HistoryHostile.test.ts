import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as ForgeHistory from "../src/ForgeHistory.ts"
import * as History from "../src/History.ts"
import * as InterventionNotes from "../src/InterventionNotes.ts"
import * as Histories from "./Histories.ts"
import * as NoteRepository from "./NoteRepository.ts"
import * as SignedRepository from "./SignedRepository.ts"

const { ada, authors, base, bo, bot, commit, evidence, first, opened, pullRequest } = Histories
const { git } = NoteRepository

const kinds = ({ findings }: History.Told) =>
  findings.flatMap(({ fact }) => (fact._tag === "Intervened" ? [`${fact.id} ${fact.kind}`] : []))

describe("A history that is not as it should be", () => {
  it("has 10,000 events, each twice, in any order, and is read in a while", () => {
    const events = Array.from({ length: 10_000 }, (_, index): ForgeHistory.Event => ({
      _tag: "Commented",
      id: `comment/${index}`,
      at: 2_000 + index,
      by: ada,
      body: "x".repeat(3_000)
    }))
    const told = History.read(evidence([pullRequest({ events: [...events.toReversed(), ...opened, ...events] })]))
    assert.strictEqual(kinds(told).length, 10_000)
    const [finding] = told.findings
    assert(finding?.fact._tag === "Intervened")
    assert.isBelow(finding.fact.why.length, 2_100, "a text is kept whole, however long it is")
  })

  it("has 10,000 commits in a row", () => {
    const commits = Array.from({ length: 10_000 }, (_, index) =>
      commit(`c${index + 1}`, {
        parents: [`c${index}`],
        author: index % 100 === 99 ? authors.eve : authors.agent,
        at: index
      })
    )
    const told = History.read(evidence([pullRequest({ base: "c0", head: "c10000", commits, events: [] })]))
    assert.strictEqual(told.changes[0]?.commits.length, 10_000)
    assert.strictEqual(told.doubts.length, 100, "each commit of somebody unknown is in doubt")
  })

  it("has texts that name tens of thousands of commits, and is read in a while", () => {
    const hex = (number: number) => number.toString(16).padStart(8, "0").repeat(5)
    const commits = Array.from({ length: 10_000 }, (_, index) =>
      commit(hex(index + 1), { parents: [hex(index)], author: authors.agent, at: index })
    )
    const ids = Array.from({ length: 50_000 }, (_, index) => (0x1000000 + index * 7919).toString(16).slice(0, 7))
    const naming = (how: string) => ids.map((id) => `${how} ${id}.`).join("\n")
    const reverting = { author: authors.agent, at: 20_000, message: naming("This reverts commit") }
    const last = commit("f".repeat(40), { parents: [hex(10_000)], ...reverting })
    const bug = Histories.issue({ labels: ["bug"], body: naming("caused by"), events: opened })
    const pull = pullRequest({ base: hex(1), head: hex(10_000), commits })
    const told = History.read(evidence([pull, bug], { commits: [...commits, last] }))
    const defects = told.findings.flatMap(({ fact }) => (fact._tag === "DefectFound" ? [fact.change] : []))
    assert.deepStrictEqual(defects, [null], "what names commits that are nobody's is one defect of nobody's")
  })

  it("has one id for two events: the same one stands, whichever came first", () => {
    const one: ForgeHistory.Event = { _tag: "Commented", id: "comment/1", at: 2_000, by: ada, body: "one" }
    const other: ForgeHistory.Event = { _tag: "Closed", id: "comment/1", at: 2_500, by: bo }
    const tell = (...events: ReadonlyArray<ForgeHistory.Event>) =>
      History.read(evidence([pullRequest({ events: [...opened, ...events] })])).findings
    assert.deepStrictEqual(tell(one, other), tell(other, one))
    const kept = kinds(History.read(evidence([pullRequest({ events: [...opened, one, other] })])))
    assert.strictEqual(kept.length, 1, "one id is two interventions")
  })

  it("has clocks that disagree: nothing waits for less than no time", () => {
    const early = commit("early", { parents: ["first"], author: authors.ada, at: 0 })
    const push: ForgeHistory.Event = {
      _tag: "Pushed",
      id: "push/2",
      at: 2_000,
      by: ada,
      before: "first",
      after: "early",
      forced: false
    }
    const told = History.read(
      evidence([pullRequest({ head: "early", commits: [base, first, early], events: [...opened, push] })])
    )
    const [finding] = told.findings
    assert(finding?.fact._tag === "Intervened")
    assert.strictEqual(finding.fact.waited, null, "it was made before it was there to wait for: nobody knows")
  })

  it("has a pull request without commits, and one whose commits are nowhere", () => {
    const empty = History.read(evidence([pullRequest({ head: "base", commits: [base] })]))
    assert.deepInclude(empty.changes[0], { authors: "unknown", commits: [], gaps: [] })
    const lost = History.read(evidence([pullRequest({ head: "gone", commits: [] })]))
    assert.strictEqual(lost.changes[0]?.authors, "unknown")
    assert.strictEqual(lost.changes[0].gaps.length, 1, "that its head is not there is a gap")
  })

  it("has a base that is not there: what the forge lists is the change, and not all that lies below it", () => {
    const [older, main] = ["older", "main-2"].map((id, index) =>
      commit(id, { parents: index === 0 ? [] : ["older"], author: authors.bo, at: index })
    )
    assert(older !== undefined && main !== undefined)
    const mine = commit("mine", { parents: ["main-2"], author: authors.agent, at: 1_000 })
    const pull = pullRequest({ base: "not-fetched", head: "mine", commits: [mine] })
    const [change] = History.read(evidence([pull], { commits: [older, main] })).changes
    assert.deepInclude(change, { commits: ["mine"], authors: "agent" })
  })

  it("has a commit that is its own ancestor", () => {
    const a = commit("a", { parents: ["b"], author: authors.agent, at: 1 })
    const b = commit("b", { parents: ["a"], author: authors.agent, at: 2 })
    assert.strictEqual(
      History.read(evidence([pullRequest({ head: "a", commits: [a, b] })])).changes[0]?.commits.length,
      2
    )
  })

  it("has merges: what a branch takes up is not its own, and that a human merged is an edit", () => {
    const main = commit("main-2", { parents: ["base"], author: authors.bo, at: 1_500 })
    const up = commit("up", { parents: ["first", "main-2"], author: authors.ada, at: 3_000 })
    const ship = commit("ship", { parents: ["main-2", "up"], author: authors.bo, at: 9_000 })
    const push: ForgeHistory.Event = {
      _tag: "Pushed",
      id: "push/2",
      at: 3_100,
      by: ada,
      before: "first",
      after: "up",
      forced: false
    }
    const merged: ForgeHistory.Event = { _tag: "Merged", id: "merged/1", at: 9_000, by: bo, commit: "ship" }
    const pull = pullRequest({ head: "up", events: [...opened, push, merged], commits: [] })
    const told = History.read(evidence([pull], { commits: [base, first, main, up, ship] }))
    assert.deepStrictEqual(told.changes[0]?.commits.toSorted(), ["first", "up"])
    assert.deepStrictEqual(kinds(told), ["git:up edit"])
    assert.strictEqual(told.changes[0].authors, "agent", "a merge adds no lines of its own")
  })

  it("joins parts that were read at different times, also of a branch with another name since", () => {
    const before = { subjects: [pullRequest()] }
    const after = {
      subjects: [
        pullRequest({ branch: "renamed", events: [...opened, { _tag: "Closed", id: "closed/1", at: 5_000, by: ada }] })
      ]
    }
    const [both, ...others] = ForgeHistory.together(before, after, after).subjects
    assert(both?._tag === "PullRequest" && others.length === 0)
    assert.strictEqual(both.branch, "renamed")
    assert.strictEqual(both.events.length, 3, "each event is there once")
  })
})

const test = (title: string, body: () => Effect.Effect<void, unknown, NodeServices.NodeServices | Scope.Scope>) =>
  it.live(title, () => Effect.scoped(Effect.provide(body(), NodeServices.layer)), 60_000)

describe("The level of a change", () => {
  const setUp = Effect.gen(function* () {
    const { base, dir } = yield* NoteRepository.repository()
    git(dir, "checkout", "-q", "-b", "factory/1")
    NoteRepository.write(dir, "engine.txt", "oil\n")
    git(dir, "add", "-A")
    git(dir, "commit", "-q", "-m", "Oil", "--author", "Implement <implement@factory.example>")
    const head = git(dir, "rev-parse", "HEAD")
    const at = Number(git(dir, "log", "-1", "--format=%ct")) * 1_000
    const events: ReadonlyArray<ForgeHistory.Event> = [
      { _tag: "Pushed", id: "push/1", at: at + 1, by: bot, before: null, after: head, forced: false },
      { _tag: "Opened", id: "open/1", at: at + 2, by: bot }
    ]
    const forge = { subjects: [pullRequest({ base, head, events, commits: [] })] }
    const observed = { line: "Mend", run: "issue-1.1", item: "issue-1" }
    return { dir, head, observed, events, sources: { base, head: "factory/1", forge, roster: Histories.roster } }
  })

  test("is zero-touch only where the run was observed, and says why it is not known otherwise", () =>
    Effect.gen(function* () {
      const { dir, head, observed, sources } = yield* setUp
      const [without] = (yield* History.rebuild(dir, sources)).changes
      assert.strictEqual(without?.level, "unknown", "nobody has said that there was no gate and no steer")
      assert.include(without.why.join(), "observed")
      yield* InterventionNotes.write(dir, { commit: head, ledger: new Map(), observed })
      const [change] = (yield* History.rebuild(dir, sources)).changes
      assert.deepInclude(change, { level: "zero-touch", why: [], authors: "agent" })
    }))

  test("is not known when an agent went on after the run that was observed", () =>
    Effect.gen(function* () {
      const { dir, head, observed, sources } = yield* setUp
      yield* InterventionNotes.write(dir, { commit: head, ledger: new Map(), observed })
      NoteRepository.write(dir, "engine.txt", "other oil\n")
      git(dir, "commit", "-qam", "More", "--author", "Implement <implement@factory.example>")
      const forge = {
        subjects: [pullRequest({ base: sources.base, head: git(dir, "rev-parse", "HEAD"), commits: [] })]
      }
      const level = Effect.map(History.rebuild(dir, { ...sources, forge }), ({ changes }) => changes[0]?.level)
      assert.strictEqual(yield* level, "unknown", "a note stands for what came after it")
      yield* InterventionNotes.write(dir, { commit: git(dir, "rev-parse", "HEAD"), ledger: new Map(), observed })
      assert.strictEqual(yield* level, "zero-touch")
    }))

  test("is not won by names, trailers, comments or notes that an agent writes", () =>
    Effect.gen(function* () {
      const { dir, events, head, observed, sources } = yield* setUp
      const edit = "--author=Ada <ada@example.org>"
      NoteRepository.write(dir, "engine.txt", "thick oil\n")
      git(dir, "commit", "-qam", "Mend\n\nSigned-off-by: Ada <ada@example.org>", edit)
      const forged = git(dir, "rev-parse", "HEAD")
      yield* InterventionNotes.write(dir, { commit: head, ledger: new Map(), observed })
      const [last] = events
      const push: ForgeHistory.Event = {
        _tag: "Pushed",
        id: "push/2",
        at: (last?.at ?? 0) + 5,
        by: bot,
        before: head,
        after: forged,
        forced: false
      }
      const pull = pullRequest({ base: sources.base, head: forged, events: [...events, push], commits: [] })
      const told = yield* History.rebuild(dir, { ...sources, forge: { subjects: [pull] } })
      assert.deepInclude(told.changes[0], { level: "unknown", authors: "unknown", interventions: [] })

      // A human said something; a note that says it was an approval does not make it one.
      const said: ForgeHistory.Event = {
        _tag: "Commented",
        id: "comment/1",
        at: (last?.at ?? 0) + 9,
        by: ada,
        body: "No!"
      }
      const human = pullRequest({ base: sources.base, head, events: [...events, said], commits: [] })
      const honest = yield* History.rebuild(dir, { ...sources, forge: { subjects: [human] } })
      const [known] = honest.ledger.values()
      assert(known !== undefined)
      assert.strictEqual(honest.changes[0]?.level, "steered")
      const softened = { ...known, kind: "approve" as const, withdrawn: true as const, answered: null }
      yield* InterventionNotes.write(dir, { commit: head, ledger: new Map([[known.id, softened]]), observed })
      const again = yield* History.rebuild(dir, { ...sources, forge: { subjects: [human] } })
      assert.strictEqual(again.changes[0]?.level, "steered", "a note took away what the forge remembers")
    }))

  test("is unknown where the clone is shallow, and where something was pushed away", () =>
    Effect.gen(function* () {
      const { dir, events, head, observed, sources } = yield* setUp
      NoteRepository.write(dir, "engine.txt", "thin oil\n")
      git(dir, "commit", "-qam", "Thin", "--author", "Implement <implement@factory.example>")
      const second = git(dir, "rev-parse", "HEAD")
      yield* InterventionNotes.write(dir, { commit: second, ledger: new Map(), observed })
      const [last] = events
      const push = {
        _tag: "Pushed",
        id: "push/2",
        at: (last?.at ?? 0) + 5,
        by: bot,
        before: head,
        after: second,
        forced: false
      } as const
      const pull = pullRequest({ base: sources.base, head: second, events: [...events, push], commits: [] })
      const forge = { subjects: [pull] }
      assert.strictEqual((yield* History.rebuild(dir, { ...sources, forge })).changes[0]?.level, "zero-touch")

      const clone = yield* NoteRepository.temporary
      git(dir, "clone", "-q", "--depth", "1", "--branch", "factory/1", `file://${dir}`, clone)
      git(
        clone,
        "fetch",
        "-q",
        "--depth",
        "1",
        "origin",
        "main:refs/remotes/origin/main",
        `${InterventionNotes.ref}:${InterventionNotes.ref}`
      )
      const shallow = yield* History.rebuild(clone, { ...sources, base: "origin/main", head: "HEAD", forge })
      assert.strictEqual(shallow.changes[0]?.level, "unknown", `in a shallow clone: ${shallow.changes[0]?.why.join()}`)

      const forced = { ...push, before: "0123456789012345678901234567890123456789", forced: true }
      const rewritten = { subjects: [{ ...pull, events: [...events, forced] }] }
      const [change] = (yield* History.rebuild(dir, { ...sources, forge: rewritten })).changes
      assert.strictEqual(change?.level, "unknown")
      assert.include(change.why.join(), "by force")
    }))
})

describe.skipIf(!SignedRepository.hasPrograms)("Signatures (skipped without ssh-keygen)", () => {
  test("tell a human's edit and approval from what an agent pushes under the human's name", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* NoteRepository.repository()
      const keys = yield* NoteRepository.temporary
      const ada = { name: "Ada", email: "ada@example.org", key: SignedRepository.makeKey(keys, "ada") }
      const thief = { ...ada, key: SignedRepository.makeKey(keys, "thief") }
      const agent = { name: "Implement", email: "implement@factory.example" }
      const { commitAs, gitAs, publicKey, write } = SignedRepository
      const members = Histories.roster.members.map((each) =>
        each.name === "ada" ? { ...each, keys: [publicKey(ada.key)] } : each
      )
      const rebuilt = Effect.fnUntraced(function* () {
        const head = git(dir, "rev-parse", "HEAD")
        const events: ReadonlyArray<ForgeHistory.Event> = [
          { _tag: "Opened", id: "open/1", at: 0, by: bot },
          { _tag: "Pushed", id: "push/1", at: 1, by: bot, before: null, after: head, forced: false }
        ]
        const forge = { subjects: [pullRequest({ base, head, events, commits: [] })] }
        const told = yield* History.rebuild(dir, { base, head: "factory/1", forge, roster: { members } })
        return { ...told.changes[0], kinds: [...told.ledger.values()].map(({ kind }) => kind).toSorted() }
      })
      git(dir, "checkout", "-q", "-b", "factory/1")
      write(dir, "engine.txt", "oil")
      const first = commitAs(agent, dir, "Oil")
      yield* InterventionNotes.write(dir, {
        commit: first,
        ledger: new Map(),
        observed: { line: null, run: null, item: null }
      })
      gitAs(ada, dir, "commit", "-q", "--allow-empty", "-m", "Looks right", "--trailer", `Approves=${first}`)
      const approved = yield* rebuilt()
      assert.deepInclude(approved, { level: "approved", authors: "agent", kinds: ["approve"], why: [] })
      write(dir, "engine.txt", "thin oil")
      const edit = commitAs(ada, dir, "fix: thin oil")
      assert.deepInclude(yield* rebuilt(), { level: "edited", authors: "mixed", kinds: ["approve", "edit"] })
      git(dir, "reset", "-q", "--hard", `${edit}~1`)
      write(dir, "engine.txt", "thin oil")
      commitAs(thief, dir, "fix: thin oil")
      assert.deepInclude(yield* rebuilt(), { level: "unknown", authors: "unknown", kinds: ["approve"] })
    }))
})

describe("InterventionNotes", () => {
  test("keep what others wrote there, and believe no line that is no record", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* NoteRepository.repository()
      const foreign = '{"_tag":"Stood","key":"x"}\nnot json\r\n\n[1]\n{"_tag":"Observed","line":1}\n'
      NoteRepository.gitWith(dir, foreign, "notes", `--ref=${InterventionNotes.ref}`, "add", "-F", "-", base)
      const observed = { line: "Mend", run: "r.1", item: "r" }
      yield* InterventionNotes.write(dir, { commit: base, ledger: new Map(), observed })
      const notes = yield* InterventionNotes.read(dir, [base, "f".repeat(40)])
      assert.deepStrictEqual([...notes.keys()], [base])
      assert.deepStrictEqual(notes.get(base)?.records, [{ _tag: "Observed", ...observed }])
      assert.strictEqual(notes.get(base)?.unread.length, 4, "lines of others are lost")
      const again = yield* InterventionNotes.write(dir, { commit: base, ledger: new Map(), observed })
      assert.isFalse(again, "the same once more writes nothing")
    }))
})
