import { assert, describe, it } from "@effect/vitest"
import * as Budget from "@millwright/core/Budget"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Lens from "../src/Lens.ts"
import * as PanelFindings from "../src/PanelFindings.ts"
import * as PanelReport from "../src/PanelReport.ts"
import * as ReviewComment from "../src/ReviewComment.ts"
import * as Panel from "../src/roles/Panel.ts"
import * as Skill from "../src/Skill.ts"
import * as Lab from "./ReviewLab.ts"

const three: ReadonlyArray<Panel.Reviewer> = [
  { name: "correctness", lenses: [Lens.correctness] },
  { name: "security", lenses: [Lens.security], tier: "large" },
  { name: "tests", lenses: [Lens.tests] }
]
const panel = Panel.make({ reviewers: three })

const failing = "load() may fail, and nobody handles the failure of load."
const injection = "The value is put into a shell command without quoting."

const said = (by: string, comment: object): PanelFindings.Said => ({
  by,
  comment: Schema.decodeUnknownSync(ReviewComment.ReviewComment)(comment)
})

const idOf = (...all: ReadonlyArray<PanelFindings.Said>) => PanelFindings.merge(all)[0]?.id ?? ""

const both = idOf(
  said("correctness", Lab.comment(2, "important", failing)),
  said("tests", Lab.comment(2, "critical", "Nobody handles it when load fails."))
)
const alone = idOf(said("security", Lab.comment(3, "critical", injection)))

const reviews = {
  "Review-correctness": [Lab.changes(Lab.comment(2, "important", failing))],
  "Review-security": [Lab.changes(Lab.comment(3, "critical", injection))],
  "Review-tests": [Lab.changes(Lab.comment(2, "critical", "Nobody handles it when load fails."))]
}

const ruled = (...rulings: ReadonlyArray<readonly [finding: string, ruling: string]>) => ({
  _tag: "Ruled",
  summary: "I looked.",
  rulings: rulings.map(([finding, ruling]) => ({ finding, ruling, why: `${ruling} by the code` }))
})

describe("Panel", () => {
  it.live("merges what several say, lets the arbiter judge, and keeps a minority report", () =>
    Effect.gen(function* () {
      const { requests, run } = yield* Lab.scripted({
        ...reviews,
        Arbiter: [ruled([both, "upheld"], [alone, "overruled"])]
      })
      const report = yield* run(panel.run(Lab.input))
      assert.strictEqual(report.verdict, "RequestChanges")
      assert.deepStrictEqual(
        report.upheld.map(({ finding }) => PanelFindings.by(finding)),
        [["correctness", "tests"]]
      )
      assert.strictEqual(report.upheld[0]?.finding.comment.severity, "critical", "the worst severity stands")
      assert.deepStrictEqual(
        report.minority.map((each) => [each._tag, each.why]),
        [["Overruled", "overruled by the code"]]
      )
      const asked = yield* requests
      assert.sameMembers(
        asked.map(({ role }) => role),
        ["Review-correctness", "Review-security", "Review-tests", "Arbiter"]
      )
      assert.strictEqual(asked.at(-1)?.role, "Arbiter", "the arbiter began before the reviewers ended")
      for (const { prompt, role, session, system } of asked.slice(0, 3)) {
        assert.isUndefined(session)
        assert.notInclude(`${system}${prompt}`, injection, `${role} sees another reviewer`)
      }
      assert.notMatch(asked.at(-1)?.prompt ?? "", /correctness|Review-/, "the arbiter is told who said what")
      assert.strictEqual(asked.find(({ role }) => role === "Review-security")?.tier, "large")
    })
  )

  it.live("approves when everything is overruled, and says in the minority report what was", () =>
    Effect.gen(function* () {
      const { run } = yield* Lab.scripted({ ...reviews, Arbiter: [ruled([both, "overruled"], [alone, "overruled"])] })
      const report = yield* run(panel.run(Lab.input))
      assert.strictEqual(report.verdict, "Approve")
      assert.lengthOf(report.minority, 2)
    })
  )

  it.live("asks no arbiter where nobody found anything", () =>
    Effect.gen(function* () {
      const clean = [Lab.approval()]
      const { requests, run } = yield* Lab.scripted({
        "Review-correctness": clean,
        "Review-security": clean,
        "Review-tests": clean
      })
      const report = yield* run(panel.run(Lab.input))
      assert.strictEqual(report.verdict, "Approve")
      assert.strictEqual(report.arbitration._tag, "NotAsked")
      assert.lengthOf(yield* requests, 3)
    })
  )

  it.live("takes nothing from an arbiter that invents, and lets stand what it does not rule on", () =>
    Effect.gen(function* () {
      const invented = ruled(["F-000000000000", "upheld"], [alone, "overruled"])
      const { requests, run } = yield* Lab.scripted({ ...reviews, Arbiter: [invented, invented] })
      const report = yield* run(panel.run(Lab.input))
      const told = (yield* requests).at(-1)?.prompt ?? ""
      assert.include(told, '"F-000000000000" is no finding of a reviewer')
      assert.include(told, `${both} is not ruled on`)
      assert.deepStrictEqual(
        report.upheld.map(({ finding, why }) => [finding.id, why]),
        [[both, "Nobody ruled on it."]]
      )
      assert.deepStrictEqual(
        report.ignored.map(({ finding }) => finding),
        ["F-000000000000"]
      )
      assert.strictEqual(report.verdict, "RequestChanges")
    })
  )

  it.live("lets everything stand that an arbiter wants a person to decide", () =>
    Effect.gen(function* () {
      const { run } = yield* Lab.scripted({ ...reviews, Arbiter: [{ _tag: "Escalate", why: "It is about money." }] })
      const report = yield* run(panel.run(Lab.input))
      assert.lengthOf(report.upheld, 2)
      assert.strictEqual(report.verdict, "RequestChanges")
      assert.include(PanelReport.markdown(report), "It is about money.")
    })
  )

  it.live("goes on without a reviewer that fails, and not without a quorum", () =>
    Effect.gen(function* () {
      const { run } = yield* Lab.scripted({ ...reviews, Arbiter: [ruled([alone, "upheld"]), ruled([alone, "upheld"])] })
      const { harness: silent } = yield* Lab.scripted({})
      const without = (...names: ReadonlyArray<string>) =>
        Panel.make({
          reviewers: three.map((each) => (names.includes(each.name) ? { ...each, harness: silent } : each))
        })
      const report = yield* run(without("tests").run(Lab.input))
      assert.deepStrictEqual(
        report.failed.map(({ by, fault }) => [by, fault.tag, fault.reason]),
        [["tests", "HarnessError", "NoOutcome"]]
      )
      assert.lengthOf(report.reviews, 2)
      const error = yield* Effect.flip(run(without("tests", "security").run(Lab.input)))
      assert.strictEqual(error.reason, "NoQuorum")
      assert.match(error.message, /has 1 reviews and needs 2/)
    })
  )

  it.live("ends where the budget is spent, which is no failure of a reviewer", () =>
    Effect.gen(function* () {
      const { failNext, run } = yield* Lab.scripted(reviews)
      yield* failNext([new Budget.BudgetError({ reason: "TokensSpent", message: "Nothing is left." })])
      const error = yield* Effect.flip(run(panel.run(Lab.input)))
      assert.strictEqual(error._tag, "BudgetError")
    })
  )

  it.live("asks for changes where a serious comment could not be judged", () =>
    Effect.gen(function* () {
      const elsewhere = Lab.changes(Lab.comment(40, "critical", injection))
      const { run } = yield* Lab.scripted({
        "Review-correctness": [Lab.approval()],
        "Review-security": [elsewhere, elsewhere],
        "Review-tests": [Lab.approval()]
      })
      const report = yield* run(panel.run(Lab.input))
      assert.strictEqual(report.verdict, "RequestChanges")
      assert.deepStrictEqual(
        report.minority.map(({ _tag }) => _tag),
        ["Unplaced"]
      )
      assert.include(Panel.complaint(report), injection)
    })
  )

  it.live("refuses a panel that can not be, and a patch that nobody can read, before anybody is asked", () =>
    Effect.gen(function* () {
      const { requests, run } = yield* Lab.scripted(reviews)
      const reasonOf = (options: Panel.Options, input = Lab.input) =>
        Effect.map(Effect.flip(run(Panel.make(options).run(input))), ({ reason }) => reason)
      const [first, second] = three
      assert(first !== undefined && second !== undefined)
      assert.strictEqual(yield* reasonOf({ reviewers: [first, { ...second, name: first.name }] }), "BadPanel")
      assert.strictEqual(yield* reasonOf({ reviewers: [] }), "BadPanel")
      assert.strictEqual(yield* reasonOf({ reviewers: [{ name: "../up" }] }), "BadPanel")
      assert.strictEqual(yield* reasonOf({ reviewers: three, quorum: 4 }), "BadPanel")
      const many = Array.from({ length: Panel.mostReviewers + 1 }, (_, n) => ({ name: `r${n}` }))
      assert.strictEqual(yield* reasonOf({ reviewers: many }), "BadPanel")
      assert.strictEqual(yield* reasonOf({ reviewers: three }, Lab.inputOf("")), "BadInput")
      assert.lengthOf(yield* requests, 0)
    })
  )

  it.effect("has an arbiter whose skill names the fields of a ruling", () =>
    Effect.gen(function* () {
      const { instructions } = yield* Skill.bundled("arbiter")
      for (const name of [...Object.keys(PanelFindings.Ruling.fields), "upheld", "overruled"]) {
        assert.include(instructions, `\`${name}\``)
      }
    })
  )
})

const Drawn = Schema.Array(
  Schema.Struct({
    by: Schema.Literals(["a", "b", "c"]),
    path: Schema.Literals(["a.ts", "b.ts"]),
    line: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 })),
    more: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 })),
    side: Schema.Literals(["new", "old"]),
    severity: Schema.Literals(["critical", "important", "suggestion"]),
    body: Schema.Literals([
      "load may fail",
      "nobody handles load",
      "load fails, nobody handles",
      "quotes are missing",
      "x"
    ]),
    /** Where it stands in another order. */
    other: Schema.Int,
    upheld: Schema.Boolean
  })
)
const saidOf = (drawn: typeof Drawn.Type): ReadonlyArray<PanelFindings.Said> =>
  drawn.map(({ body, by, line, more, path, severity, side }) => ({
    by,
    comment: { path, line, endLine: line + more, side, severity, body }
  }))

describe("PanelFindings", () => {
  it.prop("comes to the same in whatever order reviewers spoke", { drawn: Drawn }, ({ drawn }) => {
    assert.deepStrictEqual(
      PanelFindings.merge(saidOf(drawn.toSorted((a, b) => a.other - b.other))),
      PanelFindings.merge(saidOf(drawn))
    )
  })

  it.prop(
    "loses nothing: what was said is in exactly one finding, and each finding is upheld or overruled",
    { drawn: Drawn },
    ({ drawn }) => {
      const all = saidOf(drawn)
      const findings = PanelFindings.merge(all)
      const key = (each: PanelFindings.Said) => JSON.stringify([each.by, each.comment])
      assert.deepStrictEqual(findings.flatMap(({ said }) => said.map(key)).sort(), all.map(key).sort())
      assert.strictEqual(new Set(findings.map(({ id }) => id)).size, findings.length, "two findings have one id")
      const rulings = findings.flatMap(({ id }, at) => {
        const ruling = drawn[at]?.upheld
        return ruling === undefined
          ? []
          : [{ finding: id, ruling: ruling ? "upheld" : "overruled", why: "so" } as const]
      })
      const judged = PanelFindings.judge(findings, rulings.slice(1))
      assert.deepStrictEqual(
        [...judged.upheld, ...judged.overruled].map(({ finding }) => finding.id).sort(),
        findings.map(({ id }) => id).sort()
      )
    }
  )

  it("keeps apart what is elsewhere, or means something else", () => {
    const one = said("a", Lab.comment(2, "critical", failing))
    const count = (...others: ReadonlyArray<PanelFindings.Said>) => PanelFindings.merge([one, ...others]).length
    assert.strictEqual(count(said("b", Lab.comment(2, "critical", injection))), 2, "another meaning")
    assert.strictEqual(count(said("b", Lab.comment(3, "critical", failing))), 2, "another line")
    assert.strictEqual(count(said("b", { ...Lab.comment(2, "critical", failing), side: "old" })), 2, "the other side")
    assert.strictEqual(
      count(said("b", { ...Lab.comment(1, "nit", failing), endLine: 2, replacement: "" })),
      1,
      "one range in the other"
    )
  })

  it("makes no finding of two problems, whoever speaks of both, and whatever words all texts have", () => {
    const bodiesOf = (...bodies: ReadonlyArray<string>) =>
      PanelFindings.merge(bodies.map((body, at) => said(`r${at}`, Lab.comment(2, "critical", body)))).map((finding) =>
        finding.said.map(({ comment }) => comment.body)
      )
    assert.isFalse(
      bodiesOf(injection, failing, `${injection} ${failing}`).some(
        (bodies) => bodies.includes(injection) && bodies.includes(failing)
      ),
      "an arbiter that overrules one overrules both"
    )
    assert.lengthOf(bodiesOf("Shell.", injection), 2, "a word in common is a meaning in common")
    assert.lengthOf(bodiesOf("The value is not checked here.", "The loop is not bounded here."), 2)
  })

  it("merges as many comments as there can be, on as many lines or all on one", () => {
    const at = (count: number, line: (n: number) => number) =>
      PanelFindings.merge(
        Array.from({ length: count }, (_, n) =>
          said(`r${n % 7}`, Lab.comment(line(n), "critical", `word${n} like no${n}`))
        )
      )
    assert.lengthOf(
      at(10_000, (n) => n + 1),
      10_000
    )
    assert.lengthOf(
      at(2_000, () => 1),
      2_000
    )
  })

  it("takes two rulings that contradict each other for none", () => {
    const findings = PanelFindings.merge([said("a", Lab.comment(2))])
    const id = findings[0]?.id ?? ""
    const judged = PanelFindings.judge(findings, [
      { finding: id, ruling: "overruled", why: "no" },
      { finding: id, ruling: "upheld", why: "yes" }
    ])
    assert.lengthOf(judged.upheld, 1)
    assert.lengthOf(judged.ignored, 1)
  })
})
