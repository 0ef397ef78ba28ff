/** Rules about how checks are run: scripts, CI, bounds, and what a runner takes. */
import * as Cheat from "./Cheat.ts"
import * as CheatBounds from "./CheatBounds.ts"
import { check } from "./CheckCommand.ts"
import * as CheatView from "./CheatView.ts"
import * as SourceText from "./SourceText.ts"

const masks: ReadonlyArray<readonly [RegExp, string]> = [
  [/\|\|\s*(?:true|:|exit 0|echo\b|\/bin\/true|\(exit 0\)|return 0|cat\b)/, "its failure is passed over"],
  [/;\s*(?:true|:|exit 0)\s*(?:["',]|$|;|&&)/, "it ends well whatever happens"],
  [
    /--pass(?:-w|W)ith(?:-n|N)o(?:-t|T)ests|--exit-zero|--no-error-on-unmatched-pattern|--suppress-tests-failed|-Dmaven\.test\.failure\.ignore|-DskipTests|-Dmaven\.test\.skip|\|\|\s*exit\s*0/,
    "it is told to end well"
  ]
]
const standing: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /^\s*-?\s*continue-on-error:\s*["']?true|^\s*allow_failure:\s*true|^\s*(?:fail|ignore)[_-]?(?:fast|errors?):\s*["']?(?:ignore)/,
    "a step that fails no longer fails the run"
  ],
  [/^\s*set\s+\+(?:e|o\s+errexit|eu?o? pipefail)\b/, "failures no longer end the script"],
  [/^\s*exit 0\s*$/, "the script ends well whatever happened"],
  [/^\s*trap\s+["']?exit 0/, "the script ends well whatever happened"]
]

const runs = (role: CheatView.Role): boolean => role === "ci" || role === "script" || role === "config"

const isCommand = (view: CheatView.View): boolean =>
  runs(view.role) || /(?:^|\/)(?:Dockerfile|Procfile)$|\.(?:ya?ml)$/.test(view.path)

const masked = (view: CheatView.View): ReadonlyArray<Cheat.Cheat> => {
  if (!isCommand(view)) return []
  const found: Array<Cheat.Cheat> = []
  const old = new Set(CheatView.removedIn(view, "bare").map(({ text }) => text.trim()))
  const add = (line: CheatView.Line, why: string) =>
    found.push({
      rule: "exit-masked",
      status: "fail",
      path: view.path,
      line: line.number,
      message: `${Cheat.quoted(line.text)}: ${why}`
    })
  const checks = check.test(view.after.bare)
  for (const line of CheatView.addedIn(view, "bare")) {
    if (old.has(line.text.trim())) continue
    const mask = masks.find(([pattern]) => pattern.test(line.text))
    if (mask !== undefined && check.test(line.text)) {
      const had = [...old].some((text) => check.test(text) && mask[0].test(text))
      if (!had) add(line, mask[1])
    }
    const stands = checks && view.role !== "config" ? standing.find(([pattern]) => pattern.test(line.text)) : undefined
    if (stands !== undefined && !/if\b|fi\b/.test(CheatView.lineOf(view.after, line.number - 1, "bare")))
      add(line, stands[1])
    const recipe = /^\t@?-@?\s*(.*)$/.exec(line.text)?.[1]
    if (view.role === "script" && recipe !== undefined && check.test(recipe)) add(line, "make passes over its failure")
    const silent =
      /\b(?:passWithNoTests|allowOnly|dangerouslyIgnoreUnhandledErrors)["']?\s*[:=]\s*true|\bforbidOnly["']?\s*[:=]\s*false/.exec(
        line.text
      )
    if (silent !== null && view.role === "config") add(line, "the runner is told to end well")
  }
  const stops = (text: string) => /(?:^|\n)\s*set\s+-\w*e/.test(text) || /(?:^|\n)#!.*\s-\w*e/.test(text)
  if (
    view.role === "script" &&
    checks &&
    !view.isNew &&
    stops(view.before.bare) &&
    !stops(view.after.bare) &&
    !found.length
  ) {
    add({ number: 1, text: "set -e" }, "is gone: failures no longer end the script")
  }
  return found
}

/** The scripts of a manifest, the targets of a make file, or a script as one, by name. */
const scriptsOf = (source: SourceText.SourceText, path: string): ReadonlyMap<string, string> => {
  if (/(?:^|\/)(?:package|deno|turbo)\.jsonc?$/.test(path)) {
    const at = source.bare.search(/"(?:scripts|tasks)"\s*:\s*\{/)
    if (at === -1) return new Map()
    const open = source.bare.indexOf("{", at)
    const inner = source.bare.slice(open, SourceText.closing(source.code, open))
    return new Map(
      [...inner.matchAll(/"([\w:.-]+)"\s*:\s*"((?:[^"\\]|\\.)*)"/g)].map(([, name = "", text = ""]) => [name, text])
    )
  }
  if (/[Mm]akefile$|\.mk$|justfile$/.test(path)) {
    const targets = source.bare.split(/\n(?=[\w.-]+\s*:(?!=))/)
    return new Map(
      targets.map((text) => [/^\n*([\w.-]+)\s*:/.exec(text)?.[1] ?? "", text.slice(text.indexOf("\n") + 1)])
    )
  }
  return CheatView.roleOf(path) === "script" ? new Map([["", source.bare]]) : new Map()
}

const verifies =
  /^(?:test|tests|lint|check|typecheck|type-check|verify|ci|validate|coverage|e2e|unit|integration|pretest|posttest|prepush)(?:[:-].*)?$/

const commandsIn = (text: string): ReadonlyArray<string> =>
  text
    .split(/\n|&&|;|\|\||(?<!\|)\|(?!\|)/)
    .map((each) => each.trim().replace(/^[@-]+\s*/, ""))
    .filter((each) => check.test(each) && !/^(?:echo|printf|#)/.test(each))

/** Arguments that name some tests: a file, a folder, a pattern of names. */
const narrows =
  /\s(?:(?:\.\/)?[\w./-]*(?:tests?|specs?|e2e|__tests__)\/[\w./*-]+|[\w./-]+[._](?:test|spec)\.\w+|-t\b|-k\b|-m\b|--grep\b|-run\b|--testNamePattern\b|--testPathPattern\b|--test-name-pattern\b|-g\b)/

/** Whether other scripts run tests as well, so that the rest may be there. */
const isSplit = (scripts: ReadonlyArray<readonly [string, string]>, name: string): boolean =>
  scripts.some(([other, text]) => other !== name && /^(?:test|e2e|unit|integration)/.test(other) && check.test(text))

const replaced = (view: CheatView.View): ReadonlyArray<Cheat.Cheat> => {
  if (view.isNew || (view.role !== "config" && view.role !== "script") || view.added.length + view.removed.length === 0)
    return []
  const now = scriptsOf(view.after, view.path)
  const elsewhere = new Set([...now.values()].flatMap(commandsIn))
  return [...scriptsOf(view.before, view.previousPath)].flatMap(([name, text]): ReadonlyArray<Cheat.Cheat> => {
    const was = commandsIn(text)
    if (was.length === 0 || now.get(name) === text) return []
    const after = now.get(name)
    const is = after === undefined ? [] : commandsIn(after)
    const lost = was.filter((each) => !elsewhere.has(each))
    const part = lost.flatMap((each) =>
      is.filter((now) => now.startsWith(`${each} `) && narrows.test(now.slice(each.length)))
    )
    if (part.length > 0 && view.role === "config" && verifies.test(name) && !isSplit([...now], name)) {
      const line = view.added[0]?.number ?? null
      const message = `${Cheat.quoted(name)} runs a part alone: ${Cheat.quoted(part.join(", "))}`
      return [{ rule: "verification-replaced", status: "fail", path: view.path, line, message }]
    }
    if (is.length >= was.length || lost.length === 0) return []
    if (after === undefined && !verifies.test(name)) return []
    // It calls something else that does it: another script of this file, or a program of the repository.
    const calls =
      after !== undefined &&
      /(?:npm|pnpm|yarn|bun) (?:run )?[\w:-]+|\b(?:turbo|nx|lerna|wireit|moon|rush)\b|\bnode \S+|\.\/\S+|\bbash \S+|\bsh \S+|\bmake \S+|\bpython3? \S+/.test(
        after
      ) &&
      !lost.every((each) => after.includes(each))
    if (is.length === 0 && calls && name !== "") return []
    const line = SourceText.lineAt(view.after, Math.max(0, view.after.text.indexOf(name === "" ? "\n" : name)))
    const status = is.length === 0 ? "fail" : view.isGone ? "blocked" : "fail"
    const what = name === "" ? "the script" : Cheat.quoted(name)
    return [
      {
        rule: "verification-replaced",
        status,
        path: view.path,
        line,
        message: `${what} no longer runs ${Cheat.quoted(lost.join(", "))}`
      }
    ]
  })
}

const leavesOut =
  /["']?\b(exclude|excludeFiles|excludes|testPathIgnorePatterns|modulePathIgnorePatterns|watchPathIgnorePatterns|testIgnore|collect_ignore(?:_glob)?|norecursedirs|ignores|ignore|spec_ignore|skip_files|exclude_also|omit)["']?\s*[:=]\s*\[?/g
const takes =
  /["']?\b(include|testMatch|testRegex|testpaths|spec|specPattern|files|roots|projects|python_files|testDir)["']?\s*[:=]\s*(?=\[|["'])/g

/** The strings behind each key. */
const lists = (source: SourceText.SourceText, pattern: RegExp): ReadonlyMap<string, ReadonlyArray<string>> => {
  const found = new Map<string, Array<string>>()
  for (const match of source.bare.matchAll(pattern)) {
    const end = match.index + match[0].length
    const open = match[0].endsWith("[") ? end - 1 : source.bare[end] === "[" ? end : -1
    const text =
      open === -1
        ? (source.bare.slice(end).split("\n")[0] ?? "")
        : source.bare.slice(open, SourceText.closing(source.code, open))
    const key = match[1] ?? ""
    const values = text.match(/"[^"\n]*"|'[^'\n]*'/g)?.map((each) => each.slice(1, -1)) ?? []
    found.set(key, [...(found.get(key) ?? []), ...values])
  }
  return found
}

/** What a pattern says before its first star. */
const root = (pattern: string): string => pattern.replace(/[*{[?].*$/, "")

const runnerConfig =
  /(?:vitest|vite|jest|playwright|karma|mocha|ava|cypress|jasmine|wdio)[\w.-]*\.[cm]?[jt]sx?$|(?:^|\/)(?:package\.json|pyproject\.toml|setup\.cfg|pytest\.ini|tox\.ini|conftest\.py|\.mocharc[^/]*|\.coveragerc|karma\.conf\.[jt]s|\.nycrc[^/]*|deno\.jsonc?)$/i
const numbers: ReadonlyArray<readonly [RegExp, "fail" | "blocked", string]> = [
  [
    /["']?\b(retries|retry|retryTimes|reruns|flaky_reruns|maxRetries)["']?\s*[:=(]\s*(\d+)/g,
    "fail",
    "failing tests are tried again"
  ],
  [/(--reruns|--retries|--retry|--flake-attempts)[ =](\d+)/g, "fail", "failing tests are tried again"],
  [
    /["']?\b(testTimeout|hookTimeout|timeout|globalTimeout|actionTimeout|navigationTimeout)["']?\s*[:=]\s*([\d_]+)/g,
    "blocked",
    "tests may take longer"
  ]
]
const options =
  /(?<!\S)(--deselect|--exclude-pattern|--tag ["']?~|--ignore(?:-glob)?|--exclude|--skip|--testPathIgnorePatterns|--grep-invert|--invert|-k ["']?not|--filter[= ]["']?!)[ =]?\S*/g
const updates =
  /(?<![\w-])(?:-u|--update|--updateSnapshot|--update-snapshots?|--snapshot-update|--inline-snapshot=(?:fix|update)|-update|INSTA_UPDATE=\S+|UPDATE_(?:SNAPSHOTS?|GOLDEN|EXPECT)=\S+|--force-regen)(?![\w-])/

const loosened = (view: CheatView.View): ReadonlyArray<Cheat.Cheat> => {
  const found: Array<Cheat.Cheat> = []
  if (view.isGone) return found
  const add = (
    rule: Cheat.Rule,
    status: Cheat.Cheat["status"],
    at: { readonly line: number | null; readonly message: string }
  ) => found.push({ rule, status, path: view.path, ...at })
  const lineWith = (text: string) =>
    view.added.find((line) => line.text.includes(text))?.number ?? view.added[0]?.number ?? null
  if (runnerConfig.test(view.path) && !(view.isNew && view.role === "config")) {
    const [left, leftNow] = [lists(view.before, leavesOut), lists(view.after, leavesOut)]
    const known = new Set([...left.values()].flat())
    for (const [key, values] of leftNow) {
      const isTestList = key !== "ignore" && key !== "ignores" ? true : /pytest|jest|vitest|mocharc/.test(view.path)
      const more = values.filter(
        (value) => !known.has(value) && !/node_modules|\bdist\b|\bbuild\b|fixtures|\.d\.ts|\.venv|venv\b/.test(value)
      )
      if (more.length > 0 && isTestList && !inCoverage(view.after, more[0] ?? ""))
        add("runner-loosened", "fail", {
          line: lineWith(more[0] ?? ""),
          message: `${Cheat.quoted(key)} leaves out ${Cheat.quoted(more.join(", "))} as well`
        })
    }
    const [taken, takenNow] = [lists(view.before, takes), lists(view.after, takes)]
    for (const [key, values] of taken) {
      const now = takenNow.get(key) ?? []
      const lost = values.filter((value) => !now.includes(value))
      const gained = now.filter((value) => !values.includes(value))
      const isNarrower =
        lost.length > 0 &&
        gained.every((value) =>
          lost.some((old) => root(value) !== root(old) && root(value).startsWith(root(old)) && !value.includes("{"))
        )
      if (isNarrower && /test|spec|e2e|py/.test(lost.join() + key) && now.length > 0)
        add("runner-loosened", "fail", {
          line: lineWith(key),
          message: `${Cheat.quoted(key)} no longer takes ${Cheat.quoted(lost.join(", "))}`
        })
    }
    for (const [pattern, status, why] of view.path.endsWith("package.json") ? numbers.slice(0, 2) : numbers) {
      const [was, is] = [
        CheatBounds.of(view.before.bare.replace(/(?<=\d)_(?=\d)/g, ""), pattern),
        CheatBounds.of(view.after.bare.replace(/(?<=\d)_(?=\d)/g, ""), pattern)
      ]
      for (const [key, values] of is) {
        const before = Math.max(0, ...(was.get(key) ?? []))
        const now = Math.max(...values)
        const factor = status === "blocked" ? (before === 0 ? Number.POSITIVE_INFINITY : 1.5) : 1
        if (now > before * factor && now > 0 && !(before === 0 && status === "blocked"))
          add("runner-loosened", status, {
            line: lineWith(key),
            message: `${Cheat.quoted(key)} was ${before} and is ${now}: ${why}`
          })
      }
    }
  }
  if (runs(view.role)) {
    const was = view.removed.map(({ text }) => text).join("\n")
    for (const { number, text } of CheatView.addedIn(view, "bare")) {
      if (!check.test(text) && !/addopts/.test(text) && !/(?:^|\/)\.rspec$/.test(view.path)) continue
      const option = [...text.matchAll(options)].map(([each]) => each).find((each) => !was.includes(each))
      if (option !== undefined && !view.isNew)
        add("runner-loosened", "fail", { line: number, message: `${Cheat.quoted(option)} leaves tests out` })
      const update = updates.exec(text)
      if (
        update !== null &&
        !updates.test(was) &&
        (check.test(text) || /addopts/.test(text)) &&
        !/"[\w:-]*update[\w:-]*"\s*:|^[\w-]*update[\w-]*:/i.test(text.trim())
      )
        add("test-rewrites-itself", "fail", {
          line: number,
          message: `${Cheat.quoted(update[0])} writes what tests expect from what comes`
        })
    }
  }
  if (view.role === "test" || view.role === "support") {
    for (const { number, text } of CheatView.addedIn(view, "code")) {
      const again =
        /\b(?:jest|vi)\.retryTimes\s*\(|\bthis\.retries\s*\(\s*[1-9]|\b(?:it|test|describe)\b.*\bretry\s*:\s*[1-9]|\}\s*,\s*\{\s*retry\s*:\s*[1-9]|@pytest\.mark\.flaky|@flaky\b|@RetryingTest|@RepeatedIfExceptionsTest|\bretries\s*:\s*[1-9](?=[^;]*=>)/.exec(
          text
        )
      if (
        again !== null &&
        !view.isNew &&
        view.before.code.trim() !== "" &&
        !view.removed.some((line) => line.text.includes(again[0]))
      )
        add("runner-loosened", "blocked", {
          line: number,
          message: `${Cheat.quoted(again[0])}: failing tests are tried again`
        })
    }
  }
  return found
}

/** Whether a value stands in the part of a configuration that is about coverage alone. */
const inCoverage = (source: SourceText.SourceText, value: string): boolean => {
  const at = source.bare.indexOf(value)
  const start = source.bare.lastIndexOf("coverage", at)
  const open = start === -1 ? -1 : source.code.indexOf("{", start)
  return open !== -1 && open < at && SourceText.closing(source.code, open) > at
}

const never = /^\s*(?:when:\s*(?:manual|never)|if:\s*(?:false|\$\{\{\s*false\s*\}\})|enabled:\s*false|skip:\s*true)\b/
const quietRoles: ReadonlyArray<CheatView.Role> = ["ci", "doc", "config", "script", "snapshot"]

const ciEdited = (change: CheatView.Change): ReadonlyArray<Cheat.Cheat> => {
  const others = change.views.filter(({ role }) => !quietRoles.includes(role))
  const asked = /\b(?:ci|pipeline|workflow|github actions?|gitlab|jenkins|continuous integration)\b/.test(
    change.contract
  )
  const all = change.views.filter(({ role }) => role === "ci")
  const checksNow = new Set(
    all.flatMap(({ after }) =>
      after.bare
        .split("\n")
        .filter((line) => check.test(line))
        .map(said)
    )
  )
  return all.flatMap((view): ReadonlyArray<Cheat.Cheat> => {
    if (view.added.length + view.removed.length === 0) return []
    const never_ = CheatView.addedIn(view, "bare").find(({ text }) => never.test(text))
    const lost = CheatView.removedIn(view, "bare").filter(({ text }) => check.test(text) && !checksNow.has(said(text)))
    const added = CheatView.addedIn(view, "bare").filter(({ text }) => check.test(text))
    const dropped = lost.length > added.length ? lost[0] : undefined
    const trigger = CheatView.removedIn(view, "bare").find(
      ({ text }) =>
        /^\s*(?:-\s*)?(?:pull_request|push|merge_group)\b/.test(text) &&
        !/(?:^|\n)\s*(?:-\s*)?(?:pull_request|push|merge_group)\b|on:\s*\[/.test(view.after.bare)
    )
    const at = (line: number | null, message: string, status: Cheat.Cheat["status"]): Cheat.Cheat => ({
      rule: "ci-edited",
      status,
      path: view.path,
      line,
      message
    })
    if (never_ !== undefined)
      return [at(never_.number, `${Cheat.quoted(never_.text)}: a part of CI no longer runs by itself`, "fail")]
    if (dropped !== undefined) return [at(null, `CI no longer runs ${Cheat.quoted(dropped.text)}`, "fail")]
    if (trigger !== undefined) return [at(null, `CI no longer runs on ${Cheat.quoted(trigger.text)}`, "fail")]
    if (asked || others.length === 0) return []
    return [
      at(
        view.added[0]?.number ?? null,
        "what CI runs is changed beside other work, and the contract does not ask for it",
        "blocked"
      )
    ]
  })
}

const said = (line: string): string => check.exec(line)?.[0] ?? ""

/** Looks at how checks are run. */
export const look = (change: CheatView.Change): ReadonlyArray<Cheat.Cheat> => [
  ...change.views.flatMap((view) => [...masked(view), ...replaced(view), ...loosened(view)]),
  ...ciEdited(change)
]
