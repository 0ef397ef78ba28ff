import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { DatabaseSync } from "node:sqlite"
import * as FactoryEvent from "../src/FactoryEvent.ts"
import * as Journal from "../src/Journal.ts"
import * as JournalTable from "../src/internal/JournalTable.ts"

const decode = Schema.decodeUnknownEffect(Journal.Json)

describe("JournalTable", () => {
  it.effect("reads a number that JSON can not tell as JSON tells it", () =>
    Effect.gen(function* () {
      const event: FactoryEvent.FactoryEvent = {
        version: FactoryEvent.version,
        seq: 1,
        at: 1,
        line: null,
        run: null,
        item: null,
        stage: null,
        actor: { _tag: "Host" },
        fact: { _tag: "BudgetHit", dimension: "tokens", limit: -0, spent: 0 }
      }
      const text = JournalTable.stored(event)
      assert.deepStrictEqual(yield* JournalTable.parse([text]), [yield* decode(text)])
    })
  )

  it.effect.prop(
    "answers with an event that this process wrote as it is read from its text",
    [FactoryEvent.Fact, FactoryEvent.Origin],
    ([fact, origin]) =>
      Effect.gen(function* () {
        const db = new DatabaseSync(":memory:")
        db.exec("create table journal (seq integer primary key, key text unique, run text, event text not null) strict")
        const entry: FactoryEvent.Entry = { ...origin, at: 1, fact }
        const touched: Array<string> = []
        const write = () =>
          JournalTable.append({ touch: (topic) => void touched.push(topic) }, (sql) => db.prepare(sql), [entry])
        const texts = write()
        const [known] = yield* JournalTable.parse(texts)
        assert.deepStrictEqual(known, yield* decode(texts[0]), "what was written is not what is read")
        const topics = [
          JournalTable.topic({}),
          ...(origin.run === null ? [] : [JournalTable.topic({ run: origin.run })])
        ]
        assert.deepStrictEqual(touched, topics, "a follower is not told")
        db.close()
      }),
    { arbitrary: { runs: 300 } }
  )
})
