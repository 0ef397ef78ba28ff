/** What an expectation of a page is decided by: what is there of its target, read in the page, and judged here. */
import type * as Step from "../Step.ts"
import type { Checked } from "../Surface.ts"

/** An element, as a person finds it. Texts are bounded. */
export interface Facts {
  readonly visible: boolean
  readonly focused: boolean
  readonly checked: boolean
  readonly text: string
  readonly value: string | null
  readonly attribute: string | null
}

/** What is there of a target: how many, how many can be seen, and the one that is meant, with its place among all. */
export interface Found {
  readonly all: number
  readonly seen: number
  readonly at: number
  readonly one: Facts | null
}

/** What is asked of a page about a target. */
export interface Asked {
  readonly nth: number | null
  readonly attribute: string
}

/**
 * Runs in the page, and so holds no reference to anything outside of itself. The `nth` is counted among what can be seen, and
 * among all where nothing can.
 */
export const find = (elements: ReadonlyArray<Element>, { attribute, nth }: Asked): Found => {
  const isVisible = (element: Element): boolean => {
    if (!element.checkVisibility({ visibilityProperty: true })) return false
    const { height, width } = element.getBoundingClientRect()
    return width > 0 && height > 0
  }
  const visible = elements.filter(isVisible)
  const among = visible.length > 0 ? visible : elements
  const one = among.at(nth ?? 0)
  const text = (from: string): string => from.replaceAll(/\s+/g, " ").trim().slice(0, 4_000)
  const valueOf = (element: Element): string | null =>
    "value" in element && typeof element.value === "string" ? element.value.slice(0, 4_000) : null
  return {
    all: elements.length,
    seen: visible.length,
    at: one === undefined ? -1 : elements.indexOf(one),
    one:
      one === undefined
        ? null
        : {
            visible: visible.includes(one),
            focused: one.matches(":focus"),
            checked:
              ("checked" in one && one.checked === true) ||
              ["checked", "selected", "pressed"].some((state) => one.getAttribute(`aria-${state}`) === "true"),
            text: text("innerText" in one && typeof one.innerText === "string" ? one.innerText : (one.textContent ?? "")),
            value: valueOf(one),
            attribute: one.getAttribute(attribute)
          }
  }
}

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
    return { holds: !isSeen, saw: isSeen ? `to be seen: ${quoted(one?.text ?? "")}` : `none to be seen, of ${plural(all)}` }
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
