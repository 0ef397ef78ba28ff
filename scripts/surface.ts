/** `pnpm surface`: pins the public surface of every package, and says what changed. Without `--write`, only says it. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./Command.ts"
import * as PublicSurface from "./PublicSurface.ts"

const isWriting = process.argv.includes("--write")
const empty: PublicSurface.Surface = { namespaces: 0, modules: {} }
for (const pack of PublicSurface.packs(root)) {
  const pin = join(root, PublicSurface.pinOf(pack))
  const then: PublicSurface.Surface = existsSync(pin) ? JSON.parse(readFileSync(pin, "utf8")) : empty
  const now = PublicSurface.of(root, pack)
  const changes = PublicSurface.difference(then, now)
  if (isWriting) writeFileSync(pin, PublicSurface.print(now))
  console.log(`${pack}: ${now.namespaces} namespaces, ${changes.length} changes`)
  for (const change of changes) console.log(`  ${change}`)
  if (changes.length > 0 && !isWriting) process.exitCode = 1
}
