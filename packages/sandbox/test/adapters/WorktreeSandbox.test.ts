import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { execFile } from "node:child_process"
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import * as WorktreeSandbox from "../../src/adapters/WorktreeSandbox.ts"
import * as ProcessTree from "../../src/ProcessTree.ts"
import * as Sandbox from "../../src/Sandbox.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"

const layer = Layer.provide(WorktreeSandbox.layer, NodeServices.layer)

SandboxTest.suite("worktree", layer)

const holder = fileURLToPath(new URL("./holder.ts", import.meta.url))
const directoryOf = ({ repository }: Fixture.Repository, id = "work-1") =>
  join(repository, ".millwright", "worktrees", id)
const adminOf = ({ repository }: Fixture.Repository, id = "work-1") => join(repository, ".git", "worktrees", id)
const status = Fixture.output("git status --porcelain --branch")

/** A test on a repository of its own, with the sandbox. */
const test = <E>(name: string, body: (fixture: Fixture.Repository) => Effect.Effect<void, E, Sandbox.Sandbox>) =>
  it.live(name, () => Effect.scoped(Effect.flatMap(Fixture.repository, body)).pipe(Effect.provide(layer)), 60_000)

describe("crashes and left-overs", () => {
  test("a workspace whose process was killed opens at once, and what that left running is gone", (fixture) =>
    Effect.gen(function* () {
      const host = yield* Effect.provide(ChildProcessSpawner, NodeServices.layer)
      const command = ChildProcess.make(process.execPath, [holder, "hold", fixture.repository, "work-1"], {
        stderr: "inherit"
      })
      const { handle, line } = yield* Fixture.firstLine(command).pipe(Effect.provideService(ChildProcessSpawner, host))
      const pid = Number(line.replace("open ", ""))
      assert.isAbove(pid, 1, `the holder should say which process it left, but said ${line}`)
      yield* Fixture.refused(Effect.scoped(Effect.flatMap(Sandbox.Sandbox, ({ open }) => open(fixture.spec()))), "Busy")
      process.kill(handle.pid, "SIGKILL")
      yield* Effect.exit(handle.exitCode)
      if (ProcessTree.isSupported)
        assert.isTrue(existsSync(`/proc/${pid}`), "the left process should have outlived its killer")
      const asked = performance.now()
      assert.strictEqual(yield* Fixture.inside(fixture.spec(), status), "## change/work-1")
      assert.isBelow(performance.now() - asked, 3_000, "opening should not wait for a lease")
      if (ProcessTree.isSupported) {
        const isDead = !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z ")
        assert.isTrue(isDead, "opening should end what the killed process left running")
      }
    }).pipe(Effect.scoped))

  test("eight ids in four processes open at once on one repository", ({ git, repository }) =>
    Effect.gen(function* () {
      const outputs = yield* Effect.forEach(
        [0, 1, 2, 3],
        (n) =>
          Effect.promise(() => promisify(execFile)(process.execPath, [holder, "once", repository, `a-${n}`, `b-${n}`])),
        {
          concurrency: "unbounded"
        }
      )
      assert.deepStrictEqual(
        outputs.map(({ stdout }) => stdout),
        Array(4).fill("open two,two\n")
      )
      assert.strictEqual(
        git("worktree", "list").split("\n").length,
        9,
        "eight worktrees and the main one should be listed"
      )
    }))

  const mended: Record<string, (fixture: Fixture.Repository) => void> = {
    "a stale index.lock": (fixture) => writeFileSync(join(adminOf(fixture), "index.lock"), ""),
    "no `.git` file": (fixture) => rmSync(join(directoryOf(fixture), ".git")),
    "a `.git` file that points elsewhere": (fixture) =>
      writeFileSync(join(directoryOf(fixture), ".git"), "gitdir: /nowhere\n"),
    "no notes in git": (fixture) => rmSync(adminOf(fixture), { recursive: true }),
    "damaged notes in git": (fixture) => writeFileSync(join(adminOf(fixture), "HEAD"), ""),
    "a detached HEAD without commits of its own": ({ git, ...fixture }) =>
      void git("-C", directoryOf({ git, ...fixture }), "checkout", "-q", "--detach"),
    "another branch": (fixture) => void fixture.git("-C", directoryOf(fixture), "checkout", "-q", "-b", "other")
  }
  for (const [what, damage] of Object.entries(mended)) {
    test(`a workspace with ${what} opens, and keeps what was left in it`, (fixture) =>
      Effect.gen(function* () {
        yield* Fixture.inside(fixture.spec(), Fixture.write("file.txt", "changed"))
        damage(fixture)
        yield* Fixture.inside(
          fixture.spec(),
          Effect.gen(function* () {
            assert.strictEqual(yield* status, "## change/work-1\n M file.txt", `after ${what}`)
            assert.strictEqual(yield* Fixture.read("file.txt"), "changed", `after ${what}`)
            assert.strictEqual(
              yield* Fixture.exitCode("git commit -q -a -m changed"),
              0,
              `a commit should be possible after ${what}`
            )
          })
        )
      }))
  }

  test("a folder that was removed by hand, and one that was never finished, are made anew", (fixture) =>
    Effect.gen(function* () {
      yield* Fixture.inside(fixture.spec(), Effect.void)
      rmSync(directoryOf(fixture), { recursive: true })
      assert.strictEqual(yield* Fixture.inside(fixture.spec(), status), "## change/work-1")
      rmSync(join(adminOf(fixture), "millwright"))
      rmSync(join(directoryOf(fixture), "file.txt"))
      assert.strictEqual(yield* Fixture.inside(fixture.spec(), status), "## change/work-1")
      // Its branch is free for another workspace as well.
      rmSync(directoryOf(fixture), { recursive: true })
      assert.strictEqual(yield* Fixture.inside(fixture.spec({ id: "work-2" }), status), "## change/work-1")
    }))

  test("commits on a detached HEAD are not lost by opening, and `fresh` leaves even a rebase", (fixture) =>
    Effect.gen(function* () {
      yield* Fixture.inside(
        fixture.spec(),
        Fixture.output("git checkout -q --detach && git commit -q --allow-empty -m lonely")
      )
      yield* Fixture.refused(Fixture.inside(fixture.spec(), Effect.void), "SetupFailed")
      yield* Fixture.inside(
        fixture.spec({ fresh: true }),
        Fixture.output(
          "echo mine > file.txt && git commit -q -a -m mine && git branch -q theirs main~1 && git checkout -q theirs && " +
            "echo theirs > file.txt && git commit -q -a -m theirs && git checkout -q change/work-1 && git rebase theirs; true"
        )
      )
      assert.isTrue(existsSync(join(adminOf(fixture), "rebase-merge")), "the rebase should have stopped at a conflict")
      assert.strictEqual(yield* Fixture.inside(fixture.spec({ fresh: true }), status), "## change/work-1")
      assert.isFalse(existsSync(join(adminOf(fixture), "rebase-merge")), "the rebase should be over")
    }))

  test("a branch that is checked out in the repository itself, or in another workspace, is Busy", ({ spec }) =>
    Effect.gen(function* () {
      yield* Fixture.refused(Fixture.inside(spec({ branch: "main" }), Effect.void), "Busy")
      const other = Fixture.inside(spec({ id: "work-2" }), Effect.void)
      yield* Fixture.inside(spec(), Fixture.refused(other, "Busy"))
    }))
})

describe("what it leaves alone", () => {
  test("no hook of the repository runs, and GIT_DIR of the host is not followed", (fixture) =>
    Effect.gen(function* () {
      const hook = join(fixture.repository, ".git", "hooks", "post-checkout")
      mkdirSync(join(hook, ".."), { recursive: true })
      writeFileSync(hook, `#!/bin/sh\ntouch '${fixture.outside}/hooked'\n`)
      chmodSync(hook, 0o755)
      yield* Effect.acquireUseRelease(
        Effect.sync(() => void (process.env.GIT_DIR = join(fixture.outside, "nothing"))),
        () =>
          Effect.andThen(
            Fixture.inside(fixture.spec(), Effect.void),
            Fixture.inside(fixture.spec({ fresh: true }), Effect.void)
          ),
        () => Effect.sync(() => void delete process.env.GIT_DIR)
      )
      assert.deepStrictEqual(readdirSync(fixture.outside), ["secret.txt"])
    }))

  test("without its `.git` file, git in the workspace does not take the repository around it", (fixture) =>
    Fixture.inside(
      fixture.spec(),
      Effect.gen(function* () {
        const code = yield* Fixture.exitCode("rm .git && git commit -q --allow-empty -m oops")
        assert.notStrictEqual(code, 0, "a commit without `.git` file should fail")
        assert.strictEqual(fixture.git("log", "--format=%s", "-1"), "two")
      })
    ))

  test("a failed opening takes the branch and the folder back that it made", (fixture) =>
    Effect.gen(function* () {
      // A filter that must succeed and does not, in the middle of the checkout.
      fixture.git("config", "filter.broken.smudge", "false")
      fixture.git("config", "filter.broken.required", "true")
      appendFileSync(join(fixture.repository, ".git", "info", "attributes"), "file.txt filter=broken\n")
      yield* Fixture.refused(Fixture.inside(fixture.spec(), Effect.void), "SetupFailed")
      assert.strictEqual(fixture.git("branch", "--list", "change/*"), "", "no branch should be left")
      assert.isFalse(existsSync(directoryOf(fixture)), "no folder should be left")
      fixture.git("config", "--remove-section", "filter.broken")
      assert.strictEqual(yield* Fixture.inside(fixture.spec(), status), "## change/work-1")
    }))
})

describe("files and processes", () => {
  test("the `.git` file can be read but not written, and pipes are not opened", (fixture) =>
    Fixture.inside(
      fixture.spec(),
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        assert.include(yield* fs.readFileString(".git"), "gitdir:")
        yield* Fixture.denied("write .git", fs.writeFileString(".git", "x"))
        yield* Fixture.denied("write .GIT", fs.writeFileString("sub/../.GIT", "x"))
        yield* Fixture.denied("remove .git", fs.remove(".git"))
        yield* Fixture.denied("rename to .git", fs.rename("file.txt", ".git"))
        yield* Fixture.denied("copy to .", fs.copy("sub", ".", { overwrite: true }))
        yield* Fixture.output("ln -s .git alias && mkfifo pipe")
        yield* Fixture.denied("write through a link to .git", fs.writeFileString("alias", "x"))
        yield* Fixture.denied("read a pipe", fs.readFile("pipe"))
        yield* Fixture.denied("write a pipe", fs.writeFileString("pipe", "x"))
      })
    ))

  test("nothing is spawned after the sandbox has closed", (fixture) =>
    Effect.gen(function* () {
      const spawner = yield* Fixture.inside(fixture.spec(), ChildProcessSpawner)
      const error = yield* Effect.flip(spawner.exitCode(Fixture.script("true")))
      assert.include(error.message, "closed")
    }))

  test("a child with an environment and a session of its own is gone with the parent that it has", (fixture) =>
    Effect.gen(function* () {
      if (!ProcessTree.isSupported) return
      const text = "env -i setsid -w sh -c 'sleep 86400 > /dev/null 2>&1 & echo $!; wait' & wait"
      const { line } = yield* Fixture.inside(fixture.spec(), Effect.scoped(Fixture.firstLine(Fixture.script(text))))
      const isDead = !existsSync(`/proc/${line}`) || readFileSync(`/proc/${line}/stat`, "latin1").includes(") Z ")
      assert.isTrue(isDead, `process ${line} should be gone`)
    }))
})
