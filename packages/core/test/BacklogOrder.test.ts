import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Backlog from "../src/Backlog.ts"
import * as BacklogItem from "../src/BacklogItem.ts"
import * as Backlogs from "./Backlogs.ts"

const Small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const Id = Small(11)

const Operation = Schema.TaggedUnion({
  Queue: {
    id: Id,
    priority: Small(3),
    repository: Small(3),
    model: Small(2),
    after: Schema.Array(Id).check(Schema.isMaxLength(2))
  },
  Start: {},
  Release: { id: Id, end: Schema.Literals(["done", "again", "parked"]), pause: Small(40) },
  Close: { id: Id },
  Sleep: { millis: Small(30) }
})
const Setting = Schema.Struct({
  total: Small(5),
  repository: Small(3),
  opus: Small(2),
  lead: Small(4),
  weight: Schema.Literals([1, 2, 4])
})

const name = (id: number) => `item-${String(id).padStart(2, "0")}`

describe("the order of the backlog", () => {
  it.prop(
    "is that of the rules, looked up naively, whatever happens; so nothing that could go waits beside a free slot",
    [Setting, Schema.Array(Operation).check(Schema.isMaxLength(80))],
    ([setting, operations]) => {
      const options: Backlog.Options = {
        caps: { total: setting.total, each: { repository: setting.repository }, only: { model: { m0: setting.opus } } },
        lead: setting.lead,
        weights: { r1: setting.weight }
      }
      const real = Backlogs.make(options)
      const reference = new Backlogs.Reference(options)
      for (const [at, operation] of operations.entries()) {
        reference.advance(real.now())
        switch (operation._tag) {
          case "Queue": {
            const id = name(operation.id)
            const item = Result.getOrThrow(
              BacklogItem.of(
                {
                  id,
                  priority: operation.priority + 1,
                  resources: { repository: `r${operation.repository}`, model: `m${operation.model}` },
                  // Only earlier ones, so that there is no cycle.
                  after: [...new Set(operation.after.filter((other) => other < operation.id).map(name))],
                  created: real.backlog.entries.get(id)?.item.created ?? real.now()
                },
                0
              )
            )
            assert.isUndefined(Backlog.cycle(real.backlog, [item]), "what waits for earlier ones only is no cycle")
            const isOut = ["Parked", "Delayed", "Claimed"].includes(real.backlog.entries.get(id)?.state ?? "")
            if (isOut) break
            real.queue(item)
            reference.queue(item)
            break
          }
          case "Start": {
            const next = real.next()
            if (next === undefined) break
            real.claim(next)
            reference.claim(next)
            break
          }
          case "Release": {
            const id = name(operation.id)
            if (real.backlog.entries.get(id)?.claim === undefined) break
            const until = real.now() + operation.pause
            real.release(id, operation.end, operation.end === "done" ? null : until)
            reference.become(
              id,
              operation.end === "done" ? "done" : operation.end === "parked" ? "parked" : "delayed",
              until
            )
            break
          }
          case "Close": {
            const id = name(operation.id)
            if (real.backlog.entries.get(id)?.claim !== undefined || !real.backlog.entries.has(id)) break
            real.tell(id, { _tag: "ItemClosed", reason: "" })
            reference.become(id, "closed")
            break
          }
          case "Sleep":
            real.sleep(operation.millis)
        }
        reference.advance(real.now())
        assert.strictEqual(real.next(), reference.next(), `what is next after operation ${at}, ${operation._tag}`)
      }
      const again = Result.getOrThrow(Backlog.make(options))
      for (const event of real.events) Backlog.see(again, event)
      Backlog.next(again, real.now())
      assert.strictEqual(
        Backlog.next(again, real.now())?.id,
        real.next(),
        "a fold of the same facts has the same order"
      )
      assert.deepStrictEqual(Backlog.counts(again), Backlog.counts(real.backlog), "and the same counts")
    },
    { arbitrary: { runs: 2_000 } }
  )
})
