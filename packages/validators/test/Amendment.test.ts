import { assert, describe, it } from "@effect/vitest"
import * as MemoryEngine from "@millwright/core/adapters/MemoryEngine"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Actor from "@millwright/core/Actor"
import * as Contract from "@millwright/core/Contract"
import * as Gate from "@millwright/core/Gate"
import * as Intervention from "@millwright/core/Intervention"
import * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Amendment from "../src/Amendment.ts"
import * as ContractHistory from "../src/ContractHistory.ts"

const frozen = Contract.freeze(
  "issue-1",
  [{ statement: "a" }, { statement: "b", check: { _tag: "Command", run: "pnpm test" } }, { statement: "c" }],
  { base: "a".repeat(40) }
)
const [a, , c] = frozen.assertions
const easier = {
  assertions: [a, { id: "VAL-002", statement: "b, more or less" }, { id: "VAL-004", statement: "d" }] as const
}
const proposed = Result.getOrThrow(Amendment.propose(frozen, easier, "the API has no such field"))

const item: WorkItem.WorkItem = { id: "issue-1", title: "t", body: WorkItem.bodyOf(""), labels: [], source: "s" }
const Amending = Line.make("Amending", {
  payload: { item: WorkItem.WorkItem },
  success: Contract.Contract,
  error: Amendment.AmendmentError
})

type Asking = Effect.Effect<
  Gate.Approved<Amendment.Amendment>,
  Effect.Error<ReturnType<typeof Amendment.request>>,
  Journal.Journal
>

/** How a run ends that asks for this approval and applies it to a contract, and what stands in the journal. */
const ended = (asking: Asking, to: Contract.Contract, by?: Actor.Actor) => {
  const code = Amending.toLayer(() =>
    Effect.gen(function* () {
      const approved = yield* Effect.catchTag(asking, "Rejected", Effect.die)
      const once = Stage.run(
        { name: "amend", success: Contract.Contract, error: Amendment.AmendmentError },
        Amendment.apply(to, approved)
      )
      const amended = yield* once
      // The same approval again.
      yield* Stage.run(
        { name: "again", success: Contract.Contract, error: Amendment.AmendmentError },
        Amendment.apply(to, approved)
      )
      return amended
    })
  )
  return Effect.gen(function* () {
    const run = yield* Amending.start({ item })
    yield* Line.settled(run)
    if (by !== undefined) yield* Gate.settle(`${run}:amend-contract`, { _tag: "Approve", note: "fine" }, { actor: by })
    const status = yield* Line.ended(run)
    const journal = yield* Journal.Journal
    return { status, events: yield* Stream.runCollect(journal.read()) }
  }).pipe(
    Effect.provide(Layer.provideMerge(code, Layer.merge(MemoryEngine.layer, MemoryJournal.layer)), { local: true })
  )
}

const request = Amendment.request(frozen, proposed)

describe("amending a contract", () => {
  it.live("is done by a human, once, and stands in the journal as an intervention with who and why", () =>
    Effect.gen(function* () {
      const { events, status } = yield* ended(request, frozen, Actor.human("ada"))
      assert.strictEqual(status._tag, "Finished", JSON.stringify(status))
      assert.deepStrictEqual(
        status._tag === "Finished" ? JSON.parse(JSON.stringify(status.result)) : {},
        JSON.parse(JSON.stringify(proposed.contract))
      )
      const facts = events.map(({ fact }) => fact)
      assert.deepStrictEqual(
        facts.filter(({ _tag }) => _tag === "ContractAmended"),
        [
          {
            _tag: "ContractAmended",
            amends: frozen.digest,
            contract: proposed.contract.digest,
            by: "ada",
            why: "the API has no such field",
            added: ["VAL-004"],
            removed: ["VAL-003"],
            altered: ["VAL-002"]
          }
        ]
      )
      const opened = facts.find((fact) => fact._tag === "GateOpened")
      if (opened?._tag !== "GateOpened") return assert.fail("nobody was asked")
      for (const said of [
        "VAL-003 would go",
        "VAL-002 would be",
        "until now: b",
        "pnpm test",
        "VAL-004 would be new",
        "no such field"
      ]) {
        assert.include(opened.context, said, "the person reads what they say yes to")
      }
      const history = events.reduce(ContractHistory.see, ContractHistory.none)
      assert.strictEqual(history.inForce, proposed.contract.digest)
      assert.strictEqual(history.amendments.length, 1)
      const interventions = [...events.reduce(Intervention.step, Intervention.empty).values()]
      assert.deepStrictEqual(
        interventions.map(({ answered, cause, kind }) => [kind, cause, answered?.by]),
        [["approve", Intervention.causes.contractAmendment, Actor.human("ada")]],
        "an amendment is one intervention: the yes at its gate"
      )
    })
  )

  const timedOut = Gate.approve("amend-contract", {
    question: "q",
    cause: "c",
    subject: proposed,
    timeout: { after: "1 millis", answer: { _tag: "Approve" } }
  })
  const other = Result.getOrThrow(Amendment.propose(proposed.contract, frozen, "back"))
  it.live.each<readonly [string, Asking, Contract.Contract, Actor.Actor | undefined, string]>([
    ["an agent said yes", request, frozen, { _tag: "Agent", role: "Implement" }, "NotHuman"],
    ["the host said yes", request, frozen, Actor.host, "NotHuman"],
    ["nobody answered in time, and that counts as a yes", timedOut, frozen, undefined, "NotHuman"],
    ["another contract is in force", request, proposed.contract, Actor.human("ada"), "OtherContract"],
    [
      "another amendment was approved",
      Amendment.request(proposed.contract, other),
      frozen,
      Actor.human("ada"),
      "OtherContract"
    ]
  ])("is refused where %s", ([_, asking, to, by, reason]) =>
    Effect.gen(function* () {
      const { events, status } = yield* ended(asking, to, by)
      assert.include(JSON.stringify(status), reason)
      assert.isUndefined(
        events.find(({ fact }) => fact._tag === "ContractAmended"),
        "it is amended all the same"
      )
    })
  )

  it.effect("is refused where somebody wrote down what an approval looks like", () =>
    Effect.gen(function* () {
      const forged = {
        subject: proposed,
        by: Actor.human("ada"),
        note: ""
      } as unknown as Gate.Approved<Amendment.Amendment>
      const error = yield* Effect.flip(Amendment.apply(frozen, forged))
      assert.strictEqual(error._tag === "AmendmentError" ? error.reason : error._tag, "NotApproved")
    }).pipe(Effect.provide(MemoryJournal.layer))
  )

  it("does not compile without an approval", () => {
    // @ts-expect-error An amendment alone is none that anybody approved.
    const unapproved: Parameters<typeof Amendment.apply>[1] = proposed
    assert.isDefined(unapproved)
  })

  it.each<readonly [string, Pick<Contract.Draft, "assertions" | "acceptAt">, string, string]>([
    ["nothing would be another", frozen, "why not", "Unchanged"],
    ["nobody says why", easier, " ", "Malformed"],
    ["an address stands in it twice", { assertions: [a, { ...c, id: a.id }] }, "why not", "Malformed"],
    ["it would be accepted always", { ...easier, acceptAt: 0 }, "why not", "Malformed"]
  ])("is not proposed where %s", (_, draft, why, reason) => {
    const error = Result.getOrThrow(Result.flip(Amendment.propose(frozen, draft, why)))
    assert.strictEqual(error.reason, reason, error.message)
  })

  it.live("that leaves out what it changes is told as it is, and refused although a human approved it", () =>
    Effect.gen(function* () {
      const sly: Amendment.Amendment = { ...proposed, removed: [], altered: [], added: [] }
      assert.strictEqual(Amendment.text(frozen, sly), Amendment.text(frozen, proposed))
      const { events, status } = yield* ended(Amendment.request(frozen, sly), frozen, Actor.human("ada"))
      assert.include(JSON.stringify(status), "NotApproved")
      assert.isUndefined(events.find(({ fact }) => fact._tag === "ContractAmended"))
    })
  )

  it("is told in a text that what it holds can not change", () => {
    const hostile = {
      assertions: [{ id: "VAL-001", statement: "a**\n\n# Approve this\n<script>[x](http://e)</script> @all" }] as const
    }
    const text = Amendment.text(frozen, Result.getOrThrow(Amendment.propose(frozen, hostile, "`why`\n- not")))
    assert.notMatch(text, /^# /m, "a heading of its own")
    assert.notMatch(text, /(?<!\\)<script|(?<!\\)\]\(http/, text)
  })

  const draft = Arbitrary.map(
    Arbitrary.array(
      Arbitrary.all([
        Arbitrary.schema(Schema.Literals(["VAL-001", "VAL-002", "VAL-003", "VAL-004"])),
        Arbitrary.schema(Schema.Literals(["a", "b", "c"]))
      ]),
      { minLength: 1, maxLength: 6 }
    ),
    (pairs) => [...new Map(pairs)].map(([id, statement]) => ({ id, statement }))
  )
  it.prop(
    "says of each assertion what becomes of it, and keeps the item and the base",
    [draft, draft],
    ([before, after]) => {
      const sealed = (assertions: ReadonlyArray<Contract.Assertion>) => {
        const [first, ...rest] = assertions
        return first === undefined ? assert.fail("no assertion") : ([first, ...rest] as const)
      }
      const from = Contract.seal({ item: "i", base: "b".repeat(40), assertions: sealed(before) })
      const result = Amendment.propose(from, { assertions: sealed(after) }, "why")
      if (Result.isFailure(result)) return assert.strictEqual(result.failure.reason, "Unchanged")
      const { added, altered, amends, contract, removed } = result.success
      assert.deepStrictEqual([amends, contract.item, contract.base], [from.digest, "i", from.base])
      assert.isTrue(Contract.isIntact(contract))
      const old = new Map(before.map((one) => [one.id, one.statement]))
      const now = new Map(after.map((one) => [one.id, one.statement]))
      for (const id of new Set([...old.keys(), ...now.keys()])) {
        assert.strictEqual(added.includes(id), !old.has(id), `${id} is new`)
        assert.strictEqual(removed.includes(id), !now.has(id), `${id} is gone`)
        assert.strictEqual(
          altered.includes(id),
          old.has(id) && now.has(id) && old.get(id) !== now.get(id),
          `${id} is another`
        )
      }
    }
  )
})
