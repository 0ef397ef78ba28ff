import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as ToolScope from "../src/ToolScope.ts"

describe("a scope", () => {
  it.each([
    [["github/*"], "github/list_issues", true],
    [["github/*"], "github-enterprise/list_issues", false],
    [["git*/list_*"], "gitlab/list_merge_requests", true],
    [["*/*"], "any/thing/with/slashes", true],
    [["github/list_*", "!github/list_secrets"], "github/list_secrets", false],
    [["!github/*", "github/list_issues"], "github/list_issues", false],
    [[], "github/list_issues", false],
    [["github/a*b*c"], "github/abc", true],
    [["github/a*b*c"], "github/ac", false],
    [["github/ab*ba"], "github/aba", false],
    [["github/.*"], "github/list", false],
    [["github/*"], "github", false]
  ] as const)("%j and %s: %s", (scope, id, expected) => {
    assert.strictEqual(ToolScope.allows(scope)(id), expected)
  })

  it.each([
    [["github/*"], "github", true],
    [["github/get_issue"], "github", true],
    [["git*/get_*", "!github/delete_*"], "github", true],
    [["*/*", "!github/*"], "github", false],
    [["*/*", "!github/a/*"], "github", true],
    [["!files/*"], "github", false],
    [["github"], "github", false],
    [[], "github", false]
  ] as const)("%j reaches %s: %s", (scope, server, expected) => {
    assert.strictEqual(ToolScope.reaches(scope)(server), expected)
  })

  const known: ToolScope.Known = {
    ids: ["files/read", "files/write", "github/list_issues"],
    servers: [
      { name: "files", status: "live", tools: 2 },
      { name: "github", status: "stale", tools: 1 },
      { name: "slow", status: "waiting", tools: 0 },
      { name: "dead", status: "failed", tools: 0 }
    ]
  }
  it.each([
    [["files/*", "!files/write", "*/list_*"], []],
    [["flies/*"], [/flies\/\* fits no tool: there are the sources files, github/]],
    [
      ["files/reed", "!files/wirte"],
      [/files\/reed fits no tool: no tool of its/, /!files\/wirte takes nothing away/]
    ],
    [["files"], [/files fits no tool: it needs a slash, as files\/\*/]],
    [["!files/write"], [/only takes away/]],
    [[], [/is empty/]],
    [["files/*", "slow/x", "dead/*", "!dead/y"], []],
    [["*/*", "!*/delete_*"], []]
  ] as const)("says what of %j does nothing", (scope, expected) => {
    const said = ToolScope.idle(scope, known)
    assert.lengthOf(said, expected.length, said.join("\n"))
    for (const [at, message] of expected.entries()) assert.match(said[at] ?? "", message)
  })

  it("takes no time with a pattern that was made to take it", () => {
    const allows = ToolScope.allows([`a/${"*a".repeat(500)}b`])
    assert.isFalse(allows(`a/${"a".repeat(100_000)}`))
  })

  it("is refused where a pattern names no source", () => {
    const decode = Schema.decodeUnknownResult(ToolScope.ToolScope)
    for (const pattern of ["", "github", "/list", "github/"]) {
      assert.strictEqual(decode([pattern])._tag, "Failure", `${JSON.stringify(pattern)} should be refused`)
    }
  })
})
