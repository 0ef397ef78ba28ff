/** A specification for tests. */
import type * as Spec from "../src/roles/Spec.ts"

const row = (said: (text: string) => string, more: string): Spec.Specified => ({
  _tag: "Specified",
  product: {
    problem: said(`Page 2 drops a row.${more}`),
    stories: [
      {
        as: said("a reader"),
        want: said("every row"),
        soThat: said("I can trust the page"),
        criteria: [
          { statement: said("Page 2 begins with row 21"), command: said("node --test page") },
          { statement: said("Page 0 is refused") }
        ]
      },
      {
        as: said("an accountant"),
        want: said("an export"),
        soThat: said("I can add it up"),
        criteria: [{ statement: said("The export has every row") }]
      }
    ],
    decisions: [{ decision: said("Pages begin with 1"), instead: said("with 0"), why: said("links exist") }]
  },
  tech: {
    strategy: said("Count from one."),
    steps: [said("Mend the bound"), said("Add the export")],
    places: [{ path: said("src/page.js"), symbol: said("`pageOf`"), why: said("the bound is off by one") }],
    interfaces: [said("`exportAll(): Row[]`")],
    edgeCases: [{ situation: said("no rows"), behaviour: said("one empty page") }],
    risks: [{ risk: said("callers count from zero"), sign: said("page 0 is asked for") }],
    outOfScope: [{ what: said("sorting"), why: said("nobody asked") }]
  }
})

export const specified = (): Spec.Specified => row((text) => text, "\n\nNobody sees it.")

/** The same with a text in every place where a model writes one. */
export const everywhere = (text: string): Spec.Specified => row(() => text, "")
