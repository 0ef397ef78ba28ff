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
