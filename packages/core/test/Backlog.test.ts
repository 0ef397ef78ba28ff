import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Backlog from "../src/Backlog.ts"
import * as BacklogItem from "../src/BacklogItem.ts"
import * as Backlogs from "./Backlogs.ts"
import { range } from "./FactoryStore.ts"

const repository = (name: string) => ({ resources: { repository: name } })
const errorOf = <A>(result: Result.Result<A, BacklogItem.BacklogError>) =>
  Result.isFailure(result) ? result.failure : assert.fail("nothing was refused")
const item = (wanted: BacklogItem.Wanted) => Result.getOrThrow(BacklogItem.of(wanted, 0))
const on = (standing: Backlog.Standing | undefined) => (standing?._tag === "Waiting" ? standing.on : standing)

describe("the order", () => {
  it("of one repository is priority, then age, then id", () => {
    const { drain, queue, sleep } = Backlogs.make()
    queue({ id: "late-b", priority: 1, created: 10 })
    queue({ id: "late-a", priority: 1, created: 10 })
    queue({ id: "chore", priority: 4, created: 0 })
    queue({ id: "old", priority: 1, created: 5 })
    sleep(1_000)
    queue({ id: "feature", priority: 2, created: 1 })
    assert.deepStrictEqual(drain(), ["old", "late-a", "late-b", "feature", "chore"])
  })

  it("gives a repository with 3 items its turns beside one with 100,000", () => {
    const { claim, next, queue } = Backlogs.make()
    for (const at of range(100_000)) queue({ id: `many-${at}`, ...repository("many") })
    for (const at of range(3)) queue({ id: `few-${at}`, ...repository("few") })
    const order = range(8).map(() => {
      const id = next() ?? "none"
      claim(id)
      return id.slice(0, 3)
    })
    assert.deepStrictEqual(order, ["few", "man", "few", "man", "few", "man", "man", "man"])
  })

  it("gives a repository of weight 3 three turns for one of the others", () => {
    const { drain, queue } = Backlogs.make({ weights: { web: 3 } })
    for (const at of range(60)) for (const name of ["web", "api"]) queue({ id: `${name}-${at}`, ...repository(name) })
    const first = drain().slice(0, 40)
    assert.strictEqual(first.filter((id) => id.startsWith("web")).length, 30, first.join(" "))
  })

  it("gives no turns for the time in which a repository had nothing to do", () => {
    const { claim, drain, queue } = Backlogs.make()
    for (const at of range(50)) claim(`busy-${queue({ id: `busy-${at}`, ...repository("busy") }) && at}`)
    for (const at of range(4))
      for (const name of ["busy", "idle"]) queue({ id: `${name}-again-${at}`, ...repository(name) })
    const order = drain().map((id) => id.slice(0, 4))
    assert.deepStrictEqual(order, ["idle", "busy", "idle", "busy", "idle", "busy", "idle", "busy"])
  })

  it("starves nothing: the least urgent item goes within its bound, whatever more urgent ones come after it", () => {
    const groups = 5
    for (const lead of [0, 3, 20]) {
      for (const seed of range(40)) {
        const random = Backlogs.random(seed)
        const { claim, next, queue } = Backlogs.make({ lead })
        queue({ id: "victim", priority: 4, ...repository("g0") })
        for (const at of range(groups)) queue({ id: `first-g${at - 1}`, priority: 1, ...repository(`g${at - 1}`) })
        let before = 0
        let own = 0
        for (let started = next(); started !== "victim"; started = next()) {
          if (started !== undefined) {
            before++
            if (started.endsWith("g0")) own++
            claim(started)
          }
          // Two come for each one that goes, and all of them are more urgent.
          for (const at of range(2)) {
            const group = `g${Math.floor(random() * groups)}`
            queue({ id: `new-${before}-${at}-${group}`, priority: 1, ...repository(group) })
          }
          // Until the victim is due there are at most so many rounds, in which so many urgent ones can come; then those go.
          const rounds = 3 * lead + 2
          const came = 2 * groups * rounds + groups
          assert.isAtMost(own, came, `seed ${seed}, lead ${lead}: its own repository starves the victim`)
          assert.isAtMost(before, groups * (rounds + came), `seed ${seed}, lead ${lead}: the others starve the victim`)
        }
      }
    }
  })

  it("follows a changed priority, and keeps the age", () => {
    const { drain, queue } = Backlogs.make()
    queue({ id: "first", priority: 2 })
    queue({ id: "second", priority: 2 })
    queue({ id: "third", priority: 2 })
    queue({ id: "third", priority: 1 })
    assert.deepStrictEqual(drain(), ["third", "first", "second"])
  })
})

describe("open questions", () => {
  it("hold an item back from the limit on, and no longer when they are answered", () => {
    const { backlog, drain, queue } = Backlogs.make()
    for (const at of [0, 1, 2, 3, 4]) queue({ id: `item-${at}`, openQuestions: at })
    queue({ id: "later", after: ["item-3"] })
    assert.deepStrictEqual(drain(), ["item-0", "item-1", "item-2"], "an item with three open questions was started")
    assert.deepStrictEqual(Backlog.standing(backlog, "item-4"), { _tag: "Waiting", on: [], openQuestions: 4 })
    assert.deepStrictEqual(Backlog.standing(backlog, "later"), {
      _tag: "Waiting",
      on: [{ item: "item-3", because: "it has 3 open questions" }]
    })
    queue({ id: "item-3", priority: 1 })
    assert.deepStrictEqual(drain(), [], "who says nothing of them has not answered them")
    queue({ id: "item-4", openQuestions: 2 })
    queue({ id: "item-3", openQuestions: 0 })
    assert.deepStrictEqual(drain(), ["item-3", "item-4"])
    assert.strictEqual(backlog.entries.get("item-3")?.item.priority, 3, "what else is left out is as in a new item")
  })

  it("come while it is ready, delayed or claimed; what is claimed goes on", () => {
    const { claim, drain, queue, release, sleep, backlog } = Backlogs.make()
    for (const id of ["ready", "again", "claimed"]) queue({ id })
    for (const id of ["again", "claimed"]) claim(id)
    release("again", "again", 10)
    for (const id of ["ready", "again", "claimed"]) queue({ id, openQuestions: 3 })
    assert.strictEqual(Backlog.standing(backlog, "claimed")?._tag, "Claimed")
    sleep(10)
    assert.deepStrictEqual(drain(), [], "it is tried again beside its open questions")
    release("claimed", "again", 10)
    assert.deepStrictEqual(drain(), [])
    assert.deepStrictEqual(Backlog.counts(backlog), {
      Waiting: 3,
      Ready: 0,
      Delayed: 0,
      Claimed: 0,
      Parked: 0,
      Done: 0,
      Closed: 0
    })
    for (const id of ["ready", "again", "claimed"]) queue({ id, openQuestions: 0 })
    assert.strictEqual(drain().length, 3)
  })

  it("are no longer known of an item that ended and is wanted again", () => {
    const { drain, queue, tell } = Backlogs.make()
    queue({ id: "item", openQuestions: 9 })
    tell("item", { _tag: "ItemClosed", reason: "" })
    queue({ id: "item" }, true)
    assert.deepStrictEqual(drain(), ["item"])
  })

  it("have a limit of their own, or none", () => {
    const started = (options: Backlog.Options) => {
      const { drain, queue } = Backlogs.make(options)
      for (const at of [0, 1, 2, 3, 4]) queue({ id: `item-${at}`, openQuestions: at })
      return drain().length
    }
    assert.deepStrictEqual(
      [1, 4, Infinity].map((openQuestions) => started({ openQuestions })),
      [1, 4, 5]
    )
    for (const openQuestions of [0, -1, 1.5, NaN]) {
      assert.include(errorOf(Backlog.make({ openQuestions })).message, `limit of open questions is ${openQuestions}`)
    }
    for (const openQuestions of [-1, 0.5, NaN, Infinity]) {
      assert.include(errorOf(BacklogItem.of({ id: "item", openQuestions }, 0)).message, "openQuestions")
    }
  })
})

describe("caps", () => {
  const start = (caps: Backlog.Caps, items: ReadonlyArray<Record<string, string>>) => {
    const { drain, queue } = Backlogs.make({ caps })
    for (const [at, resources] of items.entries()) queue({ id: `item-${at}`, resources })
    return drain().length
  }
  const four = [
    { repository: "web", model: "opus" },
    { repository: "web", model: "opus" },
    { repository: "api", model: "opus" },
    { repository: "api", model: "sonnet" }
  ]

  it("hold for all, for each value of a resource, and for one value", () => {
    assert.strictEqual(start({ total: 3 }, four), 3)
    assert.strictEqual(start({ each: { repository: 1 } }, four), 2)
    assert.strictEqual(start({ only: { model: { opus: 2 } } }, four), 3)
    assert.strictEqual(
      start({ each: { model: 1 }, only: { model: { opus: 3 } } }, four),
      4,
      "one value is an exception"
    )
    assert.strictEqual(start({ total: Number.MAX_SAFE_INTEGER, each: { repository: Infinity } }, four), 4)
    assert.strictEqual(start({ each: { __proto__: 1, toString: 1 } as Record<string, number> }, four), 4)
  })

  it("of 0 hold everything back that needs it, and nothing else", () => {
    assert.strictEqual(start({ total: 0 }, four), 0)
    assert.strictEqual(start({ only: { model: { opus: 0 } } }, four), 1)
  })

  it("that are no number of slots are refused by name", () => {
    for (const limit of [-1, Number.NaN, 1.5]) {
      const error = errorOf(Backlog.make({ caps: { only: { model: { opus: limit } } } }))
      assert.strictEqual(error.reason, "Invalid")
      assert.include(error.message, "model opus")
    }
    assert.include(errorOf(Backlog.make({ weights: { web: 0 } })).message, "web")
    assert.include(errorOf(Backlog.make({ lead: -1 })).message, "-1")
  })

  it("are left by a run that waits for a human, and counted again when it goes on", () => {
    for (const holdAtGates of [false, true]) {
      const { claim, next, queue, start, tell } = Backlogs.make({ caps: { total: 1 }, holdAtGates })
      queue({ id: "asks" })
      queue({ id: "other" })
      const run = start("asks", claim("asks"))
      assert.isUndefined(next(), "the slot is taken")
      const gate = `${run}:spec`
      const opened = { kind: "approve", question: "?", context: "", cause: "spec", name: "spec", token: "t" } as const
      tell("asks", { _tag: "GateOpened", gate, ...opened }, run)
      assert.strictEqual(next(), holdAtGates ? undefined : "other")
      const by = { _tag: "Human", name: "ada" } as const
      tell("asks", { _tag: "GateAnswered", gate, answer: {}, by, waited: 1, activeMinutes: null }, run)
      assert.isUndefined(next(), "it runs again, and is not held back")
    }
  })
})

describe("dependencies", () => {
  it("hold an item back until all are done, whichever comes first", () => {
    const { backlog, claim, drain, queue, release } = Backlogs.make()
    queue({ id: "last", after: ["one", "two"] })
    queue({ id: "one" })
    assert.deepStrictEqual(on(Backlog.standing(backlog, "last")), [
      { item: "one", because: "it is not done" },
      { item: "two", because: "nobody has queued it" }
    ])
    queue({ id: "two", after: ["one"] })
    assert.deepStrictEqual(drain(), ["one"])
    release("one", "done")
    assert.deepStrictEqual(drain(), ["two"])
    release("two", "done")
    assert.deepStrictEqual(drain(), ["last"])
    queue({ id: "later", after: ["one", "two"] })
    assert.strictEqual(claim("later") > 0 && backlog.entries.get("later")?.state, "Claimed", "what is done stays done")
  })

  it("that are parked or closed say so, or let go by option", () => {
    for (const dependencies of ["done", "ended"] as const) {
      const { backlog, claim, next, queue, release, tell } = Backlogs.make({ dependencies })
      queue({ id: "parks" })
      queue({ id: "closes" })
      queue({ id: "waits", after: ["parks", "closes"] })
      claim("parks")
      release("parks", "parked")
      tell("closes", { _tag: "ItemClosed", reason: "not wanted" })
      assert.strictEqual(next(), dependencies === "ended" ? "waits" : undefined)
      if (dependencies === "ended") continue
      assert.deepStrictEqual(on(Backlog.standing(backlog, "waits")), [
        { item: "parks", because: "it is parked: nobody knows how" },
        { item: "closes", because: "it was closed and not done" }
      ])
    }
  })

  it("in a circle are refused by name, also when the circle is closed by a change", () => {
    const { backlog, queue } = Backlogs.make()
    const cycle = (...items: ReadonlyArray<BacklogItem.Wanted>) => Backlog.cycle(backlog, items.map(item))
    assert.include(cycle({ id: "self", after: ["self"] })?.message, "self after self")
    const three = [
      { id: "one", after: ["three"] },
      { id: "two", after: ["one"] },
      { id: "three", after: ["two"] }
    ]
    const error = cycle(...three)
    assert.strictEqual(error?.reason, "Cycle")
    assert.include(error?.message, "one after three after two after one")
    queue({ id: "one" })
    queue({ id: "two", after: ["one"] })
    queue({ id: "three", after: ["two"] })
    assert.include(cycle({ id: "one", after: ["three"] })?.message, "one after three after two after one")
    assert.isUndefined(cycle({ id: "one" }, { id: "four", after: ["three", "one"] }))
  })

  it("of 100,000 items in a row are followed, and refused when the row is closed", () => {
    const row = range(100_000).map((at) => item({ id: `item-${at}`, after: at === 1 ? [] : [`item-${at - 1}`] }))
    const { backlog, claim, next, queue, release } = Backlogs.make()
    assert.isUndefined(Backlog.cycle(backlog, row))
    assert.strictEqual(
      Backlog.cycle(backlog, [item({ id: "item-1", after: ["item-100000"] }), ...row.slice(1)])?.reason,
      "Cycle"
    )
    for (const each of row) queue(each)
    for (const each of row) {
      assert.strictEqual(next(), each.id)
      claim(each.id)
      release(each.id, "done")
    }
  }, 120_000)
})

describe("claims", () => {
  it("stand once; who was taken over can release nothing; tokens grow", () => {
    const { backlog, claim, queue, release, tell } = Backlogs.make()
    queue({ id: "one" })
    const first = claim("one", "a")
    claim("one", "b")
    assert.strictEqual(backlog.entries.get("one")?.claim?.by, "a", "a second claim is void")
    const key = backlog.entries.get("one")?.claim?.key ?? assert.fail("no key")
    const second = claim("one", "b", first)
    claim("one", "c", first)
    assert.include(backlog.entries.get("one")?.claim, { by: "b", token: second, key })
    assert.isAbove(second, first)
    tell("one", { _tag: "ItemReleased", token: first, seen: 0, end: "done", reason: "", until: null })
    assert.strictEqual(Backlog.standing(backlog, "one")?._tag, "Claimed", "the fenced dispatcher ends nothing")
    release("one", "done")
    assert.strictEqual(Backlog.standing(backlog, "one")?._tag, "Done")
    assert.strictEqual(Backlog.claimKey(backlog), "claim/5", "void claims count too, so that every key is used once")
  })

  it("of an item that is closed end closed, and what nobody claimed leaves at once", () => {
    const { backlog, claim, next, queue, release, tell } = Backlogs.make()
    queue({ id: "runs" })
    queue({ id: "waits" })
    claim("runs")
    for (const id of ["runs", "waits", "unknown"]) tell(id, { _tag: "ItemClosed", reason: "fixed elsewhere" })
    assert.deepInclude(Backlog.standing(backlog, "runs"), { _tag: "Claimed", closing: "fixed elsewhere" })
    release("runs", "again")
    for (const id of ["runs", "waits", "unknown"]) assert.strictEqual(Backlog.standing(backlog, id)?._tag, "Closed")
    queue({ id: "runs" })
    assert.isUndefined(next(), "what ended does not come back by itself")
    queue({ id: "runs" }, true)
    assert.strictEqual(next(), "runs", "but when somebody says so")
  })

  it("that are to be tried again wait for their time, and parked ones for their review", () => {
    const { backlog, claim, next, now, queue, release, sleep } = Backlogs.make()
    queue({ id: "one" })
    claim("one")
    release("one", "again", now() + 10_000)
    assert.strictEqual(Backlog.nextDue(backlog), 10_000)
    sleep(9_999)
    assert.isUndefined(next())
    sleep(1)
    assert.strictEqual(next(), "one")
    claim("one")
    assert.strictEqual(backlog.entries.get("one")?.claim?.attempt.number, 2)
    release("one", "parked", now() + 5)
    assert.deepInclude(Backlog.standing(backlog, "one"), { _tag: "Parked", reason: "nobody knows how" })
    sleep(5)
    assert.strictEqual(next(), "one")
    claim("one")
    assert.strictEqual(backlog.entries.get("one")?.claim?.attempt.number, 1, "a review begins anew")
  })

  it("leave nothing behind of what is done but its name", () => {
    const { backlog, claim, queue, release, start } = Backlogs.make()
    for (const at of range(2_000)) {
      const id = `item-${at}`
      queue({ id, after: at === 1 ? [] : [`item-${at - 1}`], resources: { repository: `r${at % 7}` } })
      start(id, claim(id))
      release(id, "done")
    }
    const { delayed, dependents, done, entries, runs, tokens, touched } = backlog
    assert.deepStrictEqual(
      [entries.size, dependents.size, tokens.size, runs.size, delayed.size, touched.size, done.size],
      [0, 0, 0, 0, 0, 0, 2_000]
    )
  })
})

describe("an item", () => {
  it("that is not valid is refused, with what is wrong", () => {
    const refused: ReadonlyArray<readonly [object, string]> = [
      [{ id: "No Good" }, "id"],
      [{ id: "" }, "id"],
      [{ id: "a".repeat(81) }, "id"],
      [{ id: "../../etc" }, "id"],
      [{ id: "a", priority: -1 }, "priority"],
      [{ id: "a", priority: 0 }, "priority"],
      [{ id: "a", priority: 1.5 }, "priority"],
      [{ id: "a", priority: Number.NaN }, "priority"],
      [{ id: "a", after: ["B"] }, "after"],
      [{ id: "a", after: Array(257).fill("b") }, "after"],
      [{ id: "a", resources: { repository: "" } }, "repository"],
      [{ id: "a", resources: { repository: "x".repeat(201) } }, "repository"],
      [{ id: "a", source: "x".repeat(2_001) }, "source"],
      [{ id: "a", created: -1 }, "created"]
    ]
    for (const [wanted, named] of refused) {
      const error = errorOf(BacklogItem.of(wanted as BacklogItem.Wanted, 0))
      assert.strictEqual(error.reason, "Invalid")
      assert.include(error.message, named, JSON.stringify(wanted).slice(0, 80))
    }
  })
})
