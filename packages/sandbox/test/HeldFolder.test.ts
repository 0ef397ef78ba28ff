import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as ChildProcess from "effect/process/ChildProcess"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import * as HeldFolder from "../src/internal/HeldFolder.ts"
import * as Fixture from "../src/testing/Fixture.ts"

const program = fileURLToPath(new URL("heldFolderOwner.ts", import.meta.url))

describe("folders of a process", () => {
  it.live("that was killed are removed by a sweep; those of a living one, and what only has their name, are not", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const root = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "held-test-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
      )
      const another = Fixture.firstLine(ChildProcess.make(process.execPath, [program, root], { stderr: "inherit" }))
      const [killed, living] = [yield* another, yield* another]
      const own = yield* HeldFolder.make(fs, { directory: root, kind: "cell-" })
      assert.isTrue(existsSync(join(killed.line, "file")) && existsSync(join(living.line, "file")))
      process.kill(killed.handle.pid, "SIGKILL")
      yield* Effect.exit(killed.handle.exitCode)

      const dead = basename(killed.line).replace(/-[^-]*$/, "")
      const [, pid = "", started = ""] = dead.split(".")
      const kept = {
        file: `${dead}-file`,
        link: `${dead}-link`,
        ofAnotherSpace: `mw-cell-1.${pid}.${started}-abcdef`,
        ofNobody: "mw-cell-abcdef",
        ofAnother: `other-${dead}-abcdef`
      }
      writeFileSync(join(root, kept.file), "")
      symlinkSync(own, join(root, kept.link))
      for (const name of [kept.ofAnotherSpace, kept.ofNobody, kept.ofAnother]) mkdirSync(join(root, name))
      // The number of one that lives, which was started at another time.
      const reused = basename(living.line).replace(/\.[^.]*$/, ".1-abcdef")
      mkdirSync(join(root, reused))

      yield* HeldFolder.sweep(root)
      assert.sameMembers(readdirSync(root), [...Object.values(kept), basename(own), basename(living.line)])
      assert.isTrue(existsSync(join(living.line, "file")), "what is in it should be there still")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
