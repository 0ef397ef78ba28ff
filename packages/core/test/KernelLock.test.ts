import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const locker = fileURLToPath(new URL("./fixtures/locker.ts", import.meta.url))

describe("KernelLock", () => {
  it("is taken by every one of four processes, while the others clear what they find", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kernel-lock-"))
    try {
      const all = await Promise.all(
        [1, 2, 3, 4].map(() =>
          promisify(execFile)(process.execPath, [locker, folder, "300"], { timeout: 60_000 }).then(
            () => "",
            (error: Error) => error.message
          )
        )
      )
      assert.deepStrictEqual(all, ["", "", "", ""], "a file that was taken away should be no failure")
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }, 60_000)
})
