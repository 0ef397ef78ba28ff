/** A change as the rules about cheats see it: both sides of each file, read once, and which lines are new or gone. */
import { diffArrays } from "diff"
import * as SourceText from "./SourceText.ts"

/** What a file is for, as its path tells. */
export type Role = "test" | "support" | "snapshot" | "ci" | "config" | "script" | "doc" | "product"

/** One line of one side. */
export interface Line {
  /** From 1. */
  readonly number: number
  readonly text: string
}

/** A file of a change. A side that there is not is empty. */
export interface View {
  readonly path: string
  readonly previousPath: string
  readonly role: Role
  readonly isNew: boolean
  readonly isGone: boolean
  readonly before: SourceText.SourceText
  readonly after: SourceText.SourceText
  /** Lines of the after side that the before side has not. */
  readonly added: ReadonlyArray<Line>
  /** Lines of the before side that the after side has not. */
  readonly removed: ReadonlyArray<Line>
}

/** Everything that the rules look at. */
export interface Change {
  readonly views: ReadonlyArray<View>
  /** What the contract says, in one text in lower case; empty where there is none. */
  readonly contract: string
}

const base = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

const ci =
  /(?:^|\/)(?:\.github\/(?:workflows|actions)\/|\.circleci\/|\.buildkite\/|\.woodpecker)|(?:^|\/)(?:\.gitlab-ci[^/]*\.ya?ml|\.travis\.yml|\.drone\.yml|azure-pipelines[^/]*\.ya?ml|bitbucket-pipelines\.yml|Jenkinsfile|appveyor\.yml|cloudbuild\.ya?ml)$/i
const snapshot =
  /\.(?:snap|golden|ambr|approved\.\w+|snapshot)$|(?:^|\/)(?:__snapshots__|__image_snapshots__|__file_snapshots__|snapshots)\/|(?:^|\/)(?:testdata|golden)\/.*\.(?:out|txt|json|html|svg|expected|want)$|\.expected(?:\.\w+)?$/i
const config =
  /^(?:package\.json|pyproject\.toml|setup\.cfg|setup\.py|tox\.ini|pytest\.ini|\.rspec|noxfile\.py|\.coveragerc|codecov\.ya?ml|\.codecov\.ya?ml|ruff\.toml|\.ruff\.toml|mypy\.ini|\.flake8|\.pylintrc|Cargo\.toml|clippy\.toml|\.golangci\.ya?ml|build\.gradle(?:\.kts)?|pom\.xml|turbo\.json|nx\.json|deno\.jsonc?|biome\.jsonc?|sonar-project\.properties|\.(?:eslintrc|oxlintrc|nycrc|mocharc|c8rc|stylelintrc|swcrc)[^/]*|tsconfig[^/]*\.json|jsconfig\.json|karma\.conf\.[jt]s)$|^[\w.-]+\.(?:config|workspace)\.[cm]?[jt]sx?$/i
const script =
  /\.(?:sh|bash|zsh|mk|ps1)$|(?:^|\/)(?:(?:GNU)?[Mm]akefile|justfile|Taskfile\.ya?ml|Rakefile|\.husky\/[^/]+|pre-commit|pre-push)$|\.pre-commit-config\.yaml$/i
const testName =
  /[._-](?:test|spec|e2e|cy)\.[cm]?[jt]sx?$|^(?:test_[^/]*|[^/]*_test|tests?)\.py$|_test\.go$|_test\.rs$|(?:Test|Tests|IT|Spec|TestCase)\.(?:java|kt|cs|scala|groovy|swift)$|_(?:spec|test)\.rb$|Test\.php$/
const testFolder = /(?:^|\/)(?:__tests__|tests?|specs?|e2e|cypress|testing)\//
const support =
  /(?:^|\/)(?:conftest\.py|(?:vitest|jest|test|mocha)[.-]?setup[^/]*|setup[.-]?(?:tests?|jest|vitest)[^/]*|test_?helpers?[^/]*)$|(?:^|\/)(?:__mocks__|fixtures?|testdata)\//i
const doc = /\.(?:md|mdx|rst|adoc|txt|markdown|html?|svg|css|csv)$|(?:^|\/)(?:docs?|LICENSE|CHANGELOG)(?:\/|$)/i
const code = new Set<SourceText.Language>(["js", "py", "go", "rust", "java", "ruby"])

/** Whether a test runner takes a file of this path by its usual pattern. */
export const isRun = (path: string): boolean =>
  testName.test(base(path)) ||
  /(?:^|\/)__tests__\/[^/]+\.[cm]?[jt]sx?$/.test(path) ||
  /(?:^|\/)tests\/[^/]+\.rs$/.test(path)

/** What a file is for. */
export const roleOf = (path: string): Role => {
  if (ci.test(path)) return "ci"
  if (snapshot.test(path)) return "snapshot"
  if (isRun(path)) return "test"
  if (config.test(base(path))) return "config"
  const isCode = code.has(SourceText.languageOf(path))
  if (support.test(path) && isCode) return "support"
  if (testFolder.test(path) && isCode) return /(?:^|\/)setup\.[cm]?[jt]s$/.test(path) ? "support" : "test"
  if (script.test(path)) return "script"
  return doc.test(path) || !isCode ? "doc" : "product"
}

const linesOf = (text: string): ReadonlyArray<string> => (text === "" ? [] : text.split("\n"))

/** So many edits are followed exactly; beyond that lines are counted. */
const mostEdits = 1_000

const changed = (before: string, after: string): { added: ReadonlyArray<Line>; removed: ReadonlyArray<Line> } => {
  const [old, now] = [linesOf(before), linesOf(after)]
  const added: Array<Line> = []
  const removed: Array<Line> = []
  const parts =
    old.length === 0 || now.length === 0 ? undefined : diffArrays([...old], [...now], { maxEditLength: mostEdits })
  if (parts === undefined) {
    const count = new Map<string, number>()
    for (const text of old) count.set(text, (count.get(text) ?? 0) + 1)
    for (const [index, text] of now.entries()) {
      const left = count.get(text) ?? 0
      if (left === 0) added.push({ number: index + 1, text })
      else count.set(text, left - 1)
    }
    for (const [index, text] of old.entries()) {
      const left = count.get(text) ?? 0
      if (left === 0) continue
      removed.push({ number: index + 1, text })
      count.set(text, left - 1)
    }
    return { added, removed }
  }
  let [left, right] = [1, 1]
  for (const part of parts) {
    for (const text of part.value) {
      if (part.added) added.push({ number: right++, text })
      else if (part.removed) removed.push({ number: left++, text })
      else {
        left++
        right++
      }
    }
  }
  return { added, removed }
}

/** Reads both sides of a file. */
export const of = (sides: {
  readonly path: string
  readonly previousPath?: string | undefined
  readonly before: string | null
  readonly after: string | null
}): View => {
  const previousPath = sides.previousPath ?? sides.path
  const unix = (text: string | null): string => (text ?? "").replaceAll("\r\n", "\n").replace(/^\ufeff/, "")
  const [before, after] = [unix(sides.before), unix(sides.after)]
  return {
    path: sides.path,
    previousPath,
    role: roleOf(sides.after === null ? previousPath : sides.path),
    isNew: sides.before === null,
    isGone: sides.after === null,
    before: SourceText.read(previousPath, before),
    after: SourceText.read(sides.path, after),
    ...changed(before, after)
  }
}

/** A reading of a line of one side. */
export const lineOf = (
  source: SourceText.SourceText,
  number: number,
  reading: "text" | "bare" | "code" | "comments"
): string => {
  const from = source.starts[number - 1] ?? source.text.length
  const to = source.starts[number] ?? source.text.length + 1
  return source[reading].slice(from, to - 1)
}

/** The new lines in a reading. */
export const addedIn = (view: View, reading: "bare" | "code" | "comments"): ReadonlyArray<Line> =>
  view.added.map(({ number }) => ({ number, text: lineOf(view.after, number, reading) }))

/** The lines that are gone in a reading. */
export const removedIn = (view: View, reading: "bare" | "code" | "comments"): ReadonlyArray<Line> =>
  view.removed.map(({ number }) => ({ number, text: lineOf(view.before, number, reading) }))
