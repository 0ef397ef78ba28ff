/** Rules about tests as a whole: gone, no longer run, run alone, out of the runner's sight. */
import * as Cheat from "./Cheat.ts"
import * as CheatView from "./CheatView.ts"
import * as SourceText from "./SourceText.ts"
import * as TestBlocks from "./TestBlocks.ts"

/** A test of one side. */
export interface Placed {
  readonly view: CheatView.View
  readonly block: TestBlocks.TestBlock
}

/** The tests of a change: those that are on both sides, those that are gone, and those that are new. */
export interface Paired {
  readonly pairs: ReadonlyArray<readonly [before: Placed, after: Placed]>
  readonly gone: ReadonlyArray<Placed>
  readonly fresh: ReadonlyArray<Placed>
}

const holdsTests = (path: string, role: CheatView.Role): boolean =>
  role === "test" || (role === "product" && /\.(?:rs|[cm]?[jt]sx?)$/.test(path))

/** Tests inside product code: Rust's modules of tests, and vitest's. */
const inside = (source: SourceText.SourceText): boolean =>
  source.language === "rust" ? source.code.includes("#[") : source.code.includes("import.meta.vitest")

const blocksOf = (view: CheatView.View, side: "before" | "after"): ReadonlyArray<Placed> => {
  const path = side === "before" ? view.previousPath : view.path
  const role = CheatView.roleOf(path)
  const source = view[side]
  if (!holdsTests(path, role) || (role === "product" && !inside(source))) return []
  return TestBlocks.of(source).map((block) => ({ view, block }))
}

const words = ({ block }: Placed): ReadonlySet<string> =>
  new Set(block.title.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])

const tokens = ({ block: { body } }: Placed): ReadonlySet<string> => new Set(body.match(/[\w$]+|[^\s\w]{1,2}/g) ?? [])

/** How much two tests have in common, from 0 to 1. */
const likeness = (a: ReadonlySet<string>, b: ReadonlySet<string>): number => {
  let both = 0
  for (const token of a) if (b.has(token)) both++
  return both === 0 ? 0 : both / (a.size + b.size - both)
}

/** Whether a test stands in a comment now. */
const isCommented = ({ block: { title }, view: { after, before } }: Placed): boolean =>
  title.length > 2 && after.comments.includes(title) && !before.comments.includes(title)

/** How many of a list are known, from 0 to 1; of an empty list all are. */
const share = (all: ReadonlyArray<string>, known: ReadonlySet<string>): number =>
  all.length === 0 ? 1 : all.filter((each) => known.has(each)).length / all.length

/** What is compared with each other at most; beyond that tests are matched by name alone. */
const mostLeft = 400

/** Finds for each test of the before side the one that it became. */
export const pair = (views: ReadonlyArray<CheatView.View>): Paired => {
  const all = (side: "before" | "after") => views.flatMap((view) => blocksOf(view, side))
  let gone = all("before")
  const fresh = new Set(all("after"))
  const pairs: Array<readonly [Placed, Placed]> = []
  const match = (keyOf: (placed: Placed) => string) => {
    const index = new Map<string, Array<Placed>>()
    for (const placed of fresh) {
      const key = keyOf(placed)
      const known = index.get(key)
      if (known === undefined) index.set(key, [placed])
      else known.push(placed)
    }
    gone = gone.filter((before) => {
      const after = index.get(keyOf(before))?.shift()
      if (after === undefined) return true
      fresh.delete(after)
      pairs.push([before, after])
      return false
    })
  }
  const kind = ({ block }: Placed) => (block.isSuite ? "suite" : "test")
  match((placed) => JSON.stringify([kind(placed), placed.view.path, placed.block.within, placed.block.title]))
  match((placed) => JSON.stringify([kind(placed), placed.view.path, placed.block.title]))
  match((placed) => JSON.stringify([kind(placed), placed.block.title]))
  match((placed) => JSON.stringify([kind(placed), placed.block.isSuite ? placed.block.title : placed.block.body]))
  const left = gone.filter((placed) => !placed.block.isSuite && !isCommented(placed))
  const open = [...fresh].filter(({ block }) => !block.isSuite)
  if (left.length <= mostLeft && open.length <= mostLeft) {
    const bags = new Map([...left, ...open].map((placed) => [placed, tokens(placed)]))
    const none: ReadonlySet<string> = new Set()
    const scored = left
      .flatMap((before) =>
        open.map((after) => {
          const near = before.view === after.view ? 0.05 : 0
          const bodies = likeness(bags.get(before) ?? none, bags.get(after) ?? none)
          const titles = likeness(words(before), words(after))
          const isOther =
            share(SourceText.literals(before.block.body), new Set(SourceText.literals(after.block.body))) < 0.5
          return { before, after, score: isOther ? 0 : Math.max(bodies, (bodies + titles) / 2) + near }
        })
      )
      .filter(({ score }) => score >= 0.6)
      .sort((a, b) => b.score - a.score)
    const taken = new Set<Placed>()
    for (const { after, before } of scored) {
      if (taken.has(before) || taken.has(after)) continue
      taken.add(before).add(after)
      fresh.delete(after)
      pairs.push([before, after])
    }
    gone = gone.filter((placed) => !taken.has(placed))
  }
  return { pairs, gone, fresh: [...fresh] }
}

const declaration =
  /(?:\b(?:function\*?|class|const|let|var|def|func|fn|type|interface|struct|enum|trait|object|record|module|namespace|macro_rules!)\s+(?:\([^)]*\)\s*)?|^\s*(?:(?:export|public|private|protected|static|async|readonly|override|pub)\s+)*(?:[\w<>[\], ]+\s)?)([A-Za-z_$][\w$]*)(?=\s*[(:=<{]|\s*$)|["'`]([\w@./:-]{3,})["'`]/gm

const common = new Set(
  "test describe expect assert with from import const function return async await string number boolean this true false null undefined self None True False void new let var def func type value values result name names data item items list path text args each file files line lines code error errors make read write main index equal equals".split(
    " "
  )
)

const isTelling = (name: string): boolean => name.length >= 3 && !common.has(name)

/** Names that product code of the before side declares or writes, and that the after side of the change nowhere has. */
export const goneNames = (views: ReadonlyArray<CheatView.View>): ReadonlySet<string> => {
  const products = views.filter(({ role }) => role !== "test" && role !== "support" && role !== "snapshot")
  const kept = new Set(products.flatMap(({ after }) => SourceText.names(after.bare)))
  const found = new Set<string>()
  for (const view of products) {
    for (const { number } of view.removed) {
      const text = CheatView.lineOf(view.before, number, "bare")
      for (const match of text.matchAll(declaration)) {
        const name = match[1] ?? match[2] ?? ""
        if (isTelling(name) && !kept.has(name)) found.add(name)
      }
    }
    if (view.isGone || view.path !== view.previousPath) found.add(stem(view.previousPath))
  }
  return found
}

/** The name of a file without its folders and endings. */
export const stem = (path: string): string =>
  path
    .slice(path.lastIndexOf("/") + 1)
    .replace(/(?:[._-](?:test|spec|e2e|cy))?\.[^.]*$/, "")
    .replace(/^test_|_test$/, "")

/** Whether a text uses one of the names. */
export const uses = (text: string, wanted: ReadonlySet<string>): boolean => {
  const quotedNames = text.match(/["'`][\w@./:-]{3,}["'`]/g)?.map((each) => each.slice(1, -1)) ?? []
  return [...SourceText.names(text), ...quotedNames].some((name) => wanted.has(name))
}

const importsOf = (source: SourceText.SourceText): string =>
  source.bare
    .split("\n")
    .filter((line) => /^\s*(?:import\b|from\b|use\b|const .*require\(|\} from\b)/.test(line))
    .join("\n")

/** Whether what a text of tests says with literals stands in the new lines of tests as well: it was merged into another one. */
const isMerged = ({ block }: Placed, added: ReadonlySet<string>, tests: ReadonlyArray<Placed>): boolean => {
  const said = SourceText.literals(block.body).filter((each) => each.length > 0)
  if (said.length === 0 || !said.every((each) => added.has(each))) return false
  const strongest = (all: TestBlocks.TestBlock) => Math.max(0, ...all.assertions.map(({ strength }) => strength))
  const live = tests.filter((each) => each.block.skip === undefined && strongest(each.block) >= strongest(block))
  const holds = ({ block: { from, to }, view }: Placed) =>
    share(said, new Set(SourceText.literals(view.after.bare.slice(from, to)))) >= 0.5
  // A table of them may stand outside of the test.
  return live.some(holds) || (live.length > 0 && !tests.some(holds))
}

/** Whether new tests use what a test used, and expect most of what it expected: it was written anew. */
const isRewritten = ({ block, view }: Placed, fresh: ReadonlyArray<Placed>): boolean => {
  const used = [...new Set(SourceText.names(block.body).filter((name) => name.length > 2))]
  const expected = block.assertions.flatMap((each) => SourceText.literals(each.expected))
  const said = new Set(fresh.flatMap((each) => SourceText.literals(each.block.body)))
  const now = new Set(fresh.flatMap((each) => SourceText.names(each.block.body)))
  // What RSpec looks at may stand beside the tests.
  const lifted =
    view.after.language === "ruby" &&
    fresh.some((each) => each.view === view && each.block.body.includes("is_expected"))
  if (lifted) for (const { text } of view.added) for (const name of SourceText.names(text)) now.add(name).add("expect")
  const count = fresh.reduce((sum, each) => sum + each.block.assertions.length, 0)
  return (
    count >= block.assertions.length &&
    (expected.length > 0 || lifted) &&
    share(used, now) >= 0.75 &&
    share(expected, said) > 0.6
  )
}

/** A title that is made up when the test is: the test stands in a function that makes tests. */
const isDynamic = (title: string): boolean => title.includes("${") || /^[\w.]+$/.test(title)

const issue = /https?:\/\/\S+\/(?:issues?|pull|browse|merge_requests|-\/issues)\/\S+|\b[A-Z]{2,10}-\d{1,6}\b/

/** Looks at the tests of a change. */
export const look = ({ views }: CheatView.Change, paired: Paired): ReadonlyArray<Cheat.Cheat> => {
  const found: Array<Cheat.Cheat> = []
  const removedNames = goneNames(views)
  const tests = views.filter(({ role }) => role === "test" || role === "support")
  const addedLiterals = new Set(
    tests.flatMap((view) => CheatView.addedIn(view, "bare").flatMap(({ text }) => SourceText.literals(text)))
  )
  const changedTests = [
    ...paired.fresh,
    ...paired.pairs.filter(([before, after]) => before.block.body !== after.block.body).map(([, after]) => after)
  ].filter(({ block }) => !block.isSuite)
  const unrun = new Set<CheatView.View>()
  for (const view of views) {
    if (!CheatView.isRun(view.previousPath) || view.isNew || view.isGone || view.path === view.previousPath) continue
    if (CheatView.isRun(view.path) || TestBlocks.of(view.before).length === 0) continue
    unrun.add(view)
    const message = `${Cheat.quoted(view.previousPath)} is called ${Cheat.quoted(view.path)} now, which test runners do not take`
    found.push({ rule: "test-renamed-away", status: "fail", path: view.path, line: null, message })
  }
  const deleted = paired.gone.filter(({ block, view }) => !block.isSuite && !unrun.has(view))
  for (const { block, view } of deleted) {
    const at = { path: view.path, line: block.line }
    const renamed = view.isGone ? undefined : renamedAway(block, view)
    if (renamed !== undefined) {
      const message = `the test ${Cheat.quoted(block.title)} is called ${Cheat.quoted(renamed.name)} now, which its runner does not take`
      found.push({ rule: "test-renamed-away", status: "fail", path: view.path, line: renamed.line, message })
    } else if (isCommented({ block, view })) {
      found.push({
        rule: "test-skipped",
        status: "fail",
        ...at,
        message: `the test ${Cheat.quoted(block.title)} is commented out`
      })
    } else if (
      block.skip === undefined &&
      !(isDynamic(block.title) && block.assertions.length === 0) &&
      !isRewritten({ block, view }, paired.fresh) &&
      !isMerged({ block, view }, addedLiterals, changedTests) &&
      !uses(`${block.body}\n${view.isGone ? importsOf(view.before) : ""}`, removedNames)
    ) {
      const message = `the test ${Cheat.quoted(block.title)} is gone, and nothing that it uses was removed`
      found.push({ rule: "test-deleted", status: "fail", ...at, message })
    }
  }
  for (const [before, after] of paired.pairs) {
    if (after.block.skip === undefined || (before.block.skip !== undefined && !before.block.isConditional)) continue
    if (before.block.skip !== undefined && after.block.isConditional) continue
    found.push(skipped(after, `was run before`))
  }
  for (const placed of paired.fresh) {
    const { block } = placed
    if (block.skip === undefined || block.isConditional || block.isTodo || block.assertions.length === 0) continue
    found.push({ ...skipped(placed, "is new"), status: "blocked" })
  }
  const focused = [...paired.pairs.filter(([before]) => !before.block.only).map(([, after]) => after), ...paired.fresh]
  for (const { block, view } of focused) {
    if (!block.only) continue
    const message = `${Cheat.quoted(block.title)} is run alone: all other tests are left out`
    found.push({ rule: "test-only", status: "fail", path: view.path, line: block.line, message })
  }
  return found
}

const skipped = ({ block, view }: Placed, was: string): Cheat.Cheat => {
  const lines = view.after.text
    .split("\n")
    .slice(Math.max(0, block.line - 4), block.line + 3)
    .join("\n")
  const tracked = issue.exec(lines)
  const how = `${block.isSuite ? "the tests of" : "the test"} ${Cheat.quoted(block.title)} ${was} and is left out: ${Cheat.quoted(block.skip ?? "")}`
  return {
    rule: "test-skipped",
    status: block.isConditional || tracked !== null ? "blocked" : "fail",
    path: view.path,
    line: block.line,
    message: tracked === null ? how : `${how}, with the issue ${Cheat.quoted(tracked[0])}`
  }
}

/** A function of the after side with the body that the test had, under another name. */
const renamedAway = (
  block: TestBlocks.TestBlock,
  view: CheatView.View
): { readonly name: string; readonly line: number } | undefined => {
  if (view.after.language !== "py" && view.after.language !== "go" && view.after.language !== "java") return undefined
  const pattern =
    view.after.language === "py"
      ? /(?:^|\n)[ \t]*(?:async )?def (\w+)\s*\([^\n]*:\n/g
      : /(?:^|\n)[ \t]*(?:func |(?:public |private )?void )(\w+)\s*\([^\n]*\{/g
  for (const match of view.after.code.matchAll(pattern)) {
    const start = match.index + match[0].length
    const name = match[1] ?? ""
    if (/^(?:test|Test)/.test(name) && view.after.language !== "java") continue
    if (
      SourceText.squeezed(view.after.bare.slice(start, start + block.to - block.from)).startsWith(
        block.body.replace(/\}$/, "")
      ) &&
      block.body.length > 8
    ) {
      return { name, line: SourceText.lineAt(view.after, match.index + 1) }
    }
  }
  return undefined
}
