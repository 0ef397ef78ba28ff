/** Our own **program**, on the packages as published or on their sources. */
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { join } from "node:path"
import * as Architecture from "../../scripts/Architecture.ts"
import { root } from "../../scripts/Command.ts"
import * as Installed from "../../scripts/Installed.ts"
import * as Bench from "../Bench.ts"
import * as Cleanup from "../Cleanup.ts"

const source = join(import.meta.dirname, "programs", "millwright.ts")

/** Makes the program ready. `built` builds and packs the packages first; `source` runs everything as it stands here. */
export const prepare = <A>(
  from: string,
  progress: Bench.Progress,
  use: (program: string) => Promise<A>
): Promise<A> => {
  if (from === "source") return use(source)
  if (from !== "built") throw new Bench.BadInput(`--packages takes built or source, not "${from}".`)
  return Installed.inTemporaryFolder(async (folder) => {
    const forget = Cleanup.add(() => rmSync(folder, { recursive: true, force: true }))
    try {
      const packs = Object.keys(Architecture.packages)
      progress("building and packing")
      await Installed.build(root, packs)
      await Installed.unpack(root, folder, packs)
      const program = join(folder, "millwright.mjs")
      writeFileSync(program, stripTypeScriptTypes(readFileSync(source, "utf8")))
      return await use(program)
    } finally {
      forget()
    }
  })
}
