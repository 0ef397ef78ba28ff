/** Runs commands as the package's documentation says, one for each line on standard input, and says how long each took. */
import { SandboxManager } from "@anthropic-ai/sandbox-runtime"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"

const { workspace } = JSON.parse(process.argv[2])
await SandboxManager.initialize({
  network: { allowedDomains: [], deniedDomains: [] },
  filesystem: { denyRead: [], allowWrite: [workspace], denyWrite: [] }
})
console.log(JSON.stringify({ ready: true }))
for await (const line of createInterface({ input: process.stdin })) {
  const { command } = JSON.parse(line)
  const start = performance.now()
  const wrapped = await SandboxManager.wrapWithSandbox(command)
  const child = spawn(wrapped, { shell: true, cwd: workspace, stdio: "ignore" })
  const code = await new Promise((resolve) => child.once("close", resolve))
  console.log(JSON.stringify({ ms: performance.now() - start, code }))
}
await SandboxManager.reset()
process.exit(0)
