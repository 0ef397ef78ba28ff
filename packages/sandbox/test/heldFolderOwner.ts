/** Makes a folder with a file in it, says where, and waits until it is killed. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as HeldFolder from "../src/internal/HeldFolder.ts"

NodeRuntime.runMain(
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const folder = yield* HeldFolder.make(fs, { directory: process.argv[2] ?? "", kind: "" })
    writeFileSync(join(folder, "file"), "")
    yield* Effect.sync(() => process.stdout.write(`${folder}\n`))
    yield* Effect.never
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
)
