/** Rules about the numbers that checks are held to: bounds of coverage and size, how far off a picture may be, switches of a build. */
import * as Cheat from "./Cheat.ts"
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
    path.endsWith("Cargo.toml") && harness.test(view.after.bare) && !harness.test(view.before.bare)
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
