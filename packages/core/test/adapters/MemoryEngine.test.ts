import * as Layer from "effect/Layer"
import * as MemoryEngine from "../../src/adapters/MemoryEngine.ts"
import * as MemoryJournal from "../../src/adapters/MemoryJournal.ts"
import * as WorkflowEngineTest from "../../src/testing/WorkflowEngineTest.ts"

WorkflowEngineTest.suite("MemoryEngine", () => Layer.merge(MemoryJournal.layer, MemoryEngine.layer))
