/** What is read from git's files is what git says, and what is not plainly as git writes it is not answered. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as HostFiles from "../../src/internal/HostFiles.ts"
import * as RefFiles from "../../src/internal/RefFiles.ts"

const git = (folder: string, ...args: ReadonlyArray<string>) =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", "-C", folder, ...args], { encoding: "utf8" }).trim()

/** A repository with a commit on `main`. */
const repository = Effect.acquireRelease(
  Effect.sync(() => {
    const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "ref-files-")))
    const main = join(root, "main")
    fs.mkdirSync(main)
    git(main, "init", "-q", "-b", "main")
    git(main, "commit", "-q", "--allow-empty", "-m", "first")
    return { root, main, common: join(main, ".git") }
  }),
  ({ root }) => Effect.sync(() => fs.rmSync(root, { recursive: true, force: true }))
)

const said = (folder: string, names: ReadonlyArray<string>) =>
  Object.fromEntries(
    names
      .flatMap((name) => [`refs/heads/${name}`, `refs/tags/${name}`])
      .flatMap((ref) =>
        git(folder, "for-each-ref", "--format=%(refname)|%(objectname)|%(worktreepath)", ref)
          .split("\n")
          .flatMap((line) => {
            const [name = "", head, worktree = ""] = line.split("|")
            return name === ref ? [[name, { head, worktree: worktree === "" ? undefined : worktree }]] : []
          })
      )
  )

const test = (
  name: string,
  run: (at: Effect.Success<typeof repository>, host: HostFiles.HostFiles) => Effect.Effect<void>
) =>
  it.live(name, () =>
    Effect.gen(function* () {
      yield* run(yield* repository, yield* HostFiles.make)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

describe("branches, read from files", () => {
  test("are those of git: loose, packed, both, tags, and what is checked out", (at, host) =>
    Effect.gen(function* () {
      const { common, main, root } = at
      const names = ["main", "a", "a/b", "deep/er", "both", "release", "linked", "gone", "main2"]
      const same = (when: string) =>
        Effect.map(RefFiles.branches(host, common, names), (found) =>
          assert.deepStrictEqual(Object.fromEntries(found ?? []), said(main, names), when)
        )
      yield* same("a new repository")
      for (const name of ["deep/er", "both", "linked", "a/b"]) git(main, "branch", name)
      git(main, "tag", "main2")
      git(main, "tag", "-a", "release", "-m", "release")
      git(main, "worktree", "add", "-q", join(root, "linked tree"), "linked")
      yield* same("loose")
      git(main, "pack-refs", "--all")
      yield* same("packed")
      git(main, "commit", "-q", "--allow-empty", "-m", "second")
      git(main, "branch", "-f", "both", "main")
      yield* same("packed and loose")
      git(main, "checkout", "-q", "--detach")
      yield* same("detached")
      git(main, "branch", "-D", "deep/er")
      yield* same("deleted")
    }))

  test("and HEAD too: on a branch, detached, bare; not where a working tree has its own", (at, host) =>
    Effect.gen(function* () {
      const { common, main, root } = at
      assert.strictEqual(yield* RefFiles.head(host, { common, root: main }), git(main, "rev-parse", "HEAD"))
      git(main, "pack-refs", "--all")
      git(main, "commit", "-q", "--allow-empty", "-m", "second")
      assert.strictEqual(yield* RefFiles.head(host, { common, root: main }), git(main, "rev-parse", "HEAD"))
      git(main, "checkout", "-q", "--detach", "HEAD~")
      assert.strictEqual(yield* RefFiles.head(host, { common, root: main }), git(main, "rev-parse", "HEAD"))
      const bare = join(root, "bare.git")
      git(root, "clone", "-q", "--bare", main, bare)
      assert.strictEqual(yield* RefFiles.head(host, { common: bare, root: bare }), git(bare, "rev-parse", "HEAD"))
      assert.isUndefined(yield* RefFiles.head(host, { common, root: join(root, "linked") }))
      git(main, "checkout", "-q", "--orphan", "unborn")
      assert.isUndefined(yield* RefFiles.head(host, { common, root: main }))
    }))

  const odd: Readonly<Record<string, (common: string) => void>> = {
    "a pipe": (common) => execFileSync("mkfifo", [join(common, "refs/heads/odd")]),
    "a link": (common) => fs.symlinkSync("main", join(common, "refs/heads/odd")),
    "a folder that is a link": (common) => {
      fs.renameSync(join(common, "refs/heads"), join(common, "refs/elsewhere"))
      fs.symlinkSync("elsewhere", join(common, "refs/heads"))
    },
    "a name of another ref": (common) => fs.writeFileSync(join(common, "refs/heads/odd"), "ref: refs/heads/main\n"),
    "no id": (common) => fs.writeFileSync(join(common, "refs/heads/odd"), `${"f".repeat(39)}\n`),
    "a packed list that is a pipe": (common) => execFileSync("mkfifo", [join(common, "packed-refs")]),
    "a line of the packed list that is no id": (common) =>
      fs.writeFileSync(join(common, "packed-refs"), `${"f".repeat(39)} refs/heads/odd\n`),
    "a HEAD that is a link": (common) => {
      fs.rmSync(join(common, "HEAD"))
      fs.symlinkSync("refs/heads/main", join(common, "HEAD"))
    },
    "a working tree without a HEAD": (common) => fs.mkdirSync(join(common, "worktrees", "half"), { recursive: true }),
    "a list of refs that never ends": (common) => {
      fs.writeFileSync(join(common, "packed-refs"), "")
      fs.truncateSync(join(common, "packed-refs"), 1024 ** 3)
    },
    "a table of refs": (common) => fs.mkdirSync(join(common, "reftable"))
  }
  for (const [what, make] of Object.entries(odd)) {
    test(`are not answered where there is ${what}`, ({ common }, host) =>
      Effect.gen(function* () {
        make(common)
        assert.isUndefined(yield* RefFiles.branches(host, common, ["odd"]), "git has to be asked")
      }))
  }
})
