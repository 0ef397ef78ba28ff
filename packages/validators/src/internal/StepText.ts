/** Steps as a person reads them, each in a few words: “Visit /”, “Fill the field “Name””. */
import * as Tainted from "@millwright/core/Tainted"
import type * as Step from "../Step.ts"

/** A text of somebody else's in one line of at most so many characters, with nothing in it that hides or steers. */
export const inOneLine = (text: string, longest = 200): string => {
  // So that a text of megabytes is not gone through as a whole.
  const line = text
    .slice(0, longest * 4)
    .replace(Tainted.hidden, " ")
    .replace(/\s+/g, " ")
    .trim()
  return line.length > longest ? `${line.slice(0, longest - 1).toWellFormed()}…` : line
}

const quoted = (text: string): string => (text === "" ? "nothing" : `“${inOneLine(text, 80)}”`)

/** What a step is done to, in words: “the button “Greet””. */
export const target = ({ by, nth }: Step.Target): string => `${named(by)}${which(nth)}`

const which = (nth: number | undefined): string =>
  nth === undefined ? "" : nth < 0 ? (nth === -1 ? " (the last)" : ` (${-nth} from the end)`) : ` (number ${nth + 1})`

const named = (by: Step.Target["by"]): string => {
  switch (by._tag) {
    case "Css":
      return `\`${inOneLine(by.selector, 80)}\``
    case "Role":
      return `the ${inOneLine(by.role, 30)}${by.name === undefined ? "" : ` ${quoted(by.name)}`}`
    case "Text":
      return quoted(by.text)
    case "Label":
      return `the field ${quoted(by.label)}`
  }
}

const action = (does: Step.Action): string => {
  switch (does._tag) {
    case "Visit":
      return `Visit ${inOneLine(does.address, 80)}`
    case "Reload":
    case "Back":
      return does._tag
    case "Blur":
      return "Leave the field"
    case "Click": {
      const often = { 1: "Click", 2: "Double-click" }[does.times ?? 1] ?? `Click ${does.times} times`
      return `${often} ${target(does.target)}`
    }
    case "Hover":
      return `Point at ${target(does.target)}`
    case "Fill":
      return `Fill ${target(does.target)} with ${quoted(does.text)}`
    case "Type":
      return `Type ${quoted(does.text)}${does.target === undefined ? "" : ` into ${target(does.target)}`}`
    case "Press":
      return `Press ${inOneLine(does.key, 30)}${does.target === undefined ? "" : ` in ${target(does.target)}`}`
    case "Request":
      return `${inOneLine(does.method, 20)} ${inOneLine(does.path, 80)}${does.body === undefined ? "" : ` with ${quoted(does.body)}`}`
    case "Start":
      return ["Start it", ...does.args.map(quoted)].join(" ")
    case "Resize":
      return `Make the terminal ${does.columns} × ${does.rows}`
  }
}

const rule = (rule: Step.TextRule): string => {
  switch (rule._tag) {
    case "Is":
      return `is ${quoted(rule.text)}`
    case "Includes":
      return `includes ${quoted(rule.text)}`
    case "Matches":
      return `matches /${inOneLine(rule.pattern, 80)}/`
  }
}

/** What is looked for, as the end of “that …”. */
export const expectation = (that: Step.Expectation): string => {
  switch (that._tag) {
    case "Visible":
    case "Hidden":
      return `${target(that.target)} is ${that._tag === "Visible" ? "to be seen" : "not to be seen"}`
    case "Count":
      return `${that.is} of ${target(that.target)} are to be seen`
    case "Text":
      return `the text of ${target(that.target)} ${rule(that.rule)}`
    case "Value":
      return `what ${target(that.target)} holds ${rule(that.rule)}`
    case "Checked":
      return `${target(that.target)} is ${that.is ? "" : "not "}checked`
    case "Focused":
      return `${target(that.target)} has the focus`
    case "Attribute":
      return `${inOneLine(that.name, 30)} of ${target(that.target)} ${that.rule === undefined ? "is there" : rule(that.rule)}`
    case "Address":
      return `the address ${rule(that.rule)}`
    case "Stored":
      return `the browser keeps something whose name ${rule(that.name)}${that.rule === undefined ? "" : `, and which ${rule(that.rule)}`}`
    case "NoErrors":
      return "nothing was thrown"
    case "Status":
      return `the status is ${that.is}`
    case "Header":
      return `the header ${inOneLine(that.name, 30)} ${rule(that.rule)}`
    case "Body":
      return `the body${that.pointer === undefined ? "" : ` at ${inOneLine(that.pointer, 80)}`} ${rule(that.rule)}`
    case "Screen":
      return `the screen ${rule(that.rule)}`
    case "Exit":
      return `it exited with ${that.code}`
  }
}

/** One step that was done, with what came of it where that was not what it was done for. */
export const done = (step: Step.Step, came: { readonly _tag: string; readonly holds?: boolean }): string =>
  `${of(step)}${came._tag === "Refused" ? " (could not be done)" : came.holds === false ? " (not so)" : ""}`

/** One step in a few words. */
export const of = (step: Step.Step): string => {
  switch (step._tag) {
    case "Act":
      return action(step.action)
    case "Given":
      return `Look whether ${expectation(step.that)}`
    case "Expect":
      return `Expect that ${expectation(step.that)}`
  }
}
