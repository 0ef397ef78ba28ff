/** A git repository of its own for a test, made of objects: no file is written beside them. */
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface File {
  readonly content: string | Uint8Array
  readonly mode?: "100644" | "100755" | "120000"
}

export type Files = Readonly<Record<string, string | Uint8Array | File>>

const isFile = (value: string | Uint8Array | File): value is File => typeof value === "object" && "content" in value

export const repository = (files: Files) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const directory = mkdtempSync(join(tmpdir(), "millwright-context-"))
      const git = (args: ReadonlyArray<string>, input?: string | Uint8Array) =>
        execFileSync("git", ["-C", directory, ...args], { ...(input === undefined ? {} : { input }), maxBuffer: 1e8 })
          .toString()
          .trim()
      git(["init", "--quiet"])
      const objects = new Map<string, string>()
      const lines = Object.entries(files).map(([path, value]) => {
        const { content, mode = "100644" } = isFile(value) ? value : { content: value }
        const key = Buffer.from(content).toString("hex")
        const object = objects.get(key) ?? git(["hash-object", "-w", "--stdin"], content)
        objects.set(key, object)
        return `${mode} ${object}\t${path}\0`
      })
      git(["update-index", "-z", "--index-info"], lines.join(""))
      const tree = git(["write-tree"])
      const commit = git(["-c", "user.name=t", "-c", "user.email=t@example.com", "commit-tree", "-m", "start", tree])
      git(["update-ref", "HEAD", commit])
      return { directory, commit }
    }),
    ({ directory }) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )
