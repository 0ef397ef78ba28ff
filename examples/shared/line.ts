/**
 * `npx -y pnpm@12.18.0 line`: looks at runs and steers them. `--help` says what it can do.
 *
 * Exit codes: 0 done, 2 bad input, 1 anything else.
 */
import { enableCompileCache } from "node:module"

enableCompileCache()
const program = await import("./program.ts")
program.main(process.argv.slice(2))
