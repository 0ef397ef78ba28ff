import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as WorkItem from "../src/WorkItem.ts"

const read = (markdown: string, source = "issues/paging.md") => Effect.runSync(WorkItem.fromMarkdown(markdown, source))

describe("WorkItem.fromMarkdown", () => {
  it.effect.prop(
    "makes a valid work item of any text from any file, or says why not",
    [Schema.String, Schema.String],
    ([markdown, source]) =>
      WorkItem.fromMarkdown(markdown, source).pipe(
        Effect.map((item) =>
          assert.isTrue(Schema.is(WorkItem.WorkItem)(item), `not a work item: ${JSON.stringify(item)}`)
        ),
        Effect.catchTag("WorkItemError", (error) =>
          Effect.sync(() => assert.include(error.message, source, "the message names the source"))
        )
      ),
    { arbitrary: { runs: 500 } }
  )

  it.each([
    "a.md",
    "",
    "/",
    ".md",
    "..",
    "../../etc/passwd",
    "C:\\issues\\Bug 1.MD",
    "https://example.org/issues/7/",
    "größe.md",
    "-rf",
    "x".repeat(500),
    "\0",
    "\u{1f980}.md",
    "con",
    "a.b.c"
  ])("makes a valid id of the source %j", (source) => {
    assert.match(read("# T", source).id, /^[a-z0-9][a-z0-9-]{0,79}$/)
  })

  it("has the same id for the same text wherever it is read, and another for another text", () => {
    assert.strictEqual(read("# A\r\n\r\nb\r\n", "x/paging.md").id, read("# A\n\nb", "/other/paging.md").id)
    assert.notStrictEqual(read("# A\n\nb").id, read("# A\n\nc").id)
  })

  it.each([
    ["# Title\n\nbody", "Title"],
    ["text first\n\n# Title", "Title"],
    ["no heading\nat all", "no heading"],
    ["## Only a subheading", "## Only a subheading"],
    ["Run this:\n```sh\n# not a title\n```\n# Title", "Title"],
    ["Run this:\n~~~\n```\n# not a title\n~~~\n", "Run this:"],
    ["#\u00a0\n# \u3000\n# Title", "Title"],
    ["# \u3000\nrest", "#"],
    ["# a\u001b[31m\u202eb\u0007", "a [31m b"],
    [`# ${"\u{1f980}".repeat(300)}`, "\u{1f980}".repeat(200)],
    ["\u0001\u0002", "Untitled"]
  ])("has the title of %j", (markdown, title) => {
    assert.strictEqual(read(markdown).title, title)
  })

  it.each([
    ["", "Empty"],
    [" \n\ufeff\t", "Empty"],
    ["a\0b", "NotText"],
    ["x".repeat(WorkItem.maxBodyLength + 1), "TooLarge"]
  ] as const)("refuses %j: %s", (markdown, reason) => {
    const error = Effect.runSync(Effect.flip(WorkItem.fromMarkdown(markdown, "issues/bad.md")))
    assert.strictEqual(error.reason, reason)
    assert.isFalse(error.isRetryable, "the same text will not do a second time")
    assert.include(error.message, "issues/bad.md")
  })
})
