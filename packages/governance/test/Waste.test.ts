import { assert, describe, it } from "@effect/vitest"
import * as Digest from "@millwright/core/Digest"
import * as Usage from "@millwright/core/Usage"
import * as TranscriptIndex from "../src/TranscriptIndex.ts"
import type * as Transcript from "../src/Transcript.ts"
import * as Waste from "../src/Waste.ts"
import { answer, command, compacted, edit, pause, play, prices, read, said } from "./WasteLab.ts"
import type { Call, Step } from "./WasteLab.ts"

const mine = (entries: ReadonlyArray<Transcript.Entry>, options?: Waste.Options) =>
  Waste.of(TranscriptIndex.of(entries), prices, options)

const kindsOf = (steps: ReadonlyArray<Step>, options?: Waste.Options) =>
  mine(play(steps), options).findings.map(({ kind, places }) => `${kind} ${places.length}`)

/** What is found where this stands between two calls that are the same. */
const between = (call: Call, ...steps: ReadonlyArray<Step>) =>
  kindsOf([answer(call), ...steps, answer(call), answer(), answer()])

describe("Waste: what was read again", () => {
  it("is told with its tokens and its money, for each answer that was sent it", () => {
    const waste = mine(play([answer(read("a")), answer(read("a")), answer(), answer(), answer()]))
    assert.deepStrictEqual(waste.findings, [
      {
        kind: "reread",
        what: Digest.ofJson(["Read", Digest.of("a"), { from: null, lines: null }]),
        tools: ["Read"],
        file: Digest.of("a"),
        range: { from: null, lines: null },
        session: "s",
        agent: null,
        at: 1_770_000_002_000,
        places: ["call:s//1/0"],
        answers: 3,
        // 5,000 characters are 1,000 tokens: written once, read twice.
        usage: { input: 0, cacheRead: 2_000, cacheWrite: 1_000, output: 0 },
        usd: 0.0058,
        unpriced: 0
      }
    ])
    assert.deepStrictEqual(waste.total, {
      findings: 1,
      times: 1,
      usage: { input: 0, cacheRead: 2_000, cacheWrite: 1_000, output: 0 },
      usd: 0.0058,
      unknown: 0
    })
    assert.strictEqual(waste.byKind.find(({ kind }) => kind === "reread")?.usd, 0.0058)
  })

  it("is one finding, however often, and also where other files were read and edited between", () => {
    const steps = [answer(read("a")), answer(edit("b"), command("ls")), said, answer(read("a")), answer(read("a"))]
    assert.deepStrictEqual(kindsOf([...steps, answer()]), ["reread 2"])
  })

  it("is none where the file was edited, or by a tool of which one file of several is told", () => {
    assert.deepStrictEqual(between(read("a"), answer(edit("a"))), [])
    assert.deepStrictEqual(between(read("a"), answer(edit("b", { tool: "apply_patch" }))), [])
    assert.deepStrictEqual(between(read("a"), answer({ tool: "Edit", doing: "edit" })), [])
  })

  it("is found behind an edit that failed, or that a human did not want", () => {
    assert.deepStrictEqual(between(read("a"), answer(edit("a", { isError: true }))), ["reread 1"])
    assert.deepStrictEqual(between(read("a"), answer(edit("a", { isRejected: true }))), ["reread 1"])
  })

  it("is none where it says something else, or is of other lines, or failed, or came to nothing", () => {
    const pair = (second: Call) => kindsOf([answer(read("a")), answer(read("a", second)), answer(), answer()])
    assert.deepStrictEqual(pair({}), ["reread 1"])
    assert.deepStrictEqual(pair({ output: "else" }), [])
    assert.deepStrictEqual(pair({ output: null, characters: 4_999 }), [])
    assert.deepStrictEqual(pair({ output: null }), ["reread 1"])
    assert.deepStrictEqual(pair({ range: { from: 1, lines: 10 } }), [])
    assert.deepStrictEqual(pair({ isError: true }), [])
    assert.deepStrictEqual(pair({ isRejected: true }), [])
  })

  it("is none where the first one stands in the conversation no more", () => {
    assert.deepStrictEqual(between(read("a"), answer(), compacted, answer()), [])
    assert.deepStrictEqual(between(read("a"), answer(), { is: "dropped", tokens: 1_500 }, answer()), [])
    assert.deepStrictEqual(between(read("a"), answer(), { is: "dropped", tokens: 500 }, answer()), ["reread 1"])
  })

  it("is none where no answer was sent it, and none of another agent or session", () => {
    assert.deepStrictEqual(kindsOf([answer(read("a")), answer(read("a"))]), [])
    const one = play([answer(read("a")), answer()])
    assert.deepStrictEqual(mine([...one, ...play([answer(read("a")), answer()], "s", "sub")]).findings, [])
    assert.deepStrictEqual(mine([...one, ...play([answer(read("a")), answer()], "t")]).findings, [])
  })

  it("is found where a session goes on from another one that read it", () => {
    const entries = play([answer(read("a")), answer(read("a")), answer()], "t")
    const earlier = entries.slice(0, 3).map((entry) => ({ ...entry, session: "s" }))
    assert.lengthOf(mine([...earlier, ...entries]).findings, 1)
  })

  it("counts only as long as it stands, and what is missing from a prompt as missing from it", () => {
    const usageOf = (...steps: ReadonlyArray<Step>) =>
      mine(play([answer(read("a")), answer(read("a")), answer(), ...steps])).findings[0]?.usage
    assert.deepStrictEqual(usageOf(), { input: 0, cacheRead: 0, cacheWrite: 1_000, output: 0 })
    assert.strictEqual(usageOf(answer(), answer())?.cacheRead, 2_000)
    assert.strictEqual(usageOf(answer(), compacted, answer(), answer())?.cacheRead, 1_000)
    const longSummary: Step = { is: "compacted", to: 12_600 }
    assert.strictEqual(usageOf(answer(), longSummary, answer(), answer())?.cacheRead, 1_000, "it is in no summary")
    // 10 tokens of each answer come to the prompt.
    assert.strictEqual(usageOf({ is: "dropped", tokens: 410 }, answer(), answer())?.cacheRead, 1_200)
  })

  it("is never more than its share of what the prompt grew by", () => {
    const waste = mine(play([answer(read("a")), answer(read("a"), read("b")), answer()]), { charactersPerToken: 1 })
    assert.deepStrictEqual(waste.findings[0]?.usage?.cacheWrite, 1_250, "2,500 tokens came in, of two results as long")
  })
})

describe("Waste: what was run again", () => {
  const test = command("npm test")

  it("is found where nothing that may have changed something stands between", () => {
    assert.deepStrictEqual(between(test), ["repeated-command 1"])
    assert.deepStrictEqual(between(test, answer(read("a"))), ["repeated-command 1"])
    assert.deepStrictEqual(between(test, answer({ tool: "TodoWrite" })), ["repeated-command 1"])
    assert.deepStrictEqual(between({ tool: "Grep", doing: "search", input: "x" }), ["repeated-command 1"])
  })

  it("is none behind an edit, another command, a sub-agent, an unknown tool, a turn of a human", () => {
    for (const step of [
      answer(edit("a")),
      answer(command("npm install")),
      answer({ tool: "Task", doing: "delegate" }),
      answer({ tool: "mcp__x__write" }),
      said
    ]) {
      assert.deepStrictEqual(between(test, step), [], JSON.stringify(step))
    }
  })

  it("is none where an edit was made at the same time, before or behind", () => {
    for (const order of [(calls: ReadonlyArray<Call>) => calls, (calls: ReadonlyArray<Call>) => calls.toReversed()]) {
      const beside = answer(...order([test, edit("a")]))
      assert.deepStrictEqual(kindsOf([beside, answer(test), answer(), answer()]), [])
      assert.deepStrictEqual(kindsOf([answer(test), beside, answer(), answer()]), [])
      const reading = answer(...order([read("a"), edit("a")]))
      assert.deepStrictEqual(kindsOf([reading, answer(read("a")), answer(), answer()]), [])
      assert.deepStrictEqual(kindsOf([answer(read("a")), reading, answer(), answer()]), [])
    }
  })

  it("is none where it says something else, and none of a tool that nobody knows", () => {
    assert.deepStrictEqual(kindsOf([answer(test), answer({ ...test, output: "else" }), answer()]), [])
    assert.deepStrictEqual(between({ tool: "mcp__x__poll", input: "x" }), [])
  })

  it("is the same failure where it failed in the same way, and none where it was mended between", () => {
    const failing = { ...test, isError: true }
    assert.deepStrictEqual(between(failing), ["same-failure 1"])
    assert.deepStrictEqual(between(edit("a", { isError: true, characters: 900 })), ["same-failure 1"])
    assert.deepStrictEqual(between(failing, answer(edit("a"))), [])
    assert.deepStrictEqual(kindsOf([answer(failing), answer({ ...failing, output: "else" }), answer()]), [])
    assert.deepStrictEqual(between({ ...failing, isRejected: true }), [], "a human did not want it")
  })
})

describe("Waste: what was too long", () => {
  it("is what is above the limit, as long as it stands", () => {
    const [finding] = mine(play([answer(command("cat", { characters: 60_000 })), answer(), answer()])).findings
    assert.strictEqual(finding?.kind, "oversized-result")
    assert.deepStrictEqual(finding?.usage, { input: 0, cacheRead: 8_000, cacheWrite: 8_000, output: 0 })
    assert.deepStrictEqual(kindsOf([answer(command("cat", { characters: 20_000 })), answer()]), [])
    const set = kindsOf([answer(command("cat", { characters: 20_000 })), answer()], { longest: 10_000 })
    assert.deepStrictEqual(set, ["oversized-result 1"])
  })

  it("is told once where it was also read again", () => {
    const long = read("a", { characters: 60_000 })
    const waste = mine(play([answer(long), answer(long), answer()]))
    assert.deepStrictEqual(
      waste.findings.map(({ kind, usage }) => [kind, usage?.cacheWrite, usage?.cacheRead]),
      [
        ["reread", 12_000, 0],
        ["oversized-result", 8_000, 8_000]
      ]
    )
  })
})

describe("Waste: what was written to a cache again", () => {
  it("is exact, at the difference between writing and reading", () => {
    const [finding] = mine(play([answer(), answer(), pause(6), said, answer()])).findings
    assert.strictEqual(finding?.kind, "idle-cache")
    assert.deepStrictEqual(finding?.usage, { input: 0, cacheRead: 0, cacheWrite: 10_010, output: 0 })
    assert.strictEqual(finding?.usd, (10_010 * 4.6) / 1e6)
  })

  it("is none where the cache keeps it, the model took its time, the conversation was compacted, the model was changed", () => {
    assert.deepStrictEqual(kindsOf([answer(), pause(4), said, answer()]), [])
    assert.deepStrictEqual(kindsOf([answer(), said, pause(6), answer()]), [], "the model was asked before the pause")
    assert.deepStrictEqual(kindsOf([answer(), pause(6), compacted, answer()]), [])
    const other: Step = { is: "answer", calls: [], model: "n" }
    assert.deepStrictEqual(kindsOf([answer(), pause(6), said, other]), [])
    const long: Step = { is: "answer", calls: [], isLong: true }
    assert.deepStrictEqual(kindsOf([long, pause(59), said, answer()]), [])
    assert.deepStrictEqual(kindsOf([long, pause(61), said, answer()]), ["idle-cache 1"])
  })

  it("is none where the cache should have kept it for longer, and did not", () => {
    const long: Step = { is: "answer", calls: [], isLong: true }
    const entries = play([long, answer(), pause(30), said, answer()]).map((entry): Transcript.Entry => {
      if (entry._tag !== "Answered" || entry.usage === null) return entry
      const { cacheRead, cacheWrite } = entry.usage
      return { ...entry, usage: { ...entry.usage, cacheRead: 0, cacheWrite: cacheRead + cacheWrite } }
    })
    assert.deepStrictEqual(mine(entries).findings, [])
  })

  it("is less by what is missing from the prompt, which may be other than what was written", () => {
    const [finding] = mine(
      play([answer(), answer(), { is: "dropped", tokens: 500 }, pause(6), said, answer()])
    ).findings
    assert.strictEqual(finding?.usage?.cacheWrite, 9_620 - 390)
  })

  it("is input where a provider does not bill what is written", () => {
    const entries = play([answer(), answer(), pause(6), said, answer()]).map((entry): Transcript.Entry => {
      if (entry._tag !== "Answered" || entry.usage === null) return entry
      return { ...entry, usage: { ...entry.usage, input: entry.usage.cacheWrite, cacheWrite: 0 } }
    })
    // It was never read before the second answer, so nobody knows that the rest was in the cache.
    assert.deepStrictEqual(mine(entries).findings[0]?.usage, { input: 10_000, cacheRead: 0, cacheWrite: 0, output: 0 })
  })

  it("goes by the lifetime that is given", () => {
    assert.deepStrictEqual(kindsOf([answer(), pause(6), said, answer()], { cacheLifetime: 10 * 60_000 }), [])
  })
})

describe("Waste: tools that were never called", () => {
  const loaded: Step = {
    is: "loaded",
    tools: [
      ["Read", 500],
      ["Unused", 1_000],
      ["Other", 500],
      ["Unknown", null]
    ]
  }

  it("count for each answer whose prompt they stood in, where their size is told", () => {
    const [finding, ...more] = mine(play([loaded, answer(read("a")), answer(), answer()])).findings
    assert.deepStrictEqual(more, [])
    assert.strictEqual(finding?.kind, "unused-tools")
    assert.deepStrictEqual(finding?.tools, ["Other", "Unused"])
    assert.deepStrictEqual(finding?.usage, { input: 0, cacheRead: 600, cacheWrite: 300, output: 0 })
  })

  it("are never more than what is left of a prompt", () => {
    const huge: Step = { is: "loaded", tools: [["Unused", 10_000_000]] }
    const waste = mine(play([huge, answer(read("a")), answer(read("a")), answer()]))
    assert.deepStrictEqual(
      waste.findings.map(({ kind, usage }) => [kind, usage && Usage.total(usage)]),
      [
        ["unused-tools", 10_000 + 11_260 + 12_520 - 1_000],
        ["reread", 1_000]
      ]
    )
    assert.deepStrictEqual({ ...waste.total.usage, output: 30 }, waste.bill.usage)
  })

  it("are none that a session called that goes on from it", () => {
    const steps = [loaded, answer(read("a")), answer()]
    const goesOn = play([...steps, answer({ tool: "Unused" }), answer()])
    for (const session of ["r", "t"]) {
      const named = goesOn.map((entry): Transcript.Entry => (entry._tag === "Unparsed" ? entry : { ...entry, session }))
      const { findings, total } = mine([...play(steps), ...named])
      assert.isTrue(
        findings.every(({ tools }) => tools.join() === "Other"),
        session
      )
      assert.strictEqual(Usage.total(total.usage), 400, session)
    }
  })

  it("are none that a sub-agent called", () => {
    const sub = play([answer({ tool: "Unused" }, { tool: "Other" }), answer()], "s", "sub")
    assert.deepStrictEqual(mine([...play([loaded, answer(read("a"))]), ...sub]).findings, [])
  })
})

describe("Waste: what is not known", () => {
  it("has no money where there is no price, and never 0", () => {
    const free = (steps: ReadonlyArray<Step>) =>
      steps.map((step): Step => (step.is === "answer" ? { ...step, model: "free" } : step))
    const steps = [answer(read("a")), answer(read("a")), answer(), answer()]
    const waste = mine(play(free(steps)))
    assert.deepStrictEqual(
      waste.findings.map(({ unpriced, usd }) => [usd, unpriced]),
      [[null, 2]]
    )
    assert.strictEqual(waste.total.usd, null)
    assert.strictEqual(waste.total.unknown, 1)
    assert.include(Waste.report(waste), "An unknown amount of an unknown amount")
    const partly = mine(play([...steps, ...free([answer()])]))
    assert.deepStrictEqual(
      partly.findings.map(({ unpriced, usd }) => [usd, unpriced]),
      [[0.0054, 1]],
      "the money is of what has a price"
    )
  })

  it("has no tokens where the size is not told", () => {
    const untold = read("a", { characters: null })
    const [finding] = mine(play([answer(untold), answer(untold), answer()])).findings
    assert.deepStrictEqual([finding?.kind, finding?.usage, finding?.usd], ["reread", null, null])
  })

  it("is no waste where something has no time, so that nobody knows what came first", () => {
    const entries = play([answer(read("a")), answer(read("a")), answer()])
    const timeless = entries.map((entry): Transcript.Entry =>
      entry._tag === "Called" ? { ...entry, at: null } : entry
    )
    assert.deepStrictEqual(mine(timeless).findings, [])
  })

  it("is what it is by default where an option can not be what it says", () => {
    const entries = play([answer(read("a")), answer(read("a", { characters: 60_000 })), answer(read("a")), answer()])
    for (const wrong of [Number.NaN, -1]) {
      const options = { charactersPerToken: wrong, longest: wrong, cacheLifetime: wrong }
      assert.deepStrictEqual(mine(entries, options), mine(entries))
    }
  })

  it("is nothing of an empty index", () => {
    const waste = mine([])
    assert.deepStrictEqual([waste.total.findings, waste.total.usd, waste.bill.answers], [0, 0, 0])
    assert.strictEqual(waste.total.usage.cacheRead + Usage.total(waste.bill.usage), 0)
    assert.include(Waste.report(waste), "At least $0.00 of $0.00")
  })
})
