/** Reviews with a scripted harness: what is reviewed, what reviewers say, and what they were asked. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Contract from "@millwright/core/Contract"
import * as Journal from "@millwright/core/Journal"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Harness from "../src/Harness.ts"
import type * as Review from "../src/roles/Review.ts"
import * as ScriptedHarness from "../src/testing/ScriptedHarness.ts"

/** Lines 2 and 3 of `src/a.ts` are new, line 2 of it before is gone; `gone.ts` is deleted. */
export const patch = `diff --git a/src/a.ts b/src/a.ts
index 1111111..2222222 100644
--- a/src/a.ts
+++ b/src/a.ts
@@ -1,3 +1,4 @@
 export const first = 1
-export const second = 2
+export const second = load()
+export const third = second.value
 export const last = 4
diff --git a/gone.ts b/gone.ts
deleted file mode 100644
index 3333333..0000000
--- a/gone.ts
+++ /dev/null
@@ -1 +0,0 @@
-export const gone = true
`

export const item: WorkItem.WorkItem = {
  id: "issue-1",
  title: "It breaks",
  body: WorkItem.bodyOf("It breaks."),
  labels: [],
  source: "issue-1.md"
}

export const contract = Contract.freeze("issue-1", [{ statement: "It loads." }])

export const inputOf = (text: string): Review.Input => ({
  item,
  contract,
  patch: Tainted.of("the patch", text),
  repository: Tainted.of("the repository", "A small one.")
})

export const input = inputOf(patch)

export const comment = (line: number, severity = "critical", body = "load() may fail, and nobody handles it.") => ({
  path: "src/a.ts",
  line,
  severity,
  body
})

export const changes = (...comments: ReadonlyArray<Schema.Json>): Schema.Json => ({
  _tag: "RequestChanges",
  summary: "It is not done.",
  comments
})

export const approval = (...comments: ReadonlyArray<Schema.Json>): Schema.Json => ({
  _tag: "Approve",
  summary: "It is done.",
  comments
})

/** Runs with outcomes by role, in the order in which they are given. */
export const scripted = (outcomes: Readonly<Record<string, ReadonlyArray<Schema.Json>>>) =>
  Effect.gen(function* () {
    const { journal } = yield* MemoryJournal.make
    const made = yield* Effect.provideService(
      ScriptedHarness.make(({ role }) => (outcomes[role] ?? []).map((outcome) => ({ outcome }))),
      Journal.Journal,
      journal
    )
    return {
      ...made,
      journal,
      facts: Effect.map(Stream.runCollect(journal.read()), (events) => events.map(({ fact }) => fact)),
      run: <A, E>(effect: Effect.Effect<A, E, Harness.Harness | Journal.Journal | Harness.Workplace>) =>
        effect.pipe(
          Effect.provideService(Harness.Harness, made.harness),
          Effect.provideService(Journal.Journal, journal),
          Effect.provide(NodeServices.layer)
        )
    }
  })
