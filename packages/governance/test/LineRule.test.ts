import type * as Policy from "@millwright/core/Policy"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { chmodSync, writeFileSync } from "node:fs"
import * as LineRule from "../src/LineRule.ts"
import type * as Roster from "../src/Roster.ts"
import { commitAs, git, gitAs, repository, type Signer, temporary, test, write } from "./SignedRepository.ts"

const policy: Policy.Policy = {
  rules: [
    { name: "auth", paths: ["src/auth/**"], class: "HumanReview" },
    { name: "keys", paths: ["src/keys/**"], class: "HumanReview", reviewers: 2, roles: ["expert"] },
    { name: "rest", paths: ["**"], class: "AutoShip", allows: ["Auth"] }
  ],
  maxLines: 10_000,
  maxFiles: 1_000
}

const sentence = (n: number): string => `const part${n} = "something that is long enough to be found again"\n`
const text = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, at) => sentence(from + at)).join("")

interface At {
  readonly dir: string
  readonly base: string
  readonly roster: Roster.Roster
}

const checked = ({ base, dir, roster }: At, more: Partial<LineRule.Options> = {}) =>
  LineRule.check(dir, { base, head: "HEAD", policy, roster, ...more })

/** The subjects of the commits that nobody stands behind, with the paths. */
const missing = (at: At, more: Partial<LineRule.Options> = {}) =>
  Effect.map(checked(at, more), ({ problems }) =>
    problems.map(({ message, path }) => `${/\((.*?)\)/.exec(message)?.[1]} ${path}`).sort()
  )

const approve = (who: Signer, dir: string): string =>
  commitAs(who, dir, "Looks right", "--trailer", `Approves=${git(dir, "rev-parse", "HEAD")}`)

/** A repository whose base has a file of the class, and an agent that does not sign. */
const begun = Effect.gen(function* () {
  const made = yield* repository
  const { ada, dir } = made
  write(dir, "src/auth/login.ts", text(1, 12))
  const base = commitAs(ada, dir, "login")
  return { ...made, base, bot: { name: made.bot.name, email: made.bot.email } }
})

describe("LineRule.check", () => {
  test("asks for the lines of the class alone, wherever they were written first", () =>
    Effect.gen(function* () {
      const at = yield* begun
      const { ada, bot, dir } = at
      assert.deepStrictEqual(
        yield* checked(at),
        { rule: "human-lines", holds: true, exitCode: 0, asked: 0, problems: [] },
        "of nothing it holds"
      )
      write(dir, "src/other.ts", text(50, 60))
      commitAs(bot, dir, "Elsewhere")
      assert.isTrue((yield* checked(at)).holds, "files of a lower class are nobody's matter")
      assert.deepStrictEqual(yield* missing(at, { least: "AutoShip" }), ["Elsewhere src/other.ts"], "unless asked for")
      git(dir, "mv", "src/other.ts", "src/auth/other.ts")
      commitAs(ada, dir, "Moves it")
      assert.deepStrictEqual(
        yield* missing(at),
        ["Elsewhere src/auth/other.ts"],
        "a human who moves lines has not written them"
      )
      write(dir, "src/auth/other.ts", text(70, 80))
      commitAs(ada, dir, "Writes it anew")
      assert.deepStrictEqual(yield* missing(at), [], "what the agent wrote is not there any more")
      write(dir, "src/auth/login.ts", text(1, 12) + sentence(13))
      commitAs(bot, dir, "One line more")
      assert.deepStrictEqual(yield* missing(at), ["One line more src/auth/login.ts"], "one line is enough")
      approve(ada, dir)
      assert.isTrue((yield* checked(at)).holds, "until a human approves it")
    }))

  test("asks for what no line tells", () =>
    Effect.gen(function* () {
      const at = yield* begun
      const { ada, base, bot, dir } = at
      const login = "src/auth/login.ts"
      const cases: ReadonlyArray<readonly [string, () => void, ReadonlyArray<string>]> = [
        [
          "a line of the base was taken away, and a human wrote another one",
          () => {
            write(dir, login, text(2, 12))
            commitAs(bot, dir, "Takes")
            write(dir, login, sentence(99) + text(2, 12))
            commitAs(ada, dir, "Writes")
          },
          [`Takes ${login}`]
        ],
        [
          "a line was taken away that a human had written in the change",
          () => {
            write(dir, "src/auth/new.ts", text(20, 30))
            commitAs(ada, dir, "Writes")
            write(dir, "src/auth/new.ts", text(21, 30))
            commitAs(bot, dir, "Takes")
          },
          ["Takes src/auth/new.ts"]
        ],
        [
          "a line was taken away between two renames by a human",
          () => {
            git(dir, "mv", login, "between.ts")
            commitAs(ada, dir, "Away")
            write(dir, "between.ts", text(2, 12))
            commitAs(bot, dir, "Takes")
            git(dir, "mv", "between.ts", "src/auth/enter.ts")
            commitAs(ada, dir, "And back")
          },
          ["Takes src/auth/enter.ts"]
        ],
        [
          "the file was taken away",
          () => {
            git(dir, "rm", "-q", login)
            commitAs(bot, dir, "Takes")
          },
          [`Takes ${login}`]
        ],
        [
          "it was moved out of the class",
          () => {
            git(dir, "mv", login, "src/plain.ts")
            commitAs(bot, dir, "Moves")
          },
          ["Moves src/plain.ts"]
        ],
        [
          "its mode, beside a line that a human wrote anew",
          () => {
            write(dir, login, text(1, 13))
            chmodSync(`${dir}/${login}`, 0o755)
            commitAs(bot, dir, "Runs")
            write(dir, login, text(1, 12) + sentence(98))
            commitAs(ada, dir, "Writes")
          },
          [`Runs ${login}`]
        ],
        [
          "it has no lines, or only what looks like none",
          () => {
            write(dir, "src/auth/a.bin", "a\0b\n")
            write(dir, "src/auth/empty.ts", "")
            commitAs(bot, dir, "Adds")
          },
          ["Adds src/auth/a.bin", "Adds src/auth/empty.ts"]
        ],
        [
          "its name is not UTF-8",
          () => {
            writeFileSync(Buffer.from(`${dir}/src/auth/\xff.ts`, "latin1"), text(20, 30))
            commitAs(bot, dir, "Adds")
          },
          ["Adds src/auth/\ufffd.ts"]
        ],
        [
          "lines were made such as git can not tell",
          () => {
            write(dir, "src/auth/b.ts", text(20, 30))
            commitAs(bot, dir, "Adds")
            write(dir, "src/auth/b.ts", text(20, 30) + "\0")
            commitAs(ada, dir, "NUL")
          },
          ["Adds src/auth/b.ts"]
        ]
      ]
      for (const [what, act, expected] of cases) {
        git(dir, "reset", "-q", "--hard", base)
        act()
        assert.deepStrictEqual(yield* missing(at), expected, what)
      }
    }))

  test("asks for the side that a merge took, and for what it wrote itself", () =>
    Effect.gen(function* () {
      const at = yield* begun
      const { ada, bot, dir } = at
      git(dir, "checkout", "-q", "-b", "work")
      write(dir, "src/plain.ts", text(40, 50))
      const work = commitAs(bot, dir, "Plain")
      const fix = (content: string) => {
        git(dir, "checkout", "-q", "main")
        write(dir, "src/auth/login.ts", content)
        const id = commitAs(ada, dir, "Fix")
        git(dir, "checkout", "-q", "work")
        git(dir, "reset", "-q", "--hard", work)
        return { ...at, base: id }
      }
      for (const [what, content] of [
        ["a fix that took a line away, and it is back", text(2, 12)],
        ["a fix that wrote lines, and they are gone", text(1, 14)]
      ] as const) {
        const fixed = fix(content)
        gitAs(bot, dir, "merge", "-q", "-s", "ours", "-m", "Drops the fix", "main")
        assert.deepStrictEqual(yield* missing(fixed), ["Drops the fix src/auth/login.ts"], what)
      }
      const fixed = fix(text(1, 13))
      gitAs(bot, dir, "merge", "-q", "-m", "Merges", "main")
      assert.deepStrictEqual(yield* missing(fixed), [], "a merge that has what the base has")
      write(dir, "src/auth/login.ts", text(1, 15))
      git(dir, "add", "-A")
      gitAs(bot, dir, "commit", "-q", "--amend", "--no-edit")
      assert.deepStrictEqual(yield* missing(fixed), ["Merges src/auth/login.ts"], "a line of neither side")
    }))

  test("judges rebased, squashed and forged history as what it is", () =>
    Effect.gen(function* () {
      const at = yield* begun
      const { ada, base, bot, dir } = at
      git(dir, "checkout", "-q", "-b", "work")
      write(dir, "src/auth/a.ts", text(20, 25))
      commitAs(bot, dir, "Work")
      approve(ada, dir)
      assert.isTrue((yield* checked(at)).holds, "approved")
      git(dir, "checkout", "-q", "main")
      write(dir, "README.md", "more\n")
      const onto = { ...at, base: commitAs(ada, dir, "Meanwhile") }
      git(dir, "checkout", "-q", "work")
      gitAs(bot, dir, "rebase", "-q", "--keep-empty", "main")
      assert.deepStrictEqual(yield* missing(onto), ["Work src/auth/a.ts"], "another commit, that nobody approved")
      git(dir, "checkout", "-q", "main")
      git(dir, "merge", "-q", "--squash", "work")
      commitAs({ name: "Forge", email: "noreply@forge.example" }, dir, "Work (#1)")
      assert.deepStrictEqual(yield* missing(onto), ["Work (#1 src/auth/a.ts"], "the forge's is nobody's")
      git(dir, "reset", "-q", "--hard", base)
      write(dir, "src/auth/a.ts", text(20, 25))
      commitAs({ name: ada.name, email: ada.email }, dir, "Mine\n\nSigned-off-by: ada <ada@example.org>")
      assert.deepStrictEqual(yield* missing(at), ["Mine src/auth/a.ts"], "her name is no signature")
    }))

  test("asks for as many humans, and of such roles, as the policy does for the file", () =>
    Effect.gen(function* () {
      const begin = yield* begun
      const { ada, bot, dir, grace } = begin
      const members = begin.roster.members.map((one) => (one.name === "grace" ? { ...one, roles: ["expert"] } : one))
      const at = { ...begin, roster: { members } }
      write(dir, "src/keys/a.ts", text(1, 3))
      write(dir, "src/auth/a.ts", text(4, 9))
      const work = commitAs(bot, dir, "Work")
      approve(ada, dir)
      assert.deepStrictEqual(yield* missing(at), ["Work src/keys/a.ts"], "one is enough for one of them")
      assert.strictEqual((yield* checked(at)).asked, 1, "of one commit, for both files")
      approve(grace, dir)
      assert.deepStrictEqual(yield* missing(at), [], "two, of whom one is an expert")
      git(dir, "reset", "-q", "--hard", work)
      const by = members.slice(0, 2).map((member) => ({ commit: work, by: member }))
      assert.isTrue((yield* checked(at, { approvals: by })).holds, "a forge may vouch for them")
    }))

  test("says that nobody can know where history is cut off, and reads names as git has them", () =>
    Effect.gen(function* () {
      const { ada, base, bot, dir, roster } = yield* begun
      write(dir, 'src/auth/q"\t\u00e9 1.ts', text(1, 3))
      commitAs(bot, dir, "Names")
      write(dir, "0".repeat(40), "a path like an id\n")
      commitAs(bot, dir, "Id")
      assert.deepStrictEqual(yield* missing({ dir, roster, base }), ['Names src/auth/q"\t\u00e9 1.ts'], "any name")
      write(dir, "src/auth/b.ts", text(4, 6))
      const seen = commitAs(ada, dir, "Seen")
      const outside = yield* temporary
      git(outside, "clone", "-q", "--depth=1", `file://${dir}`, "clone")
      git(`${outside}/clone`, "fetch", "-q", "--depth=1", "origin", base)
      const { exitCode, holds, problems } = yield* checked({ dir: `${outside}/clone`, roster, base })
      assert.deepStrictEqual(
        [holds, exitCode, problems.map(({ commit }) => commit)],
        [false, 2, [seen]],
        "not held, and not failed"
      )
    }))
})

it("names of one file are one, however long the way between them is", () => {
  const id = (n: number) => `${n}`
  const commits = Array.from({ length: 3_000 }, (_, n) => ({
    id: id(n),
    tree: "t",
    parents: ["p"],
    subject: "",
    approves: [],
    standing: {
      _tag: "Attributed" as const,
      agent: null,
      member: null,
      claims: {
        author: { name: "", email: "" },
        committer: { name: "", email: "" },
        agent: null,
        human: null,
        signedOffBy: []
      }
    }
  }))
  const touches = commits.map(({ id: commit }, n) => ({ commit, paths: [id(n), id(n + 1)], isAdding: false }))
  const held = LineRule.held({ commits }, [{ paths: ["3000"], lines: [] }], touches.toReversed())
  assert.strictEqual(held.length, 3_000, "every one that renamed it")
  assert.deepStrictEqual(held[0], { commit: "0", paths: ["3000"] }, "under the name that it has now")
})
