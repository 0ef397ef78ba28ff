/** A temporary repository with what a test plants in it. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type * as Gate from "../scripts/gates/Gate.ts"

/** Files by path. */
export type Files = Readonly<Record<string, string>>

/** Runs with a temporary folder that holds `files`, and removes it afterwards. */
export const withFiles = async <A>(files: Files, use: (root: string) => Promise<A>): Promise<A> => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "millwright-planted-")))
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content)
    }
    return await use(root)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** What a gate says of `files`, one failure per line. Empty when it holds. */
export const failures = (gate: Gate.Gate, files: Files): Promise<string> =>
  withFiles(files, async (root) => (await gate.run(root)).failures.join("\n"))

/** A manifest of a package of the house. */
export const manifest = (name: string, dependencies: ReadonlyArray<string> = []): string =>
  JSON.stringify({
    name: `@millwright/${name}`,
    type: "module",
    peerDependencies: Object.fromEntries(["effect", ...dependencies].map((one) => [one, "*"]))
  })
