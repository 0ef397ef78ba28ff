/** Our own **programs**: what runs in processes of its own, on the packages as published or on their sources. */
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { join } from "node:path"
import { root } from "../../scripts/Command.ts"
import * as Installed from "../../scripts/Installed.ts"
import * as Bench from "../Bench.ts"
import * as Child from "../Child.ts"
import * as Cleanup from "../Cleanup.ts"

/** Starts our programs. Each has `module.enableCompileCache()`, and imports single modules only. */
export interface Programs {
  readonly start: (name: string, request: unknown, options?: Child.Options) => Child.Child
  readonly run: (name: string, request: unknown) => Promise<Child.Line>
}

const sources = join(import.meta.dirname, "programs")

const at = (folder: string, extension: string, cache: string): Programs => {
  const entry = join(folder, `start.${extension}`)
  const asked = (name: string, request: unknown) => ({ module: `./${name}.${extension}`, cache, request })
  return {
    start: (name, request, options) => Child.start(entry, asked(name, request), options),
    run: (name, request) => Child.run(entry, asked(name, request))
  }
}

/** As a user's build would make them: plain JavaScript beside installed packages. */
const compile = (folder: string): void => {
  for (const name of globSync("*.ts", { cwd: sources })) {
    const code = stripTypeScriptTypes(readFileSync(join(sources, name), "utf8"))
    writeFileSync(join(folder, name.replace(/\.ts$/, ".js")), code.replaceAll(/(from "\.\/\w+)\.ts"/g, '$1.js"'))
  }
}

/** Makes the programs ready. `built` builds and packs `core` first; `source` runs everything as it stands here. */
export const prepare = <A>(
  from: string,
  progress: Bench.Progress,
  use: (programs: Programs) => Promise<A>
): Promise<A> =>
  Installed.inTemporaryFolder(async (folder) => {
    const forget = Cleanup.add(() => rmSync(folder, { recursive: true, force: true }))
    try {
      const cache = join(folder, "cache")
      if (from === "source") return await use(at(sources, "ts", cache))
      if (from !== "built") throw new Bench.BadInput(`--packages takes built or source, not "${from}".`)
      progress("building and packing core")
      await Installed.build(root, ["core"])
      await Installed.unpack(root, folder, ["core"])
      writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }))
      compile(folder)
      return await use(at(folder, "js", cache))
    } finally {
      forget()
    }
  })
