import { assert, describe, it } from "@effect/vitest"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Command from "../../scripts/Command.ts"
import type * as Bench from "../Bench.ts"
import * as Distractors from "../tools/Distractors.ts"

const bench = (...args: ReadonlyArray<string>): Promise<Command.Ended> =>
  Command.run(process.execPath, [join(Command.root, "scripts", "bench.ts"), "tools", ...args])

interface Report {
  readonly figures: ReadonlyArray<Bench.Figure>
  readonly tools: number
}

describe("pnpm bench tools", () => {
  it("says how many needs are met among the tools of files", { timeout: 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "tools-test-"))
    try {
      const file = (name: string, content: unknown): string => {
        const path = join(folder, name)
        writeFileSync(path, JSON.stringify(content))
        return path
      }
      const catalog = file("catalog.json", [
        { server: "fs", name: "read_file", description: "Read a file." },
        { server: "fs", name: "write_file", description: "Write a file." }
      ])
      const queries = file("queries.json", [
        { query: "file system: read a file", needs: [["fs/read_file"]], source: "x-agent" },
        { query: "fly to the moon", needs: [["fs/write_file"]], source: "x-step" }
      ])
      const servers = file("servers.json", { fs: { title: "Files" } })
      const distractors = file("more.json", [{ server: "other", name: "read_mail", description: "Read a mail." }])
      const files = ["--catalog", catalog, "--queries", queries, "--servers", servers, "--distractors", distractors]
      const { code, output, stdout } = await bench("--json", "--only", "crowd", ...files)
      assert.strictEqual(code, 0, output)
      const { figures, tools }: Report = JSON.parse(stdout)
      assert.strictEqual(tools, 2)
      const own = figures.find(({ name, peer }) => name.includes("among 3 tools") && peer === undefined)
      assert.strictEqual(own?.value, 50, `one of two needs can be met: ${stdout}`)
      const bad = await bench("--only", "crowd", "--queries", servers)
      assert.strictEqual(bad.code, 2, bad.output)
      assert.match(bad.output, /holds no list of queries/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("makes the same tools for the same seed, as many as are asked for, none twice", () => {
    const { servers, tools } = Distractors.make(1_000, 3)
    assert.strictEqual(tools.length, 1_000)
    assert.strictEqual(new Set(tools.map(({ name, server }) => `${server}/${name}`)).size, 1_000)
    assert.isTrue(tools.every(({ server }) => servers.has(server)))
    assert.deepStrictEqual(Distractors.make(1_000, 3).tools, tools)
    assert.notDeepEqual(Distractors.make(1_000, 4).tools, tools)
  })

  it("ends with 2 on a measure that there is not", async () => {
    const { code, output } = await bench("--only", "luck")
    assert.strictEqual(code, 2, output)
    assert.match(output, /--only knows no "luck".*recall,crowd,speed/)
  })
})
