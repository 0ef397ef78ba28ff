import * as Layer from "effect/Layer"
import * as MemoryEngine from "../../src/adapters/MemoryEngine.ts"
import * as MemoryJournal from "../../src/adapters/MemoryJournal.ts"
import * as DurableTest from "../../src/testing/DurableTest.ts"

DurableTest.suite("MemoryEngine", () => Layer.merge(MemoryJournal.layer, MemoryEngine.layer))
