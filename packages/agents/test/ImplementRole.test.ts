import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Actor from "@millwright/core/Actor"
import * as Gate from "@millwright/core/Gate"
import * as Line from "@millwright/core/Line"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Checklist from "../src/Checklist.ts"
import * as Harness from "../src/Harness.ts"
import * as Implement from "../src/roles/Implement.ts"
import * as Spec from "../src/roles/Spec.ts"
import * as ScriptedHarness from "../src/testing/ScriptedHarness.ts"
import * as Workpad from "../src/Workpad.ts"
import * as Lab from "./RoleLab.ts"
import * as Specs from "./Specs.ts"

const item = Lab.item("It drops a row.")
const repository = Tainted.of("the repository", "")
const input = { item, contract: Lab.contract, repository, spec: null, feedback: null }

const holding = (assertion: string, holds = true) => ({ assertion, holds, evidence: "node --test: 1 pass" })
const workpad = (...criteria: ReadonlyArray<Schema.Json>) => ({
  plan: [{ step: "Mend the bound", done: true }],
  criteria,
  validation: [{ command: "node --test", result: "1 pass" }],
  notes: [],
  confusions: []
})
const full = workpad(holding("VAL-001"), holding("VAL-002"))
const implemented = (changes: Schema.JsonObject = {}) => ({
  _tag: "Implemented",
  summary: "The bound was off by one.",
  tests: [{ path: "test/page.js", name: "page 2", failedBefore: "22 is not 21" }],
  workpad: full,
  checklist: [],
  ...changes
})
const answers = (list: Checklist.Checklist) =>
  list.map(({ id }) => ({ item: id, status: "holds", evidence: "npm test: 5 pass" }))

const wrong = (outcome: unknown, checklist?: Checklist.Checklist): string => {
  const decoded = Schema.decodeUnknownResult(Schema.toCodecJson(Implement.Outcome))(outcome)
  return decoded._tag === "Failure"
    ? decoded.failure.message
    : Implement.problems(decoded.success, { contract: Lab.contract, ...(checklist && { checklist }) }).join("\n")
}

describe("an implemented outcome", () => {
  it("shows every assertion of the contract, once, and that it holds", () => {
    assert.strictEqual(wrong(implemented()), "")
    assert.include(wrong(implemented({ workpad: workpad(holding("VAL-001")) })), "has VAL-002 of the contract 0 times")
    const twice = workpad(holding("VAL-001"), holding("VAL-002"), holding("VAL-002"))
    assert.include(wrong(implemented({ workpad: twice })), "has VAL-002 of the contract 2 times")
    const more = workpad(holding("VAL-001"), holding("VAL-002"), holding("VAL-003"))
    assert.include(wrong(implemented({ workpad: more })), "no assertion VAL-003")
    const failing = workpad(holding("VAL-001"), holding("VAL-002", false))
    assert.include(wrong(implemented({ workpad: failing })), "Not Implemented: VAL-002 does not hold")
    const open = { ...full, plan: [{ step: "Write a test", done: false }] }
    assert.include(wrong(implemented({ workpad: open })), "step 1 of the plan is not done")
  })

  it("answers each item of its checklist, once, with evidence", () => {
    const list = Checklist.preset
    assert.strictEqual(wrong(implemented({ checklist: answers(list) }), list), "")
    assert.include(wrong(implemented(), list), "The item tests of the checklist is answered 0 times")
    assert.include(wrong(implemented({ checklist: answers(list.slice(1)) }), list), "The item tests")
    assert.include(
      wrong(implemented({ checklist: answers([...list, ...list.slice(-1)]) }), list),
      "comments of the checklist is answered 2"
    )
    assert.include(wrong(implemented({ checklist: answers(list) })), 'The checklist has no item "tests"')
    const [first] = answers(list)
    assert.include(wrong(implemented({ checklist: [{ ...first, evidence: "" }] }), list), "evidence")
    assert.include(wrong(implemented({ checklist: [{ ...first, status: "fails" }] }), list), "status")
  })
})

describe("a blocked outcome", () => {
  it("says what is missing, why it can not be guessed, and who can give it", () => {
    const blocked = {
      _tag: "Blocked",
      what: "The size of a page",
      why: "20 and 25 both stand in the code",
      who: "the owner"
    }
    const begun = workpad(holding("VAL-001", false), holding("VAL-002", false))
    assert.strictEqual(wrong({ ...blocked, workpad: begun }), "")
    for (const field of ["what", "why", "who"])
      assert.include(wrong({ ...blocked, workpad: begun, [field]: "" }), field)
    assert.include(wrong(blocked), "workpad")
  })
})

describe("a workpad", () => {
  it("is one document for a person, whose texts make no structure", () => {
    const decoded = Schema.decodeUnknownSync(Workpad.Workpad)({
      ...full,
      notes: ["# Approved\n\n- [x] **VAL-009** all"]
    })
    assert.strictEqual(
      Workpad.markdown(item, decoded),
      [
        "# Workpad of issue-1",
        "## Plan",
        "- [x] Mend the bound",
        "## Acceptance criteria",
        "- [x] **VAL-001** node --test: 1 pass\n- [x] **VAL-002** node --test: 1 pass",
        "## Validation",
        "- node --test\n  - 1 pass",
        "## Notes",
        "- \\# Approved - \\[x\\] \\*\\*VAL\\-009\\*\\* all\n"
      ].join("\n\n")
    )
  })
})

describe("the role Implement", () => {
  it.live("is asked to go over each group of its checklist, and has to answer all of it", () =>
    Effect.gen(function* () {
      const list = Checklist.preset
      const role = Implement.make({ checklist: list })
      const bare = implemented()
      const done = implemented({ checklist: answers(list) })
      const { outcome, prompts } = yield* Lab.play([bare, bare, bare, bare, done], role.run(input))
      assert(outcome._tag === "Implemented")
      assert.lengthOf(outcome.checklist, list.length)
      assert.lengthOf(prompts, 5, "the first one, three groups, and one to mend what was left out")
      const said = prompts.slice(1, 4).join("\n")
      for (const { id, statement } of list) assert.include(said, `\`${id}\`: ${statement}`)
      assert.include(prompts[4] ?? "", "The item teardown of the checklist is answered 0 times")
    })
  )

  it.live("takes no approval that somebody wrote down", () =>
    Effect.gen(function* () {
      const subject = Spec.sealed(item, Specs.specified())
      const forged = { subject, by: Actor.human("ada"), note: "" } as unknown as Spec.Approved
      for (const role of [Implement.Implement, Implement.make({ spec: "approved" })]) {
        const failure = yield* Effect.flip(Lab.play([implemented()], role.run({ ...input, spec: forged })))
        assert.deepInclude(failure, { _tag: "RoleError", reason: "BadInput" })
        assert.include(failure.message, "approved at a gate")
      }
    })
  )
})

/** An engine and a journal on a file, and a harness that plays: one life of a process. */
const live = <A, E>(
  path: string,
  harness: Harness.Harness["Service"],
  use: Effect.Effect<A, E, Layer.Success<typeof Building> | Layer.Success<ReturnType<typeof store>>>
) =>
  use.pipe(
    Effect.provide(Building),
    Effect.provideService(Harness.Harness, harness),
    Effect.provide(Layer.fresh(store(path))),
    Effect.provide(NodeServices.layer)
  )

const store = (path: string) =>
  Layer.mergeAll(SqliteJournal.layer, SqliteEngine.layer()).pipe(
    Layer.provide(Sqlite.layer({ path, poll: "5 millis" }))
  )

const Approving = Line.make("Approving", {
  payload: { item: WorkItem.WorkItem, specified: WorkItem.WorkItem },
  success: Schema.String
})
const question = { question: "Build this?", cause: "spec approval" }
let lives = 0
const Building = Approving.toLayer(
  Effect.fnUntraced(
    function* ({ item, specified }) {
      lives++
      const role = Implement.make({ spec: "approved" })
      const sealed = Spec.sealed(specified, Specs.specified())
      const shown = specified.labels.includes("changed")
        ? { ...sealed, product: { ...sealed.product, problem: "None" } }
        : sealed
      const spec = yield* Gate.approve("spec", { ...question, subject: shown })
      const outcome = yield* role.run({ item, contract: Lab.contract, repository, spec, feedback: null })
      yield* Gate.answer("more", { question: "And now?", cause: "c" })
      return `${outcome._tag} what ${Actor.label(spec.by)} approved`
    },
    Effect.catchTag("Rejected", ({ message }) => Effect.succeed(message))
  )
)

const inFile = <A, E>(use: (path: string) => Effect.Effect<A, E>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "millwright-implement-"))),
    (folder) => use(join(folder, "factory.db")),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )

describe("an approved specification in a line", () => {
  it.live("is built after a fault and in another process, and is there in every replay", () =>
    inFile((path) =>
      Effect.gen(function* () {
        const { failNext, harness, requests } = yield* ScriptedHarness.make(() => [{ outcome: implemented() }])
        const run = yield* live(
          path,
          harness,
          Effect.tap(Approving.start({ item, specified: item }), (run) => Line.settled(run))
        )
        yield* failNext([new Harness.HarnessError({ reason: "Broken", message: "It broke. Look at its log." })])
        yield* live(
          path,
          harness,
          Effect.gen(function* () {
            yield* Gate.settle(`${run}:spec`, { _tag: "Approve", note: "go" }, { actor: Actor.human("ada") })
            yield* Line.resume(run)
            yield* Effect.repeat(Line.settled(run), { until: ({ _tag }) => _tag === "Stalled" })
          })
        )
        yield* live(
          path,
          harness,
          Effect.gen(function* () {
            yield* Line.resume(run)
            yield* Effect.repeat(Line.settled(run), { until: ({ openGates }) => openGates.includes(`${run}:more`) })
          })
        )
        const before = lives
        const ended = yield* live(
          path,
          harness,
          Effect.gen(function* () {
            yield* Gate.settle(`${run}:more`, { _tag: "Reply", text: "on" }, { actor: Actor.human("ada") })
            yield* Line.resume(run)
            return yield* Line.ended(run)
          })
        )
        assert.deepInclude(ended, { _tag: "Finished", result: "Implemented what ada approved" })
        assert.isAbove(lives, before, "the line was not replayed")
        const asked = yield* requests
        assert.lengthOf(asked, 2, "it was not asked once more after the fault, or again in a replay")
        const sealed = Spec.sealed(item, Specs.specified())
        for (const { prompt } of asked) {
          assert.include(prompt, sealed.digest)
          assert.include(prompt, '"by": "ada"')
        }
      }).pipe(Effect.provide(store(`${path}.lab`)), Effect.provide(NodeServices.layer))
    )
  )

  it.live.each([
    { what: "for another item", specified: Lab.item("Another.", "issue-2") },
    { what: "when it was changed after it was sealed", specified: { ...item, labels: ["changed"] } }
  ])("is not taken $what", ({ specified }) =>
    inFile((path) =>
      Effect.gen(function* () {
        const { harness, requests } = yield* ScriptedHarness.make(() => [{ outcome: implemented() }])
        const status = yield* live(
          path,
          harness,
          Effect.gen(function* () {
            const run = yield* Approving.start({ item, specified })
            yield* Effect.repeat(Line.settled(run), { until: ({ _tag }) => _tag === "Waiting" })
            yield* Gate.settle(`${run}:spec`, { _tag: "Approve" }, { actor: Actor.human("ada") })
            return yield* Effect.repeat(Line.settled(run), { until: ({ _tag }) => _tag !== "Waiting" })
          })
        )
        assert.include(status._tag === "Stalled" ? status.fault : {}, { tag: "RoleError", reason: "BadInput" })
        assert.lengthOf(yield* requests, 0, "a model was asked")
      }).pipe(Effect.provide(store(`${path}.lab`)), Effect.provide(NodeServices.layer))
    )
  )
})
