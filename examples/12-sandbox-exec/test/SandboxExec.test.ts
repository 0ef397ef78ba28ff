import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
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

const start = (...args: ReadonlyArray<string>) => startWith({}, ...args)
const startWith = (
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv },
  ...args: ReadonlyArray<string>
) => {
  // What npm says to the test is not said to the command.
  const { INIT_CWD: _, npm_package_json: __, ...env } = process.env
  const own = { ...env, XDG_STATE_HOME: join(folder, "state"), ...options.env }
  const child = spawn(process.execPath, [main, ...args], { ...options, env: own })
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
    [["/etc/passwd"], 126],
    [[""], 127],
    [["-x"], 125]
  ]
  for (const [command, expected] of codes) {
    it(`ends with ${expected} on: ${command.join(" ")}`, async () => {
      assert.strictEqual((await run("", ...inside(...command))).code, expected)
    })
  }

  it("ends with 124 what limits.wall ended, says so, and keeps what it wrote", async () => {
    const spec = join(folder, "wall.json")
    writeFileSync(spec, JSON.stringify({ limits: { wall: 500 } }))
    const { code, stderr, stdout } = await run("", "--spec", spec, ...json("sh", "-c", "echo a; sleep 1000"))
    assert.strictEqual(code, 124)
    assert.strictEqual(stderr, "sandbox-exec: ended after 500 ms (limits.wall)\n")
    assert.deepInclude(JSON.parse(stdout.toString()), { exit: { timedOut: true }, stdout: "a\n" })
  })

  it("removes an empty workspace without a name, and any on --discard, and names what stays", async () => {
    const spec = join(folder, "empty.json")
    const used = async (workspace: Record<string, unknown>, ...args: ReadonlyArray<string>) => {
      writeFileSync(spec, JSON.stringify(workspace))
      const { code, stderr, stdout } = await run(
        "",
        ...args,
        "--json",
        "--adapter",
        "worktree",
        "--spec",
        spec,
        "--",
        "pwd"
      )
      assert.strictEqual(code, 0, stderr)
      const { directory, id, stays }: Record<string, unknown> = JSON.parse(stdout.toString())
      assert.strictEqual(existsSync(String(directory)), stays, `${String(directory)} should be told of as it is`)
      return { directory, id, stays, stderr }
    }
    const empty = { workspace: { _tag: "Empty" } }
    assert.deepInclude(await used(empty), { stays: false, stderr: "" })
    const named = { id: "mine", ...empty }
    const kept = await used(named)
    assert.strictEqual(
      kept.stderr,
      `sandbox-exec: the workspace mine stays, in ${String(kept.directory)}; --discard removes it\n`
    )
    assert.deepInclude(await used(named, "--discard"), { id: "mine", stays: false, stderr: "" })
    const branch = { workspace: { _tag: "Checkout", repository: workspace, base: "HEAD", branch: "b" } }
    assert.deepInclude(await used(branch), { stays: true })
    assert.deepInclude(await used(branch, "--discard"), { stays: false, stderr: "" })
    assert.deepInclude(await used({ workspace: { _tag: "Folder", path: workspace } }, "--discard"), { stays: true })
  })

  it("takes paths from where the user stands, also through npm", async () => {
    const below = realpathSync(folder)
    const clone = join(below, "clone")
    mkdirSync(join(below, "stands"))
    mkdirSync(clone)
    const env = { INIT_CWD: below, npm_package_json: join(clone, "package.json") }
    const args = ["--adapter", "worktree", "--workspace", "stands", "--", "pwd"]
    const { stderr, stdout } = await startWith({ cwd: clone, env }, ...args).ended
    assert.strictEqual(stdout.toString(), `${below}/stands\n`, stderr)
    const elsewhere = await startWith({ cwd: workspace, env }, "--adapter", "worktree", "--workspace", ".", "--", "pwd")
      .ended
    assert.strictEqual(
      elsewhere.stdout.toString(),
      `${realpathSync(workspace)}\n`,
      "a script that went elsewhere means it"
    )
  })

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
      [["--json"], /Which sandbox\?/],
      [["--adapter", "worktree", "--workspace", "", "--", "ls"], /empty text/],
      [["--adapter", "./nope.ts", "--workspace", workspace, "--", "ls"], /There is no module .*nope\.ts/],
      [["--list", "--adapter", "nope"], /no adapter "nope"/],
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
    for (const { adapter, why } of listed) assert.notMatch(String(why), /Cannot find module/, String(adapter))
    const one = await run("", "--list", "--adapter", "worktree")
    assert.match(one.stdout.toString(), /^worktree: can be used here\n( {4}.*\n)+$/)
  })

  it("shows how it is used when nothing is asked", async () => {
    const { code, stdout } = await run("")
    assert.strictEqual(code, 0)
    assert.match(stdout.toString(), /^sandbox-exec --adapter NAME/)
  })
})
