import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { accessSync, constants, readdirSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import * as Fixture from "../../src/testing/Fixture.ts"
import { spec, suite, test } from "./bubblewrapFixture.ts"

const isWritable = (folder: string): boolean => {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

suite("a workspace", () => {
  // Of the system's folders only root can write to most.
  const all = ["/var/tmp", "/var", "/var/lib", "/srv", "/mnt", "/media", "/run", "/home", "/root", "/dev/shm", "/"]
  for (const parent of all.filter(isWritable)) {
    test(
      `below ${parent} can be opened, and nothing beside it is seen or moved`,
      ({ root, workspace }) =>
        Fixture.inside(
          spec(workspace),
          Effect.gen(function* () {
            writeFileSync(join(root, "beside"), "")
            assert.strictEqual(yield* Fixture.output("pwd; echo made > file; ls -A .."), `${workspace}\nworkspace`)
            assert.notStrictEqual(yield* Fixture.exitCode(`mv ${root} ${root}-moved`), 0)
            assert.notStrictEqual(yield* Fixture.exitCode("mv ../workspace ../moved"), 0)
            // The other name of the same folder, where it has one.
            const other = join("/tmp", basename(root))
            assert.notStrictEqual(yield* Fixture.exitCode(`mv ${other} ${other}-moved || rmdir ${other}`), 0)
            assert.deepStrictEqual(readdirSync(workspace), ["file"])
          })
        ),
      parent
    )
  }

  test("is beside /var/tmp, which is /tmp, and a mount below /var/run is below /run", ({ root, workspace }) =>
    Fixture.inside(
      spec(workspace, { mounts: [{ source: root, target: "/var/run/shown", access: "Read" }] }),
      Effect.gen(function* () {
        assert.strictEqual(yield* Fixture.output("echo a > /var/tmp/a; cat /tmp/a"), "a")
        assert.strictEqual(
          yield* Fixture.output("ls /var/run/shown /run/shown"),
          "/run/shown:\nworkspace\n\n/var/run/shown:\nworkspace"
        )
      })
    ))
})
