/** A folder of the user with a `.git`: what commands leave in it is nothing that git of the host would run or follow. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as FolderGit from "../../src/internal/FolderGit.ts"
import * as HostFiles from "../../src/internal/HostFiles.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import { git } from "../git.ts"
import { spec, suite, test } from "./bubblewrapFixture.ts"

const repository = (path: string) => {
  mkdirSync(path, { recursive: true })
  git(path, "init", "-q", "-b", "main", "--template=")
  writeFileSync(join(path, "file.txt"), "one")
  git(path, "add", "-A")
  git(path, "commit", "-q", "-m", "one")
}

suite("the .git of a folder", () => {
  test("can not be made to run or follow what commands choose", ({ root, workspace }) =>
    Effect.gen(function* () {
      const inner = join(root, "inner")
      repository(workspace)
      repository(inner)
      git(workspace, "-c", "protocol.file.allow=always", "submodule", "add", "-q", inner, "sub")
      git(workspace, "commit", "-q", "-m", "sub")
      git(workspace, "worktree", "add", "-q", "-b", "other", join(root, "tree"))
      mkdirSync(join(root, "kept"))
      rmSync(join(workspace, ".git", "hooks"), { recursive: true, force: true })
      symlinkSync("../../kept", join(workspace, ".git", "hooks"))
      const mark = join(workspace, "ran")
      const attacks = [
        "mkdir .git/hooks; : > .git/hooks/post-commit",
        "git config core.fsmonitor x",
        "git config --file .git/config.worktree core.fsmonitor x",
        "git config --file .git/modules/sub/config core.fsmonitor x",
        "echo x > .git/worktrees/tree/commondir",
        "mkdir .git/modules/new",
        "mkdir .git/worktrees/new",
        "echo /tmp > .git/objects/info/alternates",
        "echo x > .git/info/attributes",
        "mkdir -p .git/millwright/clones/x",
        "mv .git .away"
      ]
      yield* Fixture.inside(
        spec(workspace),
        Effect.gen(function* () {
          for (const attack of attacks) {
            assert.notStrictEqual(yield* Fixture.exitCode(attack), 0, `\`${attack}\` should fail`)
          }
          yield* Fixture.output(
            "git add -A; mkdir evil; cp -r .git/objects .git/refs evil; " +
              `printf '[core]\\nrepositoryformatversion = 0\\nfsmonitor = touch ${mark}\\n' > evil/config; ` +
              "echo ../evil > .git/commondir; rm .git/hooks; mkdir .git/hooks; : > .git/hooks/pre-commit"
          )
        })
      )
      assert.isFalse(existsSync(join(workspace, ".git", "commondir")), "what git would follow should be gone")
      assert.strictEqual(readlinkSync(join(workspace, ".git", "hooks")), "../../kept", "a link should be as it was")
      git(workspace, "status")
      assert.isFalse(existsSync(mark), "git of the host should run nothing that commands have chosen")
    }))

  test("works as before, and can have worktrees and submodules", ({ root, workspace }) =>
    Effect.gen(function* () {
      repository(workspace)
      repository(join(root, "inner"))
      yield* Fixture.inside(
        spec(workspace),
        Fixture.output("echo two > file.txt; git -c user.name=A -c user.email=a@b commit -q -a -m two")
      )
      assert.strictEqual(git(workspace, "log", "--format=%s"), "two\none")
      git(workspace, "worktree", "add", "-q", "-b", "other", join(root, "tree"))
      git(workspace, "-c", "protocol.file.allow=always", "submodule", "add", "-q", join(root, "inner"), "sub")
      git(workspace, "worktree", "prune")
      git(workspace, "repack", "-q", "-a", "-d", "-l")
      git(workspace, "fsck", "--strict")
      git(root, "clone", "-q", workspace, "copy")
    }))

  test("is put right by the next opening where the host was killed", ({ root, workspace }) =>
    Effect.gen(function* () {
      repository(workspace)
      const note = join(root, "notes", "guarded")
      const commondir = join(workspace, ".git", "commondir")
      const host = yield* HostFiles.make
      const killed = yield* Scope.make()
      yield* Scope.provide(FolderGit.guard(host, { directory: workspace, note }), killed)
      writeFileSync(commondir, "../evil")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const protect = yield* FolderGit.guard(host, { directory: workspace, note })
          assert.isFalse(existsSync(commondir), "what commands of the killed one have made should be gone")
          assert.include(protect, join(workspace, ".git", "worktrees"))
          assert.notInclude(protect, commondir)
        })
      )
      assert.deepStrictEqual(readdirSync(join(root, "notes")), [])
      yield* Scope.close(killed, Exit.void)
    }).pipe(Effect.provide(NodeServices.layer)))

  test("is not made through a link, and what git keeps repositories in is no workspace", ({ root, workspace }) =>
    Effect.gen(function* () {
      repository(workspace)
      const victim = join(root, "victim")
      mkdirSync(join(victim, "info"), { recursive: true })
      writeFileSync(join(victim, "info", "alternates"), "mine")
      yield* Fixture.inside(spec(workspace), Fixture.output(`mv .git/objects .git/away; ln -s ${victim} .git/objects`))
      rmSync(join(workspace, ".git", "config.worktree"))
      symlinkSync(join(root, "made"), join(workspace, ".git", "config.worktree"))
      yield* Fixture.inside(spec(workspace), Effect.void)
      assert.deepStrictEqual(readdirSync(join(victim, "info")), ["alternates"])
      assert.isFalse(existsSync(join(root, "made")))
      const other = join(root, "other")
      repository(other)
      git(root, "clone", "-q", "--bare", other, "bare")
      for (const path of [join(other, ".git"), join(other, ".git", "objects"), join(root, "bare")]) {
        yield* Fixture.refused(Fixture.inside(spec(path), Effect.void), "BadSpec")
      }
    }))
})
