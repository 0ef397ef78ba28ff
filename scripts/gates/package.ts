/** Holds that what would be published can be used: built, packed, unpacked, linted, imported and type-checked. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import * as Architecture from "../Architecture.ts"
import * as Command from "../Command.ts"
import * as Installed from "../Installed.ts"
import * as PublicSurface from "../PublicSurface.ts"
import type * as Gate from "./Gate.ts"

/** What publint says of an unpacked package. */
export const lint = async (folder: string, name: string): Promise<ReadonlyArray<string>> => {
  const { messages, pkg } = await publint({ pkgDir: folder, pack: false, strict: true })
  return messages.map((message) => `${name}: ${formatMessage(message, pkg, { color: false }) ?? message.code}`)
}

const targets = (exported: unknown): ReadonlyArray<string> =>
  typeof exported === "string"
    ? [exported]
    : typeof exported === "object" && exported !== null
      ? Object.values(exported).flatMap(targets)
      : []

/** The targets of a manifest's `exports` that are not there. Of a pattern, the folder is looked for. */
export const missingTargets = (folder: string, name: string): ReadonlyArray<string> => {
  const manifest: { readonly exports?: Readonly<Record<string, unknown>> } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8")
  )
  return Object.entries(manifest.exports ?? {}).flatMap(([key, exported]) =>
    targets(exported)
      .filter((path) => !path.includes("*") && !existsSync(join(folder, path)))
      .map((path) => `${name}/package.json: exports["${key}"] leads to ${path}, which is not there`)
  )
}

const modulesOf = (root: string, pack: string): ReadonlyArray<string> => [
  `@millwright/${pack}`,
  ...Object.keys(PublicSurface.of(root, pack).modules).map((module) => `@millwright/${pack}/${module}`)
]

/** The files of a packed manifest's programs. */
const programsOf = (path: string): ReadonlyArray<string> => {
  const manifest: { readonly bin?: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(join(path, "package.json"), "utf8")
  )
  return Object.values(manifest.bin ?? {}).map((file) => join(path, file))
}

/** Starts every program with `--help`. */
const start = async (programs: ReadonlyArray<string>, folder: string): Promise<ReadonlyArray<string>> => {
  const ended = await Promise.all(
    programs.map((file) => Command.run(process.execPath, ["--no-warnings", file, "--help"], { cwd: folder }))
  )
  return ended.flatMap(({ code, output }, at) =>
    code === 0 && output.trim() !== ""
      ? []
      : [`starting the built ${programs[at]} with --help: exit code ${code}: ${output.trim().slice(0, 300)}`]
  )
}

/** Imports every module in Node. Suites are written with vitest and load under it only. */
const load = async (folder: string, modules: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const script = join(folder, "load.mjs")
  const names = JSON.stringify(modules.filter((name) => !name.includes("/testing/")))
  writeFileSync(
    script,
    `for (const name of ${names}) await import(name).catch((error) => console.log(name + ": " + error.message.split("\\n")[0]))\n`
  )
  const ended = await Command.run(process.execPath, ["--no-warnings", script], { cwd: folder })
  const lines = ended.output
    .trim()
    .split("\n")
    .filter((line) => line !== "")
  return lines.map((line) => `importing the built ${line}`)
}

const compile = async (folder: string, modules: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  writeFileSync(join(folder, "use.ts"), modules.map((name, n) => `export * as m${n} from "${name}"\n`).join(""))
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        module: "NodeNext",
        target: "ES2023",
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        types: ["node"]
      },
      files: ["use.ts"]
    })
  )
  const ended = await Command.run("tsc", ["-p", folder, "--pretty", "false"], { cwd: folder })
  return ended.code === 0
    ? []
    : ended.output
        .trim()
        .split("\n")
        .map((line) => `using the packed declarations: ${line}`)
}

/** A module's name without the scope: `governance/adapters/PolicyProgram` is in `governance/dist/adapters/PolicyProgram.js`. */
const nameOf = (module: string): string => module.replace(/^@millwright\/([^/]+)\//, "$1/dist/")

/** Build, pack and unpack; then publint, the targets of `exports`, every module and program in Node, and the declarations. */
export const gate: Gate.Gate = {
  name: "package",
  about: "built, packed, publint, imported in Node and type-checked as a user would",
  run: (root) =>
    Installed.inTemporaryFolder(async (folder) => {
      const packs = Object.keys(Architecture.packages).filter((pack) => existsSync(join(root, "packages", pack)))
      const inTree = packs.flatMap((pack) => missingTargets(join(root, "packages", pack), `packages/${pack}`))
      try {
        await Installed.build(root, packs)
        await Installed.unpack(root, folder, packs)
      } catch (error) {
        return { failures: [...inTree, error instanceof Error ? error.message : String(error)] }
      }
      const unpacked = packs.map((pack) => ({ pack, path: join(folder, "node_modules", "@millwright", pack) }))
      const linted = await Promise.all(unpacked.map(({ pack, path }) => lint(path, `packages/${pack}`)))
      const modules = packs.flatMap((pack) => modulesOf(root, pack))
      const programs = unpacked.flatMap(({ path }) => programsOf(path))
      // A program runs when it is imported.
      const isProgram = (module: string) => programs.some((file) => file.endsWith(`${nameOf(module)}.js`))
      return {
        failures: [
          ...inTree,
          ...unpacked.flatMap(({ pack, path }) => missingTargets(path, `packages/${pack} as packed`)),
          ...linted.flat(),
          ...(await load(
            folder,
            modules.filter((module) => !isProgram(module))
          )),
          ...(await start(programs, folder)),
          ...(await compile(folder, modules))
        ],
        note: `${modules.length} modules, ${programs.length} program${programs.length === 1 ? "" : "s"}`
      }
    })
}
