import { NodeServices } from "@effect/platform-node"
import * as Rehearsal from "@millwright/agents/testing/Rehearsal"
import { assert, it } from "@effect/vitest"
import * as Contract from "@millwright/core/Contract"
import * as WorkItem from "@millwright/core/WorkItem"
import * as WorktreeSandbox from "@millwright/sandbox/adapters/WorktreeSandbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ReviewRule from "../src/ReviewRule.ts"
import * as Scrutiny from "../src/Scrutiny.ts"
import * as ScrutinyLab from "./ScrutinyLab.ts"

const contract = Contract.freeze("item", [{ statement: "it holds", check: { _tag: "Command", run: "true" } }])
const item: WorkItem.WorkItem = {
  id: "item",
  title: "Two instead of one",
  body: WorkItem.bodyOf("It should be two."),
  labels: [],
  source: "test"
}
const comment = { path: "a.txt", line: 1, severity: "important", body: "It should be three." }
const layer = Layer.provideMerge(WorktreeSandbox.layer, NodeServices.layer)

for (const [outcomes, options, status, said] of [
  [[{ _tag: "Approve", summary: "Fine.", comments: [] }], {}, "pass", /^a model's review \(Review\) approves/],
  [[{ _tag: "RequestChanges", summary: "No.", comments: [comment] }], {}, "fail", /asks for changes/],
  [[{ _tag: "Nonsense" }], {}, "error", /came to no end/],
  [[], { maxBytes: 20 }, "blocked", /more than 20 bytes/]
] as const) {
  it.live(
    `a review that is to be ${status}`,
    () =>
      Effect.gen(function* () {
        const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
        const change = lab.change({ "a.txt": "two\n" })
        const scrutiny = Scrutiny.make({ repository: lab.repository, rules: [ReviewRule.make({ item, ...options })] })
        const verdict = yield* scrutiny.judge({ contract, change })
        const finding =
          verdict.findings.find(({ assertion }) => assertion === "RULE-REVIEW") ?? assert.fail("no finding")
        assert.strictEqual(finding.status, status, finding.reason)
        assert.match(finding.reason, said)
        assert.strictEqual(verdict.accepted, status === "pass")
        if (status === "fail") {
          const problem = { rule: "review-important", message: "It should be three.", path: "a.txt", line: 1 }
          assert.deepStrictEqual(finding.problems, [problem])
        }
      }).pipe(
        Effect.scoped,
        Effect.provide(Layer.mergeAll(layer, Layer.provide(Rehearsal.layer([...outcomes]), layer)))
      ),
    60_000
  )
}
