import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../main.ts", import.meta.url))
let folder = ""
let workspace = ""

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sandbox-exec-"))
  workspace = join(folder, "-a $(b)' \"c")
  const git = (...args: ReadonlyArray<string>) => execFileSync("git", ["-C", workspace, ...args])
  execFileSync("git", ["init", "-q", workspace])
  writeFileSync(join(workspace, "file.txt"), "content\n")
  git("add", "file.txt")
  git("-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-q", "-m", "first")
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const start = (...args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [main, ...args])
  const out: Array<Buffer> = []
  const err: Array<Buffer> = []
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk))
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk))
  const ended = once(child, "close").then(([code]: Array<unknown>) => ({
    code,
    stdout: Buffer.concat(out),
    stderr: Buffer.concat(err).toString()
  }))
  return { child, ended }
}
const run = (input: string | Uint8Array, ...args: ReadonlyArray<string>) => {
  const { child, ended } = start(...args)
  child.stdin.on("error", () => undefined).end(input)
  return ended
}
/** A process that has ended may be a zombie for a while, which nobody has looked at yet. */
const isRunning = (pid: unknown): boolean =>
  !/^(Z.*)?$/.test(spawnSync("ps", ["-o", "stat=", "-p", String(pid).trim()], { encoding: "utf8" }).stdout.trim())
const inside = (...command: ReadonlyArray<string>) => [
  "--adapter",
  "worktree",
  "--workspace",
  workspace,
  "--",
  ...command
]
const json = (...command: ReadonlyArray<string>) => ["--json", "--limit", "10", ...inside(...command)]

describe("12-sandbox-exec", () => {
  it("passes input, output and errors through as bytes, and ends with the command's code", async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 256))
    const { code, stderr, stdout } = await run(bytes, ...inside("sh", "-c", "cat; cat file.txt >&2; exit 7"))
    assert.strictEqual(code, 7, stderr)
    assert.isTrue(bytes.equals(stdout), `${stdout.length} bytes came out of ${bytes.length}`)
    assert.strictEqual(stderr, "content\n")
  })

  const codes: ReadonlyArray<readonly [ReadonlyArray<string>, number]> = [
    [["sh", "-c", "kill -9 $$"], 137],
    [["no-such-command"], 127],
    [["/etc/passwd"], 126]
  ]
  for (const [command, expected] of codes) {
    it(`ends with ${expected} on: ${command.join(" ")}`, async () => {
      assert.strictEqual((await run("", ...inside(...command))).code, expected)
    })
  }

  it("passes a signal on to the command, whose tree is gone when it has ended", async () => {
    const { child, ended } = start(
      ...inside("sh", "-c", 'trap "exit 42" TERM; setsid sleep 1000 & echo $!; while :; do sleep 0.05; done')
    )
    const [line]: Array<unknown> = await once(child.stdout, "data")
    child.kill("SIGTERM")
    assert.strictEqual((await ended).code, 42)
    assert.isFalse(isRunning(line), "a process in a session of its own still runs")
  })

  it("ends what a command left in the background, and a command whose output nobody reads", async () => {
    const { code, stdout } = await run("", ...inside("sh", "-c", "sleep 1000 & echo $!"))
    assert.strictEqual(code, 0)
    assert.isFalse(isRunning(stdout), "it still runs")
    const { child, ended } = start(...inside("yes"))
    await once(child.stdout, "data")
    child.stdout.destroy()
    assert.strictEqual((await ended).code, 141)
  })

  it("prints one object on --json, and keeps the beginning of the outputs", async () => {
    const { code, stdout } = await run("", ...json("sh", "-c", "printf 123456789é; printf '\\377' >&2; exit 3"))
    const report: Record<string, unknown> = JSON.parse(stdout.toString())
    assert.strictEqual(code, 3)
    assert.include(report, { adapter: "worktree", stdout: "123456789", limit: 10 })
    assert.deepInclude(report, {
      exit: { code: 3 },
      base64: { stderr: "/w==" },
      bytes: { stdout: 11, stderr: 1 },
      truncated: { stdout: true, stderr: false }
    })
    const ended = await run("", ...json("sh", "-c", "kill $$"))
    assert.deepInclude(JSON.parse(ended.stdout.toString()), { exit: { signal: "SIGTERM" } })
    const failed = await run("", ...json("no-such-command"))
    assert.nestedInclude(JSON.parse(failed.stdout.toString()), { exit: null, "error.reason": "NotFound" })
  })

  it("says in one line what is wrong, and ends with 125", async () => {
    const spec = join(folder, "spec.json")
    writeFileSync(spec, JSON.stringify({ egress: { _tag: "Deny" } }))
    const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
      [[], /Which sandbox\?/],
      [["--adapter", "worktree", "--workspace", workspace], /Which command\?/],
      [["--adapter", "nope", "--workspace", workspace, "--", "ls"], /no adapter "nope".*worktree/],
      [["--adapter", "worktree", "--workspace", join(folder, "nope"), "--", "ls"], /can not be used: ENOENT/],
      [["--adapter", "worktree", "--workspace", spec, "--", "ls"], /is no folder/],
      [["--spec", main, ...inside("ls")], /is no JSON/],
      [["--spec", spec, ...inside("ls")], /can not do this: egress Deny/],
      [["--limit", "x", ...inside("ls")], /--limit takes/],
      [["--secret", "abc", ...inside("ls")], /HANDLE=NAME/]
    ]
    for (const [args, message] of wrong) {
      const { code, stderr, stdout } = await run("", ...args)
      assert.strictEqual(code, 125, stderr)
      assert.match(stderr, message)
      assert.strictEqual(stdout.length, 0)
    }
  })

  it("lists the adapters with what they support", async () => {
    const { code, stdout } = await run("", "--list", "--json")
    assert.strictEqual(code, 0)
    const listed: ReadonlyArray<Record<string, unknown>> = JSON.parse(stdout.toString())
    assert.nestedInclude(listed[0], { adapter: "worktree", isAvailable: true, "supports.isolation": "none" })
  })
})
