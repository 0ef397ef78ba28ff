import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { join } from "node:path"
import * as Quickstart from "./Quickstart.ts"

/** What the program prints on its way, in order: every stage, and some of the tools within. */
const way = [
  "● look",
  "● triage",
  "    bash node src/cli.js",
  "● contract",
  "● implement",
  "    bash cat >>",
  "  committed",
  "● validate",
  "● implement#2",
  "    bash npm test 2>&1 | tail -40",
  "    edit",
  "● validate#2",
  "● patch",
  "● review",
  "    grep",
  "● verdict",
  "● classify",
  "● deliver"
]

const branches = (repository: string) =>
  Quickstart.git(repository, "for-each-ref", "--format=%(refname:short)", "refs/heads/millwright").split("\n")
const worktrees = (repository: string) => readdirSync(join(repository, ".millwright", "worktrees"))

const assertOneDelivery = (repository: string, events: ReadonlyArray<FactoryEvent.FactoryEvent>) => {
  Quickstart.assertNothingTwice(events)
  assert.strictEqual(
    Quickstart.only(events, "LineStarted").length,
    1,
    "a second run was begun in the place of the first"
  )
  assert.strictEqual(Quickstart.only(events, "LineFinished").length, 1)
  assert.strictEqual(Quickstart.only(events, "ChangeDelivered").length, 1, "not exactly one pull request")
  // What a stage records on its way stands once for each time that it began.
  const begun = Quickstart.only(events, "StageStarted").filter(({ stage }) => stage === "validate").length
  const verdicts = Quickstart.only(events, "VerdictGiven").length
  assert.isTrue(verdicts >= 1 && verdicts <= begun, `${verdicts} verdicts in ${begun} validations`)
  assert.strictEqual(branches(repository).length, 1, "a dead run's branch was left over")
  assert.deepStrictEqual(worktrees(repository), [], "a worktree of a run that is over was left")
  const branch = branches(repository)[0] ?? ""
  assert.strictEqual(
    Quickstart.git(repository, "rev-list", "--count", `main..${branch}`),
    "1",
    "not one commit on top of main"
  )
  assert.include(
    Quickstart.git(repository, "show", `${branch}:src/duration.js`),
    "parts.join",
    "the delivered change is not the one that was made"
  )
  const tests = Quickstart.git(repository, "show", `${branch}:test/duration.test.js`)
  assert.strictEqual(
    tests.split("format writes every unit, so that parse reads it back").length,
    2,
    "work of a dead attempt was built upon, and is doubled"
  )
}

const assertSound = (repository: string) => {
  const store = new DatabaseSync(Quickstart.store(repository))
  assert.deepStrictEqual({ ...store.prepare("pragma integrity_check").get() }, { integrity_check: "ok" })
  store.close()
}

const settle = (folder: string) =>
  Effect.gen(function* () {
    // What was killed needs a moment until the kernel has taken it down.
    for (let look = 0; look < 40 && Quickstart.inside(folder).length > 0; look++) yield* Effect.sleep("5 millis")
    assert.deepStrictEqual(Quickstart.inside(folder), [], "processes are left over")
  })

describe("the quickstart goes on", { concurrent: true }, () => {
  it.live(
    "from the last finished stage when it is killed at every one of them, mid-tool too",
    () =>
      Effect.gen(function* () {
        const quickstart = yield* Quickstart.make
        const missed: Array<string> = []
        for (const text of way) {
          const program = yield* quickstart.start([])
          const isThere = yield* program.said(text)
          yield* program.kill("SIGKILL")
          yield* program.ended
          if (!isThere) missed.push(text)
        }
        const last = yield* quickstart.run([])
        assert.strictEqual(last.code, 0, last.stdout + last.stderr)
        const events = yield* Quickstart.journal(quickstart.demo)
        const resumed = Quickstart.only(events, "LineResumed").length
        assert.isAbove(
          resumed,
          way.length / 2,
          `most kills have to hit a run on its way; not seen: ${missed.join(", ")}`
        )
        assertOneDelivery(quickstart.demo, events)
        assertSound(quickstart.demo)
        yield* settle(quickstart.folder)
      }),
    120_000
  )

  it.live(
    "three times at once on one repository, without one disturbing another",
    () =>
      Effect.gen(function* () {
        const quickstart = yield* Quickstart.make
        const ends = yield* Effect.forEach([1, 2, 3], () => quickstart.run([]), { concurrency: "unbounded" })
        for (const { code, stderr, stdout } of ends) assert.strictEqual(code, 0, stdout + stderr)
        const events = yield* Quickstart.journal(quickstart.demo)
        const runs = new Set(Quickstart.only(events, "LineStarted").map(({ run }) => run))
        assert.strictEqual(runs.size, 3, "two processes shared a run")
        const pulls = Quickstart.only(events, "ChangeDelivered").map(({ fact }) => fact.pullRequest)
        assert.strictEqual(new Set(pulls.map(({ branch }) => branch)).size, 3, "two runs shared a branch")
        assert.strictEqual(new Set(pulls.map(({ id }) => id)).size, 3, "two pull requests have one number")
        assert.strictEqual(branches(quickstart.demo).length, 3)
        assert.deepStrictEqual(worktrees(quickstart.demo), [], "a worktree of a run that is over was left")
        Quickstart.assertNothingTwice(events)
        assert.strictEqual(Quickstart.git(quickstart.demo, "status", "--porcelain"), "")
        assertSound(quickstart.demo)
      }),
    120_000
  )
})

// One after the other: how long the end takes is measured.
describe("the quickstart goes on", () => {
  it.live.each([
    { signal: "SIGINT", text: "● triage" },
    { signal: "SIGINT", text: "    bash npm test 2>&1 | tail -40" },
    { signal: "SIGTERM", text: "    bash npm test 2>&1 | tail -40" },
    { signal: "SIGINT", text: "● validate" }
  ] as const)(
    "after $signal at $text, which ends it within 2 s with nothing left behind",
    ({ signal, text }) =>
      Effect.gen(function* () {
        const quickstart = yield* Quickstart.make
        const args = ["--repo", quickstart.repository, "--issue", Quickstart.issues.bug]
        const program = yield* quickstart.start(args)
        assert(yield* program.said(text), program.output())
        const begun = performance.now()
        yield* program.interrupt(signal)
        const { code, stderr, stdout } = yield* program.ended
        const took = performance.now() - begun
        assert.deepStrictEqual(Quickstart.inside(quickstart.folder), [], "child processes are left over")
        assert.isBelow(took, 2_000, "it took too long to end")
        assert.strictEqual(code, 130, stdout + stderr)
        assert.include(
          stderr,
          `go on with: npx -y pnpm@12.18.0 quickstart --repo ${quickstart.repository} --issue ${Quickstart.issues.bug}`,
          "it does not say how to go on"
        )
        assertSound(quickstart.repository)
        const last = yield* quickstart.run(args)
        assert.strictEqual(last.code, 3, last.stdout + last.stderr)
        assert.match(last.stdout, /^▶ goes on from the last finished stage$/m)
        const events = yield* Quickstart.journal(quickstart.repository)
        Quickstart.assertNothingTwice(events)
        assert.strictEqual(Quickstart.only(events, "LineStarted").length, 1)
        assert.strictEqual(worktrees(quickstart.repository).length, 1, "the waiting run keeps its one workspace")
      }),
    120_000
  )
})
