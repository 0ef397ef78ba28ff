/** Rules about tests that stand there as before and do less: rows gone from a table, assertions under a condition, marks elsewhere. */
import * as Cheat from "./Cheat.ts"
import * as Assertions from "./Assertions.ts"
import type * as CheatTests from "./CheatTests.ts"
import * as CheatView from "./CheatView.ts"
import * as SourceText from "./SourceText.ts"

const row = /^\s*(?:[[({].*[\])}]|(?:pytest\.param|Arguments\.of|arguments)\s*\(.*\))\s*,?\s*$/

interface Known {
  readonly gone: ReadonlySet<string>
  /** Literals that tests have more of now, and those that product code has less of. */
  readonly excused: ReadonlySet<string>
}

/** Rows that a table of a test lost, where it gained none and nothing that they speak of went or moved. */
const rows = (
  [before, after]: CheatTests.Paired["pairs"][number],
  { excused, gone }: Known
): ReadonlyArray<Cheat.Cheat> => {
  const { view } = after
  if (before.view !== view || before.block.isSuite || view.removed.length > 2_000) return []
  const inside = ({ block }: CheatTests.Placed, side: "before" | "after") => {
    const [from, to] = [SourceText.lineAt(view[side], block.from), SourceText.lineAt(view[side], block.to)]
    return view[side === "before" ? "removed" : "added"].filter(
      ({ number, text }) => number >= from && number <= to && text.trim() !== ""
    )
  }
  const lost = inside(before, "before")
  if (lost.length === 0 || inside(after, "after").length > 0) return []
  const dropped = lost.filter(({ text }) => row.test(text) && SourceText.literals(text).length > 0)
  if (dropped.length < lost.length) return []
  const isMeant = dropped.every(({ text }) => {
    const said = SourceText.literals(text)
    return said.some((each) => excused.has(each)) || SourceText.names(text).some((name) => gone.has(name))
  })
  if (isMeant) return []
  const message = `in ${Cheat.quoted(after.block.title)}: rows are gone, and nothing that they speak of: ${Cheat.quoted(dropped.map(({ text }) => text.trim()).join(" "))}`
  return [{ rule: "test-deleted", status: "blocked", path: view.path, line: after.block.line, message }]
}

/** The assertions that stand under an `if` of the code between two places, by the `if`'s condition. */
const guarded = (source: SourceText.SourceText, from: number, to: number) => {
  const found = new Map<string, string>()
  for (const match of source.code.slice(from, to).matchAll(/\bif\s*(?=\()/g)) {
    const open = from + match.index + match[0].length
    const close = SourceText.closing(source.code, open)
    const brace = close + 1 + (/^\s*/.exec(source.code.slice(close + 1, close + 200))?.[0].length ?? 0)
    if (source.code[brace] !== "{") continue
    const end = SourceText.closing(source.code, brace)
    // Whoever fails in the other case asserts the condition.
    if (end > to || /^\s*else\b/.test(source.code.slice(end + 1, end + 50))) continue
    const condition = SourceText.squeezed(source.bare.slice(open, close + 1))
    for (const { text } of Assertions.between(source, brace, end)) found.set(text, condition)
  }
  return found
}

const conditional = ([before, after]: CheatTests.Paired["pairs"][number]): ReadonlyArray<Cheat.Cheat> => {
  const { block, view } = after
  if (view.after.language !== "js" || block.isSuite || before.block.body === block.body) return []
  const [old, now] = [
    guarded(before.view.before, before.block.from, before.block.to),
    guarded(view.after, block.from, block.to)
  ]
  const were = new Set(before.block.assertions.map(({ text }) => text))
  const open = block.assertions.filter(({ text }) => !now.has(text))
  return [...now].slice(0, 20).flatMap(([text, condition]): ReadonlyArray<Cheat.Cheat> => {
    if (!were.has(text) || old.has(text) || /\b(?:process|platform|env|os|browserName|isWindows)\b/.test(condition))
      return []
    // A look at whether it is there first, and then at what it is.
    const names = SourceText.names(condition).filter((name) => name.length > 1)
    if (open.some((each) => names.some((name) => SourceText.names(each.text).includes(name)))) return []
    const line = block.assertions.find((each) => each.text === text)?.line ?? block.line
    const message = `in ${Cheat.quoted(block.title)}: ${Cheat.quoted(text)} is only asked where ${Cheat.quoted(condition)} holds`
    return [{ rule: "assertion-weakened", status: "blocked", path: view.path, line, message }]
  })
}

const alias = /=\s*(?:it|test|describe|suite|context)\s*\.\s*(skip|todo|only|fixme)\s*;?\s*$/
const neverBuilt = /^\/\/\s*(?:go:build|\+build)\s+!?\s*(?:never|ignore|none|skip|disabled|false|exclude\w*|todo)\b/

/** Marks that are no part of a test: another name for `it.skip`, and a file that is never built. */
const marks = (view: CheatView.View): ReadonlyArray<Cheat.Cheat> => {
  if (view.role !== "test" || view.isGone) return []
  const js = CheatView.addedIn(view, "code").flatMap(({ number, text }): ReadonlyArray<Cheat.Cheat> => {
    const mark = view.after.language === "js" ? alias.exec(text)?.[1] : undefined
    return mark === undefined || view.isNew
      ? []
      : [
          {
            rule: mark === "only" ? "test-only" : "test-skipped",
            status: "fail",
            path: view.path,
            line: number,
            message: `${Cheat.quoted(text)}: what is called so is ${mark === "only" ? "run alone" : "left out"}`
          }
        ]
  })
  const go = view.added.flatMap(({ number, text }): ReadonlyArray<Cheat.Cheat> =>
    view.after.language === "go" && !view.isNew && neverBuilt.test(text)
      ? [
          {
            rule: "test-skipped",
            status: "fail",
            path: view.path,
            line: number,
            message: `${Cheat.quoted(text)}: the tests of this file are not built`
          }
        ]
      : []
  )
  return [...js, ...go]
}

/** Looks at tests that stand there as before. */
export const look = (
  { views }: CheatView.Change,
  { gone, paired }: { readonly gone: ReadonlySet<string>; readonly paired: CheatTests.Paired }
): ReadonlyArray<Cheat.Cheat> => {
  const isTest = ({ role }: CheatView.View) => role === "test" || role === "support"
  const excused = new Set(
    views.flatMap((view) =>
      (isTest(view) ? CheatView.addedIn(view, "bare") : CheatView.removedIn(view, "bare")).flatMap(({ text }) =>
        SourceText.literals(text).filter((each) => each.length > 2)
      )
    )
  )
  return [
    ...paired.pairs.flatMap((pair) => [...rows(pair, { excused, gone }), ...conditional(pair)]),
    ...views.flatMap(marks)
  ]
}
