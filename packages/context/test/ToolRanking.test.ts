import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ToolRanking from "../src/ToolRanking.ts"

const document = (
  id: string,
  description = "",
  schema: Readonly<Record<string, unknown>> = {}
): ToolRanking.Document => ({
  id,
  name: id.slice(id.indexOf("/") + 1),
  description,
  schema
})

const shelf = (server: string, tools: Readonly<Record<string, string>>, description = ""): ToolRanking.Shelf => ({
  server,
  description,
  documents: Object.entries(tools).map(([name, about]) => document(`${server}/${name}`, about))
})

const filled = Effect.fnUntraced(function* (...shelves: ReadonlyArray<ToolRanking.Shelf>) {
  const ranking = ToolRanking.make()
  for (const one of shelves) yield* ranking.replace(one)
  return ranking
})

const found = (ranking: ToolRanking.ToolRanking, query: string, limit = 5): ReadonlyArray<string> =>
  ranking.search({ query, limit }).hits.map(({ id }) => id)

const files = shelf(
  "filesystem",
  {
    read_file: "Read the complete contents of a file.",
    write_file: "Create a new file or overwrite one.",
    list_directory: "Get a listing of all files in a path.",
    getFileInfo: "Metadata of a file: size, times, permissions."
  },
  "Operations on local files"
)
const hub = shelf("GitHub", {
  create_pull_request: "Open a pull request.",
  searchRepositories: "Search for repositories.",
  "list-issues": "List the issues of a repository."
})
const search = shelf("bing-cn", { 搜索网页: "使用必应搜索指定的关键词，并返回结果列表。", 天气: "查询城市的天气预报" })
const docs = shelf("papers", { downloadPdf: "Fetches a PDF.", calendar_events: "Events of a calendar." })

/** The same numbers in each run, from 0 to below `bound`. */
const numbers = (seed: number): ((bound: number) => number) => {
  let state = seed
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}

const vocabulary =
  "read write file issue pull request search paper weather forecast 搜索 __proto__ constructor getHTTPUrl émile x1".split(
    " "
  )

/** Some shelves, a query and where they are cut, made from a number. */
const anyShelves = (seed: number): { shelves: ReadonlyArray<ToolRanking.Shelf>; query: string; pick: number } => {
  const next = numbers(seed)
  const words = (count: number): string =>
    Array.from({ length: count }, () => vocabulary[next(vocabulary.length)]).join(" ")
  const shelves = Array.from({ length: 2 + next(5) }, (_, n) => ({
    server: `s${n} ${words(1)}`,
    description: words(next(6)),
    documents: Array.from({ length: next(8) }, (_, m) => ({
      id: `s${n}/t${m}`,
      name: words(1 + next(3)).replaceAll(" ", "_"),
      description: `${words(next(5))}. ${words(next(5))}`,
      schema: { properties: { [words(1)]: { description: words(next(4)) } } }
    }))
  }))
  return { shelves, query: words(1 + next(6)), pick: next(shelves.length) }
}

const seeds = Array.from({ length: 60 }, (_, n) => n + 1)

describe("what a query finds", () => {
  it.effect("names are split, words may end otherwise, and joined words are one", () =>
    Effect.gen(function* () {
      const ranking = yield* filled(files, hub, search, docs)
      const expected: Readonly<Record<string, string>> = {
        "writing files": "filesystem/write_file",
        "file info": "filesystem/getFileInfo",
        "file system: list what is in a directory": "filesystem/list_directory",
        "git hub pull requests": "GitHub/create_pull_request",
        "github: find repository": "GitHub/searchRepositories",
        "download PDFs": "papers/downloadPdf",
        calender: "papers/calendar_events",
        城市天气: "bing-cn/天气",
        搜索: "bing-cn/搜索网页"
      }
      for (const [query, id] of Object.entries(expected)) {
        assert.strictEqual(found(ranking, query)[0], id, `"${query}" finds something else first`)
      }
    })
  )

  it.effect("clipped words, verbs that stand for others, and words that only look alike", () =>
    Effect.gen(function* () {
      const ranking = yield* filled(
        shelf("a", { get_repository_information: "", delete_branch: "", new_game: "", topNews: "" })
      )
      assert.strictEqual(found(ranking, "repo info")[0], "a/get_repository_information")
      assert.strictEqual(found(ranking, "remove branch")[0], "a/delete_branch")
      assert.deepStrictEqual(found(ranking, "news"), ["a/topNews"])
      assert.deepStrictEqual(found(ranking, "new"), ["a/new_game"])
    })
  )

  it.effect("names and descriptions of parameters are read, in depth as well", () =>
    Effect.gen(function* () {
      const schema = {
        properties: {
          place: { properties: { latitude: { description: "degrees to the north" } } },
          stops: { items: { properties: { railway: {} } } }
        }
      }
      const ranking = yield* filled({
        server: "a",
        description: "",
        documents: [document("a/one", "", schema), document("a/two")]
      })
      for (const word of ["latitude", "north", "railway"]) assert.deepStrictEqual(found(ranking, word), ["a/one"], word)
    })
  )

  it.effect("the words of its server help a tool, and alone find none", () =>
    Effect.gen(function* () {
      const ranking = yield* filled(
        shelf("one", { search: "Search." }, "Flights and airports"),
        shelf("two", { search: "Search." }, "Recipes")
      )
      assert.strictEqual(found(ranking, "search recipes")[0], "two/search")
      assert.deepStrictEqual(found(ranking, "recipes"), [], "a server's words alone say nothing about a tool")
    })
  )

  it.effect("`total` counts all that fit, `limit` bounds the hits, `server` and `allows` choose", () =>
    Effect.gen(function* () {
      const ranking = yield* filled(files, hub)
      const all = ranking.search({ query: "list file repository", limit: 2 })
      assert.strictEqual(all.hits.length, 2)
      assert.isAbove(all.total, 2)
      const only = ranking.search({ query: "list file repository", limit: 9, server: "GitHub" })
      assert.isAbove(only.total, 0)
      assert.isTrue(only.hits.every(({ id }) => id.startsWith("GitHub/")))
      assert.deepStrictEqual(ranking.search({ query: "file", limit: 9, server: "nobody" }), { hits: [], total: 0 })
      const allows = (id: string): boolean => id === "filesystem/read_file"
      assert.deepStrictEqual(
        ranking.search({ query: "write file", limit: 9, allows }).hits.map(({ id }) => id),
        ["filesystem/read_file"]
      )
      for (const limit of [0, -1]) assert.deepStrictEqual(ranking.search({ query: "file", limit }).hits, [])
    })
  )

  it.effect("names that are spelled nearly alike are near, the nearest first", () =>
    Effect.gen(function* () {
      const ranking = yield* filled(files, hub)
      assert.strictEqual(ranking.near("readFile", 3)[0], "filesystem/read_file")
      assert.strictEqual(ranking.near("write_fiel", 3)[0], "filesystem/write_file")
      assert.strictEqual(ranking.near("mcp__GitHub__list_issues", 3)[0], "GitHub/list-issues")
      assert.deepStrictEqual(ranking.near("somewhere_else_entirely", 3), [])
      assert.deepStrictEqual(ranking.near("", 3), [])
    })
  )
})

describe("what changes", () => {
  it.effect("replacing twice is the same as once, the order does not matter, removing leaves no trace", () =>
    Effect.gen(function* () {
      for (const seed of seeds) {
        const { pick, query, shelves } = anyShelves(seed)
        const question = { query, limit: 50 }
        const expected = (yield* filled(...shelves)).search(question)
        const twice = yield* filled(...shelves, ...shelves)
        assert.deepStrictEqual(twice.search(question), expected, `twice, seed ${seed}`)
        const backwards = yield* filled(...shelves.toReversed())
        assert.deepStrictEqual(backwards.search(question), expected, `backwards, seed ${seed}`)
        const removed = yield* filled(...shelves)
        const gone = shelves[pick]?.server ?? ""
        removed.remove(gone)
        const without = yield* filled(...shelves.filter(({ server }) => server !== gone))
        assert.deepStrictEqual(removed.search(question), without.search(question), `removed, seed ${seed}`)
        assert.strictEqual(removed.size(), without.size())
        for (const { server } of shelves) removed.remove(server)
        assert.deepStrictEqual(removed.search(question), { hits: [], total: 0 })
        assert.strictEqual(removed.size(), 0)
      }
    })
  )

  it.effect("scores fall, are numbers, and no filter lets another through", () =>
    Effect.gen(function* () {
      for (const seed of seeds) {
        const { query, shelves } = anyShelves(seed)
        const ranking = yield* filled(...shelves)
        const { hits, total } = ranking.search({ query, limit: 50 })
        assert.strictEqual(new Set(hits.map(({ id }) => id)).size, hits.length, `seed ${seed}`)
        for (const [n, { score }] of hits.entries()) {
          assert.isTrue(Number.isFinite(score) && score > 0, `a score of ${score}, seed ${seed}`)
          assert.isAtMost(score, hits[n - 1]?.score ?? Infinity, `seed ${seed}`)
        }
        assert.isAtLeast(total, hits.length)
        const allows = (id: string): boolean => id.endsWith("t1")
        const allowed = ranking.search({ query, limit: 50, allows }).hits
        assert.deepStrictEqual(
          allowed,
          hits.filter(({ id }) => allows(id)),
          `seed ${seed}`
        )
      }
    })
  )

  it.effect("room is used again: an index that changes for ever does not grow for ever", () =>
    Effect.gen(function* () {
      const ranking = yield* filled(files, hub)
      const once = (n: number): ToolRanking.Shelf =>
        shelf("other", { [`tool_${n}`]: `Does thing${n} with number${n}.` })
      for (let n = 0; n < 20; n++) yield* ranking.replace(once(n))
      const bytes = ranking.bytes()
      for (let n = 20; n < 400; n++) yield* ranking.replace(once(n))
      assert.isAtMost(ranking.bytes(), bytes + 4_096)
      assert.notInclude(found(ranking, "tool 20 thing20"), "other/tool_20", "what was replaced is found no more")
      assert.strictEqual(found(ranking, "thing399")[0], "other/tool_399")
    })
  )

  it.effect("a search while a shelf is replaced sees the old one, then the new one; the later of two wins", () =>
    Effect.gen(function* () {
      const large = (word: string): ToolRanking.Shelf => ({
        server: "s",
        description: "",
        documents: Array.from({ length: 400 }, (_, n) => document(`s/${word}_${n}`, `${word} `.repeat(40)))
      })
      const ranking = yield* filled(large("old"))
      const first = yield* Effect.forkChild(ranking.replace(large("middle")))
      yield* Effect.yieldNow
      assert.strictEqual(
        ranking.search({ query: "old", limit: 1 }).total,
        400,
        "the old one is there until the new one is"
      )
      assert.strictEqual(ranking.search({ query: "middle", limit: 1 }).total, 0)
      const second = yield* Effect.forkChild(ranking.replace(large("young")))
      yield* Fiber.join(second)
      yield* Fiber.join(first)
      assert.strictEqual(ranking.search({ query: "young", limit: 1 }).total, 400)
      assert.strictEqual(ranking.size(), 400)
      const third = yield* Effect.forkChild(ranking.replace(large("late")))
      yield* Effect.yieldNow
      ranking.remove("s")
      yield* Fiber.join(third)
      assert.strictEqual(ranking.size(), 0, "what was removed while it was read does not come back")
    })
  )

  it.effect("others run while a large shelf is read", () =>
    Effect.gen(function* () {
      const ranking = ToolRanking.make()
      let turns = 0
      const other = yield* Effect.forkChild(
        Effect.forever(
          Effect.andThen(
            Effect.sync(() => void turns++),
            Effect.yieldNow
          )
        )
      )
      const documents = Array.from({ length: 500 }, (_, n) => document(`s/t${n}`, `word${n} and more `.repeat(40)))
      yield* ranking.replace({ server: "s", description: "", documents })
      yield* Fiber.interrupt(other)
      assert.isAbove(turns, 5)
    })
  )
})

describe("bad input", () => {
  it.effect("any query is answered", () =>
    Effect.gen(function* () {
      const ranking = yield* filled(files, hub, search)
      const nothing = ["", " ", "\0\u0007\u001b[31m", "the of and", "😀😀", "\ud800", "::::", ":", "a:", "%s $(x) ```"]
      for (const query of nothing)
        assert.deepStrictEqual(ranking.search({ query, limit: 5 }), { hits: [], total: 0 }, query)
      const many = Array.from({ length: 10_000 }, (_, n) => `word${n}`).join(" ")
      assert.isArray(found(ranking, many))
      assert.strictEqual(found(ranking, `write file ${many}`)[0], "filesystem/write_file")
      for (const bomb of [
        "(a+)+$".repeat(3_000),
        "a".repeat(1_000_000),
        `${"A".repeat(50_000)}!`,
        "搜".repeat(500_000),
        ":".repeat(500_000)
      ]) {
        assert.isArray(found(ranking, bomb))
      }
      assert.strictEqual(found(ranking, "ｗｒｉｔｅ ｆｉｌｅ")[0], "filesystem/write_file", "full-width letters")
    })
  )

  it.effect("words that objects have are words", () =>
    Effect.gen(function* () {
      const names = { __proto__x: "", has_own_property: "", constructor: "The constructor.", toString: "valueOf" }
      const ranking = yield* filled(shelf("__proto__", names), shelf("constructor", { x: "y __proto__" }))
      assert.strictEqual(ranking.size(), 5)
      assert.include(found(ranking, "constructor"), "__proto__/constructor")
      for (const query of ["__proto__", "toString", "valueOf", "hasOwnProperty"])
        assert.isAbove(found(ranking, query).length, 0, query)
      ranking.remove("__proto__")
      ranking.remove("toString")
      assert.strictEqual(ranking.size(), 1)
    })
  )

  it.effect("any document is taken: of 2 MB, deep, recursive, of odd types, one that throws", () =>
    Effect.gen(function* () {
      const recursive: { properties: Record<string, unknown> } = { properties: {} }
      recursive.properties["self"] = recursive
      let deep: Readonly<Record<string, unknown>> = {}
      for (let n = 0; n < 50_000; n++) deep = { properties: { deeper: deep } }
      const wide = Object.fromEntries(
        Array.from({ length: 40_000 }, (_, n) => [`parameter${n}`, { description: "x".repeat(40) }])
      )
      const throwing = {
        properties: {
          get broken() {
            throw new Error("no")
          },
          whole: { description: "rare" }
        }
      }
      const schemas: ReadonlyArray<Readonly<Record<string, unknown>>> = [
        recursive,
        deep,
        { properties: wide },
        throwing,
        { properties: null },
        { properties: ["a", "b"] },
        { properties: { a: 1, b: null, c: true, d: { description: 7 } } },
        { properties: "text" }
      ]
      const documents = [
        ...schemas.map((schema, n) => document(`s/odd_${n}`, "Odd.", schema)),
        document("s/long", "long ".repeat(400_000)),
        document("s/日本語のツール", "ツール"),
        document("s/👩‍👩‍👧", "family"),
        document("s/"),
        document(`s/${"n".repeat(5_000)}`)
      ]
      const ranking = yield* filled({ server: "s", description: "d".repeat(1_000_000), documents })
      assert.strictEqual(ranking.size(), documents.length)
      assert.strictEqual(
        found(ranking, "rare")[0],
        "s/odd_3",
        "a property that throws takes nothing of the others with it"
      )
      assert.strictEqual(found(ranking, "ツール").length, 1)
      assert.isBelow(ranking.bytes(), 1_000_000)
    })
  )

  it.effect("the same id twice is one document, the first", () =>
    Effect.gen(function* () {
      const documents = [document("s/a", "apples"), document("s/a", "pears"), document("s/b", "plums")]
      const ranking = yield* filled({ server: "s", description: "", documents })
      assert.strictEqual(ranking.size(), 2)
      assert.deepStrictEqual(found(ranking, "apples"), ["s/a"])
      assert.deepStrictEqual(found(ranking, "pears"), [])
    })
  )
})
