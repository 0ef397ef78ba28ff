/** `pnpm barrels`: writes the barrels of all packages. Without `--write`, says which ones are not up to date. */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Barrel from "./Barrel.ts"
import { root } from "./Command.ts"

const isWriting = process.argv.includes("--write")
const stale = Barrel.wanted(root).filter(({ isCurrent }) => !isCurrent)
for (const { content, path } of stale) {
  if (isWriting) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  console.log(`${isWriting ? "wrote" : "not up to date"}: ${path}`)
}
process.exitCode = stale.length > 0 && !isWriting ? 1 : 0
