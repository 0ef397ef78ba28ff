/** Rules about the numbers that checks are held to: bounds of coverage and size, how far off a picture may be, switches of a build. */
import * as Cheat from "../Cheat.ts"
import * as CheatView from "./CheatView.ts"
import { check } from "./CheckCommand.ts"

const holds = ({ path, role }: CheatView.View): boolean =>
  role === "ci" || role === "script" || role === "config" || /(?:spec|rails|test)_helper\.rb$|\.simplecov$/.test(path)

const least =
  /(?<![\w-])["']?((?:--)?(?:[\w.-]*(?:cov(?:erage)?)[\w.-]*)?(?:lines|branches|functions|statements|fail[-_]under|cov-fail-under|min(?:imum)?[-_]?(?:coverage|value|score)?|coverage|threshold|target|break|mutationScore))["']?\s*(?:[:=]|\s)\s*["']?(\d+(?:\.\d+)?)/gi
const most =
  /(?<![\w-])["']?((?:--)?(?:max[-_]?(?:warnings|complexity|lines(?:-per-function)?|depth|params|len|line-length|nested-callbacks|statements|issues|size|bytes)|complexity|cognitive-complexity|maxSize|maximumError|maximumWarning))["']?\s*(?:[:=,]|\s|:\s*\[["']\w+["'],)\s*(?:\{\s*["']?max["']?\s*:\s*|\[\s*["']?\w+["']?\s*,\s*(?:\{\s*["']?max["']?\s*:\s*)?)?["']?(\d+(?:\.\d+)?)/gi

/** The numbers behind each name that a pattern finds, in their order. */
export const of = (text: string, pattern: RegExp): ReadonlyMap<string, ReadonlyArray<number>> => {
  const found = new Map<string, Array<number>>()
  for (const [, name = "", value = ""] of text.matchAll(pattern)) {
    const known = found.get(name)
    if (known === undefined) found.set(name, [Number(value)])
    else known.push(Number(value))
  }
  return found
}

/** The tool that a flag is given to. */
const toolOf = (text: string, flag: string): string =>
  check.exec(text.split(/\n|&&|;/).find((each) => each.includes(flag)) ?? "")?.[0] ?? ""

const thresholds = (view: CheatView.View): ReadonlyArray<Cheat.Cheat> => {
  if (view.isNew || view.isGone || !holds(view)) return []
  // A key such as `lines` is a bound of coverage only where the file speaks of it.
  const speaks =
    /coverage|check-cov|cov[-_]|threshold|fail_under|nyc|c8|check-coverage|max[-_]|complexity|maxSize|maximum/i
  if (!speaks.test(view.before.bare)) return []
  return (
    [
      ["least", least],
      ["most", most]
    ] as const
  ).flatMap(([kind, pattern]) => {
    const [was, is] = [of(view.before.bare, pattern), of(view.after.bare, pattern)]
    return [...was].flatMap(([name, values]): ReadonlyArray<Cheat.Cheat> => {
      const now = is.get(name) ?? []
      const index = values.findIndex((value, at) => {
        const other = now[at]
        return other !== undefined && (kind === "least" ? other < value : other > value)
      })
      const isGone =
        (now.length === 0 && !/^(?:target|coverage|threshold|min|lines|break)$/i.test(name)) ||
        (now.length === 0 &&
          /threshold|check-coverage/i.test(view.before.bare) &&
          !/threshold|check-coverage/i.test(view.after.bare))
      // A flag goes with its tool.
      const tool = name.startsWith("--") ? toolOf(view.before.bare, name) : ""
      if (index === -1 && (!isGone || !view.after.bare.includes(tool))) return []
      const line = view.added[0]?.number ?? null
      const said =
        index === -1
          ? `${Cheat.quoted(name)} was ${values.join(", ")} and is gone`
          : `${Cheat.quoted(name)} was ${values[index]} and is ${now[index]}`
      return [{ rule: "threshold-lowered", status: "fail", path: view.path, line, message: said }]
    })
  })
}

const pixels =
  /\b(maxDiffPixelRatio|maxDiffPixels|pixelmatchThreshold|failureThreshold|misMatchThreshold)["']?\s*[:=]\s*(\d[\d.]*)/g
const switches =
  /\b(maven\.test\.failure\.ignore|testFailureIgnore|skipTests|maven\.test\.skip|skipITs|ignoreFailures)\b["'>)]*\s*[=>:]?\s*(true)\b/g
const harness = /(?:^|\n)\s*(?:test|doctest)\s*=\s*false\b/

/** How far pictures may differ, and switches by which a build goes on over failing tests. */
const others = (view: CheatView.View): ReadonlyArray<Cheat.Cheat> => {
  if (view.isNew || view.isGone || (view.role !== "config" && view.role !== "test")) return []
  const line = view.added[0]?.number ?? null
  const { path } = view
  const [was, is] = [of(view.before.bare, pixels), of(view.after.bare, pixels)]
  const wider = [...is].flatMap(([name, values]): ReadonlyArray<Cheat.Cheat> => {
    const [now, before] = [Math.max(...values), Math.max(...(was.get(name) ?? [Number.NaN]))]
    const message = `${Cheat.quoted(name)} was ${before} and is ${now}`
    return now > before ? [{ rule: "tolerance-widened", status: "fail", path, line, message }] : []
  })
  if (view.role !== "config") return wider
  const set = (text: string) => new Set([...text.matchAll(switches)].map(([, name = ""]) => name))
  const old = set(view.before.bare)
  const off = [...set(view.after.bare)].filter((name) => !old.has(name))
  const isUnbuilt =
    /Cargo\.toml$/.test(path) && harness.test(view.after.bare) && !harness.test(view.before.bare)
      ? ["test = false"]
      : []
  return [
    ...wider,
    ...[...off, ...isUnbuilt].map((name): Cheat.Cheat => ({
      rule: "runner-loosened",
      status: "fail",
      path,
      line,
      message: `${Cheat.quoted(name)}: tests that fail no longer fail the build`
    }))
  ]
}

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
  return [
    ...compared.flatMap((each) => compare(each, { change, product, pool })),
    ...fresh(paired),
    ...tolerances(change)
  ]
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

const named = /\b(\w*(?:epsilon|tolerance|EPS|eps|delta|atol|rtol)\w*)\s*(?::=|=|:)\s*(\d[\d.]*(?:e[+-]?\d+)?)/i

/** A tolerance that has a name. */
const tolerances = ({ views }: CheatView.Change): ReadonlyArray<Cheat.Cheat> =>
  views
    .filter(({ role }) => role === "test" || role === "support")
    .flatMap((view) => {
      const were = new Map(
        CheatView.removedIn(view, "code").flatMap(({ text }) => {
          const found = named.exec(text)
          return found === null || /\(/.test(text.slice(0, found.index))
            ? []
            : [[found[1] ?? "", Number(found[2])] as const]
        })
      )
      return CheatView.addedIn(view, "code").flatMap(({ number: line, text }): ReadonlyArray<Cheat.Cheat> => {
        const [, name = "", value = ""] = named.exec(text) ?? []
        const was = were.get(name)
        if (was === undefined || !(Number(value) > was)) return []
        return [
          {
            rule: "tolerance-widened",
            status: "fail",
            path: view.path,
            line,
            message: `${Cheat.quoted(name)} was ${was} and is ${value}`
          }
        ]
      })
    })

/** Looks at the numbers that checks are held to. */
export const look = (change: CheatView.Change): ReadonlyArray<Cheat.Cheat> => [
  ...change.views.flatMap((view) => [...thresholds(view), ...others(view)]),
  ...tolerances(change)
]
