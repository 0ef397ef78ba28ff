import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Forgeries from "../policy/Forgeries.ts"

const reason = Forgeries.missing()

describe("forged commits", () => {
  it.live.skipIf(reason !== undefined)(
    `20 of them: none passes as human, and honest ones do${reason ? ` (${reason})` : ""}`,
    () =>
      Effect.gen(function* () {
        const folder = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "millwright-forgeries-"))),
          (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
        )
        const made = Forgeries.make(folder)
        assert.strictEqual(new Set(made.forgeries.map(({ head }) => head)).size, 20, "20 commits, each another one")
        assert.deepStrictEqual(yield* Forgeries.passing(made, made.forgeries), [], "none passes")
        assert.deepStrictEqual(
          yield* Forgeries.passing(made, made.honest),
          made.honest.map(({ name }) => name),
          "what is honest passes"
        )
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    60_000
  )
})
