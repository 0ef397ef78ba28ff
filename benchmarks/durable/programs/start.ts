/** Starts one of the programs beside it, as a user's program would start: with Node's compile cache, and nothing else loaded. */
import { enableCompileCache } from "node:module"

const asked: { readonly module: string; readonly cache: string; readonly request: unknown } = JSON.parse(
  process.argv[2] ?? "{}"
)
enableCompileCache(asked.cache)
const program: { readonly main: (request: unknown) => Promise<void> } = await import(asked.module)
const ended = program.main(asked.request)
// Whoever started this program is gone when its end of the pipe is.
process.stdin.on("end", () => process.exit(1)).resume()
await ended
process.exit(0)
