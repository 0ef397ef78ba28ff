import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import type * as Change from "@millwright/core/Change"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as SecretFolder from "../src/SecretFolder.ts"
import * as SecretHistory from "../src/internal/SecretHistory.ts"
import * as SecretRules from "../src/SecretRules.ts"
import * as SecretScan from "../src/SecretScan.ts"
import * as SecretsRule from "../src/SecretsRule.ts"
import * as ObjectsAlone from "./ObjectsAlone.ts"
import * as SecretSamples from "./SecretSamples.ts"

const scan = SecretScan.make(Effect.runSync(SecretRules.usual))
const rule = SecretsRule.make(scan)

const git = (dir: string, ...args: ReadonlyArray<string>): string =>
  execFileSync("git", ["-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.org", ...args], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" }
  }).trim()

const write = (dir: string, name: string, content: string | Uint8Array): void => {
  mkdirSync(dirname(join(dir, name)), { recursive: true })
  writeFileSync(join(dir, name), content)
}

const commit = (dir: string, message = "m"): string => {
  git(dir, "add", "-A")
  git(dir, "commit", "-q", "--allow-empty", "-m", message)
  return git(dir, "rev-parse", "HEAD")
}

/** A token that nobody has ever had. */
const token = (seed: number): string => {
  const next = SecretSamples.random(seed)
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
  return `ghp_${Array.from({ length: 36 }, () => letters.charAt(Math.floor(next() * letters.length))).join("")}`
}

const temporary = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  fs.makeTempDirectoryScoped({ prefix: "millwright-secrets-" })
)

const repository = Effect.map(temporary, (dir) => {
  git(dir, "init", "-q", "-b", "main", ".")
  write(dir, "README.md", `old ${token(99)}\nline\n`)
  return { dir, base: commit(dir, "base") }
})

const test = (title: string, body: () => Effect.Effect<void, unknown, NodeServices.NodeServices | Scope.Scope>) =>
  it.live(title, () => Effect.provide(Effect.scoped(body()), NodeServices.layer), 60_000)

const change = (dir: string, base: string): Change.Change => ({
  branch: "main",
  base,
  head: git(dir, "rev-parse", "HEAD"),
  files: []
})

const judge = (dir: string, base: string) =>
  rule.judge(ObjectsAlone.context({ change: change(dir, base), repository: dir }))

const report = (dir: string, base: string) => SecretHistory.scan(scan, { repository: dir, base, head: "HEAD" })

describe("the secrets of a change", () => {
  test("are those of added lines, names and messages, in every commit, and nothing of what was there before", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      write(dir, "README.md", `old ${token(99)}\nline\nnew\n\nx = ${token(1)}\n`)
      const first = commit(dir, "first")
      write(dir, "README.md", `old ${token(99)}\nline\nnew\n`)
      write(dir, `a dir/"ü${token(2)}.txt`, "text\n")
      const second = commit(dir, `second\n\n+++ b/x\n@@ -0,0 +1 @@\n${token(3)}`)
      git(dir, "mv", "README.md", `${token(4)}.md`)
      write(dir, "wide.txt", Buffer.from(`\ufeffa\nb ${token(5)}\n`, "utf16le"))
      write(dir, "picture.dat", Buffer.from([1, 0, 2, 0, 0, 7]))
      write(dir, "yarn.lock", `${token(6)}\n`)
      symlinkSync(token(7), join(dir, "link"))
      const third = commit(dir, "third")
      const { commits, findings, skipped } = yield* report(dir, base)
      assert.deepStrictEqual(
        findings.map(({ commit, isInHead, line, path, place }) => [commit, place, path, line, isInHead]),
        [
          [first, "content", "README.md", 5, false],
          [second, "message", "", 5, true],
          [second, "name", `a dir/"üghp….txt`, null, true],
          [third, "content", "link", 1, true],
          [third, "name", "ghp….md", null, true],
          [third, "content", "wide.txt", 2, true]
        ]
      )
      assert.strictEqual(commits, 3)
      assert.deepStrictEqual(skipped.map(({ path, why }) => [path, why]).toSorted(), [
        ["picture.dat", "binary"],
        ["yarn.lock", "allowed-path"]
      ])
    }))

  test("of branches that were merged, of a root of their own and of a merge itself are found", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      git(dir, "checkout", "-q", "--orphan", "other")
      git(dir, "rm", "-rfq", ".")
      write(dir, "o.txt", `${token(1)}\n`)
      commit(dir, "root")
      rmSync(join(dir, "o.txt"))
      write(dir, "p.txt", "p\n")
      commit(dir, "gone")
      git(dir, "checkout", "-q", "main")
      git(dir, "merge", "-q", "--no-commit", "--allow-unrelated-histories", "other")
      write(dir, "evil.txt", `${token(2)}\n`)
      commit(dir, "merge")
      const { findings } = yield* report(dir, base)
      assert.deepStrictEqual(
        findings.map(({ isInHead, path }) => [path, isInHead]),
        [
          ["o.txt", false],
          ["evil.txt", true]
        ]
      )
    }))

  test("make `RULE-SECRETS` fail, and stand in nothing that it says", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      const tokens = [1, 2, 3, 4].map(token)
      const [one = "", two = "", three = "", four = ""] = tokens
      write(dir, `${one}/a.js`, `const x = "${two}" // gitleaks:allow\n`)
      write(dir, "b.txt", Buffer.from(`see ${three} there`).toString("base64"))
      commit(dir, `m ${four}`)
      const judged = yield* judge(dir, base)
      assert.strictEqual(judged.status, "fail")
      assert.strictEqual(judged.problems?.length, 4, "path, content, base64 and message")
      const told = JSON.stringify(judged)
      for (const each of tokens) assert.notInclude(told, each)
      assert.deepStrictEqual(yield* judge(dir, base), judged, "twice the same")
    }))

  test("let `RULE-SECRETS` pass with evidence where there are none, and of no commits", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      const empty = yield* judge(dir, base)
      assert.deepStrictEqual([empty.status, empty.evidence.length], ["pass", 1])
      write(dir, "a.ts", "export const a = 1\n")
      commit(dir)
      const judged = yield* judge(dir, base)
      assert.deepStrictEqual([judged.status, judged.problems], ["pass", []])
      assert.include(judged.evidence[0]?.summary, "1 commits")
    }))

  test("that can not be looked at are an error, as is a repository that is not there", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      write(dir, "a\nb.dat", Buffer.from([1, 0, 2, 0, 0, 7]))
      commit(dir)
      const judged = yield* judge(dir, base)
      assert.deepStrictEqual([judged.status, judged.problems?.[0]?.rule], ["error", "not-read"])
      const gone = yield* Effect.flip(judge(dir, "0".repeat(40)))
      assert.strictEqual(gone.reason, "SubjectUnavailable")
    }))
})

describe("the secrets of a folder", () => {
  test("are found in texts of any size, and what is not looked at is told", () =>
    Effect.gen(function* () {
      const dir = yield* temporary
      write(dir, "a/b.txt", `x\n${token(1)}\n`)
      write(dir, "be.txt", Buffer.from(`y ${token(2)}`, "utf16le").swap16())
      write(dir, "large.txt", `${"lorem ipsum\n".repeat(800_000)}${token(3)}\n`)
      write(dir, "binary", Buffer.from([0, 1, 2, 0, 0, 0, 5]))
      write(dir, "package-lock.json", token(4))
      write(dir, ".git/config", token(5))
      write(dir, "empty", "")
      symlinkSync("a", join(dir, "link"))
      const told = yield* SecretFolder.scan(scan, dir)
      assert.deepStrictEqual(
        told.findings.map(({ line, path }) => [path, line]),
        [
          ["be.txt", 1],
          ["large.txt", 800_001],
          ["a/b.txt", 2]
        ]
      )
      assert.deepStrictEqual(
        told.skipped.map(({ path, why }) => [path, why]),
        [
          ["binary", "binary"],
          ["link", "link"],
          ["package-lock.json", "allowed-path"]
        ]
      )
      assert.deepInclude(told, { files: 4, lines: 800_001 + 1 + 2, allowedByComment: 0 })
      const gone = yield* Effect.flip(SecretFolder.scan(scan, join(dir, "none")))
      assert.strictEqual(gone.reason._tag, "NotFound")
    }))
})
