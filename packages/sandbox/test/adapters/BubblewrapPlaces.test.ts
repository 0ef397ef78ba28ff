/** Folders that the sandbox over bubblewrap can not show: it says so before anything runs. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Enterable from "../../src/internal/Enterable.ts"
import type { Mount } from "../../src/SandboxSpec.ts"
import * as Sandbox from "../../src/Sandbox.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import { isRoot, spec, suite, test } from "./bubblewrapFixture.ts"

const refused = (asked: ReturnType<typeof spec>) =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    const error = yield* Effect.flip(Effect.scoped(sandbox.open(asked)))
    assert.strictEqual(error.reason, "BadSpec", error.message)
    return error.message
  })

suite("a workspace", () => {
  test("that commands can not enter is refused, and so is one below such a folder", ({ workspace }) =>
    Effect.gen(function* () {
      const below = join(workspace, "below")
      fs.mkdirSync(below)
      // Root on the host would get in, but commands have nothing of root's but the name.
      if (isRoot) fs.chownSync(workspace, 1, 1)
      fs.chmodSync(workspace, isRoot ? 0o700 : 0o600)
      const mode = isRoot ? "of user 1 and group 1 with mode 700" : "with mode 600"
      const message = yield* refused(spec(workspace))
      assert.include(message, `can not enter the folder "${workspace}"`)
      assert.include(message, mode)
      if (isRoot) assert.include(yield* refused(spec(below)), `can not enter the folder "${workspace}"`)
      fs.chmodSync(workspace, 0o711)
      yield* Fixture.inside(spec(workspace), Fixture.output("pwd"))
    }))

  it.effect("that the group of this process can enter is one", () =>
    Effect.gen(function* () {
      const folder = fs.mkdtempSync(join(tmpdir(), "enterable-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => fs.rmSync(folder, { recursive: true })))
      if (isRoot) fs.chownSync(folder, 1, process.getegid?.() ?? 0)
      fs.chmodSync(folder, isRoot ? 0o070 : 0o700)
      yield* Enterable.byCommands(folder)
    }).pipe(Effect.scoped)
  )
})

suite("a mount", () => {
  const mounted = (workspace: string, mount: Mount) => spec(workspace, { mounts: [mount] })

  test("where nothing can be made to put it on is refused", ({ root, workspace }) =>
    Effect.gen(function* () {
      const source = join(root, "file")
      fs.writeFileSync(source, "content")
      const shown = join(root, "shown")
      fs.mkdirSync(shown)
      for (const target of ["/usr/bin/no such program", "/bin/nope", "/usr/no/such/folder", "/etc/ssl/certs/nope"]) {
        const message = yield* refused(mounted(workspace, { source, target, access: "Read" }))
        assert.match(message, /is shown read only, and has nothing there/, target)
      }
      const inner = [
        { source: shown, access: "Read" },
        { source, target: join(shown, "nope"), access: "Read" }
      ] as const
      assert.match(yield* refused(spec(workspace, { mounts: inner })), /is shown read only, and has nothing there/)
      assert.match(
        yield* refused(mounted(workspace, { source: shown, target: "/usr/bin/env", access: "Read" })),
        /a file is there, and the source is a folder/
      )
      assert.match(
        yield* refused(mounted(workspace, { source, target: "/usr/share", access: "Read" })),
        /a folder is there, and the source is none/
      )
    }))

  test("on what is there, in the workspace and beside the system's folders is shown", ({ root, workspace }) =>
    Effect.gen(function* () {
      const source = join(root, "file")
      fs.writeFileSync(source, "content")
      for (const target of [
        "/usr/bin/env",
        join(workspace, "a/b"),
        "/var/lib/x",
        "/etc/some/file",
        "/tmp/x/y",
        "/data"
      ]) {
        const shown = Fixture.output(`cat '${target}'`)
        const said = yield* Fixture.inside(mounted(workspace, { source, target, access: "Read" }), shown)
        assert.strictEqual(said, "content", target)
      }
    }))
})
