import * as NodeServices from "@effect/platform-node/NodeServices"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Layer from "effect/Layer"
import * as HarnessTest from "../src/testing/HarnessTest.ts"
import * as ScriptedHarness from "../src/testing/ScriptedHarness.ts"

HarnessTest.suite(
  "ScriptedHarness",
  (turns) => ScriptedHarness.layer(() => turns).pipe(Layer.provideMerge(Layer.fresh(MemoryJournal.layer))),
  NodeServices.layer
)
