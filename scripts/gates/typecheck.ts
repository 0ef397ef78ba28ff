/** Holds the types of everything that is written in TypeScript here. */
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Command from "../Command.ts"
import * as Source from "../Source.ts"
import type * as Gate from "./Gate.ts"

const folders = ["packages/*", "examples/*", "scripts", "benchmarks", "test"]

const check = async (root: string, folder: string): Promise<ReadonlyArray<string>> => {
  if (!existsSync(join(root, folder, "tsconfig.json"))) {
    return [
      `${folder} has TypeScript files and no tsconfig.json. Add one that extends the tsconfig.base.json of the root`
    ]
  }
  const ended = await Command.run("tsc", ["-p", folder, "--pretty", "false"], { cwd: root })
  return ended.code === 0
    ? []
    : ended.output
        .trim()
        .split("\n")
        .filter((line) => !line.startsWith(" "))
}

/** `tsc` per package and example, and over scripts, benchmarks and tests. */
export const gate: Gate.Gate = {
  name: "types",
  about: "tsc per package and example, scripts, benchmarks and tests",
  run: async (root) => {
    const projects = [
      ...Source.find(root, ...folders.map((folder) => `${folder}/tsconfig.json`)).map((path) => dirname(path)),
      ...Source.find(root, "examples/*/*.ts").map((path) => dirname(path)),
      ...["scripts", "benchmarks", "test"].filter((folder) => Source.find(root, `${folder}/*.ts`).length > 0)
    ]
    const waiting = [...new Set(projects)].sort()
    const count = waiting.length
    const failures: Array<string> = []
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        failures.push(...(await check(root, next)))
      }
    }
    await Promise.all([work(), work()])
    return { failures: [...new Set(failures)].sort(), note: `${count} projects` }
  }
}
