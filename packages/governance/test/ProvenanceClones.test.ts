import { assert, describe } from "@effect/vitest"
import * as GitCommit from "@millwright/core/GitCommit"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { readFileSync } from "node:fs"
import * as CommitIdentity from "../src/CommitIdentity.ts"
import * as Provenance from "../src/Provenance.ts"
import { commitAs, git, gitAs, repository, standing, temporary, test, told, write } from "./SignedRepository.ts"

const agent: CommitIdentity.Agent = {
  id: "implementer-1",
  role: "Implement",
  model: "anthropic/claude",
  run: "issue-1.1"
}

describe("Provenance.verify, wherever it runs", () => {
  test("an empty range, a detached working tree, and a base that the head does not stand on", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* repository
      assert.deepStrictEqual(
        (yield* Provenance.verify(dir, { base, head: base, roster })).commits,
        [],
        "nothing between"
      )
      const mine = commitAs(ada, dir, "mine")
      const other = `${yield* temporary}/wt`
      git(dir, "worktree", "add", "-q", "--detach", other, base)
      commitAs(bot, other, "theirs")
      assert.strictEqual(
        yield* standing(other, { base, head: "HEAD", roster }),
        "AgentSigned Implement",
        "HEAD of that tree"
      )
      const range = yield* Provenance.verify(other, { base: mine, head: "HEAD", roster })
      assert.isFalse(range.isAncestor, "the base went on")
      assert.deepStrictEqual(
        range.commits.map(({ standing }) => told(standing)),
        ["AgentSigned Implement"],
        "what the head has more"
      )
      git(dir, "checkout", "-q", "--orphan", "unrelated")
      commitAs(ada, dir, "root")
      assert.strictEqual(
        yield* standing(dir, { base: "main", head: "HEAD", roster }),
        "HumanSigned ada",
        "no history in common"
      )
    }))

  test("an amended head, and one that was moved by force", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* repository
      write(dir, "a", "1")
      commitAs(ada, dir, "signed")
      write(dir, "a", "2")
      git(dir, "add", "-A")
      gitAs({ name: bot.name, email: bot.email }, dir, "commit", "-q", "--amend", "--no-edit")
      assert.strictEqual(
        yield* standing(dir, { base, head: "HEAD", roster }),
        "NamesBoth",
        "an agent amended what a human signed"
      )
      git(dir, "reset", "-q", "--hard", base)
      commitAs({ name: "x", email: "x@example.org" }, dir, "forced")
      assert.strictEqual(
        yield* standing(dir, { base, head: "main", roster }),
        "Unsigned",
        "what it was before is not asked"
      )
    }))

  test("merge commits: each commit for itself, and the merge for itself", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* repository
      git(dir, "checkout", "-q", "-b", "work")
      write(dir, "b", "b")
      commitAs(bot, dir, "work")
      git(dir, "checkout", "-q", "main")
      gitAs(ada, dir, "merge", "-q", "--no-ff", "-m", "merge", "-S", "work")
      assert.strictEqual(
        yield* standing(dir, { base, head: "main", roster }),
        "AgentSigned Implement, HumanSigned ada",
        "a human's merge makes nothing human but itself"
      )
    }))

  test("a shallow clone says behind which commits it can not see", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* repository
      commitAs(bot, dir, "hidden")
      commitAs(ada, dir, "two")
      const last = commitAs(ada, dir, "three")
      const outside = yield* temporary
      const clone = (depth: number): string => {
        git(outside, "clone", "-q", `--depth=${depth}`, `file://${dir}`, `clone${depth}`)
        return `${outside}/clone${depth}`
      }
      const shallow = clone(2)
      const error = yield* Effect.flip(Provenance.verify(shallow, { base, head: "HEAD", roster }))
      assert.strictEqual(error.reason, "UnknownRevision", "the base is not there")
      assert.include(error.message, "fetch --unshallow", "and it is said what would help")
      git(shallow, "fetch", "-q", "--depth=1", "origin", base)
      const range = yield* Provenance.verify(shallow, { base, head: "HEAD", roster })
      assert.deepStrictEqual(
        range.commits.map(({ subject }) => subject),
        ["two", "three"],
        "what is there"
      )
      assert.deepStrictEqual(range.cut, [range.commits[0]?.id], "what lies behind it is not known")
      assert.strictEqual(range.commits.at(-1)?.id, last, "up to the head")
      git(shallow, "fetch", "-q", "--unshallow")
      assert.deepStrictEqual(
        (yield* Provenance.verify(shallow, { base, head: "HEAD", roster })).cut,
        [],
        "all of it is there"
      )
      const short = yield* Provenance.verify(dir, { base, head: "HEAD", roster, limit: 2 })
      assert.deepStrictEqual(
        [short.truncated, short.commits.map(({ subject }) => subject)],
        [true, ["two", "three"]],
        "a limit is told"
      )
    }))

  test("a repository with SHA-256", () =>
    Effect.gen(function* () {
      const { ada, bot, roster } = yield* repository
      const dir = yield* temporary
      git(dir, "init", "-q", "-b", "main", "--object-format=sha256", ".")
      const base = commitAs({ name: "t", email: "t@example.org" }, dir, "base")
      const mine = commitAs(ada, dir, "mine")
      write(dir, "a", "a")
      const sign = yield* CommitIdentity.signer(Redacted.make(readFileSync(bot.key, "utf8")))
      const made = CommitIdentity.commit({ agent, author: bot, message: "theirs", sign })
      const head = Option.getOrThrow(yield* GitCommit.commitAll(dir, { branch: "work", base: mine, ...made }))
      assert.strictEqual(head.length, 64, "ids are longer")
      assert.strictEqual(yield* standing(dir, { base, head, roster }), "HumanSigned ada, AgentSigned Implement", "both")
    }))
})
