/** The file system inside against one who works in the same folder, and on the claims of the port. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import * as node from "node:fs"
import { join } from "node:path"
import * as WorktreeSandbox from "../src/adapters/WorktreeSandbox.ts"
import * as Confined from "../src/Confined.ts"
import * as InsideFileSystem from "../src/InsideFileSystem.ts"
import * as Sandbox from "../src/Sandbox.ts"
import * as FileClaims from "../src/testing/FileClaims.ts"
import { type Place, place, shells } from "./InsidePlace.ts"

for (const [name, shell] of Object.entries(shells)) {
  describe.skipIf(typeof shell === "string")(`${name}${typeof shell === "string" ? `: skipped, ${shell}` : ""}`, () => {
    if (typeof shell === "string") return
    const test = (what: string, body: (place: Place) => Effect.Effect<void, PlatformError, never>) =>
      it.live(
        what,
        () => Effect.scoped(Effect.flatMap(place(shell), body)).pipe(Effect.provide(NodeServices.layer)),
        60_000
      )

    test("a link that is swapped in while it works leads nowhere", ({ fs, outside, root }) =>
      Effect.scoped(
        Effect.gen(function* () {
          // Two places that change all the time: a folder and a link to the folder outside, a file and a link to the secret.
          node.mkdirSync(join(root, "inner"))
          node.writeFileSync(join(root, "inner", "secret"), "inside")
          node.writeFileSync(join(root, "plain"), "inside")
          yield* swapping(root, outside)
          let leaked = 0
          let served = 0
          const uses = () => [
            fs.readFileString("swap/secret"),
            fs.readFileString("file"),
            Stream.mkString(Stream.decodeText(fs.stream("swap/secret"))),
            Effect.as(fs.writeFileString("swap/secret", "inside"), "inside"),
            Effect.as(fs.writeFileString("file", "inside"), "inside"),
            Effect.as(fs.truncate("swap/secret", 6), "inside"),
            Effect.as(fs.copyFile("plain", "swap/secret"), "inside"),
            Effect.as(fs.remove("swap/gone", { force: true }), "inside")
          ]
          for (let round = 0; round < 40; round++) {
            for (const use of uses()) {
              const exit = yield* Effect.exit(use)
              if (Exit.isFailure(exit)) continue
              served++
              if (exit.value.includes("outside")) leaked++
            }
          }
          assert.strictEqual(leaked, 0, "nothing should be read from outside")
          assert.isAbove(served, 0, "some should have met the folder and not the link")
          assert.deepStrictEqual(node.readdirSync(outside), ["secret"], "nothing should be made outside")
          assert.strictEqual(node.readFileSync(join(outside, "secret"), "utf8"), "outside")
        })
      ))
  })
}

/** A process that swaps, as fast as it can. */
const swapping = (root: string, outside: string) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof spawn>>((resume) => {
      const text = `
        const fs = require("node:fs")
        const [root, outside] = process.argv.slice(1)
        process.chdir(root)
        fs.symlinkSync(outside, "link"); fs.symlinkSync(outside + "/secret", "filelink")
        const swap = (name, ...others) => { for (const other of others) { fs.renameSync(other, name); fs.renameSync(name, other) } }
        console.log("ready")
        const end = Date.now() + 60000
        while (Date.now() < end) { swap("swap", "inner", "link"); swap("file", "plain", "filelink") }`
      const child = spawn(process.execPath, ["-e", text, root, outside], { stdio: ["ignore", "pipe", "inherit"] })
      child.stdout.once("data", () => resume(Effect.succeed(child)))
    }),
    (child) =>
      Effect.callback<void>((resume) => {
        child.once("exit", () => resume(Effect.void))
        child.kill("SIGKILL")
      })
  )

describe("in the place of the worktree's", () => {
  // The claims of the port, with the commands of the worktree sandbox.
  const layer = Layer.effect(
    Sandbox.Sandbox,
    Effect.map(Sandbox.Sandbox, (right) =>
      Sandbox.make({
        ...right,
        open: (spec) =>
          Effect.map(right.open(spec), (opened) => {
            const spawner = Context.get(opened.services, ChildProcessSpawner)
            const fs = InsideFileSystem.make({ spawner, roots: [opened.directory], protect: [".git"] })
            const path = Confined.path({ path: Context.get(opened.services, Path.Path), root: opened.directory })
            return {
              directory: opened.directory,
              services: Context.add(Context.add(opened.services, FileSystem.FileSystem, fs), Path.Path, path)
            }
          })
      })
    )
  ).pipe(Layer.provide(WorktreeSandbox.layer), Layer.provide(NodeServices.layer))
  for (const claim of FileClaims.claims) it.live(claim.name, () => Effect.provide(claim.holds, layer), 120_000)
})
