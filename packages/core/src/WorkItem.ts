/** A **work item**: an issue, task or incident that the factory may change software for. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Digest from "./Digest.ts"
import * as Fault from "./Fault.ts"
import * as Tainted from "./Tainted.ts"

/** The longest body that a work item may have, in UTF-16 code units. */
export const maxBodyLength = 256 * 1024

const bodyOrigin = "the body of the work item"

const shown = (longest: number) =>
  Schema.NonEmptyString.check(
    Schema.makeFilter((text) => text.length <= 2 * longest && text.search(/\n|\t/) === -1 && !Tainted.hides(text), {
      expected: `one line of at most ${longest} characters that hides nothing`
    })
  )

/** An issue, task or incident. `id` is safe in a branch name, a file name and a URL. */
export const WorkItem = Schema.Struct({
  id: Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,79}$/)),
  /** Whoever wrote it may have meant it for a reader of lists, or for a model: it is one line, and hides nothing. */
  title: shown(200),
  body: Tainted.text(bodyOrigin),
  labels: Schema.Array(shown(100)),
  /** Where it was read: a path or a URL. */
  source: Schema.String
})
/** An issue, task or incident. */
export type WorkItem = typeof WorkItem.Type

/** The body of an item. */
export const bodyOf = (text: string): Tainted.Tainted => Tainted.of(bodyOrigin, text)

/** A text can not be taken as a work item. */
export class WorkItemError extends Fault.Class<WorkItemError>()("WorkItemError", {
  Empty: false,
  TooLarge: false,
  NotText: false
}) {}

/**
 * Reads a work item from a Markdown issue.
 *
 * The title is the first `#` heading outside of a code block, or else the first line that is not blank; signs that
 * could steer a terminal are taken out of it. The id is made of the file's name and of the content's digest, so the same
 * issue has the same id wherever it is read, and an edited issue is another item.
 */
export const fromMarkdown = Effect.fnUntraced(function* (markdown: string, source: string) {
  if (markdown.length > maxBodyLength) {
    const kib = Math.round(markdown.length / 1024)
    return yield* new WorkItemError({
      reason: "TooLarge",
      message:
        `The issue ${source} has ${kib} KiB; at most ${maxBodyLength / 1024} KiB are read, since a model would not ` +
        `hold more. Put logs and dumps in files of the repository and name them in the issue.`
    })
  }
  if (markdown.includes("\0")) {
    return yield* new WorkItemError({
      reason: "NotText",
      message: `The issue ${source} is not text: it holds a NUL byte. Give a Markdown file in UTF-8.`
    })
  }
  const body = markdown.replaceAll("\r\n", "\n").trim()
  if (body === "") {
    return yield* new WorkItemError({
      reason: "Empty",
      message: `The issue ${source} is empty. Write a heading that says what is wrong, and below it how to see it.`
    })
  }
  const item: WorkItem = {
    // 48 bits of the digest: whoever writes an issue must not be able to make it the twin of another.
    id: `${slug(source)}-${Digest.short(Digest.of(body))}`,
    title: titleOf(body),
    body: bodyOf(body),
    labels: [],
    source
  }
  return item
})

const titleOf = (body: string): string => {
  const lines = body.split("\n")
  const headings: Array<string> = []
  let fence: string | undefined
  for (const line of lines) {
    const mark = /^ {0,3}(`{3}|~{3})/.exec(line)?.[1]
    if (mark !== undefined && (fence === undefined || fence === mark)) fence = fence === undefined ? mark : undefined
    else if (fence === undefined && /^#[ \t]/.test(line)) headings.push(line.slice(1))
  }
  for (const said of [...headings, ...lines]) {
    const title = Tainted.pass(Tainted.of(bodyOrigin, said), Tainted.line(200))
    if (Result.isSuccess(title)) return title.success
  }
  return "Untitled"
}

const slug = (source: string): string => {
  const name = source.split(/[/\\]/).at(-1) ?? source
  const words = name
    .replace(/\.[^.]*$/, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
  return words.slice(0, 60).replace(/-+$/, "") || "item"
}
