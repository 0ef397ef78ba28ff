/** Rules about what tests assert: less than before, more loosely, or another value. */
import * as Cheat from "../Cheat.ts"
import type * as Assertions from "./Assertions.ts"
import * as CheatTests from "./CheatTests.ts"
import * as CheatView from "./CheatView.ts"
import * as SourceText from "./SourceText.ts"

type Assertion = Assertions.Assertion

/** Takes out of both lists what stands in both. */
const different = (before: ReadonlyArray<Assertion>, after: ReadonlyArray<Assertion>) => {
  const left = [...after]
  const gone = before.filter(({ text }) => {
    const at = left.findIndex((each) => each.text === text)
    if (at !== -1) left.splice(at, 1)
    return at === -1
  })
  return { gone, fresh: left }
}

/** Pairs what is gone with what is new: about the same subject first, then what is left in its order. */
const become = (gone: ReadonlyArray<Assertion>, fresh: ReadonlyArray<Assertion>) => {
  const open = [...fresh]
  const pairs: Array<{ readonly before: Assertion; readonly after: Assertion; readonly isSame: boolean }> = []
  const take = (before: Assertion, isThis: (after: Assertion) => boolean, isSame: boolean): boolean => {
    const at = open.findIndex(isThis)
    const after = open[at]
    if (after === undefined) return false
    open.splice(at, 1)
    pairs.push({ before, after, isSame })
    return true
  }
  const rest = gone
    .filter((before) => !take(before, ({ matcher, subject }) => subject === before.subject && matcher === before.matcher, true))
    .filter((before) => !take(before, ({ subject }) => subject === before.subject && subject !== "", true))
    .filter((before) => !take(before, ({ expected, matcher }) => before.expected !== "" && expected === before.expected && matcher === before.matcher, false))
  const removed = rest.filter((before) => !take(before, () => true, false))
  return { pairs, removed, added: open }
}

/** A call of a function of the tests' own that may assert: `expectAnswer(…)`, `checkTree(…)`. */
const helper = /(?<![\w.])(?:expect|assert|check|verify|should|must|ensure|require|compare|roundtrip|run|test|matches|holds)[A-Z_]\w*\(/

const about = (change: CheatView.Change) => {
  const products = change.views.filter(({ role }) => role !== "test" && role !== "snapshot" && role !== "support" && role !== "doc" && role !== "ci")
  const touched = new Set<string>()
  for (const view of products) {
    touched.add(CheatTests.stem(view.path)).add(CheatTests.stem(view.previousPath))
    const texts = [...CheatView.addedIn(view, "bare"), ...CheatView.removedIn(view, "bare")].map(({ text }) => text)
    const around = [...view.added.map(({ number }) => enclosing(view.after, number)), ...view.removed.map(({ number }) => enclosing(view.before, number))]
    for (const text of [...texts, ...around]) for (const name of SourceText.names(text)) touched.add(name)
  }
  for (const word of ordinary) touched.delete(word)
  const said = new Set(products.flatMap((view) => CheatView.addedIn(view, "bare").flatMap(({ text }) => SourceText.literals(text))))
  const texts = products.map((view) => CheatView.addedIn(view, "bare").map(({ text }) => text).join("\n")).join("\n")
  return { isProduct: products.length > 0, touched, said, texts, gone: CheatTests.goneNames(change.views) }
}

const ordinary =
  "test describe expect assert with from import const function return async await string number boolean this true false null undefined self None True False void new let var def func type error throw if else for while case class export default of in is not and or to it n i x a b t s key value name path text data line console log process stdout stderr write length".split(" ")

/** The line that opens the piece of code a line stands in: the nearest one above it with less indent. */
const enclosing = (source: SourceText.SourceText, number: number): string => {
  const indentOf = (text: string) => text.search(/\S/)
  const own = indentOf(CheatView.lineOf(source, number, "code"))
  for (let at = number - 1; at >= 1 && number - at < 300; at--) {
    const text = CheatView.lineOf(source, at, "code")
    const indent = indentOf(text)
    if (indent === -1 || (own !== -1 && indent >= own) || /^\s*[)}\]]/.test(text)) continue
    if (indent === 0 || /\b(?:function|def|func|fn|class|interface|struct|impl)\b|=>\s*\{?\s*$|\)\s*\{\s*$/.test(text)) return text
  }
  return ""
}

type Product = ReturnType<typeof about>

/** Whether the contract or the change of the code says why a test expects another value. */
const isExplained = (after: CheatTests.Placed, values: ReadonlyArray<string>, { change, product }: { readonly change: CheatView.Change; readonly product: Product }): boolean => {
  const telling = values.filter((value) => value.length > 1)
  if (telling.some((value) => change.contract.includes(value.toLowerCase()) || product.said.has(value) || product.texts.includes(value))) return true
  const source = after.view.after
  const imports = source.bare
    .split("\n")
    .filter((line) => /^\s*(?:import\b|from\b|use\b|\} from\b|const .*require\()/.test(line))
    .flatMap((line) => line.match(/[\w$-]+/g) ?? [])
  const names = [...SourceText.names(after.block.body), ...imports, CheatTests.stem(after.view.path)]
  return names.some((name) => name.length > 2 && product.touched.has(name))
}

const number = (text: string): number => Number(/-?\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?/i.exec(text)?.[0].replaceAll("_", "") ?? Number.NaN)

/** How far off a value may be, where the assertion says so: a larger number is looser. */
const toleranceOf = ({ expected, matcher, text }: Assertion): number | undefined => {
  const named = /\b(?:rel|abs|delta|atol|rtol|epsilon|tolerance)\s*[=:]\s*(-?[\d.]+(?:e[+-]?\d+)?)/i.exec(text)
  if (named !== null) return Number(named[1])
  const places = /\bplaces\s*=\s*(\d+)/.exec(text)
  if (places !== null) return 10 ** -Number(places[1])
  const args = expected.split(",")
  if (matcher === "tobecloseto") return 10 ** -(args.length > 1 ? number(args[1] ?? "") : 2)
  if (/closeto|approximately|indelta|within|assertalmostequal/.test(matcher) && args.length > 1) return number(args.at(-1) ?? "")
  return undefined
}

const bound = (matcher: string): "upper" | "lower" | undefined =>
  /less|below|atmost|^<=?$|fails if >/.test(matcher) ? "upper" : /greater|above|atleast|^>=?$|fails if </.test(matcher) ? "lower" : undefined

/** Looks at the tests that are on both sides. */
export const look = (change: CheatView.Change, paired: CheatTests.Paired): ReadonlyArray<Cheat.Cheat> => {
  const product = about(change)
  const pool = new Map<string, number>()
  for (const { block } of paired.fresh) for (const { text } of block.assertions) pool.set(text, (pool.get(text) ?? 0) + 1)
  const compared = paired.pairs
    .filter(([before, after]) => before.block.body !== after.block.body && after.block.skip === undefined)
    .map(([before, after]) => ({ before, after, ...different(before.block.assertions, after.block.assertions) }))
  // What one test lost and another one gained was moved.
  for (const { fresh } of compared) for (const { text } of fresh) pool.set(text, (pool.get(text) ?? 0) + 1)
  return [
    ...compared.flatMap((each) => compare(each, { change, product, pool })),
    ...fresh(paired),
    ...tolerances(change)
  ]
}

interface Compared {
  readonly before: CheatTests.Placed
  readonly after: CheatTests.Placed
  readonly gone: ReadonlyArray<Assertion>
  readonly fresh: ReadonlyArray<Assertion>
}

interface Known {
  readonly change: CheatView.Change
  readonly product: Product
  readonly pool: ReadonlyMap<string, number>
}

const compare = ({ after, before, fresh, gone }: Compared, known: Known): ReadonlyArray<Cheat.Cheat> => {
  const { added, pairs, removed } = become(gone, fresh)
  const found: Array<Cheat.Cheat> = []
  const { path } = after.view
  const title = Cheat.quoted(after.block.title)
  const add = (rule: Cheat.Rule, status: Cheat.Cheat["status"], { line, text }: { readonly line: number; readonly text: string }) => {
    found.push({ rule, status, path, line, message: `in ${title}: ${text}` })
  }
  for (const { after: now, before: was, isSame } of pairs) {
    const change = { line: now.line, text: `${Cheat.quoted(was.text)} became ${Cheat.quoted(now.text)}` }
    if (now.strength === 0 && was.strength > 0) continue // Said of the assertion itself.
    const [loose, tight] = [toleranceOf(now), toleranceOf(was)]
    if (loose !== undefined && tight !== undefined && loose > tight * 1.000001) {
      add("tolerance-widened", "fail", change)
      continue
    }
    if (isWeaker(was, now)) {
      // Another subject may be as telling: what a person has to see is that the comparison is looser.
      const moved = !isSame && (CheatTests.uses(was.text, known.product.gone) || (known.pool.get(was.text) ?? 0) > 0)
      if (!moved) add("assertion-weakened", isSame ? "fail" : "blocked", change)
      continue
    }
    if (!isSame || now.subject !== was.subject || now.expected === was.expected) continue
    const [old, values] = [SourceText.literals(was.expected), SourceText.literals(now.expected)]
    const isChanged = values.length > 0 && old.length > 0 && values.join("\0") !== old.join("\0") && now.matcher === was.matcher
    if (!isChanged || isExplained(after, values.filter((each) => !old.includes(each)), known)) continue
    const side = bound(now.matcher)
    if (side !== undefined) {
      const wider = side === "upper" ? number(now.expected) > number(was.expected) : number(now.expected) < number(was.expected)
      if (wider) add("tolerance-widened", "blocked", change)
    } else if (/inlinesnapshot/.test(now.matcher)) add("snapshot-rewritten", "blocked", change)
    else add("expectation-changed", "blocked", change)
  }
  const weight = (all: ReadonlyArray<Assertion>) => all.reduce((sum, { strength }) => sum + strength, 0)
  const isHelped = helper.test(newText(after)) || weight(added) > 0
  const inline = pairs.filter(({ after: now, before: was }) => /inlinesnapshot/.test(now.matcher) && was.expected !== now.expected)
  for (const { after: now, before: was } of inline) {
    if (found.some(({ line }) => line === now.line) || known.change.contract !== "" && SourceText.literals(now.expected).some((each) => each.length > 2 && known.change.contract.includes(each.replaceAll('"', "").toLowerCase()))) continue
    add("snapshot-rewritten", "blocked", { line: now.line, text: `${Cheat.quoted(was.expected)} became ${Cheat.quoted(now.expected)}` })
  }
  for (const was of removed) {
    const isMoved = (known.pool.get(was.text) ?? 0) > 0
    if (was.strength === 0 || isMoved || isHelped || CheatTests.uses(was.text, known.product.gone)) continue
    const line = SourceText.lineAt(after.view.after, after.block.from)
    add("assertion-removed", "fail", { line, text: `${Cheat.quoted(was.text)} is gone, and nothing stands in its place` })
  }
  if (before.block.assertions.length === 0 && after.block.assertions.length === 0) return found
  return found
}

const newText = ({ block }: CheatTests.Placed): string => block.body

const isWeaker = (was: Assertion, now: Assertion): boolean => {
  if (now.strength >= was.strength) return false
  // One condition for another says as much, unless the new one only asks whether there is something.
  if (was.isCondition && now.isCondition) return now.strength === 1 && was.strength > 1.5
  return was.strength - now.strength >= 0.5
}

/** Assertions that always hold, where there were none before. */
const fresh = ({ fresh: tests, pairs }: CheatTests.Paired): ReadonlyArray<Cheat.Cheat> => {
  const old = new Set(pairs.flatMap(([before]) => before.block.assertions.map(({ text }) => text)))
  return [...pairs.map(([, after]) => after), ...tests].flatMap(({ block, view }) =>
    block.assertions
      .filter(({ strength, text }) => strength === 0 && !old.has(text))
      .map((each): Cheat.Cheat => ({
        rule: "assertion-trivial",
        status: "fail",
        path: view.path,
        line: each.line,
        message: `in ${Cheat.quoted(block.title)}: ${Cheat.quoted(each.text)} always holds`
      }))
  )
}

const named = /\b(\w*(?:epsilon|tolerance|EPS|eps|delta|atol|rtol)\w*)\s*(?::=|=|:)\s*(\d[\d.]*(?:e[+-]?\d+)?)/i

/** A tolerance that has a name. */
const tolerances = ({ views }: CheatView.Change): ReadonlyArray<Cheat.Cheat> =>
  views
    .filter(({ role }) => role === "test" || role === "support")
    .flatMap((view) => {
      const were = new Map(CheatView.removedIn(view, "code").flatMap(({ text }) => {
        const found = named.exec(text)
        return found === null || /\(/.test(text.slice(0, found.index)) ? [] : [[found[1] ?? "", Number(found[2])] as const]
      }))
      return CheatView.addedIn(view, "code").flatMap(({ number: line, text }): ReadonlyArray<Cheat.Cheat> => {
        const [, name = "", value = ""] = named.exec(text) ?? []
        const was = were.get(name)
        if (was === undefined || !(Number(value) > was)) return []
        return [{ rule: "tolerance-widened", status: "fail", path: view.path, line, message: `${Cheat.quoted(name)} was ${was} and is ${value}` }]
      })
    })
