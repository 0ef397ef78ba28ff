/** What an expectation of a page is decided by: what is there of its target, as the page says it. */
import * as Result from "effect/Result"
import type * as Step from "../Step.ts"
import type { Checked } from "../Surface.ts"
import type { Found } from "./PageScript.ts"
import * as TextMatch from "./TextMatch.ts"

const quoted = (text: string): string => JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text)

/** How long the patterns of one expectation may take for all that a page keeps, in milliseconds. */
const patience = 2_000

/** What was found; on failure why that can not be said. */
export type Judged = Result.Result<Checked, string>

/** A text against a rule. */
export const judgeText = (rule: Step.TextRule, text: string): Judged =>
  Result.map(TextMatch.holds(rule, text), (holds) => ({ holds, saw: quoted(text) }))

/** The expectations that are about an element. */
export type OfTarget = Extract<Step.Expectation, { readonly target: Step.Target }>

const plural = (count: number): string => (count === 1 ? "1 element" : `${count} elements`)

/** Judges what was found. */
export const judge = (that: OfTarget, found: Found): Judged => {
  const { all, one, seen } = found
  const said = (holds: boolean, saw: string): Judged => Result.succeed({ holds, saw })
  if (that._tag === "Count") return said(seen === that.is, `${seen} to be seen, of ${plural(all)}`)
  if (that._tag === "Hidden") {
    const isSeen = that.target.nth === undefined ? seen > 0 : one?.visible === true
    return said(!isSeen, isSeen ? `to be seen: ${quoted(one?.text ?? "")}` : `none to be seen, of ${plural(all)}`)
  }
  if (one === null) return said(false, all === 0 ? "no such element" : `no more than ${plural(all)}`)
  switch (that._tag) {
    case "Visible":
      return said(one.visible, one.visible ? quoted(one.text) : `${plural(all)}, hidden`)
    case "Text":
      return judgeText(that.rule, one.text)
    case "Value":
      return one.value === null ? said(false, "no input") : judgeText(that.rule, one.value)
    case "Checked":
      return said(one.checked === that.is, one.checked ? "checked" : "not checked")
    case "Focused":
      return said(one.focused, one.focused ? "it has the focus" : "it does not have the focus")
    case "Attribute":
      if (one.attribute === null) return said(false, `no attribute ${that.name}`)
      return that.rule === undefined ? said(true, quoted(one.attribute)) : judgeText(that.rule, one.attribute)
  }
}

/** Judges what the browser keeps for the page. */
export const judgeStored = (
  { name, rule }: Extract<Step.Expectation, { readonly _tag: "Stored" }>,
  entries: ReadonlyArray<readonly [name: string, text: string]>
): Judged => {
  const named: Array<readonly [name: string, text: string]> = []
  let holds = false
  const until = performance.now() + patience
  for (const entry of entries) {
    if (performance.now() > until)
      return Result.fail(`its patterns took longer than ${patience} ms for all that is kept`)
    const isNamed = TextMatch.holds(name, entry[0])
    if (Result.isFailure(isNamed)) return Result.fail(isNamed.failure)
    if (!isNamed.success) continue
    named.push(entry)
    const isSo = rule === undefined ? Result.succeed(true) : TextMatch.holds(rule, entry[1])
    if (Result.isFailure(isSo)) return Result.fail(isSo.failure)
    holds ||= isSo.success
  }
  const shown = named.length > 0 ? named.map(([key, text]) => `${key}: ${text}`) : entries.map(([key]) => key)
  return Result.succeed({ holds, saw: entries.length === 0 ? "nothing is kept" : quoted(shown.join(", ")) })
}
