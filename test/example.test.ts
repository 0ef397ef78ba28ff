import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import * as Command from "../scripts/Command.ts"

const example = (name: string) =>
  Command.run(process.execPath, [join(Command.root, "scripts", "example.ts"), name, "--help"])

describe("an example by its number", () => {
  it("needs no zero, and is that example alone", async () => {
    for (const [name, said] of [
      ["3", "waits for a person"],
      ["03", "waits for a person"],
      ["1", "Carries an issue"]
    ] as const) {
      const { code, output } = await example(name)
      assert.strictEqual(code, 0, output)
      assert.include(output, said, `${name} is another example`)
    }
  }, 60_000)

  it("is refused with the examples that there are", async () => {
    for (const name of ["99", "no-such"]) {
      const { code, output } = await example(name)
      assert.strictEqual(code, 2, output)
      assert.include(output, `no example "${name}"`)
      assert.include(output, "03-human-gates")
    }
  }, 60_000)
})
