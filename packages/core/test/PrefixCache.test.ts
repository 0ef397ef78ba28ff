import { assert, describe, it } from "@effect/vitest"
import * as PrefixCache from "../src/internal/PrefixCache.ts"
import * as PromptBlocks from "../src/internal/PromptBlocks.ts"
import * as Rules from "../src/internal/ProviderRules.ts"

/** Blocks of 100 tokens: a letter each, in capitals where it is marked; `u` is a use of a tool, `r` a result. */
const blocks = (letters: string): ReadonlyArray<PrefixCache.Block> =>
  [...letters].map((letter, at) => ({
    key: `${letter.toLowerCase()}${at}`,
    tokens: 100,
    run: "ur".includes(letter.toLowerCase()) ? letter.toLowerCase() : undefined,
    isMarked: letter !== letter.toLowerCase()
  }))

/** Counts requests one after the other; what each reads, writes and neither, in hundreds of tokens. */
const played = (
  requests: ReadonlyArray<string>,
  { minimum = 0, places }: { readonly minimum?: number; readonly places?: "runs" | "blocks" } = {}
) => {
  const known = new Set<string>()
  return requests.map((letters, at) => {
    // A request whose letters begin with another model's name is to that one.
    const [model = "", text = model] = letters.includes(":") ? letters.split(":") : ["m", letters]
    const { usage, written } = PrefixCache.marked(known, { model, blocks: blocks(text), minimum, places })
    for (const entry of written) known.add(entry)
    assert.strictEqual(
      usage.cacheRead + usage.cacheWrite + usage.input,
      text.length * 100,
      `Request ${at + 1} does not add up`
    )
    return [usage.cacheRead, usage.cacheWrite, usage.input].map((tokens) => tokens / 100)
  })
}

const plain = (count: number) => "x".repeat(count)

describe("a cache of marks", () => {
  it("is that of the documentation: 10 blocks, then 15, then 35", () => {
    const [first, second, third] = [`${plain(9)}X`, `${plain(14)}X`, `${plain(34)}X`]
    assert.deepStrictEqual(played([first, second, third]), [
      [0, 10, 0],
      [10, 5, 0],
      // The entry at block 15 is one place outside of the window.
      [0, 35, 0]
    ])
    assert.deepStrictEqual(
      played([first, second, `${plain(14)}X${plain(19)}X`])[2],
      [15, 20, 0],
      "A second mark at block 15 finds it"
    )
  })

  it("finds an entry 19 blocks behind a mark, and none 20 blocks behind", () => {
    assert.deepStrictEqual(played(["X", `x${plain(18)}X`])[1], [1, 19, 0])
    assert.deepStrictEqual(played(["X", `x${plain(19)}X`])[1], [0, 21, 0])
  })

  it("writes at marks alone: what stands still behind one is not found", () => {
    // The documentation's common mistake: the mark is on a block that changes.
    assert.deepStrictEqual(played(["xxxxxA", "xxxxxB", "xxxxxC"]), [
      [0, 6, 0],
      [0, 6, 0],
      [0, 6, 0]
    ])
    assert.deepStrictEqual(played(["xxxxXa", "xxxxXb"]), [
      [0, 5, 1],
      [5, 0, 1]
    ])
  })

  it("writes at each mark, so that a prompt that changes behind the first reads up to there", () => {
    assert.deepStrictEqual(played(["xXxxA", "xXxxB"])[1], [2, 3, 0])
  })

  it("reads nothing where the first block is another, or the model", () => {
    assert.deepStrictEqual(played(["axX", "bxX"])[1], [0, 3, 0])
    assert.deepStrictEqual(played(["m:xxX", "n:xxX", "m:xxX"]), [
      [0, 3, 0],
      [0, 3, 0],
      [3, 0, 0]
    ])
  })

  it("without a mark reads and writes nothing", () => {
    assert.deepStrictEqual(played(["xxX", "xxxx"])[1], [0, 0, 4])
  })

  it("does not cache below the minimum, and says nothing", () => {
    assert.deepStrictEqual(played(["xxX", "xxX", "xxxX", "xxxX"], { minimum: 400 }), [
      [0, 0, 3],
      [0, 0, 3],
      [0, 4, 0],
      [4, 0, 0]
    ])
    assert.deepStrictEqual(played(["xXxX", "xXaA"], { minimum: 400 })[1], [0, 4, 0], "The first mark is too early")
  })

  it("takes uses of tools that follow each other for one place, and their results, where it is asked to", () => {
    const wide = `x${"u".repeat(200)}${"r".repeat(199)}R`
    assert.deepStrictEqual(played(["X", wide])[1], [1, 400, 0])
    assert.deepStrictEqual(played(["X", wide], { places: "blocks" })[1], [0, 401, 0])
    const turns = (count: number) => `x${"ur".repeat(count - 1)}uR`
    assert.deepStrictEqual(played(["X", turns(9)])[1], [1, 18, 0])
    assert.deepStrictEqual(played(["X", turns(10)])[1], [0, 21, 0], "20 runs are 20 places")
  })
})

describe("a cache that works by itself", () => {
  const count = (known: Set<string>, text: string, model = "m") => {
    const { usage, written } = PrefixCache.automatic(known, { model, text })
    for (const entry of written) known.add(entry)
    return [usage.cacheRead, usage.cacheWrite, usage.input]
  }
  const text = (tokens: number, letter = "a") => letter.repeat(tokens * 4)

  it("reads whole steps of 128 tokens, from 1,024 on, and tells of no writes", () => {
    const known = new Set<string>()
    assert.deepStrictEqual(count(known, text(1_500)), [0, 0, 1_500])
    assert.deepStrictEqual(count(known, text(1_500) + text(100, "b")), [1_408, 0, 192])
    assert.deepStrictEqual(count(known, text(1_200) + text(400, "c")), [1_152, 0, 448])
    assert.deepStrictEqual(count(known, text(1_023) + text(400, "d")), [0, 0, 1_423])
    assert.deepStrictEqual(count(known, text(1_024) + text(400, "e")), [1_024, 0, 400])
    assert.deepStrictEqual(count(known, text(1_500), "n"), [0, 0, 1_500])
  })
})

const body = (changes: object = {}) => ({
  model: "claude-opus-4-8",
  tools: [{ name: "a" }, { name: "b", defer_loading: true }],
  system: "You help.",
  messages: [
    { role: "user", content: "Go." },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "Hm." },
        { type: "tool_use", id: "1", name: "a", input: {} }
      ]
    },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "1", content: "ok" }] }
  ],
  ...changes
})

/** How many blocks of two requests are the same, from the beginning. */
const shared = (one: object, other: object): number => {
  const [first, second] = [one, other].map((each) => PromptBlocks.of({ ...each }).map(({ key }) => key))
  const at = first?.findIndex((key, index) => key !== second?.[index]) ?? 0
  return at < 0 ? (first?.length ?? 0) : at
}

const image = { type: "image", source: { type: "url", url: "https://example.com/a.png" } }

describe("the blocks of a request", () => {
  it("are tools, system prompt and messages, without what is deferred", () => {
    const read = PromptBlocks.of(body())
    assert.deepStrictEqual(
      read.map(({ run }) => run),
      [undefined, undefined, undefined, undefined, "tool_use", "tool_result"]
    )
    assert.strictEqual(read[0]?.tokens, PrefixCache.tokens('{"name":"a"}'))
  })

  it("have a deferred tool where a result refers to it", () => {
    const refer = (tools: ReadonlyArray<unknown>) =>
      PromptBlocks.of({
        model: "m",
        tools: [{ name: "b", description: "long ".repeat(100), defer_loading: true }],
        messages: [{ role: "user", content: [{ type: "tool_result", tool_use_id: "1", content: [...tools] as never }] }]
      })
    assert.lengthOf(refer([]), 1)
    assert.isAbove(
      (refer([{ type: "tool_reference", tool_name: "b" }])[0]?.tokens ?? 0) - (refer([])[0]?.tokens ?? 0),
      120
    )
  })

  const rows: ReadonlyArray<readonly [change: string, changes: object, kept: number]> = [
    ["a tool", { tools: [{ name: "c" }] }, 0],
    ["a tool that is deferred", { tools: [{ name: "a" }, { name: "z", defer_loading: true }] }, 6],
    ["the speed", { speed: "fast" }, 1],
    ["the system prompt", { system: "You do not." }, 1],
    ["the choice of tools", { tool_choice: { type: "any" } }, 2],
    ["the thinking", { thinking: { type: "enabled", budget_tokens: 2_000 } }, 2],
    ["the effort", { output_config: { effort: "low" } }, 2],
    ["a first image", { messages: [...body().messages, { role: "user", content: [image] }] }, 2],
    ["one more text", { messages: [...body().messages, { role: "user", content: "More." }] }, 6],
    ["what an answer may be long", { max_tokens: 5, stream: true }, 6]
  ]
  for (const [change, changes, kept] of rows) {
    it(`keep ${kept} of 6 where ${change} changes`, () => {
      assert.strictEqual(shared(body(), body(changes)), kept)
    })
  }

  it("lose no message to one more image", () => {
    const one = { messages: [...body().messages, { role: "user", content: [image] }] }
    const two = { messages: [...one.messages, { role: "user", content: [image] }] }
    assert.strictEqual(shared(body(one), body(two)), 7)
  })

  it("are the same with a mark and without, and as a text and a list of one", () => {
    const mark = { type: "ephemeral" }
    const marked = body({
      tools: [{ name: "a", cache_control: mark }],
      system: [{ type: "text", text: "You help.", cache_control: mark }]
    })
    assert.strictEqual(shared(body(), marked), 6)
    assert.deepStrictEqual(
      PromptBlocks.of(marked).map(({ isMarked }) => isMarked),
      [true, true, false, false, false, false]
    )
  })

  it("have one mark for the whole request on the last that can have one", () => {
    const thought = { role: "assistant", content: [{ type: "thinking", thinking: "So." }] }
    const read = PromptBlocks.of(
      body({ cache_control: { type: "ephemeral" }, messages: [...body().messages, thought] })
    )
    assert.strictEqual(
      read.findLastIndex(({ isMarked }) => isMarked),
      5
    )
  })

  it("lose what an older model thought when the user speaks, and keep it for results", () => {
    const asked = { messages: [...body().messages, { role: "user", content: "More." }] }
    const lengthFor = (model: string, changes: object) => PromptBlocks.of(body({ model, ...changes })).length
    for (const model of ["claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-1", "claude-sonnet-4-20250514"]) {
      assert.deepStrictEqual([lengthFor(model, {}), lengthFor(model, asked)], [6, 6], `${model} keeps what it thought`)
    }
    for (const model of ["claude-opus-4-5", "claude-sonnet-4-6", "claude-opus-5-5", "m"]) {
      assert.deepStrictEqual(
        [lengthFor(model, {}), lengthFor(model, asked)],
        [6, 7],
        `${model} forgets what it thought`
      )
    }
  })
})

describe("the minimum of a model", () => {
  const rows: ReadonlyArray<readonly [number, string]> = [
    [512, "claude-opus-5-5 claude-opus-5 claude-fable-5-1 claude-mythos-5 claude-sonnet-5-5 claude-haiku-5-5"],
    [1_024, "claude-opus-4-8 claude-sonnet-5 claude-sonnet-4-6 claude-sonnet-4-5-20250929 claude-opus-4-1 another"],
    [2_048, "claude-opus-4-7 claude-mythos-preview claude-3-5-haiku-latest"],
    [4_096, "claude-opus-4-6 claude-opus-4-5-20251101 claude-haiku-4-5-20251001"]
  ]
  for (const [minimum, models] of rows) {
    it(`is ${minimum} tokens for ${models.split(" ")[0]} and its like`, () => {
      for (const model of models.split(" ")) assert.strictEqual(PrefixCache.minimumOf(model), minimum, model)
    })
  }
})

describe("marks that the API refuses", () => {
  const mark = { cache_control: { type: "ephemeral" } }
  const said = (count: number, text = "x") =>
    body({
      messages: [{ role: "user", content: Array.from({ length: count }, () => ({ type: "text", text, ...mark })) }]
    })

  it("are more than four, wherever they stand", () => {
    assert.isUndefined(Rules.refusal(said(4), []))
    assert.match(Rules.refusal(said(5), []) ?? "", /A maximum of 4 blocks .* Found 5\./)
    assert.match(Rules.refusal({ ...said(4), ...mark }, []) ?? "", /Found 5\./)
    assert.match(Rules.refusal({ ...said(4), tools: [{ name: "a", ...mark }] }, []) ?? "", /Found 5\./)
  })

  it("are those of thoughts and of nothing", () => {
    const thought = { role: "assistant", content: [{ type: "thinking", thinking: "Hm.", ...mark }] }
    assert.match(Rules.refusal(body({ messages: [thought] }), []) ?? "", /thinking/)
    assert.match(Rules.refusal(said(1, ""), []) ?? "", /empty/)
  })
})
