import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Backlog from "../src/Backlog.ts"
import * as BacklogItem from "../src/BacklogItem.ts"
import * as Backlogs from "./Backlogs.ts"

const name = (id: number) => `item-${String(id).padStart(2, "0")}`

/** Plays random operations to a backlog and to the rules looked up naively, and compares what is next after each. */
const play = (seed: number, operations: number) => {
  const random = Backlogs.random(seed)
  const below = (bound: number) => Math.floor(random() * bound)
  const options: Backlog.Options = {
    caps: {
      total: 1 + below(6),
      ...(random() < 0.7 ? { each: { repository: below(4) } } : {}),
      ...(random() < 0.7 ? { only: { model: { m0: 1 + below(2), m1: below(3) } } } : {})
    },
    lead: below(4),
    ...(random() < 0.5 ? { openQuestions: 1 + below(4) } : {}),
    weights: { r1: [1, 2, 4][below(3)] ?? 1 }
  }
  const real = Backlogs.make(options)
  const reference = new Backlogs.Reference(options)
  const pick = (has: (entry: Backlog.Entry) => boolean) => {
    const all = [...real.backlog.entries.values()].filter(has)
    return all[below(all.length)]?.id
  }
  let started = 0
  for (let at = 0; at < operations; at++) {
    reference.advance(real.now())
    const kind = random()
    const what = `seed ${seed}, operation ${at}, ${kind}`
    if (kind < 0.4) {
      const id = below(30)
      const known = real.backlog.entries.get(name(id))
      const item = Result.getOrThrow(
        BacklogItem.of(
          {
            id: name(id),
            priority: 1 + below(3),
            resources: { repository: `r${below(4)}`, model: `m${below(3)}` },
            // Only earlier ones, so that there is no cycle.
            after: random() < 0.7 || id === 0 ? [] : [...new Set([name(below(id)), name(below(id))])],
            created: known?.item.created ?? real.now(),
            ...(random() < 0.4 ? { openQuestions: below(5) } : {})
          },
          0
        )
      )
      assert.isUndefined(Backlog.cycle(real.backlog, [item]), `${what}: what waits for earlier ones only is no cycle`)
      const isChangeable = known === undefined || known.state === "Ready" || known.state === "Waiting"
      // What has ended comes back now and then, so that there is always something to do.
      const again = real.backlog.done.has(name(id)) || real.backlog.closed.has(name(id))
      if (isChangeable) {
        real.queue(item, again)
        reference.queue(item, again)
      }
    } else if (kind < 0.7) {
      const next = real.next()
      if (next !== undefined) {
        started++
        real.claim(next)
        reference.claim(next)
      }
    } else if (kind < 0.9) {
      const id = pick(({ claim }) => claim !== undefined)
      const end = (["done", "done", "again", "parked"] as const)[below(4)] ?? "done"
      const until = real.now() + below(20)
      if (id !== undefined) {
        real.release(id, end, end === "done" ? null : until)
        reference.become(id, end === "done" ? "done" : end === "parked" ? "parked" : "delayed", until)
      }
    } else if (kind < 0.93) {
      const id = pick(({ claim }) => claim === undefined)
      if (id !== undefined) {
        real.tell(id, { _tag: "ItemClosed", reason: "" })
        reference.become(id, "closed")
      }
    } else real.sleep(below(15))
    reference.advance(real.now())
    assert.strictEqual(real.next(), reference.next(), `what is next after ${what}`)
  }
  const again = Result.getOrThrow(Backlog.make(options))
  for (const event of real.events) Backlog.see(again, event)
  assert.strictEqual(Backlog.next(again, real.now())?.id, real.next(), `seed ${seed}: a second fold has the same order`)
  assert.deepStrictEqual(Backlog.counts(again), Backlog.counts(real.backlog), `seed ${seed}: and the same counts`)
  return started
}

describe("the order of the backlog", () => {
  it("is that of the rules, looked up naively, whatever happens; so nothing that could go waits beside a free slot", () => {
    let started = 0
    for (let seed = 1; seed <= 300; seed++) started += play(seed, 300)
    assert.isAbove(started, 10_000, "enough is started for this to say something")
  })
})
