import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type * as Change from "../src/Change.ts"
import * as Git from "../src/Git.ts"
import { commit, git, repository, temporary, test, write } from "./Repository.ts"

const byPath = (files: ReadonlyArray<Change.FileChange>) => new Map(files.map((file) => [file.path, file]))

describe("Git", () => {
  describe("where and what", () => {
    test("finds the root and the common folder, from a subfolder and from a linked worktree", () =>
      Effect.gen(function* () {
        const { dir } = yield* repository
        write(dir, "a/b/c.txt", "c")
        const other = `${yield* temporary}/wt`
        git(dir, "worktree", "add", "-q", "-b", "side", other)
        assert.strictEqual(yield* Git.root(`${dir}/a/b`), dir, "the root of a subfolder")
        assert.strictEqual(yield* Git.root(other), other, "the root of a linked worktree is its own")
        assert.strictEqual(yield* Git.commonDir(other), `${dir}/.git`, "both share one folder")
        assert.deepStrictEqual(yield* Git.currentBranch(other), Option.some("side"), "the worktree's branch")
      }))

    test("resolves revisions, and takes none for an option", () =>
      Effect.gen(function* () {
        const { base, dir } = yield* repository
        const head = commit(dir, "two")
        git(dir, "tag", "-a", "v1", "-m", "v1")
        assert.strictEqual(yield* Git.resolve(dir, "HEAD"), head, "HEAD")
        assert.strictEqual(yield* Git.resolve(dir, "main~1"), base, "an ancestor")
        assert.strictEqual(yield* Git.resolve(dir, "v1"), head, "an annotated tag names its commit")
        for (const rev of [
          "nowhere",
          "--all",
          "--output=/tmp/x",
          "-",
          "",
          "\0",
          "main\nmain",
          "HEAD:README.md",
          "HEAD^{tree}",
          "0".repeat(40)
        ]) {
          const error = yield* Effect.flip(Git.resolve(dir, rev))
          assert.strictEqual(error.reason, "UnknownRevision", `${JSON.stringify(rev)} is no commit`)
        }
      }))

    test("says what is wrong with a folder", () =>
      Effect.gen(function* () {
        const dir = yield* temporary
        assert.strictEqual(
          (yield* Effect.flip(Git.root(`${dir}/none`))).reason,
          "NoSuchPath",
          "a folder that is not there"
        )
        assert.strictEqual(
          (yield* Effect.flip(Git.root(dir))).reason,
          "NotARepository",
          "a folder that is no repository"
        )
        git(dir, "init", "-q", "-b", "main", ".")
        assert.strictEqual(
          (yield* Effect.flip(Git.resolve(dir, "HEAD"))).reason,
          "NoCommits",
          "a repository without a commit"
        )
        assert.deepStrictEqual(
          yield* Git.currentBranch(dir),
          Option.some("main"),
          "a branch without a commit has a name"
        )
        for (const error of [
          yield* Effect.flip(Git.root(dir + "/none")),
          yield* Effect.flip(Git.resolve(dir, "HEAD"))
        ]) {
          assert.include(error.message, dir, "the message says where")
        }
      }))

    test("says when git is not installed", () =>
      Effect.gen(function* () {
        const dir = yield* temporary
        const path = process.env["PATH"]
        yield* Effect.acquireRelease(
          Effect.sync(() => void (process.env["PATH"] = dir)),
          () => Effect.sync(() => void (process.env["PATH"] = path))
        )
        const error = yield* Effect.flip(Git.root(dir))
        assert.strictEqual(error.reason, "NotInstalled", error.message)
      }))

    test("takes branch names as they are written", () =>
      Effect.gen(function* () {
        const { base, dir } = yield* repository
        const head = commit(dir, "two")
        git(dir, "branch", "we'ird;$(x)", base)
        assert.deepStrictEqual(yield* Git.branchHead(dir, "main"), Option.some(head), "a branch's head")
        assert.deepStrictEqual(
          yield* Git.branchHead(dir, "we'ird;$(x)"),
          Option.some(base),
          "a name with signs of a shell"
        )
        for (const name of [
          "main~1",
          "main^",
          "mai*",
          "",
          "-d",
          "../heads/main",
          "main\0",
          "HEAD",
          "refs/heads/main"
        ]) {
          assert.isFalse(yield* Git.branchExists(dir, name), `${JSON.stringify(name)} is no branch`)
        }
        git(dir, "checkout", "-q", "--detach")
        assert.deepStrictEqual(yield* Git.currentBranch(dir), Option.none(), "a HEAD on a commit is on no branch")
      }))

    test("lists what is not committed, whatever the settings", () =>
      Effect.gen(function* () {
        const { dir } = yield* repository
        assert.deepStrictEqual(yield* Git.status(dir), [], "a fresh checkout is clean")
        for (const [key, value] of [
          ["status.showUntrackedFiles", "no"],
          ["status.renames", "copies"],
          ["status.relativePaths", "true"]
        ] as const) {
          git(dir, "config", key, value)
        }
        write(dir, ".millwright/.gitignore", "*\n")
        write(dir, ".millwright/journal.sqlite", "x")
        write(dir, 'sub/new "file"\n.txt', "x")
        Fs.renameSync(`${dir}/README.md`, `${dir}/-b.md`)
        const dirty = yield* Git.status(`${dir}/sub`)
        assert.sameMembers(
          [...dirty],
          ["README.md", "-b.md", 'sub/new "file"\n.txt'],
          "both sides of a move, new files, and nothing that ignores itself"
        )
      }))

    test("gives the log between two commits", () =>
      Effect.gen(function* () {
        const { base, dir } = yield* repository
        git(dir, "config", "log.showSignature", "true")
        const two = commit(dir, "two\n\nbody")
        const three = commit(dir, "drei ß")
        const entries = yield* Git.log(dir, { base, head: "main", limit: 10 })
        assert.deepStrictEqual(
          entries.map(({ id, subject }) => [id, subject]),
          [
            [three, "drei ß"],
            [two, "two"]
          ],
          "newest first, without the base"
        )
        assert.deepStrictEqual(entries[0]?.author, { name: "t", email: "t@example.org" }, "the author")
        assert.deepStrictEqual(
          (yield* Git.log(dir, { head: "main", limit: 1 })).map(({ id }) => id),
          [three],
          "no more than asked for"
        )
        assert.deepStrictEqual(
          yield* Git.log(dir, { base: "main", head: "main", limit: 1 }),
          [],
          "nothing lies between a commit and itself"
        )
      }))
  })

  describe("diff", () => {
    test("tells additions, deletions, renames, modes, links, submodules and binary files", () =>
      Effect.gen(function* () {
        const { dir } = yield* repository
        write(dir, "gone.txt", "a\nb\n")
        write(dir, "old name.txt", "1\n2\n3\n4\n5\n6\n")
        write(dir, "tool.sh", "#!/bin/sh\n")
        write(dir, "was-link", "")
        Fs.rmSync(`${dir}/was-link`)
        Fs.symlinkSync("README.md", `${dir}/was-link`)
        const base = commit(dir)
        Fs.rmSync(`${dir}/gone.txt`)
        Fs.renameSync(`${dir}/old name.txt`, `${dir}/new\tname.txt`)
        Fs.chmodSync(`${dir}/tool.sh`, 0o755)
        Fs.rmSync(`${dir}/was-link`)
        write(dir, "was-link", "a file now\n")
        write(dir, "binary.bin", Buffer.from([0, 1, 2, 0]))
        Fs.symlinkSync("/etc/passwd", `${dir}/link`)
        Fs.mkdirSync(`${dir}/module`)
        git(`${dir}/module`, "init", "-q", ".")
        commit(`${dir}/module`)
        const head = commit(dir)
        const files = byPath(yield* Git.diff(dir, base, head))
        const expected: ReadonlyArray<Change.FileChange> = [
          { path: "gone.txt", status: "deleted", mode: "100644", additions: 0, deletions: 2 },
          {
            path: "new\tname.txt",
            previousPath: "old name.txt",
            status: "renamed",
            mode: "100644",
            additions: 0,
            deletions: 0
          },
          { path: "tool.sh", status: "modified", mode: "100755", additions: 0, deletions: 0 },
          { path: "was-link", status: "type-changed", mode: "100644", additions: 1, deletions: 1 },
          { path: "binary.bin", status: "added", mode: "100644", additions: null, deletions: null },
          { path: "link", status: "added", mode: "120000", additions: 1, deletions: 0 },
          { path: "module", status: "added", mode: "160000", additions: 1, deletions: 0 }
        ]
        assert.strictEqual(files.size, expected.length, `the paths are ${[...files.keys()].join(", ")}`)
        for (const file of expected)
          assert.deepStrictEqual(files.get(file.path), file, `what happened to ${JSON.stringify(file.path)}`)
      }))

    test("keeps two paths apart that are the same text once they are read as UTF-8", () =>
      Effect.gen(function* () {
        const { base, dir } = yield* repository
        write(dir, Buffer.from([0xff]), "1\n")
        write(dir, Buffer.from([0xfe]), "1\n2\n")
        const files = yield* Git.diff(dir, base, commit(dir))
        assert.deepStrictEqual(
          files.map(({ path }) => path),
          ["\ufffd", "\ufffd"],
          "bytes that are not UTF-8 are marked"
        )
        assert.sameMembers(
          files.map(({ additions }) => additions),
          [1, 2],
          "each has its own counts"
        )
      }))

    test("is not told otherwise by attributes, settings, replaced objects or .gitmodules", () =>
      Effect.gen(function* () {
        const { dir } = yield* repository
        Fs.mkdirSync(`${dir}/module`)
        git(`${dir}/module`, "init", "-q", ".")
        commit(`${dir}/module`)
        write(dir, "src.ts", "one\n")
        const base = commit(dir)
        write(dir, ".gitattributes", "*.ts -diff -text filter=evil diff=evil\n")
        write(dir, ".gitmodules", '[submodule "module"]\n\tpath = module\n\turl = ./m\n\tignore = all\n')
        write(dir, "src.ts", "one\ntwo\n")
        commit(`${dir}/module`, "moved")
        const head = commit(dir)
        const ran = `${dir}/../ran-${Path.basename(dir)}`
        for (const [key, value] of [
          ["diff.ignoreSubmodules", "all"],
          ["core.worktree", dir],
          ["diff.renames", "false"],
          ["diff.external", `touch '${ran}'`],
          ["diff.noprefix", "true"],
          ["diff.evil.textconv", `touch '${ran}'; cat`],
          ["diff.evil.command", `touch '${ran}'`],
          ["diff.orderFile", "/nonexistent/order"],
          ["core.pager", `touch '${ran}'; cat`],
          ["core.fsmonitor", `touch '${ran}'`],
          ["color.ui", "always"],
          ["diff.context", "0"]
        ] as const)
          git(dir, "config", key, value)
        git(dir, "replace", head, base)
        const files = byPath(yield* Git.diff(dir, base, head))
        assert.deepStrictEqual(
          [...files.keys()].sort(),
          [".gitattributes", ".gitmodules", "module", "src.ts"],
          "every path is told"
        )
        assert.strictEqual(files.get("src.ts")?.additions, 1, "an attribute does not make a text binary")
        const { text, truncated } = yield* Git.patch(dir, { base, head, maxBytes: 100_000 })
        assert.isFalse(truncated)
        assert.include(text, "\n+two\n", "the reviewer reads the text that an attribute calls binary")
        assert.include(text, "--- a/src.ts\n", "the shape of the patch is ours")
        assert.isFalse(Fs.existsSync(ran), "no program of the repository ran")
      }))

    test("gives a patch of at most as many bytes as asked for, cut between characters", () =>
      Effect.gen(function* () {
        const { base, dir } = yield* repository
        write(dir, "big.txt", "é€🦀\n".repeat(300_000))
        const head = commit(dir)
        for (const maxBytes of [0, 1, 1_001, 1_002, 1_003, 1_004, 100_000]) {
          const { text, truncated } = yield* Git.patch(dir, { base, head, maxBytes })
          assert.isTrue(truncated, `${maxBytes} bytes are less than there is`)
          assert.isAtMost(Buffer.byteLength(text), maxBytes, "no more than asked for")
          assert.notInclude(text, "\ufffd", "no character is cut through")
        }
        assert.deepStrictEqual(
          yield* Git.patch(dir, { base, head: base, maxBytes: 10 }),
          { text: "", truncated: false },
          "no difference, no text"
        )
      }))

    test("does not run a command in the place of a revision", () =>
      Effect.gen(function* () {
        const { base, dir } = yield* repository
        const error = yield* Effect.flip(Git.diff(dir, base, `--output=${dir}/written`))
        assert.strictEqual(error.reason, "UnknownRevision")
        assert.isFalse(Fs.existsSync(`${dir}/written`), "an option in the place of a revision does nothing")
      }))

    it.live.prop(
      "reads back any names and any numbers of lines",
      [
        Arbitrary.array(
          Arbitrary.all([
            Arbitrary.schema(Schema.String),
            Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })))
          ]),
          { maxLength: 8 }
        )
      ],
      ([names]) =>
        Effect.gen(function* () {
          const { base, dir } = yield* repository
          const signs = ["\t", "\n", '"', "\\", " ", "-", ":", "'", "\u{1f980}", "\u202e", "\x7f"]
          const wanted = new Map<string, number>()
          names.forEach(([name, count], index) => {
            const clean = name.replaceAll(/[\0/\p{Surrogate}]/gu, "").slice(0, 30)
            const path = `${signs[(index + count) % signs.length]}${clean}${signs[count % signs.length]}${index}`
            wanted.set(path, count)
            write(dir, path, Array.from({ length: count }, (_, at) => `${index} ${at}\n`).join(""))
          })
          const files = yield* Git.diff(dir, base, commit(dir))
          assert.deepStrictEqual(new Map(files.map(({ additions, path }) => [path, additions])), wanted)
        }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
      { timeout: 120_000, arbitrary: { runs: 25 } }
    )
  })
})
