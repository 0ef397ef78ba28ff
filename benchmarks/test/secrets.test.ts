import { assert, describe, it } from "vitest"
import { spawnSync } from "node:child_process"
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Bench from "../Bench.ts"
import * as Planted from "../secrets/Planted.ts"

const bench = fileURLToPath(new URL("../../scripts/bench.ts", import.meta.url))
const base64 = (text: string) => Buffer.from(text).toString("base64")
const secret = ["ghp", "Zk3vQ9wLx7RtB2nYc5HsJ8mKd4PfGa6Ue1To"].join("_")
const row = (text: string, of = secret) =>
  JSON.stringify({ rule: "github-pat", sample_b64: base64(text), secret_b64: base64(of) })

const inFolder = (body: (folder: string) => void): void => {
  const folder = mkdtempSync(join(tmpdir(), "millwright-secrets-bench-"))
  try {
    body(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe("the secrets bench", () => {
  it("refuses planted secrets that are none, and says where", () =>
    inFolder((folder) => {
      const file = join(folder, "planted.jsonl")
      for (const [content, said] of [
        ["", "holds no planted secret"],
        ["\n\n", "holds no planted secret"],
        ["not json\n", "planted.jsonl:1 is no planted secret"],
        [`${row(secret)}\n{"rule":"x"}\n`, "planted.jsonl:2 is no planted secret"],
        [`${row("something else")}\n`, "planted.jsonl:1 (github-pat): its sample does not hold its secret"]
      ] as const) {
        writeFileSync(file, content)
        assert.throws(() => Planted.load(file), Bench.BadInput, said)
      }
    }))

  it("counts what is found, what is missed and what is false, and tells no secret", () =>
    inFolder((folder) => {
      const file = join(folder, "planted.jsonl")
      writeFileSync(file, [row(`a ${secret}`), row("nothing like a secret", "secret"), ""].join("\n"))
      const clean = join(folder, "clean")
      mkdirSync(join(clean, "node_modules", "one"), { recursive: true })
      writeFileSync(join(clean, "node_modules", "one", "a.js"), `one\ntwo ${secret}\nthree\n`)
      const ended = spawnSync(process.execPath, [bench, "secrets", "--json", "--planted", file, "--clean", clean], {
        encoding: "utf8"
      })
      assert.strictEqual(ended.status, 0, ended.stderr)
      const { figures, hits, missed }: { figures: ReadonlyArray<Bench.Figure>; hits: unknown; missed: unknown } =
        JSON.parse(ended.stdout)
      const value = (name: string) => figures.find((figure) => figure.name === name)?.value
      assert.strictEqual(value("planted found by any rule"), 0.5)
      assert.strictEqual(value("false hits per 150,000 lines"), 50_000)
      assert.deepStrictEqual(missed, ["github-pat"])
      assert.deepStrictEqual(hits, [{ rule: "github-pat", path: "one/a.js", line: 2, masked: "ghp…" }])
      assert.notInclude(ended.stdout + ended.stderr, secret)
    }))

  it("takes a folder for --clean, and nothing else", () =>
    inFolder((folder) => {
      for (const path of [join(folder, "none"), bench]) {
        const ended = spawnSync(process.execPath, [bench, "secrets", "--clean", path], { encoding: "utf8" })
        assert.strictEqual(ended.status, 2, ended.stderr)
        assert.include(ended.stderr, "--clean takes a folder that can be read")
      }
      const ended = spawnSync(process.execPath, [bench, "secrets", "--clean", folder], { encoding: "utf8" })
      assert.strictEqual(ended.status, 2, ended.stderr)
      assert.include(ended.stderr, "holds no text")
    }))
})
