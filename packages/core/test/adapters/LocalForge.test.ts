import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as LocalForge from "../../src/adapters/LocalForge.ts"
import * as MemoryJournal from "../../src/adapters/MemoryJournal.ts"
import type * as Change from "../../src/Change.ts"
import * as Forge from "../../src/Forge.ts"
import * as Git from "../../src/Git.ts"
import * as Journal from "../../src/Journal.ts"
import * as ForgeTest from "../../src/testing/ForgeTest.ts"
import { git, repository, test, write as writeFile } from "../Repository.ts"

let count = 0
const changeIn = (dir: string, branch: string) =>
  Effect.gen(function* () {
    const base = git(dir, "rev-parse", "main")
    if (!(yield* Git.branchExists(dir, branch))) git(dir, "branch", branch, "main")
    git(dir, "checkout", "-q", branch)
    Fs.writeFileSync(`${dir}/file-${++count}.txt`, `${count}\n`)
    git(dir, "add", "-A", "--", "file-*.txt")
    git(dir, "commit", "-q", "-m", `change ${count}`)
    const head = git(dir, "rev-parse", "HEAD")
    return { branch, base, head, files: yield* Git.diff(dir, base, head) } satisfies Change.Change
  })

const fixture = (dir: string) =>
  Effect.map(ChildProcessSpawner, (spawner) =>
    ForgeTest.Fixture.of({
      into: "main",
      missing: "issues/none.md",
      issue: (markdown) =>
        Effect.sync(() => {
          Fs.mkdirSync(`${dir}/issues`, { recursive: true })
          const reference = `issues/${++count}.md`
          Fs.writeFileSync(`${dir}/${reference}`, markdown)
          return reference
        }),
      close: (reference) => Effect.sync(() => Fs.rmSync(`${dir}/${reference}`)),
      change: (branch) => Effect.provideService(changeIn(dir, branch), ChildProcessSpawner, spawner)
    })
  )

ForgeTest.suite(
  "LocalForge",
  Layer.unwrap(
    Effect.map(repository, ({ dir }) =>
      Layer.merge(
        LocalForge.layer({ repository: dir, issues: "issues" }),
        Layer.effect(ForgeTest.Fixture, fixture(dir))
      )
    )
  ).pipe(Layer.provide([MemoryJournal.layer, NodeServices.layer]))
)

/** Another process on the same repository and journal is another forge on them. */
const forgeOn = (dir: string, journal: Journal.Journal["Service"]) =>
  LocalForge.layer({ repository: dir }).pipe(
    Layer.provide(Layer.succeed(Journal.Journal, journal)),
    Layer.build,
    Effect.map((context) => Context.get(context, Forge.Forge))
  )

/** Answers with the name. */
const write = (dir: string, name: string, content: string | Buffer): string => {
  writeFile(dir, name, content)
  return name
}

describe("LocalForge, apart from the suite", () => {
  test("gives the ids 1, 2, … and a command that shows the change", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository
      const forge = yield* forgeOn(dir, (yield* MemoryJournal.make).journal)
      const item = yield* forge.issue(write(dir, "issue.md", "# Issue\n\ntext"))
      for (const [id, branch] of [
        ["1", "work/a"],
        ["2", "we'ird;$(touch${IFS}pwned)"]
      ] as const) {
        const change = yield* changeIn(dir, branch)
        const opened = yield* forge.deliver({ item, change, title: "T", body: "B", into: "main", key: branch })
        assert.strictEqual(opened.id, id, "ids count from 1")
        const shown = execFileSync("sh", ["-c", opened.view], { encoding: "utf8", cwd: dir })
        assert.include(shown, change.files[0]?.path ?? "?", "the command shows the change")
        assert.isFalse(Fs.existsSync(`${dir}/pwned`), "a branch's name runs nothing when a person pastes the command")
      }
    }))

  test("keeps ids apart when two processes take the same number at the same moment", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository
      const { journal } = yield* MemoryJournal.make
      const both = yield* Deferred.make<void>()
      let waiting = 0
      // Both have read the journal, and found number 1 free, before either writes.
      const meeting = Journal.Journal.of({
        ...journal,
        append: (entries) => {
          waiting += 1
          return Effect.andThen(
            waiting === 2 ? Deferred.succeed(both, undefined) : Deferred.await(both),
            journal.append(entries)
          )
        }
      })
      const forges = yield* Effect.all([forgeOn(dir, meeting), forgeOn(dir, meeting)])
      const item = yield* forges[0].issue(write(dir, "issue.md", "# Issue\n\ntext"))
      const changes = yield* Effect.all([changeIn(dir, "work/a"), changeIn(dir, "work/b")])
      const [one, other] = yield* Effect.all(
        [
          forges[0].deliver({ item, change: changes[0], title: "A", body: "", into: "main", key: "a" }),
          forges[1].deliver({ item, change: changes[1], title: "B", body: "", into: "main", key: "b" })
        ],
        { concurrency: 2 }
      )
      assert.isAtLeast(waiting, 3, "one of them had to try again; else this test says nothing")
      assert.sameMembers([one.id, other.id], ["1", "2"], "each has its own id")
      assert.deepStrictEqual([one.title, other.title], ["A", "B"], "each caller is answered with its own")
      const delivered = (yield* Stream.runCollect(journal.read())).filter(({ fact }) => fact._tag === "ChangeDelivered")
      assert.strictEqual(delivered.length, 2, "one fact for each")
      assert.deepStrictEqual(yield* forges[0].pullRequests, yield* forges[1].pullRequests, "both processes see both")
    }))

  test("is the same forge after a restart: what was delivered stands in the journal", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository
      const { journal } = yield* MemoryJournal.make
      const before = yield* forgeOn(dir, journal)
      const item = yield* before.issue(write(dir, "issue.md", "# Issue\n\ntext"))
      const delivery = { item, change: yield* changeIn(dir, "work/a"), title: "T", body: "B", into: "main", key: "k" }
      const opened = yield* before.deliver(delivery)
      git(dir, "checkout", "-q", "main")
      git(dir, "branch", "-D", "work/a")
      const after = yield* forgeOn(dir, journal)
      assert.deepStrictEqual(
        yield* after.deliver(delivery),
        opened,
        "the same key has the same answer, though the branch is gone"
      )
    }))

  test("says what is wrong with an issue that it can not read", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository
      const forge = yield* forgeOn(dir, (yield* MemoryJournal.make).journal)
      Fs.mkdirSync(`${dir}/folder.md`)
      execFileSync("mkfifo", [`${dir}/pipe.md`])
      Fs.symlinkSync(`${dir}/loop.md`, `${dir}/loop.md`)
      const cases = [
        ["none.md", "NotFound"],
        ["folder.md", "NotFound"],
        ["pipe.md", "NotFound"],
        ["loop.md", "NotFound"],
        ["/dev/zero", "NotFound"],
        ["a\0b.md", "NotFound"],
        [write(dir, "big.md", Buffer.alloc(5 * 1024 * 1024, "x")), "TooLarge"],
        [write(dir, "latin.md", Buffer.from([0x23, 0x20, 0xe9, 0x0a])), "NotText"],
        [write(dir, "utf16.md", Buffer.from("# Titel\n", "utf16le")), "NotText"],
        [write(dir, "nul.md", "# a\0b"), "NotText"],
        [write(dir, "empty.md", ""), "Empty"]
      ] as const
      for (const [reference, reason] of cases) {
        const error = yield* Effect.flip(forge.issue(reference))
        assert.strictEqual(error.reason, reason, `${reference}: ${error.message}`)
        assert.include(error.message, reference, "the message names the reference")
      }
    }))

  test("reads issues with a byte order mark, with CRLF, and by an absolute path", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository
      const forge = yield* forgeOn(dir, (yield* MemoryJournal.make).journal)
      const plain = yield* forge.issue(write(dir, "issue.md", "# Title\n\ntext"))
      const windows = yield* forge.issue(`${dir}/${write(dir, "issue.md", "\ufeff# Title\r\n\r\ntext\r\n")}`)
      assert.deepStrictEqual(
        { ...windows, source: plain.source },
        plain,
        "line ends and marks do not make another issue"
      )
    }))

  test("says that it can not deliver where there is no repository, or the journal is full or busy", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository
      const { failNextAppends, journal } = yield* MemoryJournal.make
      const forge = yield* forgeOn(dir, journal)
      const item = yield* forge.issue(write(dir, "issue.md", "# Issue\n\ntext"))
      const delivery = { item, change: yield* changeIn(dir, "work/a"), title: "T", body: "B", into: "main", key: "k" }
      const nowhere = yield* forgeOn(`${dir}/none`, journal)
      const lost = yield* Effect.flip(nowhere.deliver(delivery))
      assert.deepStrictEqual([lost.reason, lost.isRetryable], ["Refused", false], lost.message)
      for (const [reason, expected] of [
        ["NotWritable", "Refused"],
        ["Busy", "Unavailable"]
      ] as const) {
        yield* failNextAppends(1, new Journal.JournalError({ reason, message: `The journal is ${reason}.` }))
        const error = yield* Effect.flip(forge.deliver(delivery))
        assert.strictEqual(error.reason, expected, error.message)
        assert.include(error.message, reason, "the journal's own message is passed on")
      }
      assert.strictEqual((yield* forge.deliver(delivery)).id, "1", "a delivery that failed took no number")
    }))

  it("says that it does not merge", () =>
    Effect.gen(function* () {
      const forge = yield* forgeOn(".", (yield* MemoryJournal.make).journal)
      assert.deepStrictEqual(forge.supports, { comments: true, merge: false, open: false })
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer), Effect.runPromise))
})
