/** What an expectation of a page is decided by: what is there of its target, as the page says it. */
import type * as Step from "../Step.ts"
import type { Checked } from "../Surface.ts"
import type { Found } from "./PageScript.ts"

const quoted = (text: string): string => JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text)

/** Whether a text is as a rule says. A pattern that is none matches nothing. */
export const follows = (rule: Step.TextRule, text: string): boolean => {
  if (rule._tag === "Is") return text === rule.text
  if (rule._tag === "Includes") return text.includes(rule.text)
  try {
    return new RegExp(rule.pattern).test(text)
  } catch {
    return false
  }
}

/** A text against a rule. */
export const judgeText = (rule: Step.TextRule, text: string): Checked => ({
  holds: follows(rule, text),
  saw: quoted(text)
})

/** The expectations that are about an element. */
export type OfTarget = Extract<Step.Expectation, { readonly target: Step.Target }>

const plural = (count: number): string => (count === 1 ? "1 element" : `${count} elements`)

/** Judges what was found. */
export const judge = (that: OfTarget, { all, one, seen }: Found): Checked => {
  if (that._tag === "Count") return { holds: seen === that.is, saw: `${seen} to be seen, of ${plural(all)}` }
  if (that._tag === "Hidden") {
    const isSeen = that.target.nth === undefined ? seen > 0 : one?.visible === true
    return {
      holds: !isSeen,
      saw: isSeen ? `to be seen: ${quoted(one?.text ?? "")}` : `none to be seen, of ${plural(all)}`
    }
  }
  if (one === null) return { holds: false, saw: all === 0 ? "no such element" : `no more than ${plural(all)}` }
  switch (that._tag) {
    case "Visible":
      return { holds: one.visible, saw: one.visible ? quoted(one.text) : `${plural(all)}, hidden` }
    case "Text":
      return judgeText(that.rule, one.text)
    case "Value":
      return one.value === null ? { holds: false, saw: "no input" } : judgeText(that.rule, one.value)
    case "Checked":
      return { holds: one.checked === that.is, saw: one.checked ? "checked" : "not checked" }
    case "Focused":
      return { holds: one.focused, saw: one.focused ? "it has the focus" : "it does not have the focus" }
    case "Attribute":
      return one.attribute === null
        ? { holds: false, saw: `no attribute ${that.name}` }
        : that.rule === undefined
          ? { holds: true, saw: quoted(one.attribute) }
          : judgeText(that.rule, one.attribute)
  }
}

/** Judges what the browser keeps for the page. */
export const judgeStored = (
  { name, rule }: Extract<Step.Expectation, { readonly _tag: "Stored" }>,
  entries: ReadonlyArray<readonly [name: string, text: string]>
): Checked => {
  const named = entries.filter(([key]) => follows(name, key))
  const holds = named.some(([, text]) => rule === undefined || follows(rule, text))
  const shown = named.length > 0 ? named.map(([key, text]) => `${key}: ${text}`) : entries.map(([key]) => key)
  return { holds, saw: entries.length === 0 ? "nothing is kept" : quoted(shown.join(", ")) }
}
