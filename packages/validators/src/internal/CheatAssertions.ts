/** Rules about what tests assert: less than before, more loosely, or another value. */
import * as Cheat from "./Cheat.ts"
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
  const named = /\b(?:rel|abs|delta|atol|rtol|epsilon|tolerance)\s*[=:]\s*(-?[\d.]+(?:e[+-]?\d+)?)/i.exec(text)
  if (named !== null) return Number(named[1])
  const places = /\bplaces\s*=\s*(\d+)/.exec(text)
  if (places !== null) return 10 ** -Number(places[1])
  const args = expected.split(",")
  if (matcher === "tobecloseto") return 10 ** -(args.length > 1 ? number(args[1] ?? "") : 2)
  if (/closeto|approximately|indelta|within|assertalmostequal/.test(matcher) && args.length > 1)
    return number(args.at(-1) ?? "")
  return undefined
}

const bound = (matcher: string): "upper" | "lower" | undefined =>
  /less|below|atmost|^<=?$|fails if >/.test(matcher)
    ? "upper"
    : /greater|above|atleast|^>=?$|fails if </.test(matcher)
      ? "lower"
      : undefined

/** Looks at the tests that are on both sides. */
export const look = (change: CheatView.Change, paired: CheatTests.Paired): ReadonlyArray<Cheat.Cheat> => {
  const product = about(change)
  const helpers = change.views
    .filter(({ isGone, isNew, role }) => (role === "test" || role === "support") && !isNew && !isGone)
    .map((view) => [outside(view, "before", paired), outside(view, "after", paired)] as const)
  const compared = [...paired.pairs, ...helpers]
    .filter(([before, after]) => before.block.body !== after.block.body && after.block.skip === undefined)
    .map(([before, after]) => ({ before, after, ...different(before.block.assertions, after.block.assertions) }))
    .map((each) => ({ ...each, fresh: each.fresh.map((assertion) => asHelped(assertion, change.views)) }))
  // What one place lost and another one gained was moved.
  const pool = new Set([
    ...change.views.flatMap((view) => (view.role === "test" || view.role === "support" ? gained(view) : [])),
    ...paired.fresh.flatMap(({ block }) => block.assertions.map(shape)),
    ...compared
      .filter(({ after }) => after.block.to > 0 && after.block.from > 0)
      .flatMap((each) => each.fresh.map(shape))
  ])
  return [...compared.flatMap((each) => compare(each, { change, product, pool })), ...fresh(paired)]
}

/** Whether the value that is expected is what the same call gave before, where it was written out. */
const isEcho = (was: Assertion, now: Assertion, { block }: CheatTests.Placed): boolean =>
  /^[A-Za-z_$][\w$]*$/.test(now.expected) &&
  SourceText.literals(was.expected).length > 0 &&
  now.subject.length > 3 &&
  /[(.]/.test(now.subject) &&
  new RegExp(`\\b${now.expected.replaceAll("$", "\\$")}\\s*(?::=|=)\\s*(?:await )?(?=\\S)`).test(block.body) &&
  ["=", ":=", "=await "].some((sign) => block.body.includes(`${now.expected}${sign}${now.subject}`))

/** An assertion without the names that its subject is reached by. */
const shape = ({ expected, matcher, subject }: Assertion): string =>
  [matcher, expected, ...SourceText.literals(subject), SourceText.names(subject).at(-1) ?? ""].join("\0")

const gained = (view: CheatView.View): ReadonlyArray<string> => {
  const left = new Map<string, number>()
  for (const each of Assertions.between(view.before, 0, view.before.code.length))
    left.set(shape(each), (left.get(shape(each)) ?? 0) + 1)
  return Assertions.between(view.after, 0, view.after.code.length).flatMap((each) => {
    const key = shape(each)
    const count = left.get(key) ?? 0
    left.set(key, count - 1)
    return count > 0 ? [] : [key]
  })
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
  /** The shapes of assertions that tests and what helps them have more of than before. */
  readonly pool: ReadonlySet<string>
}

const compare = ({ after, before, fresh, gone }: Compared, known: Known): ReadonlyArray<Cheat.Cheat> => {
  const { added, pairs, removed } = become(gone, fresh)
  const found: Array<Cheat.Cheat> = []
  const { path } = after.view
  const title = Cheat.quoted(after.block.title)
  const add = (
    rule: Cheat.Rule,
    status: Cheat.Cheat["status"],
    { line, text }: { readonly line: number; readonly text: string }
  ) => {
    found.push({ rule, status, path, line, message: `in ${title}: ${text}` })
  }
  for (const { after: now, before: was, isSame } of pairs) {
    const change = { line: now.line, text: `${Cheat.quoted(was.text)} became ${Cheat.quoted(now.text)}` }
    // Said of the assertion itself.
    if (
      now.strength === 0 &&
      was.strength > 0 &&
      after.block.assertions.some(({ strength, text }) => text === now.text && strength === 0)
    )
      continue
    const [loose, tight] = [toleranceOf(now), toleranceOf(was)]
    if (loose !== undefined && tight !== undefined && loose > tight * 1.000001) {
      add("tolerance-widened", "fail", change)
      continue
    }
    // What it holds against itself: it was read from the same call a line before.
    if (isEcho(was, now, after)) {
      add("assertion-trivial", "fail", change)
      continue
    }
    const isAbout = isSame || (was.subject.length > 3 && was.subject !== "true" && now.text.includes(was.subject))
    if (isWeaker(was, now) && (isAbout || (now.strength <= 1 && was.strength >= 2))) {
      // Another subject may be as telling: what a person has to see is that the comparison is looser.
      const moved = !isSame && known.pool.has(shape(was))
      if (!moved) add("assertion-weakened", isSame ? "fail" : "blocked", change)
      continue
    }
    if (!isSame || now.subject !== was.subject || now.expected === was.expected) continue
    const [old, values] = [SourceText.literals(was.expected), SourceText.literals(now.expected)]
    const isChanged =
      values.length > 0 && old.length > 0 && values.join("\0") !== old.join("\0") && now.matcher === was.matcher
    const fresh = values.filter((each) => !old.includes(each))
    const isMore = /include|contain|match/.test(now.matcher) && now.expected.includes(was.expected.slice(1, -1))
    if (!isChanged || fresh.length === 0 || isMore || asksElse(before, after) || isExplained(after, fresh, known))
      continue
    const side = bound(now.matcher)
    if (side !== undefined) {
      const wider =
        side === "upper" ? number(now.expected) > number(was.expected) : number(now.expected) < number(was.expected)
      if (wider) add("tolerance-widened", "blocked", change)
    } else if (/inlinesnapshot/.test(now.matcher)) add("snapshot-rewritten", "blocked", change)
    else add("expectation-changed", "blocked", change)
  }
  const weight = (all: ReadonlyArray<Assertion>) => all.reduce((sum, { strength }) => sum + strength, 0)
  const isHelped =
    weight(added) > 0 || helps(after, Math.max(0, ...removed.map(({ strength }) => strength)), known.change)
  const inline = pairs.filter(
    ({ after: now, before: was }) => /inlinesnapshot/.test(now.matcher) && was.expected !== now.expected
  )
  for (const { after: now, before: was } of inline) {
    if (
      found.some(({ line }) => line === now.line) ||
      (known.change.contract !== "" &&
        SourceText.literals(now.expected).some(
          (each) => each.length > 2 && known.change.contract.includes(each.replaceAll('"', "").toLowerCase())
        ))
    )
      continue
    add("snapshot-rewritten", "blocked", {
      line: now.line,
      text: `${Cheat.quoted(was.expected)} became ${Cheat.quoted(now.expected)}`
    })
  }
  for (const was of removed) {
    const isMoved = known.pool.has(shape(was))
    const isCovered =
      was.strength < 2 &&
      after.block.assertions.some(({ text }) =>
        SourceText.names(was.subject).some((name) => name.length > 1 && SourceText.names(text).includes(name))
      )
    // One comparison of the whole says what one of a part said.
    const isWhole = after.block.assertions.some(
      ({ expected, strength, subject, text }) =>
        strength >= 3 &&
        subject !== "" &&
        was.subject.startsWith(subject) &&
        /^[.[]/.test(was.subject.slice(subject.length)) &&
        !before.block.assertions.some((each) => each.text === text) &&
        SourceText.literals(was.expected).every((each) => SourceText.literals(expected).includes(each))
    )
    if (was.strength === 0 || isCovered || isMoved || isHelped || isWhole) continue
    if (after.block.assertions.length > 0 && CheatTests.uses(was.text, known.product.gone)) continue
    const line = SourceText.lineAt(after.view.after, after.block.from)
    add("assertion-removed", "fail", {
      line,
      text: `${Cheat.quoted(was.text)} is gone, and nothing stands in its place`
    })
  }
  return found
}

/** Whether a test calls a function of the tests that asserts as much. One that is not in the change is taken to do so. */
const helps = ({ block }: CheatTests.Placed, least: number, { views }: CheatView.Change): boolean =>
  [...block.body.matchAll(helper)].some(([called]) => (helperStrength(called.slice(0, -1), views) ?? least) >= least)

/** How much a function of the tests in this change asserts: as its strongest assertion does. `undefined`: it is none of them. */
const helperStrength = (name: string, views: ReadonlyArray<CheatView.View>): number | undefined => {
  const declared = views.flatMap(({ after, role }) => {
    if ((role !== "test" && role !== "support") || !after.code.includes(name)) return []
    const at = after.code.search(
      new RegExp(`(?:const|let|function\\*?|def|func|fn|void)\\s+${name.replaceAll("$", "\\$")}\\b`)
    )
    if (at === -1) return []
    const arrow = after.code.slice(at).search(/\)[^;=]*(?:=>\s*)?\{/)
    const open = arrow === -1 ? -1 : after.code.indexOf("{", at + arrow)
    const end =
      after.language === "py"
        ? at + after.code.slice(at).search(/\n(?=\S)|$/)
        : open === -1
          ? at
          : SourceText.closing(after.code, open)
    return [Assertions.between(after, at, end)]
  })
  return declared.length === 0 ? undefined : Math.max(0, ...declared.flat().map(({ strength }) => strength))
}

/** A call of a function of the tests asserts what that function does. */
const asHelped = (assertion: Assertion, views: ReadonlyArray<CheatView.View>): Assertion => {
  const name = /^(?:expect|assert|check|verify)[A-Z_]\w*(?=\()/.exec(assertion.text)?.[0]
  const strength = name === undefined ? undefined : helperStrength(name, views)
  return strength === undefined || strength >= assertion.strength ? assertion : { ...assertion, strength }
}

/** What a file of tests asserts outside of its tests, in functions that they call: as if it were one more test. */
const outside = (view: CheatView.View, side: "before" | "after", paired: CheatTests.Paired): CheatTests.Placed => {
  const source = view[side]
  const blocks = [
    ...paired.pairs.map(([before, after]) => (side === "before" ? before : after)),
    ...(side === "before" ? paired.gone : paired.fresh)
  ]
    .filter((placed) => placed.view === view && !placed.block.isSuite)
    .map(({ block }) => block)
  const lines = blocks.map(({ from, to }) => [SourceText.lineAt(source, from), SourceText.lineAt(source, to)] as const)
  const assertions = Assertions.between(source, 0, source.code.length).filter(
    ({ line }) => !lines.some(([from, to]) => line >= from && line <= to)
  )
  return {
    view,
    block: {
      title: "outside of tests",
      within: "",
      isSuite: false,
      line: assertions[0]?.line ?? 1,
      from: 0,
      to: source.code.length,
      skip: undefined,
      isConditional: false,
      only: false,
      isTodo: false,
      assertions,
      body: assertions.map(({ text }) => text).join("\n")
    }
  }
}

/** Whether a test gives something else to what it tests: then it may expect something else. */
const asksElse = (before: CheatTests.Placed, after: CheatTests.Placed): boolean => {
  const rest = ({ block }: CheatTests.Placed) => {
    const asserted = new Set(block.assertions.flatMap(({ text }) => SourceText.literals(text)))
    return SourceText.literals(block.assertions.reduce((body, { text }) => body.replace(text, ""), block.body)).filter(
      (each) => each.length > 0 || asserted.size > 0
    )
  }
  const old = new Set(rest(before))
  return rest(after).some((each) => !old.has(each))
}

const isWeaker = (was: Assertion, now: Assertion): boolean => {
  if (now.strength >= was.strength) return false
  // One condition for another says as much, unless the new one only asks whether there is something.
  if (was.isCondition && now.isCondition) return now.strength === 1 && was.strength > 1.5
  return was.strength - now.strength >= 0.5
}

/** Assertions that always hold, where there were none before. */
const fresh = ({ fresh: tests, pairs }: CheatTests.Paired): ReadonlyArray<Cheat.Cheat> => {
  const old = new Set(
    pairs.flatMap(([before]) =>
      before.block.assertions.filter(({ strength }) => strength === 0).map(({ text }) => text)
    )
  )
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
