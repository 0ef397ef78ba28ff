import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Git from "../src/Git.ts"
import { commit, git, repository, test, write } from "./Repository.ts"

describe("Git objects", () => {
  test("lists the files of a commit with their modes, whatever stands on the disk", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      write(dir, "a/b c\n.txt", "one")
      write(dir, "run.sh", "#!/bin/sh\n")
      Fs.chmodSync(`${dir}/run.sh`, 0o755)
      Fs.symlinkSync("/etc/passwd", `${dir}/link`)
      const head = commit(dir, "two")
      write(dir, "untracked", "x")
      Fs.rmSync(`${dir}/run.sh`)
      const tree = yield* Git.tree(`${dir}/a`, "HEAD")
      assert.deepInclude(tree, { commit: head, truncated: false })
      assert.deepStrictEqual(
        tree.entries.map(({ mode, path }) => `${mode} ${path}`),
        ["100644 README.md", "100644 a/b c\n.txt", "120000 link", "100755 run.sh"]
      )
      assert.deepStrictEqual(
        (yield* Git.tree(dir, base)).entries.map(({ path }) => path),
        ["README.md"],
        "an older commit has what it had"
      )
      assert.strictEqual((yield* Effect.flip(Git.tree(dir, "--all"))).reason, "UnknownRevision")
    }))

  test("reads the start of a content, and how large the whole is, and runs no filter", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository
      write(dir, ".gitattributes", "* filter=evil\n")
      write(dir, "f.bin", Buffer.from([0, 255, 10, 10, 1]))
      write(dir, "empty", "")
      commit(dir)
      git(dir, "config", "filter.evil.smudge", `touch ${dir}/smudged; cat`)
      const { entries } = yield* Git.tree(dir, "HEAD")
      const objectOf = (path: string) =>
        entries.find((entry) => entry.path === path)?.object ?? assert.fail(`no ${path}`)
      const whole = yield* Git.content(dir, { object: objectOf("f.bin"), maxBytes: 1_000 })
      assert.deepStrictEqual([[...whole.bytes], whole.size], [[0, 255, 10, 10, 1], 5])
      const start = yield* Git.content(dir, { object: objectOf("f.bin"), maxBytes: 2 })
      assert.deepStrictEqual([[...start.bytes], start.size], [[0, 255], 5])
      const empty = yield* Git.content(dir, { object: objectOf("empty"), maxBytes: 2 })
      assert.deepStrictEqual([empty.bytes.length, empty.size], [0, 0])
      assert.isFalse(Fs.existsSync(`${dir}/smudged`), "a filter of the repository ran")
    }))

  test("of a large content, no more is read than was asked for", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository
      write(dir, "large", Buffer.alloc(20_000_000, "x"))
      commit(dir)
      const object = git(dir, "rev-parse", "HEAD:large")
      const { bytes, size } = yield* Git.content(dir, { object, maxBytes: 10 })
      assert.deepStrictEqual([Buffer.from(bytes).toString(), size], ["x".repeat(10), 20_000_000])
    }))

  test("what is no file's content is refused", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      for (const object of ["0".repeat(40), base, `${base}^{tree}`, "nonsense", "", "--help"]) {
        const error = yield* Effect.flip(Git.content(dir, { object, maxBytes: 10 }))
        assert.strictEqual(error.reason, "UnknownRevision", `${object}: ${error.message}`)
      }
    }))

  test("tells the commits between two as they are, whatever their messages and names look like", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      const odd = 'a\n:100644 "b'
      write(dir, odd, "+++ b/x\n\u0000deadbeef\n")
      const message = `one\n\n${"0".repeat(40)}\n\ndiff --git a/x b/x`
      const first = commit(dir, message)
      const second = commit(dir, "nothing changed")
      git(dir, "mv", "README.md", "READ ME.md")
      const third = commit(dir, "moved")
      const commits = yield* Git.history(dir, { base, head: "HEAD" })
      assert.deepStrictEqual(
        commits.map(({ files, id, message }) => [id, message.trim(), files.map(({ path, status }) => [path, status])]),
        [
          [first, message, [[odd, "added"]]],
          [second, "nothing changed", []],
          [third, "moved", [["READ ME.md", "renamed"]]]
        ]
      )
      assert.include(commits[0]?.patch, "Binary files", "a NUL makes a file binary")
      assert.strictEqual(commits[1]?.patch, "")
      assert.deepStrictEqual(yield* Git.history(dir, { base, head: base }), [])
      assert.strictEqual(
        (yield* Effect.flip(Git.history(dir, { base: "--all", head: base }))).reason,
        "UnknownRevision"
      )
    }))
})
