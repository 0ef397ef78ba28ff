import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import * as FileSessions from "../../src/adapters/FileSessions.ts"
import * as Sessions from "../../src/Sessions.ts"
import * as SessionsTest from "../../src/testing/SessionsTest.ts"

const folder = mkdtempSync(join(tmpdir(), "millwright-sessions-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const at = (name: string, sync = false) =>
  Layer.provide(FileSessions.layer({ folder: join(folder, name), sync }), NodeServices.layer)

SessionsTest.suite("FileSessions", at("kept"), { reopened: at("kept") })
SessionsTest.suite("FileSessions, on the disk", at("synced", true), { reopened: at("synced") })
SessionsTest.suite("memory", Sessions.layerMemory)

const opened = (name: string): Effect.Effect<Sessions.Sessions["Service"], unknown, Scope.Scope> =>
  Effect.map(Layer.build(Layer.fresh(at(name))), (built) => Context.get(built, Sessions.Sessions))

const file = (name: string, id: string) => join(folder, name, FileSessions.fileOf(id))

describe("a session in a file", () => {
  it.live("that broke off at any byte has every entry before it, and takes the next one", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const whole = yield* opened("whole")
        yield* whole.append("s", [SessionsTest.entry("a", null), SessionsTest.entry("b", "a", "two\nlines 🚆")])
        const bytes = readFileSync(file("whole", "s"))
        const ends = [...bytes.entries()].flatMap(([index, byte]) => (byte === 10 ? [index] : []))
        yield* opened("torn")
        for (let length = 0; length <= bytes.length; length++) {
          writeFileSync(file("torn", "s"), bytes.subarray(0, length))
          const store = yield* opened("torn")
          const kept = Math.max(0, ends.filter((end) => end < length).length - 1)
          const before = yield* store.read("s")
          assert.lengthOf(before, kept, `after ${length} bytes`)
          yield* store.append("s", [SessionsTest.entry("c", before.at(-1)?.id ?? null)])
          const after = yield* (yield* opened("torn")).read("s")
          assert.deepStrictEqual(
            after.map(({ id }) => id),
            [...before.map(({ id }) => id), "c"],
            `after ${length} bytes`
          )
        }
      })
    )
  )

  it.live("that is damaged before its end, or is a newer one, is refused and left as it is", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const store = yield* opened("damaged")
        const cases: ReadonlyArray<readonly [string, string]> = [
          ["Damaged", "hello\n"],
          ["Damaged", '{"session":"s","version":1}\n{"id":"a"}\n'],
          ["Damaged", '{"session":"other","version":1}\n'],
          ["Damaged", "\u0000\u0000\u0000\n"],
          ["Newer", '{"session":"s","version":2}\n']
        ]
        for (const [reason, text] of cases) {
          writeFileSync(file("damaged", "s"), text)
          const refused = yield* Effect.flip(store.read("s"))
          assert.strictEqual(refused.reason, reason, text)
          assert.include(refused.message, file("damaged", "s"), "nobody can tell which file it is")
          assert.strictEqual(
            (yield* Effect.flip(store.append("s", [SessionsTest.entry("a", null)]))).reason,
            reason,
            text
          )
          assert.strictEqual(
            readFileSync(file("damaged", "s"), "utf8"),
            text,
            "a file that is not understood was changed"
          )
        }
      })
    )
  )

  it.live("is for its user alone", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const store = yield* opened("private")
        yield* store.append("s", [SessionsTest.entry("a", null)])
        assert.strictEqual(statSync(file("private", "s")).mode & 0o077, 0)
        assert.strictEqual(statSync(join(folder, "private")).mode & 0o077, 0)
      })
    )
  )

  it.live("that can not be kept anywhere says where, and how to mend it", () =>
    Effect.gen(function* () {
      writeFileSync(join(folder, "blocked"), "")
      const error = yield* Effect.flip(Effect.scoped(opened("blocked/inside")))
      assert.match(String(error), /Sessions can not be kept in .*blocked.inside: .* Make room/s)
    })
  )
})
