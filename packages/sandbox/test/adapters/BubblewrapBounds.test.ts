/** What hostile commands can make this process, and the disk of the host, take. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { join } from "node:path"
import * as Sandbox from "../../src/Sandbox.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import { spec, suite, test } from "./bubblewrapFixture.ts"

suite("a lock file that the rules of a registry hang on", () => {
  const registry = { hosts: ["registry.invalid"], lockFileOnly: true } as const

  test("and that can not be read fails the opening, however it can not", ({ workspace }) =>
    Effect.gen(function* () {
      const lock = join(workspace, "pnpm-lock.yaml")
      const { open } = yield* Sandbox.Sandbox
      const opening = (lockFileOnly: boolean) =>
        Effect.scoped(open(spec(workspace, { registry: { ...registry, lockFileOnly } })))
      const ways = {
        "too large": () => fs.truncateSync(lock, 2 ** 40),
        "a folder": () => fs.mkdirSync(lock),
        "a link that leads out": () => fs.symlinkSync("/etc/passwd", lock)
      }
      for (const [way, make] of Object.entries(ways)) {
        fs.rmSync(lock, { recursive: true, force: true })
        if (way === "too large") fs.writeFileSync(lock, "")
        make()
        const before = process.memoryUsage().rss
        yield* Fixture.refused(opening(true), "BadSpec")
        assert.isBelow(process.memoryUsage().rss - before, 400_000_000, `${way}: it should not be read whole`)
        yield* opening(false)
      }
      fs.rmSync(lock)
      fs.writeFileSync(join(workspace, "package-lock.json"), `{ "lockfileVersion": 3, "packages": {} }`)
      yield* opening(true)
    }))
})
