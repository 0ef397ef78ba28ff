import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as EvidenceStore from "../src/EvidenceStore.ts"

describe("EvidenceStore in a folder", () => {
  it.effect("holds what was kept, each once, and nothing that was in the making", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped({ prefix: "millwright-evidence-" })
      const [one, two] = yield* Effect.gen(function* () {
        const { keep } = yield* EvidenceStore.EvidenceStore
        return [yield* keep("one"), yield* keep("two"), yield* keep("one")]
      }).pipe(Effect.provide(EvidenceStore.layerFolder(folder)))
      assert.sameMembers(yield* fs.readDirectory(folder), [one, two], "only contents should lie in the folder")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
