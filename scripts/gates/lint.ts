/** Holds the rules of `.oxlintrc.json`. */
import * as Command from "../Command.ts"
import type * as Gate from "./Gate.ts"

/** Every rule of `.oxlintrc.json`, warnings included. */
export const gate: Gate.Gate = {
  name: "lint",
  about: "oxlint: cycles, file length, parameters, any, !, barrels, correctness",
  run: async (root) => {
    const ended = await Command.run("oxlint", ["--deny-warnings", "--format=unix", "."], { cwd: root })
    const lines = ended.output
      .trim()
      .split("\n")
      .filter((line) => line !== "" && !/^\d+ problems?$/.test(line))
    return ended.code === 0 ? { failures: [] } : { failures: lines.map((line) => line.replace(`${root}/`, "")) }
  }
}
