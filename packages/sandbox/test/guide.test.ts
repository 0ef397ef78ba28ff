/** The adapter of the guide keeps every promise of the port. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { afterAll } from "@effect/vitest"
import * as Layer from "effect/Layer"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type * as Sandbox from "../src/Sandbox.ts"
import * as SandboxTest from "../src/testing/SandboxTest.ts"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// Below the package, so that its imports are found; git ignores folders of this name.
const folder = here("../.millwright")
mkdirSync(folder, { recursive: true })
const file = join(mkdtempSync(join(folder, "guide-")), "CloneSandbox.ts")
const guide = readFileSync(here("../../../docs/guides/write-a-sandbox.md"), "utf8")
writeFileSync(file, /```ts\n([\s\S]*?)```/.exec(guide)?.[1] ?? "")

const {
  layer
}: {
  readonly layer: (store: string) => Layer.Layer<Sandbox.Sandbox, never, Sandbox.Services>
} = await import(/* @vite-ignore */ file)

const store = mkdtempSync(join(tmpdir(), "sandbox-guide-"))
afterAll(() => {
  for (const made of [store, join(file, "..")]) rmSync(made, { recursive: true, force: true })
})

SandboxTest.suite("the guide's", Layer.provide(layer(store), NodeServices.layer))
