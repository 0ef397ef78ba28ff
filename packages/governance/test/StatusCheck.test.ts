import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Policy from "@millwright/core/Policy"
import * as StatusCheck from "@millwright/governance/StatusCheck"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync, spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("../src/adapters/PolicyProgram.ts", import.meta.url))

class Repository {
  readonly dir = mkdtempSync(join(tmpdir(), "millwright-status-check-"))
  constructor() {
    this.git("init", "-q", "-b", "main", ".")
    this.commit({ "docs/a.md": "a\n", "src/auth/login.ts": "export const a = 1\n" })
    this.git("checkout", "-q", "-b", "work")
  }
  git(...args: ReadonlyArray<string>): string {
    const identity = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    return execFileSync("git", ["-C", this.dir, ...identity, ...args], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" }
    }).trim()
  }
  commit(files: Readonly<Record<string, string>>): string {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.dir, path)), { recursive: true })
      writeFileSync(join(this.dir, path), text)
    }
    this.git("add", "-A")
    this.git("commit", "-q", "-m", "m")
    return this.git("rev-parse", "HEAD")
  }
  /** Runs the program. What does not need one asks `judged`. */
  check(...args: ReadonlyArray<string>) {
    const range = ["--base", "--head"].flatMap((flag, at) =>
      args.includes(flag) ? [] : [flag, ["main", "work"][at] ?? ""]
    )
    const ended = spawnSync(process.execPath, [program, "--repo", this.dir, ...range, ...args], { encoding: "utf8" })
    return { code: ended.status, out: ended.stdout, err: ended.stderr }
  }
}

const repository = Effect.acquireRelease(
  Effect.sync(() => new Repository()),
  ({ dir }) => Effect.sync(() => rmSync(dir, { recursive: true, force: true }))
)

const test = (title: string, body: (at: Repository) => Promise<void> | void) =>
  it.live(title, () => Effect.scoped(Effect.flatMap(repository, (at) => Effect.promise(async () => body(at)))), 60_000)

/** The same check, in this process. */
const judged = async ({ dir }: Repository, options: Partial<StatusCheck.Options> = {}) => {
  const check = StatusCheck.check(dir, { base: "main", head: "work", ...options })
  const report = await Effect.runPromise(Effect.provide(check, NodeServices.layer))
  return { ...report, out: StatusCheck.text(report) }
}

describe("millwright-policy", () => {
  test("ends with 0 for a document, and with 1 for what takes humans, naming the rule, the paths and the way on", (at) => {
    at.commit({ "docs/a.md": "a\nb\n" })
    const shipped = at.check("--sarif", join(at.dir, "out.sarif"))
    assert.deepInclude(shipped, { code: 0 }, shipped.err)
    assert.include(shipped.out, 'May go out: AutoShip by the rule "documents"')
    assert.deepStrictEqual(JSON.parse(readFileSync(join(at.dir, "out.sarif"), "utf8")).runs[0].results, [])
    rmSync(join(at.dir, "out.sarif"))
    at.commit({ "src/auth/login.ts": "export const a = 2\n" })
    const held = at.check()
    assert.deepInclude(held, { code: 1 }, held.err)
    for (const said of [
      "auth, payments, personal data",
      "src/auth/login.ts",
      "domain expert",
      "validation architect"
    ]) {
      assert.include(held.out, said)
    }
  })

  test("writes SARIF that names the rule, the level, the file and the line", async (at) => {
    at.commit({ "src/ä #.ts": "export const a = 1\napp.get('/x', f)\n", ".github/workflows/a.yml": "on: push\n" })
    const log = JSON.parse(JSON.stringify(StatusCheck.sarif(await judged(at))))
    assert.strictEqual(log.version, "2.1.0")
    const [{ results, tool }] = log.runs
    for (const { level, locations, message, ruleId, ruleIndex } of results) {
      assert.strictEqual(tool.driver.rules[ruleIndex].id, ruleId, "an index names its rule")
      assert.include(["error", "warning"], level)
      assert.isAbove(message.text.length, 10)
      for (const { physicalLocation } of locations) {
        assert.isTrue(URL.canParse(physicalLocation.artifactLocation.uri, "file:///"), "a path is a reference of a URI")
        assert.isAtLeast(physicalLocation.region.startLine, 1)
      }
    }
    const endpoint = results.find(({ ruleId }: { ruleId: string }) => ruleId === "endpoints")
    assert.deepStrictEqual(endpoint.locations, [
      { physicalLocation: { artifactLocation: { uri: "src/%C3%A4%20%23.ts" }, region: { startLine: 2 } } }
    ])
    const [empty] = StatusCheck.sarif(await judged(at, { head: "main" })).runs[0].results
    assert.lengthOf(empty?.locations ?? [], 1, "a forge refuses a result without a place")
    const stopped = results.find(({ ruleId }: { ruleId: string }) => ruleId === "automation and secrets")
    assert.strictEqual(stopped.level, "error")
  })

  test("takes approvals of this head and this decision, of people who did not make the change", async (at) => {
    at.git("checkout", "-q", "main")
    at.commit({
      ".millwright/policy.json": JSON.stringify({
        extends: "careful",
        people: { bob: ["domain expert"], eve: ["validation architect"] }
      })
    })
    at.git("checkout", "-q", "work")
    at.git("merge", "-q", "main")
    at.commit({ "src/auth/login.ts": "export const a = 2\n" })
    const { decision, exitCode, facts } = await judged(at)
    assert.strictEqual(exitCode, 1)
    const by = (...names: ReadonlyArray<string>) => ({
      approvals: names.map((name) => ({
        by: { _tag: "Human" as const, name },
        head: facts.head,
        decision: Policy.digest(decision)
      }))
    })
    assert.strictEqual((await judged(at, { known: by("bob") })).exitCode, 1, "one of two")
    const wrong = await judged(at, { known: by("ada", "bob", "mallory") })
    assert.strictEqual(wrong.exitCode, 1, "nobody of them is a validation architect")
    // As the program takes them, from a file.
    const file = join(at.dir, ".git", "approvals.json")
    writeFileSync(file, JSON.stringify(by("bob", "eve")))
    assert.strictEqual(at.check("--approvals", file).code, 0)
    at.commit({ "src/auth/login.ts": "export const a = 3\n" })
    const stale = await judged(at, { known: by("bob", "eve") })
    assert.strictEqual(stale.exitCode, 1, "a new commit voids approvals")
    assert.include(stale.out, "StaleHead")
  })

  test("is judged by the policy of the base, which the head can not change", async (at) => {
    at.commit({ ".millwright/policy.yaml": 'rules:\n  - { name: all, paths: ["**"], class: AutoShip }\n' })
    const held = await judged(at)
    assert.strictEqual(held.exitCode, 1)
    assert.include(held.out, "HardStop")
    assert.include(held.out, "the preset `careful`")
  })

  test("runs nothing of the repository, whatever its configuration and its hooks say", async (at) => {
    const trap = join(at.dir, "trap.sh")
    writeFileSync(trap, `#!/bin/sh\ntouch "${join(at.dir, "sprung")}"\n`)
    chmodSync(trap, 0o755)
    for (const key of [
      "core.fsmonitor",
      "diff.external",
      "core.pager",
      "gpg.program",
      "filter.x.smudge",
      "diff.x.textconv"
    ]) {
      at.git("config", key, trap)
    }
    writeFileSync(join(at.dir, ".git/info/attributes"), "* filter=x diff=x\n")
    rmSync(join(at.dir, "sprung"), { force: true })
    at.git("-c", "core.fsmonitor=false", "-c", "filter.x.smudge=cat", "commit", "-q", "--allow-empty", "-m", "m")
    rmSync(join(at.dir, "sprung"), { force: true })
    assert.include([0, 1], (await judged(at)).exitCode)
    assert.throws(() => readFileSync(join(at.dir, "sprung")), /ENOENT/, "a program of the repository was run")
  })

  test("ends with 2 and says what is wrong, for what it can not use", async (at) => {
    for (const [options, said] of [
      [{ base: "-x=y" }, "-x"],
      [{ path: "/etc/passwd" }, "/etc/passwd"]
    ] as const) {
      const failed = StatusCheck.check(at.dir, { base: "main", head: "work", ...options }).pipe(Effect.flip)
      assert.include((await Effect.runPromise(Effect.provide(failed, NodeServices.layer))).message, said)
    }
    at.git("checkout", "-q", "main")
    at.commit({ ".millwright/policy.yaml": "rules: 3\n" })
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
      [[], ".millwright/policy.yaml"],
      [["--base", "main~1", "--head", "nowhere"], '"nowhere" names no commit'],
      [["--approvals", join(at.dir, "docs/a.md")], "--approvals"],
      [["--wrong"], "--wrong"]
    ]
    for (const [args, said] of cases) {
      const ended = at.check(...args)
      assert.strictEqual(ended.code, 2, `${args.join(" ")}: ${ended.out}${ended.err}`)
      assert.include(ended.out + ended.err, said)
      assert.notInclude(ended.err, "    at ", "nobody reads a stack")
    }
    const help = spawnSync(process.execPath, [program, "--help"], { encoding: "utf8" })
    assert.strictEqual(help.status, 0)
    for (const flag of ["--base", "--head", "--sarif", "--json", "--policy", "--approvals"])
      assert.include(help.stdout, flag)
  })
})
