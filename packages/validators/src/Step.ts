/**
 * The **steps** of a tester: what is done to something that runs, and what has to be seen then. They are data, so that what
 * was done once, by a model or by a script, can be done again without either, and comes to the same verdict.
 */
import type * as Contract from "@millwright/core/Contract"
import * as Schema from "effect/Schema"

/** An element of a page, as a person would say which one, or by a selector. Of several the `nth` (from 0; -1 is the last). */
export const Target = Schema.Struct({
  by: Schema.TaggedUnion({
    Css: { selector: Schema.NonEmptyString },
    /** A role of ARIA, and the name that a screen reader says. */
    Role: { role: Schema.NonEmptyString, name: Schema.optionalKey(Schema.String) },
    /** What it says. */
    Text: { text: Schema.NonEmptyString },
    /** What stands beside an input, or in it while it is empty. */
    Label: { label: Schema.NonEmptyString }
  }),
  nth: Schema.optionalKey(Schema.Int)
})
/** An element of a page. */
export type Target = typeof Target.Type

/** What is done. Each belongs to one kind of surface. */
export const Action = Schema.TaggedUnion({
  /** ui: goes to an address below that of the app: `/`, `#/active`. */
  Visit: { address: Schema.String },
  /** ui */
  Reload: {},
  /** ui */
  Back: {},
  /** ui: `times` 2 is a double click; at most 10. */
  Click: { target: Target, times: Schema.optionalKey(Schema.Natural) },
  /** ui */
  Hover: { target: Target },
  /** ui: replaces what an input holds. */
  Fill: { target: Target, text: Schema.String },
  /** ui, cli: key by key; where no target is, to what has the focus. */
  Type: { target: Schema.optionalKey(Target), text: Schema.String },
  /** ui, cli: one key by its name in the DOM, with modifiers: `Enter`, `Control+C`. */
  Press: { key: Schema.NonEmptyString, target: Schema.optionalKey(Target) },
  /** ui: takes the focus away from what has it. */
  Blur: {},
  /** api: `path` is below the address of the app. */
  Request: {
    method: Schema.NonEmptyString,
    path: Schema.String,
    headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
    body: Schema.optionalKey(Schema.String)
  },
  /** cli: starts the app's program with arguments. */
  Start: { args: Schema.Array(Schema.String) },
  /** cli: the size of the terminal. */
  Resize: { columns: Schema.Natural, rows: Schema.Natural }
})
/** What is done. */
export type Action = typeof Action.Type

/** How a text is compared. `matches` is the source of a regular expression. */
export const TextRule = Schema.TaggedUnion({
  Is: { text: Schema.String },
  Includes: { text: Schema.String },
  Matches: { pattern: Schema.String }
})
/** How a text is compared. */
export type TextRule = typeof TextRule.Type

/** What has to be seen. */
export const Expectation = Schema.TaggedUnion({
  /** ui */
  Visible: { target: Target },
  /** ui: not there, or not to be seen. */
  Hidden: { target: Target },
  /** ui: how many can be seen. */
  Count: { target: Target, is: Schema.Natural },
  /** ui: what can be read, white space made one space. */
  Text: { target: Target, rule: TextRule },
  /** ui: what an input holds. */
  Value: { target: Target, rule: TextRule },
  /** ui */
  Checked: { target: Target, is: Schema.Boolean },
  /** ui */
  Focused: { target: Target },
  /** ui: `rule` left out: it only has to be there. */
  Attribute: { target: Target, name: Schema.NonEmptyString, rule: Schema.optionalKey(TextRule) },
  /** ui: where the page is, below the address of the app. */
  Address: { rule: TextRule },
  /** ui: the browser keeps something for the page in its local storage under such a name; with a `rule`, such a text. */
  Stored: { name: TextRule, rule: Schema.optionalKey(TextRule) },
  /** ui: nothing was thrown that nobody caught. */
  NoErrors: {},
  /** api */
  Status: { is: Schema.Int },
  /** api */
  Header: { name: Schema.NonEmptyString, rule: TextRule },
  /** api: the body as text; with a `pointer` (RFC 6901) the value there: a text as it is, everything else as JSON. */
  Body: { pointer: Schema.optionalKey(Schema.String), rule: TextRule },
  /** cli: what stands on the screen. */
  Screen: { rule: TextRule },
  /** cli: how the program ended. */
  Exit: { code: Schema.Int }
})
/** What has to be seen. */
export type Expectation = typeof Expectation.Type

/** One step. What is looked for may come true within so many milliseconds; a surface has a usual time for it. */
export const Step = Schema.TaggedUnion({
  Act: { action: Action },
  /**
   * Looks whether something is so, and judges nothing by it: what an assertion takes for granted, or which of two ways to go. A
   * planner that needs it, and does not find it, comes to `blocked` and not to `fail`.
   */
  Given: { that: Expectation, within: Schema.optionalKey(Schema.Natural) },
  /** What the assertion says: the first one that does not hold is its `fail`. */
  Expect: { that: Expectation, within: Schema.optionalKey(Schema.Natural) }
})
/** One step. */
export type Step = typeof Step.Type

/** The kinds of surface that an action or an expectation belongs to. */
export const kindsOf = (step: Step): ReadonlyArray<Contract.Kind> => {
  const tag = step._tag === "Act" ? step.action._tag : step.that._tag
  if (tag === "Type" || tag === "Press") return ["ui", "cli"]
  if (tag === "Request" || tag === "Status" || tag === "Header" || tag === "Body") return ["api"]
  if (tag === "Start" || tag === "Resize" || tag === "Screen" || tag === "Exit") return ["cli"]
  return ["ui"]
}
