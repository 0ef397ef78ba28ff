/**
 * From an issue to a reviewed change, on a real repository. `--help` says what can be set.
 *
 * Exit codes: 0 delivered or parked, 3 waiting for a person, 2 bad input, 1 anything else.
 */
import { enableCompileCache } from "node:module"

enableCompileCache()
const program = await import("./program.ts")
program.main(process.argv.slice(2))
