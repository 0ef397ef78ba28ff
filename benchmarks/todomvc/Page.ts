/** How a TodoMVC app is met: where its parts are, and the steps that plans are written with. */
import type * as Recording from "@millwright/validators/Recording"
import type { Action, Expectation, Step, Target, TextRule } from "@millwright/validators/Step"

/** A plan, asked for its steps one by one; it hears what came of each. What it returns is why the rest can not be judged. */
export type Plan = Generator<Step, string | undefined, Recording.Came>

const css = (selector: string, nth?: number): Target => ({
  by: { _tag: "Css", selector },
  ...(nth !== undefined && { nth })
})

// The template has classes; apps that follow its older version have ids of the same names.
const named = (name: string): string => `:is(.${name}, #${name})`

const saying = (name: string): string => {
  const says = `:text-matches("^\\\\s*${name}\\\\s*$", "i")`
  return `:is(${says}, :has(${says}))`
}

const item = `${named("todo-list")} li`

const titled = (title: string): string => `${item}:has(:text-is(${JSON.stringify(title)}))`

// A todo has one button.
const removes = `:is(${named("destroy")}, button)`

/** The parts of an app. */
export const page = {
  input: css(`${named("new-todo")}, input[placeholder="What needs to be done?"]`),
  // An element of its own may stand in for either: what is in it counts then.
  main: css(`:is(${named("main")}, ${named("todo-list")})`),
  // Not that with the words about the app, below it.
  footer: css(
    `:is(${named("footer")}:not(.info, #info, :has-text("Double-click")), ${named("todo-count")}, ${named("filters")})`
  ),
  toggleAll: css(`input${named("toggle-all")}`),
  allLabel: css("label:is([for=toggle-all], .toggle-all-label)"),
  items: css(item),
  // By what they say: in which order they stand is a clause of its own.
  item: (title: string) => css(titled(title)),
  first: css(item, 0),
  last: css(item, -1),
  // What shows the title, be it a label or not: labels of controls are no titles.
  label: (title: string) => css(`${item} :text-is(${JSON.stringify(title)})`),
  toggle: (title: string) => css(`${titled(title)} input[type=checkbox]`),
  destroy: css(`${item} ${removes}`),
  destroyOf: (title: string) => css(`${titled(title)} ${removes}`),
  /** However an app says that one is complete. */
  done: css(`${item}:is(.completed, :has(input[type=checkbox]:checked))`),
  completed: css(`${item}.completed`),
  editing: css(`${item}.editing`),
  edit: css(`${item} input:not([type=checkbox])`),
  count: css(named("todo-count")),
  number: css(`${named("todo-count")} strong`),
  clear: css(named("clear-completed")),
  filter: (name: string) => css(`a${saying(name)}`),
  chosen: (name: string) => css(`a.selected${saying(name)}`),
  chosenOnes: css("a.selected")
} as const

/** Texts are compared like this. */
export const is = (text: string): TextRule => ({ _tag: "Is", text })
/** Texts are compared like this. */
export const includes = (text: string): TextRule => ({ _tag: "Includes", text })
/** Texts are compared like this. */
export const matches = (pattern: RegExp): TextRule => ({ _tag: "Matches", pattern: pattern.source })

/** What has to be seen. */
export const see = {
  visible: (target: Target): Expectation => ({ _tag: "Visible", target }),
  hidden: (target: Target): Expectation => ({ _tag: "Hidden", target }),
  count: (target: Target, is: number): Expectation => ({ _tag: "Count", target, is }),
  text: (target: Target, rule: TextRule): Expectation => ({ _tag: "Text", target, rule }),
  value: (target: Target, rule: TextRule): Expectation => ({ _tag: "Value", target, rule }),
  checked: (target: Target, is: boolean): Expectation => ({ _tag: "Checked", target, is }),
  focused: (target: Target): Expectation => ({ _tag: "Focused", target }),
  address: (rule: TextRule): Expectation => ({ _tag: "Address", rule }),
  stored: (name: TextRule, rule?: TextRule): Expectation => ({ _tag: "Stored", name, ...(rule && { rule }) })
}

// Longer than an app takes that is honest on a machine that is busy.
const patience = 2_500

/** Does something. What can not be done ends the plan. */
export function* act(action: Action): Plan {
  const came = yield { _tag: "Act", action }
  return came._tag === "Refused" ? came.message : undefined
}

/** What the clause says. */
export function* expect(...all: ReadonlyArray<Expectation>): Plan {
  for (const that of all) {
    const came = yield { _tag: "Expect", that, within: patience }
    if (came._tag === "Refused") return came.message
  }
  return undefined
}

/** What the clause takes for granted. */
export function* given(...all: ReadonlyArray<Expectation>): Plan {
  for (const that of all) {
    const came = yield { _tag: "Given", that, within: patience }
    if (came._tag === "Refused") return came.message
    if (came._tag === "Held" && !came.holds) return `what it takes for granted is not so: ${came.saw}`
  }
  return undefined
}

/** Looks which way to go. */
export function* asks(that: Expectation, within = 0): Generator<Step, boolean, Recording.Came> {
  const came = yield { _tag: "Given", that, within }
  return came._tag === "Held" && came.holds
}

/** Waits for something that an app may do a moment later, and goes on without it. */
export function* await_(that: Expectation, within = 1_200): Plan {
  yield { _tag: "Given", that, within }
  return undefined
}

/** One plan after the other, until one can not go on. */
export function* all(...plans: ReadonlyArray<Plan>): Plan {
  for (const plan of plans) {
    const why = yield* plan
    if (why !== undefined) return why
  }
  return undefined
}

/** The second, where the first can not be done. */
export function* either(first: Plan, second: Plan): Plan {
  const why = yield* first
  return why === undefined ? undefined : yield* second
}

/** What a person does. */
export const go = {
  visit: (address: string) => act({ _tag: "Visit", address }),
  reload: () => act({ _tag: "Reload" }),
  click: (target: Target) => act({ _tag: "Click", target }),
  doubleClick: (target: Target) => act({ _tag: "Click", target, times: 2 }),
  hover: (target: Target) => act({ _tag: "Hover", target }),
  fill: (target: Target, text: string) => act({ _tag: "Fill", target, text }),
  press: (key: string) => act({ _tag: "Press", key }),
  blur: () => act({ _tag: "Blur" }),
  toggleAll
}

/** As a person does: the checkbox is drawn by its label in most apps, and is itself to be seen in others. */
function* toggleAll(): Plan {
  const isChecked = yield* asks(see.checked(page.toggleAll, true))
  if (yield* asks(see.visible(page.allLabel))) {
    const why = yield* act({ _tag: "Click", target: page.allLabel })
    if (why === undefined && (yield* asks(see.checked(page.toggleAll, !isChecked), 500))) return undefined
  }
  return yield* either(
    act({ _tag: "Click", target: page.toggleAll }),
    act({ _tag: "Press", target: page.toggleAll, key: "Space" })
  )
}

/** Writes a todo, whatever comes of it. */
export const write = (text: string): Plan => all(go.fill(page.input, text), go.press("Enter"))

/** A new user, with these todos. */
export function* start(...titles: ReadonlyArray<string>): Plan {
  const begun = yield* all(go.visit("/"), given(see.visible(page.input)))
  if (begun !== undefined) return begun
  for (const [at, title] of titles.entries()) {
    const why = yield* all(write(title), given(see.count(page.items, at + 1), see.visible(page.item(title))))
    if (why !== undefined) return why
  }
  return undefined
}

/** Makes one complete, or not complete any more. */
export const tick = (title: string, isDone = true): Plan =>
  all(go.click(page.toggle(title)), given(see.checked(page.toggle(title), isDone)))

/** Begins to edit one. */
export const edit = (title: string): Plan => all(go.doubleClick(page.label(title)), given(see.visible(page.edit)))

/** Removes one. */
export const remove = (title: string): Plan => all(go.hover(page.item(title)), go.click(page.destroyOf(title)))

/** The titles of the list, in any order. */
export const titles = (...all: ReadonlyArray<string>): ReadonlyArray<Expectation> => [
  see.count(page.items, all.length),
  ...all.map((title) => see.visible(page.item(title)))
]
