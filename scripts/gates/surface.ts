/** Holds that a public name comes and goes on purpose only. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as PublicSurface from "../PublicSurface.ts"
import * as Gate from "./Gate.ts"

const look = (root: string, pack: string): ReadonlyArray<string> => {
  const pin = PublicSurface.pinOf(pack)
  const now = PublicSurface.of(root, pack)
  const tooMany =
    now.namespaces > PublicSurface.maxNamespaces
      ? [
          `packages/${pack} has ${now.namespaces} public namespaces, more than ${PublicSurface.maxNamespaces}. Move inner ones to src/internal/`
        ]
      : []
  if (!existsSync(join(root, pin))) return [...tooMany, `${pin} is not there. Run: pnpm surface`]
  const then: PublicSurface.Surface = JSON.parse(readFileSync(join(root, pin), "utf8"))
  const changes = PublicSurface.difference(then, now)
  const more = changes.length > 20 ? `, and ${changes.length - 20} more` : ""
  return changes.length === 0
    ? tooMany
    : [
        ...tooMany,
        `${pin}: ${changes.slice(0, 20).join(", ")}${more}. If that is meant, run: pnpm surface, and add a changeset`
      ]
}

/** The public names of each package are the pinned ones, and at most 60 namespaces. */
export const gate = Gate.make("surface", "public names of each package are the pinned ones", (root) => {
  const packs = PublicSurface.packs(root)
  const counts = packs.map((pack) => `${pack} ${PublicSurface.of(root, pack).namespaces}`)
  return { failures: packs.flatMap((pack) => look(root, pack)), note: counts.join(", ") }
})
