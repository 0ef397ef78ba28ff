/** Holds that code in prose is code: fences in README, guides and doc blocks compile, and those marked `run` run. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Command from "../Command.ts"
import * as Installed from "../Installed.ts"
import * as Source from "../Source.ts"
import type * as Gate from "./Gate.ts"

/** A fence of TypeScript. `line` is the line of its first line of code, from 1. */
export interface Fence {
  readonly path: string
  readonly line: number
  readonly code: string
  readonly isRun: boolean
}

/** The fences of a Markdown text that start with ```` ```ts ````. A star and a blank before each line are dropped. */
export const fencesOf = (path: string, text: string): ReadonlyArray<Fence> => {
  const lines = text.split("\n").map((line) => line.replace(/^\s*\* ?/, ""))
  const fences: Array<Fence> = []
  for (let at = 0; at < lines.length; at++) {
    const open = /^(\s*`{3,})(\S*)\s*(.*)$/.exec(lines[at] ?? "")
    if (open === null) continue
    const [, mark = "", language = "", info = ""] = open
    const found = lines.findIndex((line, n) => n > at && line.trim() === mark.trim())
    const end = found === -1 ? lines.length : found
    if (language === "ts" || language === "typescript") {
      fences.push({ path, line: at + 2, code: lines.slice(at + 1, end).join("\n"), isRun: /\brun\b/.test(info) })
    }
    at = end
  }
  return fences
}

/** The fences of a source's doc blocks, at the lines of the source. */
const fencesOfDocs = ({ path, text }: Source.Source): ReadonlyArray<Fence> =>
  [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap((block) => {
    const before = text.slice(0, block.index).split("\n").length - 1
    return fencesOf(path, block[0]).map((fence) => ({ ...fence, line: fence.line + before }))
  })

const collect = (root: string): ReadonlyArray<Fence> => [
  ...Source.find(root, "README.md", "docs/guides/*.md", "packages/*/README.md").flatMap((path) =>
    fencesOf(path, readFileSync(join(root, path), "utf8"))
  ),
  ...Source.read(root, "packages/*/src/**/*.ts").flatMap(fencesOfDocs)
]

const fileOf = (n: number): string => `fence${n}.ts`

/** `fence3.ts(2,5): error …` as `README.md:31: error …`; nothing for what is said of another file. */
const inProse = (fences: ReadonlyArray<Fence>, line: string): ReadonlyArray<string> => {
  const [, n, at, rest] = /^fence(\d+)\.ts\((\d+),\d+\)(.*)$/.exec(line) ?? []
  const fence = fences[Number(n)]
  return fence === undefined ? [] : [`${fence.path}:${fence.line + Number(at) - 1}${rest}`]
}

const compile = async (folder: string, fences: ReadonlyArray<Fence>): Promise<ReadonlyArray<string>> => {
  const compilerOptions = { noEmit: true, noUnusedLocals: false, moduleDetection: "force" }
  const config = {
    extends: join(Command.root, "tsconfig.base.json"),
    compilerOptions,
    files: fences.map((_, n) => fileOf(n))
  }
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
  const ended = await Command.run("tsc", ["-p", folder, "--pretty", "false"], { cwd: folder })
  if (ended.code === 0) return []
  const lines = ended.output.trim().split("\n")
  const found = lines.flatMap((line) => inProse(fences, line))
  return found.length > 0 ? found : [`The fences can not be judged, for what they import does not compile: ${lines[0]}`]
}

const execute = async (folder: string, fence: Fence, n: number): Promise<ReadonlyArray<string>> => {
  const ended = await Command.run(process.execPath, ["--no-warnings", join(folder, fileOf(n))], {
    cwd: folder,
    timeout: 120_000
  })
  return ended.code === 0
    ? []
    : [`${fence.path}:${fence.line} does not run (exit ${ended.code}):\n${ended.output.trim()}`]
}

/** Every `ts` fence compiles against the packages as they are, and those marked `ts run` end with exit code 0. */
export const gate: Gate.Gate = {
  name: "fences",
  about: "TypeScript in README, guides and doc blocks compiles; `ts run` fences run",
  run: (root) =>
    Installed.inTemporaryFolder(async (folder) => {
      const fences = collect(root)
      if (fences.length === 0) return { failures: [], note: "no fences" }
      Installed.linkSources(root, folder)
      writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }))
      fences.forEach(({ code }, n) => writeFileSync(join(folder, fileOf(n)), `${code}\n`))
      const failures = [...(await compile(folder, fences))]
      for (const [n, fence] of fences.entries()) if (fence.isRun) failures.push(...(await execute(folder, fence, n)))
      const note = `${fences.length} fences, ${fences.filter(({ isRun }) => isRun).length} run`
      return { failures, note }
    })
}
