/** Rules about what linters, type checkers and coverage tools are told not to say. */
import * as Cheat from "./Cheat.ts"
import * as CheatView from "./CheatView.ts"
import type * as SourceText from "./SourceText.ts"

/** In comments. The first group is what follows the mark on its line. */
const comments =
  /(?:(?:eslint|oxlint|tslint|stylelint)[-:](?:disable(?:-next-line|-line)?)|biome-ignore(?:-all)?|deno-lint-ignore(?:-file)?|@ts-(?:ignore|expect-error|nocheck)|\btype:\s*ignore|\bpyright:\s*(?:ignore|basic)|\bmypy:\s*(?:ignore-errors|disable)|\bnoqa\b|\bruff:\s*noqa|\bpylint:\s*(?:disable|skip)|\bnolint\b|\bnosec\b|\bNOSONAR\b|rubocop:disable|(?:istanbul|c8|v8|vitest|node:coverage)[ :](?:ignore|disable)|pragma:\s*no cover|\bfmt:\s*(?:off|skip)\b(?=.*lint)|@phpstan-ignore|phpcs:ignore|swiftlint:disable)([^\n]*)/
/** In code. */
const inCode = /\bas any\b|#!?\[allow\([^\]]*\)\]|@SuppressWarnings\b|@Suppress\(|<any>\s*\(/
const whole =
  /eslint-disable(?!-)|oxlint-disable(?!-)|@ts-nocheck|deno-lint-ignore-file|biome-ignore-all|mypy:\s*ignore-errors|#!\[allow/

/** Whether a mark names one rule and says why. */
const isReasoned = (rest: string): boolean =>
  /(?:\s--\s|:\s|\s-\s|\/\/\s*|#\s*)\s*\S*[A-Za-z]{3,}.*\s[A-Za-z]{2,}/.test(rest)

/** A line with what it marks: itself, or the next one where it is a comment alone. */
const marked = (source: SourceText.SourceText, number: number): string => {
  const line = CheatView.lineOf(source, number, "text").trim()
  return CheatView.lineOf(source, number, "code").trim() === ""
    ? `${line}\n${CheatView.lineOf(source, number + 1, "text").trim()}`
    : line
}

const silenced = (view: CheatView.View, moved: ReadonlySet<string>): ReadonlyArray<Cheat.Cheat> => {
  if (view.role === "doc" || view.role === "snapshot" || view.after.language === "text") return []
  return view.added.flatMap(({ number }): ReadonlyArray<Cheat.Cheat> => {
    const comment = CheatView.lineOf(view.after, number, "comments")
    const code = CheatView.lineOf(view.after, number, "code")
    const mark = comments.exec(comment)
    const inline = inCode.exec(code)
    if ((mark === null && inline === null) || moved.has(marked(view.after, number))) return []
    const isTest = view.role === "test" || view.role === "support"
    // In tests a wrong type is often what is tested.
    if (isTest && (mark === null || /@ts-expect-error|type:\s*ignore|pragma|noqa/.test(mark[0]))) return []
    const isWhole = whole.test(comment) || whole.test(code)
    const above = CheatView.lineOf(view.after, number - 1, "comments").trim()
    if (
      !isWhole &&
      ((mark !== null && isReasoned(mark[1] ?? "")) ||
        (mark === null && (comment.trim().length > 12 || above.length > 12)))
    )
      return []
    return [
      {
        rule: "check-silenced",
        status: isWhole ? "fail" : "blocked",
        path: view.path,
        line: number,
        message: `${Cheat.quoted((mark?.[0] ?? inline?.[0] ?? "").trim())} was added${isWhole ? " for a whole file" : ", and no reason stands beside it"}`
      }
    ]
  })
}

const lintConfig =
  /(?:eslint|oxlint|biome|tslint|stylelint)[\w.-]*\.?(?:[cm]?[jt]s|jsonc?|ya?ml|rc)?$|(?:^|\/)\.(?:eslint|oxlint|stylelint)rc[^/]*$|(?:^|\/)package\.json$/i
const severity =
  /["']?([@\w][\w@/.-]*)["']?\s*:\s*\[?\s*["']?(off|warn|warning|info|error|deny|allow|0|1|2)["']?(?=\s*[,\]}\n]|\s*$)/gm
const rank: Readonly<Record<string, number>> = {
  off: 0,
  allow: 0,
  "0": 0,
  info: 1,
  warn: 1,
  warning: 1,
  "1": 1,
  error: 2,
  deny: 2,
  "2": 2
}

const severities = (source: SourceText.SourceText): ReadonlyMap<string, number> => {
  const found = new Map<string, number>()
  for (const [, name = "", level = ""] of source.bare.matchAll(severity))
    found.set(name, Math.max(found.get(name) ?? 0, rank[level] ?? 0))
  return found
}

const words = ["off", "the lowest", "an error"]

const rulesLowered = (view: CheatView.View): ReadonlyArray<Cheat.Cheat> => {
  if (
    view.isNew ||
    view.isGone ||
    !lintConfig.test(view.path) ||
    !/rules|categories|linter/.test(view.before.bare + view.after.bare)
  )
    return []
  const [was, is] = [severities(view.before), severities(view.after)]
  const found: Array<Cheat.Cheat> = []
  const add = (name: string, status: Cheat.Cheat["status"], message: string) => {
    const line = view.added.find(({ text }) => text.includes(name))?.number ?? null
    found.push({ rule: "check-silenced", status, path: view.path, line, message })
  }
  for (const [name, level] of was) {
    const now = is.get(name)
    if (now !== undefined && now < level)
      add(name, "fail", `the rule ${Cheat.quoted(name)} was ${words[level]} and is ${now === 0 ? "off" : "a warning"}`)
    else if (now === undefined && level === 2 && !view.after.bare.includes(name))
      add(name, "blocked", `the rule ${Cheat.quoted(name)} was an error and is gone`)
  }
  for (const [name, level] of is)
    if (level === 0 && !was.has(name) && !view.before.bare.includes(name))
      add(name, "blocked", `the rule ${Cheat.quoted(name)} is switched off`)
  return found
}

const strict =
  /["']?\b(strict\w*|noImplicit\w*|noUnchecked\w*|noUnused\w*|noFallthrough\w*|noPropertyAccess\w*|exactOptionalPropertyTypes|useUnknownInCatchVariables|alwaysStrict|forceConsistentCasing\w*|disallow_\w+|warn_(?:unused|return|unreachable)\w*|check_untyped_defs|no_implicit_\w+|extra_checks|deny_warnings|noEmitOnError)["']?\s*[:=]\s*(true|false|True|False)/g
const loose =
  /["']?\b(ignore_errors|ignore_missing_imports|allow_untyped_\w+|allow_redefinition|allowUnreachableCode|allowUnusedLabels|suppressImplicitAnyIndexErrors)["']?\s*[:=]\s*(?:true|True)/g
const typeConfig =
  /(?:^|\/)(?:tsconfig[\w.-]*\.json|jsconfig\.json|mypy\.ini|pyproject\.toml|setup\.cfg|pyrightconfig\.json)$/

const typesLoosened = (view: CheatView.View): ReadonlyArray<Cheat.Cheat> => {
  if (view.isNew || view.isGone || !typeConfig.test(view.path)) return []
  const flags = (source: SourceText.SourceText) =>
    new Map([...source.bare.matchAll(strict)].map(([, name = "", value = ""]) => [name, /true/i.test(value)]))
  const [was, is] = [flags(view.before), flags(view.after)]
  const lowered = [...was].flatMap(([name, value]) =>
    value && is.get(name) !== true && !(is.get("strict") === true && !is.has(name))
      ? [`${Cheat.quoted(name)} is no longer set`]
      : []
  )
  const old = new Set([...view.before.bare.matchAll(loose)].map(([, name]) => name))
  const raised = [...view.after.bare.matchAll(loose)].flatMap(([, name = ""]) =>
    old.has(name) ? [] : [`${Cheat.quoted(name)} is set`]
  )
  return [...lowered, ...raised].map((message) => ({
    rule: "check-silenced",
    status: "fail",
    path: view.path,
    line: view.added[0]?.number ?? null,
    message
  }))
}

const silent =
  /(?:^|\n)\s*["']?(ignore|extend-ignore|extend_ignore|per-file-ignores|disable|disabled|skips|allow)["']?\s*[:=]\s*(\[[^\]]*\]|[^\n[]*(?:\n[ \t]+[^\n]*)*)/g
const spoken =
  /(?:^|\n)\s*["']?(select|extend-select|enable|enabled|warn|deny|forbid)["']?\s*[:=]\s*(\[[^\]]*\]|[^\n[]*)/g
const listConfig =
  /(?:^|\/)(?:\.?ruff\.toml|pyproject\.toml|setup\.cfg|tox\.ini|\.flake8|\.pylintrc|\.golangci\.ya?ml|\.bandit|\.rubocop\.ya?ml)$/

const listsGrown = (view: CheatView.View): ReadonlyArray<Cheat.Cheat> => {
  if (view.isNew || view.isGone || !listConfig.test(view.path)) return []
  const items = (source: SourceText.SourceText, pattern: RegExp) =>
    new Set([...source.bare.matchAll(pattern)].flatMap(([, , list = ""]) => list.match(/[A-Za-z][\w.-]*\d*/g) ?? []))
  const [quiet, quietNow] = [items(view.before, silent), items(view.after, silent)]
  const [loud, loudNow] = [items(view.before, spoken), items(view.after, spoken)]
  const more = [...quietNow].filter((each) => !quiet.has(each) && /\d|-/.test(each))
  const less = [...loud].filter((each) => !loudNow.has(each) && each !== "ALL")
  const line = view.added[0]?.number ?? null
  return [
    ...(more.length > 0
      ? [
          {
            rule: "check-silenced",
            status: "fail",
            path: view.path,
            line,
            message: `${Cheat.quoted(more.join(", "))} is no longer told`
          } as const
        ]
      : []),
    ...(less.length > 0 && !loudNow.has("ALL")
      ? [
          {
            rule: "check-silenced",
            status: "fail",
            path: view.path,
            line,
            message: `${Cheat.quoted(less.join(", "))} is no longer looked for`
          } as const
        ]
      : [])
  ]
}

/** Looks at what was silenced. */
export const look = ({ views }: CheatView.Change): ReadonlyArray<Cheat.Cheat> => {
  const moved = new Set(views.flatMap((view) => view.removed.map(({ number }) => marked(view.before, number))))
  return views.flatMap((view) => [
    ...silenced(view, moved),
    ...rulesLowered(view),
    ...typesLoosened(view),
    ...listsGrown(view)
  ])
}
