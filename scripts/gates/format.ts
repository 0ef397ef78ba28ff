/** Holds the formatting of `.oxfmtrc.json`. */
import * as Command from "../Command.ts"
import type * as Gate from "./Gate.ts"

/** Every file is formatted. */
export const gate: Gate.Gate = {
  name: "format",
  about: "oxfmt: every file is formatted",
  run: async (root) => {
    const ended = await Command.run("oxfmt", ["--list-different", "."], { cwd: root })
    const files = ended.stdout
      .trim()
      .split("\n")
      .filter((line) => line !== "")
    const failures = files.map((file) => `${file} is not formatted. Run: pnpm format`)
    return { failures: ended.code !== 0 && failures.length === 0 ? [ended.output.trim()] : failures }
  }
}
