/** One changed file, as the readers of traits look at it: what kind of file it is, and which lines changed. */
import type * as Change from "../Change.ts"
import * as LineHunks from "./LineHunks.ts"
import * as PathForm from "./PathForm.ts"

/** What stands on one side of a change. A link is the text that it holds; of a submodule nothing can be read. */
export type Content = { readonly text: string } | "absent" | "binary" | "unread"

/** What git says of one file, and what stands on both sides of it. */
export interface Source {
  readonly file: Change.FileChange
  /** The mode before, where there was one. */
  readonly previousMode?: string
  readonly before: Content
  readonly after: Content
  /** Whether the content after is one that the path had at an earlier commit of the base. */
  readonly isRestored?: boolean
}

/** What kind a path says that a file is of. */
export type Kind = "prose" | "test" | "other"

/** Lines of one side in a row. `at` is the first of them, from 1. */
export interface Lines {
  readonly text: string
  readonly at: number
}

/** A hunk with what stands around it before the change. */
export interface Hunk {
  readonly removed: Lines
  readonly added: Lines
  readonly around: string
}

/** One changed file as readers look at it. */
export interface FileView extends Source {
  /** Every path that the change speaks of, as a disk could take it: lower case, without `..`. */
  readonly paths: ReadonlyArray<string>
  /** Of all its paths the one that is least harmless. */
  readonly kind: Kind
  readonly hunks: ReadonlyArray<Hunk>
  /** The lines of both sides with which it takes other files in. */
  readonly imports: string
}

const prose = /\.(?:mdx?|markdown|rst|adoc|asciidoc|txt)$/
const testFolder = /(?:^|\/)(?:tests?|__tests__|__snapshots__|__mocks__|specs?|e2e|testdata|test-?fixtures|fixtures)\//
const testName =
  /(?:^|[._-])(?:tests?|spec)\.[a-z]+$|(?:_test|_spec)\.[a-z]+$|(?:^|\/)test_[^/]*\.py$|(?:^|\/)conftest\.py$|\.snap$/
const testClass = /(?:Test|Tests|Spec|IT)\.(?:java|kt|kts|cs|scala|groovy|swift|php|fs|vb)$/

/** What kind of file a path says that it is. */
export const kindOf = (path: string): Kind => {
  const folded = PathForm.fold(path)
  if (prose.test(folded)) return "prose"
  return testFolder.test(folded) || testName.test(folded) || testClass.test(path) ? "test" : "other"
}

/** Whether its name alone says that it is a test, wherever it is. */
export const isNamedTest = (path: string): boolean => testName.test(PathForm.fold(path)) || testClass.test(path)

const importing =
  /^[ \t]{0,20}(?:import\b|from\b|export\b.{0,200}\bfrom\b|use\b|using\b|require|include|#include|@import|(?:const|let|var)\b.{0,200}\brequire\()/

/** How far above and below a hunk is looked, in lines. */
const reach = { above: 30, below: 5 }

/** Looks at one file. */
export const of = (source: Source): FileView => {
  const before = linesOf(source.before)
  const after = linesOf(source.after)
  const hunks = LineHunks.between(before, after).map((hunk): Hunk => ({
    removed: { text: hunk.removed.join("\n"), at: hunk.removedAt + 1 },
    added: { text: hunk.added.join("\n"), at: hunk.addedAt + 1 },
    around: [
      ...before.slice(Math.max(0, hunk.removedAt - reach.above), hunk.removedAt),
      ...before.slice(hunk.removedAt + hunk.removed.length, hunk.removedAt + hunk.removed.length + reach.below)
    ].join("\n")
  }))
  const { path, previousPath } = source.file
  const named = previousPath === undefined ? [path] : [path, previousPath]
  const kinds = named.map(kindOf)
  const kind = kinds.includes("other") ? "other" : kinds.includes("test") ? "test" : "prose"
  return {
    ...source,
    paths: named.map(PathForm.fold),
    kind,
    hunks,
    imports:
      kind === "prose" ? "" : [...new Set([...before, ...after])].filter((line) => importing.test(line)).join("\n")
  }
}

const linesOf = (content: Content): ReadonlyArray<string> =>
  typeof content === "string" || content.text === "" ? [] : content.text.split(/\r\n|[\n\r\u2028\u2029]/)

/** The text of a side, where there is one that could be read. */
export const textOf = (content: Content): string | undefined => (typeof content === "string" ? undefined : content.text)
