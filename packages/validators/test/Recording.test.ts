import { assert, describe, it } from "@effect/vitest"
import * as Tainted from "@millwright/core/Tainted"
import * as Schema from "effect/Schema"
import * as Recording from "../src/Recording.ts"
import type { Step } from "../src/Step.ts"

const Course = Schema.Struct({
  author: Recording.Author,
  taken: Schema.Array(Recording.Taken).check(Schema.isMaxLength(8)),
  ending: Recording.Ending
})

const isExpected = ({ came, step }: Recording.Taken, holds: boolean): boolean =>
  step._tag === "Expect" && came._tag === "Held" && came.holds === holds

describe("what a test comes to", () => {
  it.prop("follows from its expectations, and from nothing that anybody says", [Course], ([course]) => {
    const { reason, status } = Recording.judge(course)
    const hasFailed = course.taken.some((taken) => isExpected(taken, false))
    const held = course.taken.filter((taken) => isExpected(taken, true))
    assert.strictEqual(status === "fail", hasFailed, "it fails where an expectation does not hold, and only there")
    if (status === "pass") {
      assert.strictEqual(course.ending._tag, "Concluded", "what was broken off is no pass")
      assert.isNotEmpty(held, "a pass stands on an expectation that held")
      if (course.author === "model") {
        assert.isTrue(
          held.some(({ before }) => before === false),
          "a pass of a model's stands on one that had not been so"
        )
      }
    }
    assert.isNotEmpty(reason)
    assert.isFalse(Tainted.hides(reason), "a reason hides nothing")
    assert.notInclude(reason, "\n")
  })

  it.prop("is told in steps of bounded length that hide nothing", [Course], ([course]) => {
    const told = Recording.steps({ taken: [...Array(200).keys()].flatMap(() => course.taken) })
    assert.isAtMost(told.length, 4_100)
    assert.isFalse(Tainted.hides(told))
  })

  it("is told in words that a person would use", () => {
    const button = { by: { _tag: "Role", role: "button", name: "Save" }, nth: -1 } as const
    const steps: ReadonlyArray<readonly [Step, string]> = [
      [{ _tag: "Act", action: { _tag: "Visit", address: "/" } }, "Visit /"],
      [
        { _tag: "Act", action: { _tag: "Click", target: button, times: 2 } },
        "Double-click the button “Save” (the last)"
      ],
      [
        { _tag: "Act", action: { _tag: "Request", method: "POST", path: "/a", body: "x".repeat(200) } },
        `POST /a with “${"x".repeat(79)}…”`
      ],
      [
        { _tag: "Expect", that: { _tag: "Text", target: button, rule: { _tag: "Matches", pattern: "^a$" } } },
        "Expect that the text of the button “Save” (the last) matches /^a$/"
      ],
      [
        { _tag: "Given", that: { _tag: "Checked", target: button, is: false } },
        "Look whether the button “Save” (the last) is not checked"
      ]
    ]
    for (const [step, text] of steps) {
      assert.strictEqual(Recording.steps({ taken: [{ step, came: { _tag: "Done" }, sight: null }] }), text)
    }
  })
})
