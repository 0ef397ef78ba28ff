/** The contract of TodoMVC, made of its specification, with a plan for each clause. */
import * as Contract from "@millwright/core/Contract"
import * as Page from "./Page.ts"

const {
  all,
  asks,
  await_,
  edit,
  expect,
  given,
  go,
  includes,
  is,
  matches,
  page,
  remove,
  see,
  start,
  tick,
  titles,
  write
} = Page

interface Clause {
  readonly area: string
  readonly statement: string
  readonly plan: () => Page.Plan
}

const area = (area: string, clauses: Readonly<Record<string, () => Page.Plan>>): ReadonlyArray<Clause> =>
  Object.entries(clauses).map(([statement, plan]) => ({ area, statement, plan }))

/** That the stored text has caught up, where an app writes it a moment later. */
const written = (text: string) => await_(see.stored(matches(/./), includes(text)))
const doneWritten = () => await_(see.stored(matches(/./), matches(/true/i)))

/** Lets the filters be seen, where an app has forgotten its todos; whether it may is another clause. */
function* shown(): Page.Plan {
  return (yield* asks(see.visible(page.filter("Completed")), 1_500)) ? undefined : yield* write("three")
}

/** The first todo of a page that is open already: opening another costs more than all else of such a clause. */
const begin = (title: string) => all(write(title), given(see.visible(page.item(title))))

/** With `#!/` where the app has it so. */
function* routes(): Page.Plan {
  const hash = (yield* asks(see.address(matches(/#!/)))) ? "#!" : "#"
  return yield* all(
    go.visit(`${hash}/completed`),
    expect(...titles("two")),
    go.visit(`${hash}/`),
    expect(...titles("one", "two", "three")),
    go.visit(`${hash}/active`),
    expect(...titles("one", "three"))
  )
}

const clauses: ReadonlyArray<Clause> = [
  ...area("EMPTY", {
    "When there are no todos, `main` is hidden": () =>
      all(
        start(),
        expect(see.hidden(page.main)),
        begin("one"),
        remove("one"),
        given(see.count(page.items, 0)),
        expect(see.hidden(page.main))
      ),
    "When there are no todos, `footer` is hidden": () =>
      all(
        start(),
        expect(see.hidden(page.footer)),
        begin("one"),
        remove("one"),
        given(see.count(page.items, 0)),
        expect(see.hidden(page.footer))
      ),
    "When there are todos, `main` and `footer` are to be seen": () =>
      all(start("one"), expect(see.visible(page.main), see.visible(page.footer)))
  }),
  ...area("NEW", {
    "The input for new todos has the focus when the page is loaded": () =>
      all(start(), expect(see.focused(page.input))),
    "Enter creates the todo and appends it to the list": () =>
      all(
        go.visit("/"),
        given(see.visible(page.input)),
        write("one"),
        expect(...titles("one")),
        write("two"),
        write("three"),
        expect(
          ...titles("one", "two", "three"),
          see.text(page.first, matches(/\bone\b/)),
          see.text(page.last, matches(/\bthree\b/))
        )
      ),
    "Creating a todo clears the input": () => all(start("one"), expect(see.value(page.input, is("")))),
    "The title of a new todo is trimmed": () =>
      all(
        start(),
        write("   one   "),
        given(see.count(page.items, 1)),
        // A page shows no white space at the ends, so what is edited tells.
        edit("one"),
        expect(see.value(page.edit, is("one")))
      ),
    "An empty text, or one of white space, creates no todo": () =>
      all(
        start(),
        write(""),
        write("   "),
        // What came of the first two is there at the latest when a third is.
        write("one"),
        given(see.visible(page.items)),
        expect(...titles("one"))
      )
  }),
  ...area("ALL", {
    "The checkbox makes all todos complete": () =>
      all(start("one", "two", "three"), tick("two"), go.toggleAll(), expect(see.count(page.done, 3))),
    "The checkbox makes all todos active again": () =>
      all(
        start("one", "two"),
        go.toggleAll(),
        given(see.count(page.done, 2)),
        go.toggleAll(),
        expect(see.count(page.done, 0))
      ),
    "The checkbox is cleared when completed todos were removed": () =>
      all(
        start("one", "two"),
        go.toggleAll(),
        given(see.count(page.done, 2)),
        go.click(page.clear),
        given(see.count(page.items, 0)),
        write("three"),
        given(see.count(page.items, 1)),
        expect(see.checked(page.toggleAll, false))
      ),
    "The checkbox is checked when every todo is": () =>
      all(
        start("one", "two"),
        tick("one"),
        expect(see.checked(page.toggleAll, false)),
        tick("two"),
        expect(see.checked(page.toggleAll, true))
      ),
    "The checkbox is not checked any more when one todo is not": () =>
      all(
        start("one", "two"),
        tick("one"),
        tick("two"),
        given(see.checked(page.toggleAll, true)),
        tick("one", false),
        expect(see.checked(page.toggleAll, false))
      )
  }),
  ...area("ITEM", {
    "Its checkbox makes a todo complete, and its `li` has the class `completed` then": () =>
      all(
        start("one", "two"),
        expect(see.count(page.completed, 0)),
        go.click(page.toggle("one")),
        expect(see.checked(page.toggle("one"), true), see.count(page.completed, 1), {
          _tag: "Attribute",
          target: page.item("one"),
          name: "class",
          rule: matches(/\bcompleted\b/)
        })
      ),
    "Its checkbox makes a complete todo active again": () =>
      all(start("one", "two"), tick("one"), go.click(page.toggle("one")), expect(see.count(page.done, 0))),
    "A double click on its label, and no single one, begins to edit: its `li` has the class `editing` then": () =>
      all(
        start("one", "two"),
        go.click(page.label("two")),
        expect(see.hidden(page.editing), see.hidden(page.edit)),
        go.hover(page.input),
        go.doubleClick(page.label("one")),
        expect(see.count(page.editing, 1), {
          _tag: "Attribute",
          target: page.item("one"),
          name: "class",
          rule: matches(/\bediting\b/)
        })
      ),
    "Hovering over a todo shows its remove button": () =>
      all(
        start("one"),
        go.hover(page.input),
        expect(see.hidden(page.destroy)),
        go.hover(page.item("one")),
        expect(see.visible(page.destroy))
      ),
    "The remove button removes the todo": () =>
      all(start("one", "two", "three"), remove("two"), expect(...titles("one", "three")))
  }),
  ...area("EDIT", {
    "While one is edited its other controls are hidden": () =>
      all(
        start("one"),
        edit("one"),
        go.hover(page.edit),
        expect(see.hidden(page.label("one")), see.hidden(page.toggle("one")), see.hidden(page.destroy))
      ),
    "The input for editing has the title and the focus": () =>
      all(start("one", "two"), edit("two"), expect(see.value(page.edit, is("two")), see.focused(page.edit))),
    "Enter saves an edit, and editing ends": () =>
      all(
        start("one", "two"),
        edit("one"),
        go.fill(page.edit, "three"),
        go.press("Enter"),
        expect(see.hidden(page.edit), see.count(page.editing, 0), ...titles("three", "two"))
      ),
    "Leaving the input saves an edit, and editing ends": () =>
      all(
        start("one", "two"),
        edit("one"),
        go.fill(page.edit, "three"),
        go.blur(),
        expect(see.hidden(page.edit), see.count(page.editing, 0), ...titles("three", "two"))
      ),
    "An edited title is trimmed": () =>
      all(
        start("one", "two"),
        edit("one"),
        go.fill(page.edit, "   three   "),
        go.press("Enter"),
        given(see.hidden(page.edit)),
        given(see.visible(page.item("three"))),
        edit("three"),
        expect(see.value(page.edit, is("three")))
      ),
    "An edit that leaves nothing removes the todo": () =>
      all(start("one", "two"), edit("one"), go.fill(page.edit, ""), go.press("Enter"), expect(...titles("two"))),
    "An edit that leaves nothing but white space removes the todo": () =>
      all(start("one", "two"), edit("one"), go.fill(page.edit, "   "), go.press("Enter"), expect(...titles("two"))),
    "Escape ends editing and throws the changes away": () =>
      all(
        start("one", "two"),
        edit("one"),
        go.fill(page.edit, "three"),
        go.press("Escape"),
        expect(see.hidden(page.edit), see.count(page.editing, 0), ...titles("one", "two")),
        edit("one"),
        expect(see.value(page.edit, is("one")))
      )
  }),
  ...area("COUNT", {
    "The number of active todos is shown": () =>
      all(
        start("one"),
        expect(see.text(page.count, matches(/\b1\b/))),
        write("two"),
        write("three"),
        given(see.count(page.items, 3)),
        expect(see.text(page.count, matches(/\b3\b/))),
        tick("one"),
        expect(see.text(page.count, matches(/\b2\b/))),
        remove("two"),
        given(see.count(page.items, 2)),
        expect(see.text(page.count, matches(/\b1\b/)))
      ),
    "The number is wrapped by a `strong`": () => all(start("one", "two"), expect(see.text(page.number, is("2")))),
    "The word is right: 0 items, 1 item, 2 items": () =>
      all(
        start("one", "two"),
        expect(see.text(page.count, matches(/(?:^|\D)2\s*items(?![\w(])/))),
        tick("one"),
        expect(see.text(page.count, matches(/(?:^|\D)1\s*item(?![\w(])/))),
        tick("two"),
        expect(see.text(page.count, matches(/(?:^|\D)0\s*items(?![\w(])/)))
      )
  }),
  ...area("CLEAR", {
    "The button removes completed todos and no others": () =>
      all(
        start("one", "two", "three"),
        tick("one"),
        tick("three"),
        go.click(page.clear),
        expect(...titles("two"), see.count(page.done, 0))
      ),
    "The button is hidden while no todo is complete": () =>
      all(
        start("one", "two"),
        expect(see.hidden(page.clear)),
        tick("one"),
        expect(see.visible(page.clear)),
        tick("one", false),
        expect(see.hidden(page.clear))
      )
  }),
  ...area("KEEP", {
    "Todos are there after a reload, complete ones as complete": () =>
      all(
        start("one", "two"),
        tick("two"),
        written("two"),
        doneWritten(),
        go.reload(),
        given(see.visible(page.input)),
        expect(
          ...titles("one", "two"),
          see.checked(page.toggle("two"), true),
          see.checked(page.toggle("one"), false),
          see.count(page.done, 1)
        )
      ),
    "Edited and removed todos are as they were left after a reload": () =>
      all(
        start("one", "two", "three"),
        remove("two"),
        given(...titles("one", "three")),
        edit("one"),
        go.fill(page.edit, "four"),
        go.press("Enter"),
        given(...titles("four", "three")),
        written("four"),
        go.reload(),
        given(see.visible(page.input)),
        expect(...titles("four", "three"))
      ),
    "They are kept in localStorage, under a name `todos-…`": () =>
      all(start("one"), expect(see.stored(matches(/^todos-./)))),
    "Editing is not kept": () =>
      all(
        start("one", "two"),
        written("two"),
        edit("one"),
        go.reload(),
        given(see.visible(page.input), see.visible(page.items)),
        expect(see.hidden(page.edit), see.count(page.editing, 0))
      )
  }),
  ...area("ROUTE", {
    "The filters show all, active and completed todos": () =>
      all(
        start("one", "two", "three"),
        tick("two"),
        go.click(page.filter("Active")),
        expect(...titles("one", "three")),
        go.click(page.filter("Completed")),
        expect(...titles("two")),
        go.click(page.filter("All")),
        expect(...titles("one", "two", "three"))
      ),
    "`#/active`, `#/completed` and `#/` are routes": () =>
      all(
        start("one", "two", "three"),
        tick("two"),
        go.click(page.filter("Active")),
        expect(see.address(matches(/#!?\/active\/?$/))),
        go.click(page.filter("Completed")),
        expect(see.address(matches(/#!?\/completed\/?$/)))
      ),
    "Going to the address of a route shows its todos": () =>
      all(
        start("one", "two", "three"),
        tick("two"),
        go.click(page.filter("Active")),
        given(see.address(matches(/#/))),
        routes()
      ),
    "The link of the filter in use has the class `selected`, and no other": () =>
      all(
        start("one", "two"),
        tick("two"),
        expect(see.visible(page.chosen("All")), see.count(page.chosenOnes, 1)),
        go.click(page.filter("Active")),
        expect(see.visible(page.chosen("Active")), see.count(page.chosenOnes, 1)),
        go.click(page.filter("Completed")),
        expect(see.visible(page.chosen("Completed")), see.count(page.chosenOnes, 1)),
        go.click(page.filter("All")),
        expect(see.visible(page.chosen("All")), see.count(page.chosenOnes, 1))
      ),
    "A todo that is changed leaves the filter that it is no part of any more": () =>
      all(
        start("one", "two"),
        go.click(page.filter("Active")),
        given(see.count(page.items, 2)),
        go.click(page.toggle("one")),
        expect(...titles("two")),
        go.click(page.filter("Completed")),
        given(...titles("one")),
        go.click(page.toggle("one")),
        expect(see.count(page.items, 0))
      ),
    "The filter in use is the same after a reload": () =>
      all(
        start("one", "two"),
        tick("two"),
        written("two"),
        doneWritten(),
        go.click(page.filter("Completed")),
        given(see.count(page.items, 1)),
        go.reload(),
        given(see.visible(page.input)),
        shown(),
        expect(see.visible(page.chosen("Completed")), see.address(matches(/completed/)), see.hidden(page.chosen("All")))
      )
  })
]

const [first, ...rest] = clauses.map(({ area, statement }): Contract.Clause => ({ area, statement, kind: "ui" }))
if (first === undefined) throw new Error("The contract has no clause.")

/** The contract. */
export const contract: Contract.Contract = Contract.freeze("todomvc", [first, ...rest])

/** The plan of each assertion. */
export const plans: Readonly<Record<string, () => Page.Plan>> = Object.fromEntries(
  contract.assertions.map(({ id }, at) => [id, clauses[at]?.plan ?? none])
)

/** A plan of nothing, for what is no clause. */
export const none = (): Page.Plan => Page.all()
