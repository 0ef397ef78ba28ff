/** What done means for the change of this example, and how a tester finds out. Both were written before any code. */
import * as Contract from "@millwright/core/Contract"
import * as Planner from "@millwright/validators/Planner"
import type { Expectation, Step, Target } from "@millwright/validators/Step"

const clauses = {
  changed: {
    area: "PRICE",
    kind: "artifact",
    statement: "How an order is priced is changed, and not only what is said about it.",
    check: { _tag: "Changed", paths: ["src/*.js"], least: 1 }
  },
  large: { area: "PRICE", kind: "api", statement: "An order of 100.00 or more costs a tenth less." },
  small: { area: "PRICE", kind: "api", statement: "An order below 100.00 costs the sum of its items." },
  shown: { area: "PAGE", kind: "ui", statement: "The page shows what an order costs, with the tenth taken off." }
} as const satisfies Record<string, Contract.Clause>

/** Frozen at the commit that the work begins at. Without a browser nobody could judge the page. */
export const frozen = (base: string, hasBrowser: boolean): Contract.Contract =>
  Contract.freeze("shop-12", [clauses.changed, clauses.large, clauses.small, ...(hasBrowser ? [clauses.shown] : [])], {
    base
  })

const expect = (that: Expectation): Step => ({ _tag: "Expect", that })

const order = (cents: number, count: number, total: number): ReadonlyArray<Step> => [
  {
    _tag: "Act",
    action: { _tag: "Request", method: "POST", path: "/total", body: JSON.stringify({ items: [{ cents, count }] }) }
  },
  expect({ _tag: "Status", is: 200 }),
  expect({ _tag: "Body", pointer: "/cents", rule: { _tag: "Is", text: String(total) } })
]

const count: Target = { by: { _tag: "Label", label: "How many tins?" } }
const total: Target = { by: { _tag: "Role", role: "status", name: "Total" } }

/** The steps of a tester, by the address of the assertion. None of the orders is one of the author's tests. */
export const planner = Planner.scripted({
  "VAL-PRICE-002": [...order(2_500, 4, 9_000), ...order(1_300, 10, 11_700)],
  "VAL-PRICE-003": [...order(3_333, 3, 9_999), ...order(700, 1, 700)],
  "VAL-PAGE-001": [
    { _tag: "Act", action: { _tag: "Visit", address: "/" } },
    { _tag: "Act", action: { _tag: "Fill", target: count, text: "50" } },
    { _tag: "Act", action: { _tag: "Click", target: { by: { _tag: "Role", role: "button", name: "Reckon" } } } },
    expect({ _tag: "Text", target: total, rule: { _tag: "Is", text: "270.00" } }),
    expect({ _tag: "NoErrors" })
  ]
})
