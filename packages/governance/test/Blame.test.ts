import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Fs from "node:fs"
import * as AuthorshipNote from "../src/AuthorshipNote.ts"
import * as Blame from "../src/Blame.ts"
import * as LineOwners from "../src/LineOwners.ts"
import { commit, git, gitWith, repository, test, write } from "./NoteRepository.ts"

const agent = (session: string): LineOwners.Owner => ({ _tag: "Agent", tool: "codex", session, model: "gpt-5" })
const ada: LineOwners.Owner = { _tag: "Human", identity: "Ada <ada@example.org>" }
const owned = (path: string, ...ranges: ReadonlyArray<LineOwners.Range>) => ({ path, ranges })

/** Puts a note on a commit, with git itself. */
const noted = (dir: string, id: string, ...files: ReadonlyArray<LineOwners.FileOwners>) => {
  const note = AuthorshipNote.make(LineOwners.make(files), { base: id })
  gitWith(dir, Result.getOrThrow(AuthorshipNote.write(note)), "notes", `--ref=ai`, "add", "-f", "-F", "-", id)
}

const told = ({ files }: Blame.Blame) =>
  files.map(({ path, ranges }) => [
    path,
    ...ranges.map(({ first, last, owner }) => {
      const who = owner._tag === "Agent" ? owner.session : owner._tag === "Human" ? owner.identity : owner._tag
      return `${first}-${last} ${who}`
    })
  ])

const summaryOf = ({ files }: Blame.Blame) => {
  const { agents: _, ...counts } = LineOwners.summary(LineOwners.make(files))
  return counts
}

describe("Blame", () => {
  test("says whose each line is, through later edits and a rename, and what nobody knows", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository()
      write(dir, "a file.ts", "one\ntwo\nthree\nfour\nfive\nsix\n")
      const first = commit(dir, "by an agent and a human")
      noted(
        dir,
        first,
        owned("a file.ts", { first: 1, last: 3, owner: agent("s1") }, { first: 4, last: 4, owner: ada })
      )
      write(dir, "a file.ts", "zero\none\nTWO\nthree\nfour\nfive\nsix\n")
      const second = commit(dir, "by another agent")
      noted(dir, second, owned("a file.ts", { first: 1, last: 5, owner: agent("s2") }))
      git(dir, "mv", "a file.ts", "b c\u00e9.ts")
      Fs.appendFileSync(`${dir}/b c\u00e9.ts`, "seven\n")
      const third = commit(dir, "moved, with a line more")
      noted(dir, third, owned("b c\u00e9.ts", { first: 8, last: 8, owner: agent("s3") }))
      const blame = yield* Blame.make(dir, { rev: "HEAD", paths: ["b c\u00e9.ts", "README.md"] })
      assert.deepStrictEqual(
        told(blame),
        [
          [
            "b c\u00e9.ts",
            "1-1 s2",
            "2-2 s1",
            "3-3 s2",
            "4-4 s1",
            "5-5 Ada <ada@example.org>",
            "6-7 Unknown",
            "8-8 s3"
          ],
          ["README.md", "1-1 Unknown"]
        ],
        "a note speaks for the lines of its commit alone, by the path and number that they had there"
      )
      assert.deepStrictEqual(
        summaryOf(blame),
        { lines: 9, agent: 5, human: 1, mixed: 0, unknown: 3 },
        "every line is counted once"
      )
      assert.deepStrictEqual(blame.commits, { all: 4, noted: 3 }, "of four commits three have notes")
      assert.deepStrictEqual(
        told(yield* Blame.make(dir, { rev: first, paths: ["a file.ts"] })),
        [["a file.ts", "1-3 s1", "4-4 Ada <ada@example.org>", "5-6 Unknown"]],
        "at an older commit, what was so then"
      )
    }))

  test("knows a path that git puts in quotes", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository()
      write(dir, 'q"\t\\.ts', "one\n")
      const id = commit(dir)
      gitWith(dir, '"q\\"\\t\\\\.ts"\n  0123456789abcdef 1\n---\n{}', "notes", "--ref=ai", "add", "-F", "-", id)
      const { files } = yield* Blame.make(dir, { rev: "HEAD", paths: ['q"\t\\.ts'] })
      assert.deepStrictEqual(files[0]?.ranges[0]?.owner._tag, "Agent", "whose its line is")
    }))

  test("knows nothing where there are no notes", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository()
      write(dir, "empty.ts", "")
      write(dir, "picture.png", "a\0b\nc\n")
      commit(dir)
      const blame = yield* Blame.make(dir, { rev: "HEAD", paths: ["README.md", "empty.ts", "picture.png"] })
      assert.deepStrictEqual(told(blame), [["README.md", "1-1 Unknown"], ["empty.ts"], ["picture.png"]], "unknown")
      assert.deepStrictEqual(
        blame.files.map(({ isBinary }) => isBinary),
        [false, false, true],
        "what is no text has no lines"
      )
      assert.deepStrictEqual(blame.commits.noted, 0, "no notes")
    }))

  test("uses what can be understood of a bad note, and says what was wrong", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      gitWith(dir, "README.md\n  abc1234 1\n", "notes", "--ref=ai", "add", "-F", "-", base)
      const blame = yield* Blame.make(dir, { rev: "HEAD", paths: ["README.md"] })
      assert.strictEqual(blame.files[0]?.ranges[0]?.owner._tag, "Agent", "the line is an agent's")
      assert.deepStrictEqual(
        blame.problems.get(base)?.map(({ kind }) => kind),
        ["NoDivider", "OldKey", "DanglingKey"],
        "why there is no more to know"
      )
    }))

  test("reads a repository of SHA-256, bare ones and linked working trees", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository("--object-format=sha256")
      noted(dir, base, owned("README.md", { first: 1, last: 1, owner: agent("s1") }))
      git(dir, "worktree", "add", "-q", "-b", "side", `${dir}/wt`)
      git(dir, "clone", "-q", "--bare", "--mirror", dir, `${dir}/bare`)
      for (const place of [dir, `${dir}/wt`, `${dir}/bare`]) {
        assert.deepStrictEqual(
          told(yield* Blame.make(place, { rev: "main", paths: ["README.md"] })),
          [["README.md", "1-1 s1"]],
          "whose the line is"
        )
      }
    }))

  test("reads a shallow clone", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository()
      write(dir, "README.md", "# Readme\nmore\n")
      const head = commit(dir)
      noted(dir, head, owned("README.md", { first: 2, last: 2, owner: agent("s1") }))
      git(dir, "clone", "-q", "--depth=1", `file://${dir}`, `${dir}/shallow`)
      git(`${dir}/shallow`, "fetch", "-q", "origin", "refs/notes/*:refs/notes/*")
      assert.deepStrictEqual(
        told(yield* Blame.make(`${dir}/shallow`, { rev: "HEAD", paths: ["README.md"] })),
        [["README.md", "1-1 Unknown", "2-2 s1"]],
        "a line that the last commit did not write stays unknown"
      )
    }))

  test("says what it can not do", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository()
      Fs.mkdirSync(`${dir}/folder`)
      write(dir, "folder/a.ts", "a\n")
      commit(dir)
      const reasonOf = (rev: string, path: string) =>
        Effect.map(Effect.flip(Blame.make(dir, { rev, paths: [path] })), ({ reason }) => reason)
      for (const path of ["nope", "", "a\0b", "--contents=README.md", ":(glob)*", "folder"]) {
        assert.strictEqual(yield* reasonOf("HEAD", path), "NoSuchPath", `the path ${JSON.stringify(path)}`)
      }
      assert.strictEqual(yield* reasonOf("nowhere", "README.md"), "UnknownRevision", "a revision that is none")
      // It could be /dev/zero, of which git would read all: so it is not even asked of one that is empty.
      const ignored = `[blame]\n\tignoreRevsFile = /dev/null\n`
      const wt = `${dir}/wt`
      git(dir, "worktree", "add", "-q", "-b", "side", wt)
      Fs.writeFileSync(`${dir}/hidden`, ignored)
      git(dir, "config", `includeIf.gitdir:${Fs.realpathSync(dir)}/.git.path`, `${dir}/hidden`)
      for (const place of [dir, wt]) {
        const error = yield* Effect.flip(Blame.make(place, { rev: "HEAD", paths: ["README.md"] }))
        assert.match(
          error.message,
          /leave commits out/,
          `not where a linked working tree is not configured so: ${place}`
        )
      }
    }))

  test("runs no program of the repository, and asks nobody's settings", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository()
      git(dir, "config", "diff.evil.textconv", `touch ${dir}/ran; cat`)
      git(dir, "config", "blame.showEmail", "true")
      Fs.mkdirSync(`${dir}/.git/info`, { recursive: true })
      Fs.writeFileSync(`${dir}/.git/info/attributes`, "* diff=evil\n")
      yield* Blame.make(dir, { rev: "HEAD", paths: ["README.md"] })
      assert.isFalse(Fs.existsSync(`${dir}/ran`), "the text conversion was not run")
    }))
})
