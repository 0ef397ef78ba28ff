/**
 * Reads TAP 13 and 14, as node, vitest, tap, Perl and Go's converters write it: subtests stand before their test point, indented,
 * or after it in braces. What is no TAP between the lines is passed over, as TAP says.
 */
import type { Case, TestReport } from "../TestReport.ts"
import * as ReportText from "./ReportText.ts"

interface Point {
  readonly isOk: boolean
  readonly name: string
  readonly directive: string
  readonly reason: string
  duration: number | null
  /** What its block says: of what type it is, why it failed, and where. */
  type: string
  message: string
  file: string | undefined
  /** How far in the key of the text stands whose lines follow. */
  told: number | undefined
}

/** The lines of one indentation, up to the point that they belong to. */
interface Frame {
  readonly indent: number
  readonly cases: Array<Case>
  points: number
  plan: number | undefined
  /** The point whose subtests follow in braces. */
  opened: Point | undefined
}

const point = /^(not )?ok\b(?:[ \t]+(\d+))?[ \t]*(?:-[ \t]*)?(.*)$/

const pointOf = (found: RegExpExecArray): Point => {
  const rest = (found[3] ?? "").replace(/\s*\{$/, "")
  // The first `#` that no backslash stands before.
  const at = /(?:^|[^\\])(?:\\\\)*(#)/d.exec(rest)?.indices?.[1]?.[0]
  const [text, directive] = at === undefined ? [rest, ""] : [rest.slice(0, at), rest.slice(at + 1).trim()]
  const time = /^time=([\d.]+)(ms|s)?/.exec(directive)
  return {
    isOk: found[1] === undefined,
    name: text.replaceAll(/\\([\\#])/g, "$1").trim(),
    directive: /^(?:skip|todo)/i.exec(directive)?.[0].toLowerCase() ?? "",
    reason: time === null ? directive.replace(/^\w+\s*/, "") : "",
    duration: time === null ? null : ReportText.milliseconds(Number(time[1]) * (time[2] === "s" ? 1_000 : 1)),
    type: "",
    message: "",
    file: undefined,
    told: undefined
  }
}

const statusOf = ({ directive, isOk }: Point): Case["status"] =>
  directive === "skip" ? "skipped" : directive === "todo" ? "todo" : isOk ? "passed" : "failed"

const isAgainst = ({ status }: Case) => status === "failed" || status === "error"

/** Reads a report. What is missing in it is a case that broke. */
export const read = (text: string, place: ReportText.Place): TestReport => {
  const warnings = new Set<string>()
  const root: Frame = { indent: 0, cases: [], points: 0, plan: undefined, opened: undefined }
  const frames = [root]
  /** The last point, whose block may still come, with the cases below it. */
  let last: { readonly point: Point; readonly inner: ReadonlyArray<Case>; readonly into: Frame } | undefined
  let block: { readonly indent: number; readonly point: Point | undefined } | undefined
  let bailed: string | undefined

  const broken = (name: string, message = ""): Case => ({
    name: ReportText.name(name, place),
    file: null,
    status: "error",
    duration: null,
    message: ReportText.message(message, place)
  })
  const caseOf = (one: Point): Case => ({
    name: ReportText.name(one.name || "a test without a name", place),
    file: ReportText.path(one.file?.replace(/(?::\d+){1,2}$/, ""), place),
    status: statusOf(one),
    duration: one.duration,
    message: ReportText.message(one.message || one.reason, place)
  })

  const casesOf = ({ cases, plan, points }: Frame): ReadonlyArray<Case> => {
    if (bailed !== undefined) return cases
    if (plan === undefined) return [...cases, broken("tests without a plan", "They may not have come to their end.")]
    return plan === points ? cases : [...cases, broken(`tests that planned ${plan}, and ran ${points}`)]
  }

  /** Ends what stands further in than `indent`. */
  const inside = (indent: number): ReadonlyArray<Case> => {
    let cases: ReadonlyArray<Case> = []
    for (let frame = frames.at(-1); frame !== undefined && frame.indent > indent; frame = frames.at(-1)) {
      frames.pop()
      frame.cases.push(...cases)
      cases = casesOf(frame)
    }
    return cases
  }

  const frameAt = (indent: number): Frame => {
    const top = frames.at(-1) ?? root
    if (top.indent >= indent) return top
    const frame: Frame = { indent, cases: [], points: 0, plan: undefined, opened: undefined }
    frames.push(frame)
    return frame
  }

  /** The cases that a point stands for: those below it, and itself where they do not say why it failed. */
  const settled = (one: Point, inner: ReadonlyArray<Case>): ReadonlyArray<Case> => {
    // A suite of node in which nothing is.
    if (inner.length === 0) return one.type === "suite" && one.isOk ? [] : [caseOf(one)]
    if (one.directive !== "") return [caseOf(one)]
    const named = inner.map((each) => ({ ...each, name: ReportText.name(`${one.name} > ${each.name}`, place) }))
    return one.isOk || named.some(isAgainst) ? named : [...named, caseOf(one)]
  }
  const settle = () => {
    if (last !== undefined) last.into.cases.push(...settled(last.point, last.inner))
    last = undefined
  }

  const met = (indent: number, found: RegExpExecArray) => {
    const inner = inside(indent)
    const into = frameAt(indent)
    const one = pointOf(found)
    into.points++
    if (found[2] !== undefined && Number(found[2]) !== into.points) {
      warnings.add("test points are not numbered one after the other")
    }
    if ((found[3] ?? "").endsWith("{")) into.opened = one
    else last = { point: one, inner, into }
  }

  const planned = (indent: number, [, number, comment = ""]: RegExpExecArray) => {
    const inner = inside(indent)
    const frame = frameAt(indent)
    frame.cases.push(...inner)
    if (frame.plan !== undefined) warnings.add("there is more than one plan")
    frame.plan = Number(number)
    if (frame.plan === 0 && /^skip/i.test(comment)) {
      frame.cases.push({ ...broken("all of it", comment), status: "skipped" })
    }
  }

  const closed = (indent: number) => {
    const inner = inside(indent)
    const frame = frames.at(-1) ?? root
    if (frame.opened === undefined) return
    frame.cases.push(...settled(frame.opened, inner))
    frame.opened = undefined
  }

  for (const raw of text.split(/\r\n?|\n/)) {
    const line = ReportText.plain(raw).trimEnd()
    const said = line.trimStart()
    const indent = line.length - said.length
    if (block !== undefined) {
      if (said === "..." && indent <= block.indent) block = undefined
      else if (block.point !== undefined) note(block.point, { said, indent })
      continue
    }
    const found = point.exec(said)
    const plan = /^1\.\.(\d{1,9})(?:\s*#\s*(.*))?$/.exec(said)
    if (said === "---") block = { indent, point: last?.point }
    else if (found !== null) {
      settle()
      met(indent, found)
    } else if (plan !== null) {
      settle()
      planned(indent, plan)
    } else if (said === "}") {
      settle()
      closed(indent)
    } else if (/^bail out!/i.test(said)) {
      bailed = said.slice("Bail out!".length).trim()
      break
    }
  }
  settle()
  root.cases.push(...inside(0))
  const cases = casesOf(root)
  return {
    format: "tap",
    cases: bailed === undefined ? cases : [...cases, broken("the tests bailed out", bailed)],
    warnings: [...warnings].sort()
  }
}

/** Takes what a block says that people want to know. Of its YAML this reads texts, of one line and of more. */
const note = (one: Point, { indent, said }: { readonly indent: number; readonly said: string }): void => {
  if (one.told !== undefined && (said === "" || indent > one.told)) {
    if (one.message.length < longestMessage) one.message += `${one.message === "" ? "" : "\n"}${said}`
    return
  }
  one.told = undefined
  const [, key, value = ""] = /^(type|error|message|location|at|duration_ms):\s*(.*)$/.exec(said) ?? []
  const text = value.replace(/^(['"])(.*)\1$/, "$2")
  if (key === "type") one.type = text
  if (key === "duration_ms" && one.duration === null) one.duration = ReportText.milliseconds(Number(text))
  if ((key === "error" || key === "message") && one.message === "") {
    if (/^[|>][-+\d]*$/.test(text)) one.told = indent
    else one.message = text
  }
  if ((key === "location" || key === "at") && one.file === undefined) one.file = text
}

/** As much of a message is taken, in UTF-16 code units. */
const longestMessage = 10_000
