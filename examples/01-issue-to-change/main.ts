/**
 * From an issue to a reviewed change, on a real repository. `--help` says what can be set.
 *
 * Exit codes: 0 delivered or parked, 1 stalled or failed, 2 bad input, 3 waiting for a person.
 */
import { enableCompileCache } from "node:module"

enableCompileCache()
const program = await import("./program.ts")
program.main(process.argv.slice(2))
