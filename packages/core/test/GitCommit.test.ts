import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import type * as Change from "../src/Change.ts"
import * as Git from "../src/Git.ts"
import * as GitCommit from "../src/GitCommit.ts"
import { commit, git, repository, temporary, test, write } from "./Repository.ts"

const ada = { name: "Ada Ⅲ", email: "ada@example.org" }

const byPath = (files: ReadonlyArray<Change.FileChange>) => new Map(files.map((file) => [file.path, file]))

const on = (dir: string, base: string, message = "One commit") =>
  GitCommit.commitAll(dir, { branch: "work", base, message, author: ada })

describe("GitCommit.commitAll", () => {
  test("makes one commit on the base of everything: what the agent committed, staged, changed, added and removed", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository
      write(dir, "a.txt", "a")
      write(dir, "was-file", "f")
      write(dir, "was-folder/x", "x")
      const base = commit(dir)
      git(dir, "checkout", "-q", "-b", "work")
      write(dir, "committed.txt", "by the agent")
      commit(dir, "wip")
      commit(dir, "wip 2")
      write(dir, "staged.txt", "s")
      git(dir, "add", "staged.txt")
      Fs.rmSync(`${dir}/staged.txt`)
      write(dir, "-leading", "dash")
      write(dir, Buffer.from([0x62, 0xff]), "not UTF-8")
      write(dir, 'new\nline\t"quoted"', "n")
      Fs.rmSync(`${dir}/a.txt`)
      Fs.rmSync(`${dir}/was-file`)
      write(dir, "was-file/inside", "i")
      Fs.rmSync(`${dir}/was-folder`, { recursive: true })
      Fs.symlinkSync("/etc", `${dir}/was-folder`)
      write(dir, ".gitignore", "ignored\n")
      write(dir, "ignored", "x")
      Fs.mkdirSync(`${dir}/nested/deep`, { recursive: true })
      const made = yield* on(`${dir}/nested/deep`, base, "Title\n\n# not a comment\nBody\0\n")
      const id = Option.getOrThrow(made)
      assert.strictEqual(git(dir, "rev-parse", "work"), id, "the branch stands on the commit")
      assert.strictEqual(git(dir, "rev-parse", "work^@"), base, "its one parent is the base")
      assert.strictEqual(
        git(dir, "log", "-1", "--format=%B", "work"),
        "Title\n\n# not a comment\nBody",
        "the message is kept"
      )
      assert.strictEqual(
        git(dir, "log", "-1", "--format=%an %ae %cn %ce", "work"),
        `${ada.name} ${ada.email} ${ada.name} ${ada.email}`,
        "author and committer"
      )
      assert.deepStrictEqual(yield* Git.status(dir), [], "nothing is left over")
      const files = byPath(yield* Git.diff(dir, base, id))
      assert.deepStrictEqual(
        [...files].map(([path, { status }]) => `${status} ${path}`).sort(),
        [
          "added -leading",
          "added .gitignore",
          "added b\ufffd",
          "added committed.txt",
          'added new\nline\t"quoted"',
          "added was-file/inside",
          "added was-folder",
          "deleted a.txt",
          "deleted was-file",
          "deleted was-folder/x"
        ],
        "everything that is not ignored"
      )
      assert.strictEqual(files.get("was-folder")?.mode, "120000", "a link is a link, not what it points to")
    }))

  test("is the same commit when it is done twice, and another for another message", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      write(dir, "a.txt", "a")
      const first = yield* on(dir, base)
      assert.deepStrictEqual(yield* on(dir, base), first, "a stage that runs again makes no second commit")
      const other = yield* on(dir, base, "Another message")
      assert.notDeepEqual(other, first, "another message is another commit")
      assert.strictEqual(git(dir, "rev-parse", "work^@"), base, "and it takes the place of the first")
    }))

  test("answers with none, and puts the branch at the base, when nothing is different", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      assert.deepStrictEqual(yield* on(dir, base), Option.none(), "a clean tree")
      write(dir, "a.txt", "a")
      git(dir, "checkout", "-q", "work")
      commit(dir, "wip")
      Fs.rmSync(`${dir}/a.txt`)
      assert.deepStrictEqual(yield* on(dir, base), Option.none(), "what was committed and taken back")
      assert.strictEqual(git(dir, "rev-parse", "work"), base, "none of the agent's commits is left on the branch")
    }))

  test("moves no other branch, whatever the agent made of HEAD and of the branch", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      write(dir, "a.txt", "a")
      git(dir, "symbolic-ref", "refs/heads/work", "refs/heads/main")
      Option.getOrThrow(yield* on(dir, base))
      assert.strictEqual(git(dir, "rev-parse", "main"), base, "a branch that points to main does not move main")
      assert.deepStrictEqual(yield* Git.currentBranch(dir), Option.some("work"), "HEAD is on the branch again")
    }))

  test("commits in a linked worktree without touching the main one", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      const other = `${yield* temporary}/wt`
      git(dir, "worktree", "add", "-q", "-b", "work", other)
      write(dir, "dirty.txt", "of the person who works here")
      write(other, "a.txt", "a")
      const id = Option.getOrThrow(yield* on(other, base))
      assert.deepStrictEqual(
        (yield* Git.diff(dir, base, id)).map(({ path }) => path),
        ["a.txt"],
        "only what lies in the worktree"
      )
      assert.deepStrictEqual(yield* Git.status(dir), ["dirty.txt"], "the main checkout is as it was")
      assert.deepStrictEqual(yield* Git.currentBranch(dir), Option.some("main"), "and on its branch")
    }))

  test("runs no program that the repository or a submodule names", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository
      const outside = yield* temporary
      Fs.mkdirSync(`${dir}/module`)
      git(`${dir}/module`, "init", "-q", ".")
      write(dir, "module/f", "1")
      commit(`${dir}/module`)
      write(dir, "text.txt", "1")
      commit(dir)
      const unsigned = execFileSync("git", ["-C", dir, "cat-file", "commit", "HEAD"], { encoding: "utf8" })
      const signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n\n"
      write(dir, ".git/signed", unsigned.replace("\n\n", `\n${signature}`))
      const base = git(dir, "hash-object", "-t", "commit", "-w", ".git/signed")
      git(dir, "update-ref", "refs/heads/main", base)
      const plant = (repo: string, name: string) => {
        const program = `touch '${outside}/${name}'; cat`
        for (const key of [
          "core.fsmonitor",
          "filter.evil.clean",
          "filter.e=v.il.process",
          "core.editor",
          "core.pager",
          "core.sshCommand"
        ]) {
          git(repo, "config", key, program)
        }
        // Not run by a shell, as the others are.
        write(repo, ".git/gpg", `#!/bin/sh\ntouch '${outside}/${name}-gpg'\n`)
        Fs.chmodSync(`${repo}/.git/gpg`, 0o755)
        git(repo, "config", "gpg.program", `${repo}/.git/gpg`)
        for (const key of ["filter.evil.required", "filter.e=v.il.required", "commit.gpgSign", "log.showSignature"])
          git(repo, "config", key, "true")
        write(repo, ".gitattributes", "*.txt filter=evil\nf filter=evil\n*.md filter=e=v.il\n")
        for (const hook of [
          "pre-commit",
          "post-commit",
          "commit-msg",
          "post-index-change",
          "reference-transaction",
          "post-checkout"
        ]) {
          write(repo, `.git/hooks/${hook}`, `#!/bin/sh\ntouch '${outside}/${name}-${hook}'\n`)
          Fs.chmodSync(`${repo}/.git/hooks/${hook}`, 0o755)
        }
      }
      plant(dir, "own")
      plant(`${dir}/module`, "module")
      const later = new Date(Date.now() + 5_000)
      write(dir, "text.txt", "2")
      write(dir, "new.txt", "3")
      write(dir, "README.md", "# Other\n")
      write(dir, "module/f", "2")
      for (const file of ["text.txt", "module/f", "README.md"]) Fs.utimesSync(`${dir}/${file}`, later, later)
      yield* Git.status(dir)
      const id = Option.getOrThrow(yield* on(dir, base))
      yield* Git.status(dir)
      yield* on(dir, base)
      yield* Git.log(dir, { head: "work", limit: 5 })
      assert.deepStrictEqual(Fs.readdirSync(outside), [], "no program ran")
      assert.sameMembers(
        (yield* Git.diff(dir, base, id)).map(({ path }) => path),
        [".gitattributes", "README.md", "new.txt", "text.txt"],
        "what changed is committed"
      )
    }))

  test("takes a repository within the tree as what git takes it for, and a moved submodule", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      Fs.mkdirSync(`${dir}/inner`)
      git(`${dir}/inner`, "init", "-q", ".")
      commit(`${dir}/inner`)
      const first = Option.getOrThrow(yield* on(dir, base))
      const moved = commit(`${dir}/inner`, "moved")
      const second = Option.getOrThrow(yield* on(dir, base, "moved"))
      assert.strictEqual(byPath(yield* Git.diff(dir, base, first)).get("inner")?.mode, "160000", "a submodule")
      assert.include(git(dir, "ls-tree", second, "inner"), moved, "the submodule's new commit is recorded")
    }))

  test("ignores the GIT_ variables and the configuration of the person who runs it", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      const home = yield* temporary
      write(
        home,
        ".gitconfig",
        "[core]\n\texcludesFile = ~/ignore\n\tautocrlf = input\n[commit]\n\tgpgSign = true\n[init]\n\tdefaultBranch = x\n"
      )
      write(home, "ignore", "*\n")
      write(home, ".config/git/ignore", "*\n")
      const set = {
        HOME: home,
        GIT_DIR: `${home}/none`,
        GIT_INDEX_FILE: `${home}/index`,
        GIT_WORK_TREE: home,
        GIT_AUTHOR_NAME: "Somebody",
        GIT_EXTERNAL_DIFF: "false"
      }
      const before = Object.keys(set).map((name) => [name, process.env[name]] as const)
      yield* Effect.acquireRelease(
        Effect.sync(() => Object.assign(process.env, set)),
        () =>
          Effect.sync(() =>
            before.forEach(([name, value]) =>
              value === undefined ? delete process.env[name] : (process.env[name] = value)
            )
          )
      )
      write(dir, "a.txt", "a\r\n")
      const id = Option.getOrThrow(yield* on(dir, base))
      assert.strictEqual(git(dir, "log", "-1", "--format=%an", id), ada.name, "the author is the one that was given")
      const bytes = execFileSync("git", ["-C", dir, "cat-file", "blob", `${id}:a.txt`], {
        env: { PATH: process.env["PATH"], GIT_DIR: `${dir}/.git` },
        encoding: "utf8"
      })
      assert.strictEqual(bytes, "a\r\n", "the user's settings do not change what is committed")
      assert.deepStrictEqual(
        (yield* Git.diff(dir, base, id)).map(({ path }) => path),
        ["a.txt"],
        "the user's ignore file ignores nothing"
      )
    }))

  test("says when paths are not merged", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      git(dir, "checkout", "-q", "-b", "work")
      write(dir, "README.md", "one\n")
      commit(dir)
      git(dir, "checkout", "-q", "-b", "other", base)
      write(dir, "README.md", "two\n")
      commit(dir)
      assert.throws(
        () => git(dir, "merge", "work"),
        undefined,
        undefined,
        "the merge conflicts; else this test says nothing"
      )
      const error = yield* Effect.flip(on(dir, base))
      assert.strictEqual(error.reason, "Conflict", error.message)
      assert.include(error.message, "README.md", "the message names the path")
    }))

  test("says when another process holds the lock, and that it may be tried again", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      write(dir, "a.txt", "a")
      write(dir, ".git/index.lock", "")
      const error = yield* Effect.flip(on(dir, base))
      assert.strictEqual(error.reason, "Locked", error.message)
      assert.isTrue(error.isRetryable, "a lock goes away")
      Fs.rmSync(`${dir}/.git/index.lock`)
      assert.isTrue(Option.isSome(yield* on(dir, base)), "and then it works")
    }))

  test("refuses to work on another folder than the one it was given", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      git(dir, "config", "core.worktree", "/etc")
      for (const error of [yield* Effect.flip(on(dir, base)), yield* Effect.flip(Git.status(dir))]) {
        assert.include(error.message, "core.worktree", "the message names the setting")
      }
    }))

  test("refuses a base or a branch that can not be", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      write(dir, "a.txt", "a")
      assert.strictEqual((yield* Effect.flip(on(dir, "nowhere"))).reason, "UnknownRevision", "a base that is no commit")
      const bad = yield* Effect.flip(GitCommit.commitAll(dir, { branch: "a..b", base, message: "m", author: ada }))
      assert.include(bad.message, "a..b", "a name that no branch can have is named")
      assert.deepStrictEqual(yield* Git.currentBranch(dir), Option.some("main"), "and nothing is checked out")
    }))
})
