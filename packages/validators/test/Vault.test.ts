import { assert, describe, it } from "@effect/vitest"
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import * as Vault from "../src/Vault.ts"
import { sayings, scenarios, services, shown } from "./vaultFixture.ts"

const test = (name: string, body: Effect.Effect<void, unknown>) => it.live(name, () => Effect.provide(body, services))

describe("Vault", () => {
  test(
    "shows nothing of its scenarios or key, however it is printed",
    Effect.gen(function* () {
      const key = yield* Vault.newKey
      const some = yield* scenarios()
      const file = yield* Vault.seal({ name: "shop", scenarios: some, key })
      const opened = yield* Vault.open(file, key)
      assert.deepStrictEqual([...Vault.scenarios(opened)], [...some])
      assert.strictEqual(opened.digest, Digest.of(file))
      assert.deepStrictEqual(opened.label.scenarios, some.map(({ id }) => id).sort())
      for (const text of [Buffer.from(file).toString(), shown(opened), String(opened), shown({ opened })])
        for (const saying of sayings(some)) assert.notInclude(text, saying)
    })
  )

  test(
    "does not open with another key, with a byte changed, or with another label",
    Effect.gen(function* () {
      const key = yield* Vault.newKey
      const file = yield* Vault.seal({ name: "shop", scenarios: yield* scenarios(), key })
      const reason = (bytes: Uint8Array, with_ = key) =>
        Effect.map(Effect.flip(Vault.open(bytes, with_)), (error) => error.reason)
      assert.strictEqual(yield* reason(file, yield* Vault.newKey), "NotOpened")
      const text = Buffer.from(file).toString()
      assert.strictEqual(yield* reason(Buffer.from(text.replace('"shop"', '"chop"'))), "NotOpened")
      assert.strictEqual(yield* reason(Buffer.from(text.replace("shop-keeper", "shop-keepes"))), "NotOpened")
      const sealed = text.indexOf('"sealed":"') + 40
      const other = text[sealed] === "A" ? "B" : "A"
      assert.strictEqual(
        yield* reason(Buffer.from(text.slice(0, sealed) + other + text.slice(sealed + 1))),
        "NotOpened"
      )
      for (const none of ["", "{}", "prose", text.replace('"version":1', '"version":2')])
        assert.strictEqual(yield* reason(Buffer.from(none)), "NotAVault", none.slice(0, 20))
    })
  )

  test(
    "has a size that says little of how much is in it",
    Effect.gen(function* () {
      const key = yield* Vault.newKey
      const [one] = yield* scenarios()
      if (one === undefined) return assert.fail("one was made")
      const size = (story: string) =>
        Effect.map(Vault.seal({ name: "shop", scenarios: [{ ...one, story }], key }), ({ length }) => length)
      assert.strictEqual(yield* size("short"), yield* size("a story that is quite a lot longer than the other one is"))
    })
  )
})
