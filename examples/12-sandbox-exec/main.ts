/**
 * Runs one command in a sandbox and ends with its code:
 *
 *     npx -y pnpm@12.18.0 example sandbox-exec --adapter bubblewrap --workspace DIR -- CMD…
 *     npx -y pnpm@12.18.0 example sandbox-exec --list
 *     npx -y pnpm@12.18.0 example sandbox-exec --help
 */
import { enableCompileCache } from "node:module"

enableCompileCache()
const { main } = await import("./program.ts")
await main(process.argv.slice(2))
