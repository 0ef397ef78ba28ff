/** A program that speaks as Claude Code does, as far as its body says. */
import { writeFileSync } from "node:fs"

/** Writes it into the current folder. */
export const fake = (body: string): void =>
  writeFileSync(
    "fake",
    `#!${process.execPath}
const fs = require("node:fs"), { spawn } = require("node:child_process"), args = process.argv
const session = args[args.indexOf("--session-id") + 1]
const say = (message) => fs.writeSync(1, JSON.stringify(message) + "\\n")
const begin = (usage) => say({ type: "stream_event", event: { type: "message_start", message: { id: "msg_0123456789abcdef", model: "m", usage } } })
const done = (more) => {
  const folder = process.env.CLAUDE_CONFIG_DIR + "/projects/-here"
  fs.mkdirSync(folder, { recursive: true })
  fs.writeFileSync(folder + "/" + session + ".jsonl", "{}\\n")
  say({ type: "result", subtype: "success", session_id: session, structured_output: { outcome: { _tag: "Done", note: "fake" } }, ...more })
}
const lines = []
let wake = () => {}
let rest = ""
process.stdin.setEncoding("utf8").on("data", (text) => {
  const all = (rest + text).split("\\n")
  rest = all.pop()
  lines.push(...all.map((line) => JSON.parse(line)))
  wake()
}).on("end", () => process.exit(0))
const heard = async (is) => {
  for (;;) {
    const found = lines.find(is)
    if (found) return found
    await new Promise((resolve) => (wake = resolve))
  }
}
heard(({ type }) => type === "user").then(async () => {
${body}
})
`,
    { mode: 0o755 }
  )
