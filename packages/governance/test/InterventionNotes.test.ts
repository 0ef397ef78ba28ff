import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@millwright/core/Actor"
import type * as Intervention from "@millwright/core/Intervention"
import * as Schema from "effect/Schema"
import * as InterventionNotes from "../src/InterventionNotes.ts"

const Drawn = Schema.Array(
  Schema.Struct({
    id: Schema.Literals(["r.1:merge", "r.1#7", "git:abc"]),
    answered: Schema.NullOr(Schema.Literals(["ada", "bo"])),
    reminders: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
    fix: Schema.NullOr(Schema.Literals(["one", "two"])),
    withdrawn: Schema.Boolean
  })
)

const records = (drawn: typeof Drawn.Type): ReadonlyArray<InterventionNotes.Record> =>
  drawn.map(({ answered, fix, id, reminders, withdrawn }) => {
    const by = answered === null ? null : Actor.human(answered)
    const intervention: Intervention.Intervention = {
      id,
      line: null,
      run: "r.1",
      item: null,
      stage: null,
      name: "merge",
      kind: "approve",
      cause: "policy",
      question: "Merge it?\n✓",
      openedAt: 1,
      reminders,
      level: 0,
      to: null,
      answered:
        by === null ? null : { by, at: 6, answer: { approved: true, note: "" }, waited: 5, activeMinutes: null },
      before: null,
      after: null,
      ref: null,
      fix,
      ...(withdrawn && { withdrawn: true as const })
    }
    return { _tag: "Stood", key: id, intervention }
  })

const note = (...parts: ReadonlyArray<ReadonlyArray<InterventionNotes.Record>>) =>
  InterventionNotes.format({ records: parts.flat(), unread: [] })
const again = (text: string) => InterventionNotes.parse(text).records

describe("A note of interventions", () => {
  it.prop("is the same whoever wrote what first, and however often", [Drawn, Drawn, Drawn], ([a, b, c]) => {
    const [one, two, three] = [records(a), records(b), records(c)]
    const all = note(one, two, three)
    assert.strictEqual(note(again(note(again(note(three, one)), two))), all, "who wrote first makes a difference")
    assert.strictEqual(note(again(note(two, again(note(three)))), one, two), all, "what comes twice makes a difference")
    assert.strictEqual(note(again(all)), all, "what is read is not what was written")
  })

  it.prop("never forgets an answer", [Drawn], ([drawn]) => {
    const kept = again(note(records(drawn)))
    for (const { answered, id } of drawn) {
      const found = kept.find((record) => record._tag === "Stood" && record.key === id)
      assert(found?._tag === "Stood", `${id} is lost`)
      if (answered !== null) assert.notStrictEqual(found.intervention.answered, null, `the answer of ${id} is lost`)
    }
  })

  it("does not take another form of JSON, a record of something else, or a text that goes on for a record", () => {
    const [line = ""] = note(
      records([{ id: "git:abc", answered: null, reminders: 0, fix: null, withdrawn: false }])
    ).split("\n")
    const foreign = [
      line.replace('"approve"', '"hug"'),
      line.replace('"openedAt":1', '"openedAt":-1'),
      line.slice(0, -5),
      "[]",
      "null",
      "\u0000",
      "{".repeat(5_000),
      '{"_tag":"Stood","__proto__":{"key":"x"}}'
    ]
    const read = InterventionNotes.parse([...foreign, line].join("\n"))
    assert.strictEqual(read.records.length, 1)
    assert.strictEqual(read.unread.length, foreign.length, "what is no record is lost")
    assert.strictEqual(InterventionNotes.parse(InterventionNotes.format(read)).unread.length, foreign.length)
  })
})
