/**
 * Effect's own engine in memory: for tests, rehearsals and examples, beside the journal in memory. Nothing of it outlives
 * the process, and closing it ends its runs as if they had failed, with their compensations.
 */
import type * as Layer from "effect/Layer"
import * as Durable from "../Durable.ts"

/** An engine without any execution. */
export const layer: Layer.Layer<Durable.Engine> = Durable.WorkflowEngine.layerMemory
