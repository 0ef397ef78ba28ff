/** Rules about what tests assert: less than before, more loosely, or another value. */
import * as Cheat from "../Cheat.ts"
import * as Assertions from "./Assertions.ts"
import * as CheatTests from "./CheatTests.ts"
import * as CheatView from "./CheatView.ts"
import * as SourceText from "./SourceText.ts"

type Assertion = Assertions.Assertion

/** Takes out of both lists what stands in both. */
const different = (before: ReadonlyArray<Assertion>, after: ReadonlyArray<Assertion>) => {
  const left = [...after]
  const gone = before.filter(({ expected, matcher, subject, text }) => {
    // In Go the text of a failure says nothing of the condition that it stands under.
    const at = left.findIndex(
      (each) => each.text === text && each.subject === subject && each.matcher === matcher && each.expected === expected
    )
    if (at !== -1) left.splice(at, 1)
    return at === -1
  })
  return { gone, fresh: left }
}

/** A subject without a look at its size. */
const bare = (subject: string): string =>
  subject.replace(/^len\((.*)\)$/, "$1").replace(/\.(?:length|size|count)(?:\(\))?$/, "")

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
    .filter(
      (before) =>
        !take(before, ({ matcher, subject }) => subject === before.subject && matcher === before.matcher, true)
    )
    .filter((before) => !take(before, ({ subject }) => bare(subject) === bare(before.subject) && subject !== "", true))
    .filter(
      (before) =>
        !take(
          before,
          ({ expected, matcher }) =>
            before.expected !== "" && expected === before.expected && matcher === before.matcher,
          false
        )
    )
  const removed = rest.filter((before) => !take(before, () => true, false))
  return { pairs, removed, added: open }
}

/** A call of a function of the tests' own that may assert: `expectAnswer(…)`, `checkTree(…)`. */
const helper =
  /(?<![\w.])(?:expect|assert|check|verify|should|must|ensure|require|compare|roundtrip|run|test|matches|holds)[A-Z_]\w*\(/g

const about = (change: CheatView.Change) => {
  const products = change.views.filter(
    ({ role }) => role !== "test" && role !== "snapshot" && role !== "support" && role !== "doc" && role !== "ci"
  )
  const touched = new Set<string>()
  for (const view of products) {
    touched.add(CheatTests.stem(view.path)).add(CheatTests.stem(view.previousPath))
    const texts = [...CheatView.addedIn(view, "bare"), ...CheatView.removedIn(view, "bare")].map(({ text }) => text)
    const around = [
      ...view.added.map(({ number }) => enclosing(view.after, number)),
      ...view.removed.map(({ number }) => enclosing(view.before, number))
    ]
    for (const text of [...texts, ...around]) for (const name of SourceText.names(text)) touched.add(name)
  }
  for (const word of ordinary) touched.delete(word)
  const said = new Set(
    products.flatMap((view) => CheatView.addedIn(view, "bare").flatMap(({ text }) => SourceText.literals(text)))
  )
  const texts = products
    .map((view) =>
      CheatView.addedIn(view, "bare")
        .map(({ text }) => text)
        .join("\n")
    )
    .join("\n")
  // Texts that a program shows may stand in files that are no code: translations, templates.
  const shown = change.views.filter(
    ({ path, role }) =>
      role === "doc" && /\.(?:jsonc?|ya?ml|po|properties|ftl|html|hbs|ejs|liquid|erb|toml|csv)$/.test(path)
  )
  const told = new Set(
    shown.flatMap((view) =>
      CheatView.addedIn(view, "bare")
        .flatMap(({ text }) => SourceText.literals(text))
        .filter((each) => each.length > 3 && /\p{L}{3}/u.test(each))
    )
  )
  return { isProduct: products.length > 0, told, touched, said, texts, gone: CheatTests.goneNames(change.views) }
}

const ordinary =
  "test describe expect assert with from import const function return async await string number boolean this true false null undefined self None True False void new let var def func type error throw if else for while case class export default of in is not and or to it n i x a b t s key value name path text data line console log process stdout stderr write length src lib app test tests spec index main utils helpers vitest jest pytest include exclude".split(
    " "
  )

/** The line that opens the piece of code a line stands in: the nearest one above it with less indent. */
const enclosing = (source: SourceText.SourceText, number: number): string => {
  const indentOf = (text: string) => text.search(/\S/)
  const own = indentOf(CheatView.lineOf(source, number, "code"))
  for (let at = number - 1; at >= 1 && number - at < 300; at--) {
    const text = CheatView.lineOf(source, at, "code")
    const indent = indentOf(text)
    if (indent === -1 || (own !== -1 && indent >= own) || /^\s*[)}\]]/.test(text)) continue
    if (indent === 0 || /\b(?:function|def|func|fn|class|interface|struct|impl)\b|=>\s*\{?\s*$|\)\s*\{\s*$/.test(text))
      return text
  }
  return ""
}

type Product = ReturnType<typeof about>

/** Whether the contract or the change of the code says why a test expects another value. */
const isExplained = (
  after: CheatTests.Placed,
  values: ReadonlyArray<string>,
  { change, product }: { readonly change: CheatView.Change; readonly product: Product }
): boolean => {
  // A number may stand anywhere: that the code has it says nothing.
  const telling = values.filter((value) => value.length > 3 && !/^-?[\d.]+$/.test(value))
  if (telling.some((value) => product.said.has(value) || product.texts.includes(value))) return true
  // A text that is put together of what the change says.
  if (telling.some((value) => [...product.told].some((each) => value.includes(each)))) return true
  if (values.some((value) => value.length > 1 && inWords(change.contract, value.toLowerCase()))) return true
  const source = after.view.after
  const imports = source.bare
    .split("\n")
    .filter((line) => /^\s*(?:import\b|from\b|use\b|\} from\b|const .*require\()/.test(line))
    .flatMap((line) => line.match(/[\w$-]+/g) ?? [])
  const names = [...SourceText.names(after.block.body), ...imports, CheatTests.stem(after.view.path)]
  return names.some((name) => name.length > 2 && product.touched.has(name))
}

/** Whether a text has a value, and not as a part of a longer word or number. */
const inWords = (text: string, value: string): boolean => {
  for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + 1)) {
    if (!/[\p{L}\p{N}]/u.test(text[at - 1] ?? "") && !/[\p{L}\p{N}]/u.test(text[at + value.length] ?? "")) return true
  }
  return false
}

const number = (text: string): number =>
  Number(/-?\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?/i.exec(text)?.[0].replaceAll("_", "") ?? Number.NaN)

/** How far off a value may be, where the assertion says so: a larger number is looser. */
const toleranceOf = ({ expected, matcher, text }: Assertion): number | undefined => {
