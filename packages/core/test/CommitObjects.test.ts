import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Git from "../src/Git.ts"
import * as GitCommit from "../src/GitCommit.ts"
import { commit, git, repository, temporary, test, write } from "./Repository.ts"

const subjects = ({ commits }: { readonly commits: ReadonlyArray<Git.CommitObject> }) =>
  commits.map(({ bytes }) => Buffer.from(bytes).toString().split("\n\n")[1]?.trim())

describe("Git.commitObjects", () => {
  test("answers with commits byte by byte, the oldest first, and with what is not there", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      const message = Buffer.from("caf\xe9\n\n\ntwo\0three\n", "latin1")
      const raw = Buffer.concat([
        Buffer.from(
          `tree ${git(dir, "write-tree")}\nparent ${base}\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\n`
        ),
        message
      ])
      const id = execFileSync("git", ["-C", dir, "hash-object", "-t", "commit", "-w", "--literally", "--stdin"], {
        input: raw,
        encoding: "utf8"
      }).trim()
      git(dir, "reset", "-q", "--hard", id)
      const next = commit(dir, "next")
      const range = yield* Git.commitObjects(dir, { base, head: "HEAD", limit: 10 })
      assert.deepStrictEqual(
        range.commits.map(({ id }) => id),
        [id, next],
        "in order"
      )
      assert.deepStrictEqual(Buffer.from(range.commits[0]?.bytes ?? []), raw, "nothing is decoded")
      const { commits: _, ...rest } = range
      assert.deepStrictEqual(rest, { base, head: next, isAncestor: true, cut: [], truncated: false }, "whole")
      const short = yield* Git.commitObjects(dir, { base, head: "HEAD", limit: 1 })
      assert.deepStrictEqual(
        [subjects(short), short.truncated],
        [["next"], true],
        "the newest of them, and that there are more"
      )
      const none = yield* Git.commitObjects(dir, { base: "HEAD", head: base, limit: 10 })
      assert.deepStrictEqual([none.commits, none.isAncestor], [[], false], "nothing the other way round")
      const same = yield* Git.commitObjects(dir, { base, head: base, limit: 10 })
      assert.deepStrictEqual([same.commits, same.isAncestor], [[], true], "nothing between one and itself")
    }))

  test("follows no replacement and no graft, and names what a shallow clone cuts off", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      const hidden = commit(dir, "hidden")
      const seen = commit(dir, "seen")
      Fs.writeFileSync(`${dir}/.git/info/grafts`, `${seen} ${base}\n`)
      git(dir, "replace", seen, hidden)
      const range = yield* Git.commitObjects(dir, { base, head: seen, limit: 10 })
      assert.deepStrictEqual([subjects(range), range.cut], [["hidden", "seen"], []], "as it was committed")
      Fs.writeFileSync(`${dir}/.git/shallow`, `${seen}\n`)
      const cut = yield* Git.commitObjects(dir, { base, head: seen, limit: 10 })
      assert.deepStrictEqual([subjects(cut), cut.cut], [["seen"], [seen]], "a file that cuts history off is told")
    }))

  test("fails where an object is not what its id says", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      const [other, id, head] = [commit(dir, "one"), commit(dir, "two"), commit(dir, "three")]
      const file = (id: string) => `${dir}/.git/objects/${id.slice(0, 2)}/${id.slice(2)}`
      Fs.rmSync(file(id))
      Fs.copyFileSync(file(other), file(id))
      const error = yield* Effect.flip(Git.commitObjects(dir, { base, head, limit: 10 }))
      assert.strictEqual(error.reason, "Failed", "another commit in its place")
      assert.include(error.message, `The commit ${id} in ${dir} is damaged`, "which one")
    }))
})

describe("GitCommit.commitAll with a signature", () => {
  test("puts what signs into the header, over the commit as it is without, in either kind of repository", () =>
    Effect.gen(function* () {
      for (const format of ["sha1", "sha256"]) {
        const dir = yield* temporary
        git(dir, "init", "-q", "-b", "main", `--object-format=${format}`, ".")
        const base = commit(dir, "base")
        write(dir, "a", "a")
        const seen: Array<string> = []
        const sign: GitCommit.Sign = (bytes) =>
          Effect.sync(() => {
            seen.push(Buffer.from(bytes).toString())
            return "-----BEGIN X-----\nline\n\nlast\n-----END X-----\n"
          })
        const options = {
          branch: "work",
          base,
          message: "Title\n\nBody",
          author: { name: "a", email: "a@example.org" }
        }
        const id = Option.getOrThrow(yield* GitCommit.commitAll(dir, { ...options, sign }))
        const header = format === "sha1" ? "gpgsig" : "gpgsig-sha256"
        const block = `${header} -----BEGIN X-----\n line\n \n last\n -----END X-----\n`
        const made = `${git(dir, "cat-file", "commit", id)}\n`
        assert.include(made, block, "as git writes it")
        assert.deepStrictEqual(new Set(seen), new Set([made.replace(block, "")]), "over everything else")
        assert.deepStrictEqual(
          yield* GitCommit.commitAll(dir, { ...options, sign }),
          Option.some(id),
          "a second call makes no other"
        )
        git(dir, "fsck", "--strict")
        const refused = new Git.GitError({ reason: "Failed", message: "no key" })
        const error = yield* Effect.flip(
          GitCommit.commitAll(dir, { ...options, message: "Other", sign: () => refused })
        )
        assert.strictEqual(error.message, "no key", "who can not sign stops the commit")
        assert.strictEqual(git(dir, "rev-parse", "work"), id, "and the branch stays")
      }
    }))

  test("takes no commit of an agent for its own that says more than it would", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      write(dir, "a", "a")
      const options = { branch: "work", base, message: "Title", author: { name: "a", email: "a@example.org" } }
      const id = Option.getOrThrow(yield* GitCommit.commitAll(dir, options))
      const forged = git(dir, "cat-file", "commit", id).replace("\n\n", "\ngpgsig a signature from elsewhere\n\n")
      const planted = execFileSync("git", ["-C", dir, "hash-object", "-t", "commit", "-w", "--stdin"], {
        input: `${forged}\n`,
        encoding: "utf8"
      }).trim()
      git(dir, "update-ref", "refs/heads/work", planted)
      const again = Option.getOrThrow(yield* GitCommit.commitAll(dir, options))
      assert.notStrictEqual(again, planted, "what an agent put there with a signature is not kept")
      assert.notInclude(git(dir, "cat-file", "commit", again), "gpgsig", "and the host's has none")
    }))
})
