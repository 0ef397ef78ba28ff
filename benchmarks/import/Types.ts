/** What the types of a program cost: TypeScript's own count of what it instantiates, which no load of the machine changes. */
import { join } from "node:path"
import * as Command from "../../scripts/Command.ts"

/** What the compiler says of a program. */
export interface Cost {
  readonly instantiations: number
  /** Bytes. */
  readonly memory: number
}

const flags = ["--noEmit", "--ignoreConfig", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2023"]

/** Reads what `tsc --extendedDiagnostics` prints. */
export const read = (output: string): Cost => {
  const of = (name: string): number => {
    const found = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(output)?.[1]
    if (found === undefined) throw new Error(`The compiler prints no "${name}": ${output.slice(0, 300)}`)
    return Number(found)
  }
  return { instantiations: of("Instantiations"), memory: of("Memory used") * 1_000 }
}

/** Checks a program from a folder in which its packages resolve, with the compiler of this workspace. */
export const check = async (folder: string, file: string): Promise<Cost> => {
  const tsc = join(Command.root, "node_modules", ".bin", "tsc")
  const args = [...flags, "--types", "node", "--extendedDiagnostics", file]
  const { code, output, stdout } = await Command.run(tsc, args, { cwd: folder })
  if (code !== 0) throw new Error(`${file} does not compile: ${output.trim().slice(0, 300)}`)
  return read(stdout)
}
