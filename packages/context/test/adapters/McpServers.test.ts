import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as McpSource from "@millwright/context/adapters/McpSource"
import * as ToolSourceTest from "@millwright/context/testing/ToolSourceTest"
import * as ToolListing from "@millwright/context/ToolListing"
import type { Answer } from "@millwright/context/ToolSource"
import * as Effect from "effect/Effect"
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

const require = createRequire(import.meta.url)

/** The program of a server from npm. */
const program = (name: string): string =>
  join(dirname(require.resolve(`@modelcontextprotocol/server-${name}/package.json`)), "dist", "index.js")

const folder = Effect.acquireRelease(
  Effect.sync(() => realpathSync(mkdtempSync(join(tmpdir(), "mcp-server-")))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const start = (name: string, args: ReadonlyArray<string> = [], env = {}) =>
  McpSource.stdio({ name, command: process.execPath, args: [program(name), ...args], env }).pipe(
    Effect.provide(NodeServices.layer)
  )

const said = ({ content }: Answer): string => content.map((part) => (part.type === "text" ? part.text : "")).join("\n")

ToolSourceTest.suite(
  "McpSource with server-everything",
  Effect.map(start("everything"), (source): ToolSourceTest.Lab => ({
    source,
    sound: { name: "echo", args: { message: "hello" }, says: "hello" },
    failing: { name: "echo", args: {} },
    endless: { name: "trigger-long-running-operation", args: { duration: 600, steps: 600 } }
  }))
)

ToolSourceTest.suite(
  "McpSource with server-filesystem",
  Effect.gen(function* () {
    const path = yield* folder
    writeFileSync(join(path, "a.txt"), "what stands in it")
    return {
      source: yield* start("filesystem", [path]),
      sound: { name: "read_text_file", args: { path: join(path, "a.txt") }, says: "what stands in it" },
      failing: { name: "read_text_file", args: { path: "/etc/passwd" } }
    } satisfies ToolSourceTest.Lab
  })
)

ToolSourceTest.suite(
  "McpSource with server-memory",
  Effect.gen(function* () {
    const path = yield* folder
    return {
      source: yield* start("memory", [], { MEMORY_FILE_PATH: join(path, "memory.jsonl") }),
      sound: { name: "read_graph", args: {}, says: "entities" }
    } satisfies ToolSourceTest.Lab
  })
)

describe("servers from npm", () => {
  it.live("images, resources, links and structured content come as what a model takes", () =>
    Effect.gen(function* () {
      const source = yield* start("everything")
      const image = yield* source.call("get-tiny-image", {})
      assert.deepInclude(
        image.content.map(({ type }) => type),
        "image"
      )
      assert.include(
        said(yield* source.call("get-resource-reference", { resourceType: "Text", resourceId: 1 })),
        "demo://"
      )
      assert.include(said(yield* source.call("get-resource-links", { count: 3 })), "[link to demo://")
      assert.include(said(yield* source.call("get-structured-content", { location: "Chicago" })), "temperature")
    })
  )

  it.live("hints and instructions are read", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const files = ToolListing.parse((yield* (yield* start("filesystem", [path])).list).tools).tools
      const hints = (name: string) => files.find((tool) => tool.name === name)?.hints
      assert.deepInclude(hints("read_text_file"), { readOnly: true, destructive: false })
      assert.deepInclude(hints("write_file"), { readOnly: false, destructive: true })
      assert.isNotEmpty((yield* (yield* start("everything")).list).instructions)
    })
  )
})
