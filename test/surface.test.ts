import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { root } from "../scripts/Command.ts"
import * as PublicSurface from "../scripts/PublicSurface.ts"

// That the names are the pinned ones is the gate `surface`; here, that the reader of sources sees every name there is.
describe("public surface", () => {
  for (const pack of PublicSurface.packs(root)) {
    it(`${pack} has no name at run time that its sources do not declare`, async () => {
      const { modules } = PublicSurface.of(root, pack)
      const barrel: object = await import(pathToFileURL(join(root, "packages", pack, "src", "index.ts")).href)
      for (const [noun, namespace] of Object.entries(barrel)) {
        const undeclared = Object.keys(namespace).filter((name) => modules[noun]?.includes(name) !== true)
        assert.deepStrictEqual(undeclared, [], `${pack}/${noun} exports names that the reader of sources does not see`)
      }
    })
  }
})
