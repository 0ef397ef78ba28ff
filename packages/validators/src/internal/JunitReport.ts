/** Reads JUnit's XML, as vitest, jest, node, pytest, Gradle, Go and others write it. There is no standard; this is lenient. */
import * as Effect from "effect/Effect"
import * as Xml from "effect/encoding/Xml"
import * as Stream from "effect/Stream"
import type { Case, TestReport } from "../TestReport.ts"
import { malformed, ReportError } from "./ReportError.ts"
import * as ReportText from "./ReportText.ts"

interface Suite {
  readonly name: string
  readonly file: string | undefined
  /** What it says about itself, and what it has. */
  readonly said: { readonly tests: number; readonly against: number }
  cases: number
  against: number
}

interface Open {
  readonly attributes: Readonly<Record<string, string>>
  readonly outcomes: Array<{ readonly tag: string; readonly type: string; text: string }>
}

const count = (text: string | undefined): number => (text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : 0)

// What XML can not hold, as it is and as a reference. Programs that print are not careful.
const forbidden =
  /(?![\t\n\r])\p{Cc}|[\ufffe\uffff]|&#(?:x0*(?:[0-8bcef]|1[0-9a-f])|0*(?:[0-8]|1[1-2]|1[4-9]|2\d|3[01]));/giu

const outcomes = new Set(["failure", "error", "skipped", "rerunFailure", "flakyFailure"])

const statusOf = ({ attributes, outcomes }: Open): Case["status"] => {
  const tags = outcomes.map(({ tag }) => tag)
  const skipped = outcomes.find(({ tag }) => tag === "skipped")
  if (skipped?.type === "todo") return "todo"
  if (tags.includes("error")) return "error"
  if (tags.includes("failure") || tags.includes("rerunFailure")) return "failed"
  if (skipped !== undefined) return "skipped"
  const said = (attributes["status"] ?? attributes["result"] ?? "").toLowerCase()
  if (said === "failed" || said === "failure" || said === "fail") return "failed"
  if (said === "error") return "error"
  return said === "skipped" || said === "notrun" || said === "disabled" || said === "ignored" ? "skipped" : "passed"
}

/** A case with its suites in its name, each said once. */
const nameOf = (attributes: Open["attributes"], suites: ReadonlyArray<Suite>): string => {
  const own = attributes["name"] ?? ""
  const group = attributes["classname"] ?? attributes["class"] ?? ""
  const around =
    group === "" || group === "test" ? suites.map(({ name }) => name).filter((name) => name !== "") : [group]
  return [...around, own].filter((part, index, all) => part !== all[index - 1]).join(" > ")
}

/** Reads a report that is text already. */
export const read = Effect.fnUntraced(function* (
  text: string,
  place: ReportText.Place
): Effect.fn.Return<TestReport, ReportError> {
  const cases: Array<Case> = []
  const warnings = new Set<string>()
  const suites: Array<Suite> = []
  let depth = 0
  let open: Open | undefined
  let root: string | undefined

  const add = (one: Case) => {
    cases.push(one)
    const isAgainst = one.status === "failed" || one.status === "error"
    for (const suite of suites) {
      suite.cases++
      if (isAgainst) suite.against++
    }
  }
  const broken = (name: string, message: string) =>
    add({ name, file: null, status: "error", duration: null, message: ReportText.message(message, place) })

  const start = ({ attributes, name: tag }: Xml.StartElement) => {
    depth++
    root ??= tag
    if (open !== undefined) {
      const type = `${attributes["type"] ?? ""}`
      if (outcomes.has(tag)) open.outcomes.push({ tag, type, text: attributes["message"] ?? "" })
      return
    }
    if (tag === "testcase") open = { attributes, outcomes: [] }
    else if (tag === "testsuite" || tag === "testsuites") {
      suites.push({
        name: tag === "testsuites" ? "" : (attributes["name"] ?? ""),
        file: attributes["file"] ?? attributes["filepath"],
        said: {
          tests: count(attributes["tests"]),
          against: count(attributes["failures"]) + count(attributes["errors"])
        },
        cases: 0,
        against: 0
      })
    } else if (tag === "error" || tag === "failure") {
      const around = suites.at(-1)?.name ?? ""
      broken(ReportText.name(`${around || "a suite"}: ${tag}`, place), attributes["message"] ?? "")
    }
  }

  const end = ({ name: tag }: Xml.EndElement) => {
    depth--
    if (tag === "testcase" && open !== undefined) {
      const { attributes } = open
      const message = open.outcomes.map(({ text }) => text).find((text) => text !== "") ?? ""
      const file = attributes["file"] ?? suites.findLast(({ file }) => file !== undefined)?.file
      add({
        name: ReportText.name(nameOf(attributes, suites), place),
        file: ReportText.path(file, place),
        status: statusOf(open),
        duration: ReportText.seconds(attributes["time"]),
        message: ReportText.message(message, place)
      })
      open = undefined
    } else if ((tag === "testsuite" || tag === "testsuites") && open === undefined) {
      const suite = suites.at(-1)
      if (suite === undefined) return
      const name = ReportText.name(suite.name === "" ? "the report" : suite.name, place)
      const lacking = suite.said.against - suite.against
      // What failed outside of any case is only counted.
      if (lacking > 0) broken(`${name}: ${lacking} failed or broke outside of the cases`, "")
      if (suite.said.tests > suite.cases) {
        warnings.add(`${name} says that it has ${suite.said.tests} cases, and has ${suite.cases}`)
      }
      suites.pop()
    }
  }

  const event = (one: Xml.Event): ReportError | undefined => {
    if (one._tag === "Doctype") {
      return new ReportError({
        reason: "DocumentType",
        message:
          "The report has a document type (DOCTYPE), which no report of tests needs. Have it written without one."
      })
    }
    if (one._tag === "StartElement") start(one)
    else if (one._tag === "EndElement") end(one)
    else if (one._tag === "Text" && open !== undefined) {
      const last = open.outcomes.at(-1)
      if (last !== undefined && last.text.trim() === "") last.text = one.text.slice(0, 20_000)
    }
    return depth > 200 ? malformed("JUnit XML", "its suites are nested more than 200 deep") : undefined
  }

  const clean = ReportText.plain(text).replaceAll(forbidden, "\ufffd")
  yield* Stream.make(clean).pipe(
    Stream.pipeThroughChannel(Xml.decodeString()),
    Stream.mapError((error) => malformed("JUnit XML", error.message)),
    Stream.runForEach((one) => {
      const error = event(one)
      return error === undefined ? Effect.void : Effect.fail(error)
    })
  )
  if (root !== "testsuites" && root !== "testsuite") {
    return yield* malformed(
      "JUnit XML",
      `its root is ${JSON.stringify(root?.slice(0, 80))} and not testsuites or testsuite`
    )
  }
  return { format: "junit", cases, warnings: [...warnings].sort() }
})
