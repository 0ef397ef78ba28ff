import { assert, describe, it } from "@effect/vitest"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Bench from "../benchmarks/Bench.ts"
import * as Peer from "../benchmarks/Peer.ts"
import * as Command from "../scripts/Command.ts"
import * as Planted from "./Planted.ts"

const bench = (...args: ReadonlyArray<string>): Promise<Command.Ended> =>
  Command.run(process.execPath, [join(Command.root, "scripts", "bench.ts"), ...args])

const few = ["--events", "200", "--batch", "50", "--runs", "1"]

describe("pnpm bench", () => {
  it("answers with exactly one object on standard output", async () => {
    const { code, output, stdout } = await bench("journal", "--json", ...few)
    assert.strictEqual(code, 0, output)
    const report: Record<string, unknown> = JSON.parse(stdout)
    assert.hasAllKeys(report, ["bench", "figures", "load", "versions"])
    assert.strictEqual(report["bench"], "journal")
    assert.isArray(report["figures"])
    assert.isAbove(output.length, stdout.length, "no progress was written to standard error")
  })

  it("prints a table for people", async () => {
    const { code, stdout } = await bench("journal", ...few)
    assert.strictEqual(code, 0)
    assert.match(stdout, /figure +value +min–max +unit +goal/)
    assert.match(stdout, /load average \d+\.\d\d at the start, \d+\.\d\d at the end, \d+ processors/)
  })

  const bad: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
    [["nope"], /There is no bench "nope"\. The benches: .*policy/],
    [["Bench"], /There is no bench "Bench"/],
    [["../scripts/check"], /There is no bench/],
    [[], /Which bench\?/],
    [["policy", "--files", "many"], /--files takes a whole number/],
    [["policy", "--files", "0"], /--files takes a whole number/],
    [["policy", "--nope"], /--nope/],
    [["startup", "--only", "no-such-module"], /no public module/]
  ]
  for (const [args, message] of bad) {
    it(`ends with 2 on: bench ${args.join(" ")}`, async () => {
      const { code, output, stdout } = await bench(...args)
      assert.strictEqual(code, 2, output)
      assert.strictEqual(stdout, "", "standard output is for figures only")
      assert.match(output, message)
    })
  }

  it("lists the benches and their options on --help", async () => {
    assert.match((await bench("--help")).stdout, /policy +Policy: dangerous changes/)
    assert.match((await bench("policy", "--help")).stdout, /--files NUMBER .*\(5000\)/)
  })
})

describe("Bench", () => {
  it("judges goals at their bound", () => {
    const figure = { name: "a", value: 2, unit: "x" }
    assert.isUndefined(Bench.judge(figure).holds)
    assert.isTrue(Bench.judge({ ...figure, goal: { op: ">=", value: 2 } }).holds)
    assert.isFalse(Bench.judge({ ...figure, goal: { op: ">=", value: 2.1 } }).holds)
    assert.isTrue(Bench.judge({ ...figure, goal: { op: "<=", value: 2 } }).holds)
    assert.isFalse(Bench.judge({ ...figure, goal: { op: "<=", value: 1.9 } }).holds)
  })

  it("takes the middle", () => {
    assert.strictEqual(Bench.median([9, 1, 5]), 5)
    assert.strictEqual(Bench.median([9, 1, 5, 7]), 6)
  })
})

describe("Peer", () => {
  const lock = {
    name: "peers",
    version: "1.0.0",
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": { name: "peers", version: "1.0.0", dependencies: { other: "file:other" } },
      "node_modules/other": { resolved: "other", link: true },
      other: { version: "3.2.1" }
    }
  }
  const files = {
    "package.json": JSON.stringify({ name: "peers", version: "1.0.0", dependencies: { other: "file:other" } }),
    "package-lock.json": JSON.stringify(lock),
    "other/package.json": JSON.stringify({ name: "other", version: "3.2.1" })
  }

  it("is installed from its lock once, and again when the lock changed", () =>
    Planted.withFiles(files, async (folder) => {
      const said: Array<string> = []
      const say = (line: string): void => void said.push(line)
      Peer.install("planted", say, folder)
      assert.isTrue(existsSync(join(folder, "node_modules", "other")), "nothing was installed")
      assert.strictEqual(Peer.versionIn(folder, "other"), "3.2.1")
      Peer.install("planted", say, folder)
      assert.lengthOf(said, 1, "an installed peer was fetched again")
    }))

  it("says what is missing", () =>
    Planted.withFiles({}, async (folder) => {
      assert.throws(() => Peer.install("planted", () => undefined, folder), /There is no peer planted/)
    }))
})
