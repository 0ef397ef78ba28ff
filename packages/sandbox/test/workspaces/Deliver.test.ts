/** What reaches the repository of the host, and what a hostile workspace can do about it: let it fail. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Spawner from "effect/process/ChildProcessSpawner"
import * as Sandbox from "../../src/Sandbox.ts"
import * as Workspaces from "../../src/Workspaces.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import * as StandIn from "./standIn.ts"
import { tester } from "./tester.ts"

const layer = StandIn.layer("copying", false)
const test = tester(layer)

const commit = (name: string) => `echo ${name} > ${name} && git add -A && git commit -q -m ${name}`
const subjects = ({ git }: Fixture.Repository, branch = "change/work-1") =>
  git("log", "--format=%s", branch).split("\n").join()
const refs = ({ git }: Fixture.Repository) => git("for-each-ref", "--format=%(refname) %(objectname)")
/** Nothing of what was refused is left with the repository. */
const clean = ({ git, repository }: Fixture.Repository) => {
  assert.deepStrictEqual(
    readdirSync(join(repository, ".git", "millwright", "incoming")),
    [],
    "objects that were refused should be gone"
  )
  assert.deepStrictEqual(
    readdirSync(join(repository, ".git", "objects", "pack")),
    [],
    "no pack should have been let in"
  )
  git("fsck", "--strict")
}

describe("commits", () => {
  test("are on the branch when the sandbox has closed, and nothing else has moved", (fixture) =>
    Effect.gen(function* () {
      const before = fixture.git("rev-parse", "main")
      yield* Fixture.inside(
        fixture.spec(),
        Fixture.output(`${commit("a")} && ${commit("b")} && git branch other && git tag v1 && git branch -f main HEAD`)
      )
      assert.strictEqual(subjects(fixture), "b,a,two,one")
      assert.strictEqual(
        refs(fixture),
        `refs/heads/change/work-1 ${fixture.git("rev-parse", "change/work-1")}\nrefs/heads/main ${before}`
      )
      fixture.git("fsck", "--strict")
      yield* Fixture.inside(fixture.spec(), Fixture.output(commit("c")))
      assert.strictEqual(subjects(fixture), "c,b,a,two,one")
      assert.deepStrictEqual(readdirSync(join(fixture.repository, ".git", "millwright", "incoming")), [])
    }))

  test("that take away what was there before the workspace are refused, and stay", (fixture) =>
    Effect.gen(function* () {
      fixture.git("branch", "change/work-1", "main")
      yield* Fixture.inside(fixture.spec(), Fixture.output("git commit -q --amend -m amended"))
      assert.strictEqual(subjects(fixture), "two,one")
      assert.deepStrictEqual(readdirSync(join(fixture.repository, ".git", "millwright", "incoming")), [])
      assert.strictEqual(yield* Fixture.inside(fixture.spec(), Fixture.output("git log -1 --format=%s")), "amended")
    }))

  test("made while the branch moved on in the repository stay, and are brought after a rebase", (fixture) =>
    Effect.gen(function* () {
      const tree = fixture.git("rev-parse", "main^{tree}")
      yield* Fixture.inside(
        fixture.spec(),
        Effect.gen(function* () {
          yield* Fixture.output(commit("mine"))
          fixture.git(
            "update-ref",
            "refs/heads/change/work-1",
            fixture.git("commit-tree", tree, "-p", "main", "-m", "theirs")
          )
        })
      )
      assert.strictEqual(subjects(fixture), "theirs,two,one")
      clean(fixture)
      const theirs = fixture.git("rev-parse", "change/work-1")
      yield* Fixture.inside(fixture.spec(), Fixture.output(`git rebase -q ${theirs}`))
      assert.strictEqual(subjects(fixture), "mine,theirs,two,one")
    }))

  test("of somebody else are taken over at the next opening", (fixture) =>
    Effect.gen(function* () {
      yield* Fixture.inside(fixture.spec(), Fixture.write("untracked.txt", "stays"))
      const tree = fixture.git("rev-parse", "main~1^{tree}")
      fixture.git(
        "update-ref",
        "refs/heads/change/work-1",
        fixture.git("commit-tree", tree, "-p", "main", "-m", "theirs")
      )
      const text = "git log -1 --format=%s && cat file.txt untracked.txt && git status --porcelain"
      assert.strictEqual(
        yield* Fixture.inside(fixture.spec(), Fixture.output(text)),
        "theirs\nonestays?? untracked.txt"
      )
      fixture.git(
        "update-ref",
        "refs/heads/change/work-1",
        fixture.git("commit-tree", "main^{tree}", "-p", "change/work-1", "-m", "more")
      )
      yield* Fixture.inside(fixture.spec({ fresh: true }), Effect.void)
      assert.strictEqual(
        yield* Fixture.inside(fixture.spec(), Fixture.output(text.replace(" untracked.txt", ""))),
        "more\ntwo"
      )
    }))

  test("to which the repository moved on in the way of uncommitted changes say so", (fixture) =>
    Effect.gen(function* () {
      yield* Fixture.inside(fixture.spec(), Fixture.write("file.txt", "changed"))
      const tree = fixture.git("rev-parse", "main~1^{tree}")
      fixture.git(
        "update-ref",
        "refs/heads/change/work-1",
        fixture.git("commit-tree", tree, "-p", "main", "-m", "theirs")
      )
      yield* Fixture.refused(Fixture.inside(fixture.spec(), Effect.void), "SetupFailed")
      yield* Fixture.inside(fixture.spec({ fresh: true }), Effect.void)
    }))

  test("are brought to the base as well where `deliver` says so, and it is checked out nowhere", (fixture) =>
    Effect.gen(function* () {
      fixture.git("branch", "trunk")
      const spec = fixture.spec({ base: "trunk", deliver: "Merge" })
      yield* Fixture.inside(spec, Fixture.output(commit("a")))
      assert.strictEqual(subjects(fixture, "trunk"), "a,two,one")
      yield* Fixture.inside(
        fixture.spec({ id: "work-2", branch: "other", deliver: "Merge" }),
        Fixture.output(commit("b"))
      )
      assert.strictEqual(subjects(fixture, "other"), "b,two,one")
      assert.strictEqual(subjects(fixture, "main"), "two,one", "a branch that is checked out should not be moved")
    }))

  test("that a branch was moved back to may be those of the workspace alone", (fixture) =>
    Effect.gen(function* () {
      const id = yield* Fixture.inside(
        fixture.spec(),
        Effect.gen(function* () {
          yield* Fixture.output(commit("a"))
          const id = yield* Fixture.output("git rev-parse HEAD")
          yield* Fixture.output(
            `${commit("b")}; rm .git/refs/heads/change/work-1; git checkout -q --detach 2>/dev/null`
          )
          return id
        })
      )
      assert.strictEqual(subjects(fixture), "two,one", "a branch that is gone in the workspace should not be brought")
      yield* Fixture.inside(fixture.spec({ fresh: { at: id } }), Effect.void)
      assert.strictEqual(subjects(fixture), "a,two,one")
      yield* Fixture.refused(
        Fixture.inside(fixture.spec({ fresh: { at: "0".repeat(40) } }), Effect.void),
        "NoSuchSource"
      )
      yield* Fixture.refused(Fixture.inside(fixture.spec({ fresh: { at: "--all" } }), Effect.void), "NoSuchSource")
    }))
})

describe("a hostile workspace does not reach the repository with", () => {
  const attacks: Record<string, string> = {
    "a branch that is no commit":
      "git update-ref --no-deref refs/heads/change/work-1 $(git rev-parse HEAD^{tree}); echo $(git rev-parse HEAD^{tree}) > .git/refs/heads/change/work-1",
    "a branch that is a pipe": "rm -rf .git/refs/heads/change/work-1; mkfifo .git/refs/heads/change/work-1",
    "a branch that is a link to a file of the host":
      "rm .git/refs/heads/change/work-1; ln -s /etc/passwd .git/refs/heads/change/work-1",
    "a branch that names another": "git branch evil; echo 'ref: refs/heads/../../x' > .git/refs/heads/change/work-1",
    "a commit whose tree is not there":
      "git update-ref refs/heads/change/work-1 $(git hash-object -t commit -w --literally --stdin <<E\ntree 1111111111111111111111111111111111111111\nparent $(git rev-parse HEAD)\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\nE\n)",
    "a tree with a `.git`":
      "T=$(printf '100644 blob %s\\t.git\\n' $(echo x | git hash-object -w --stdin) | git mktree) && git update-ref refs/heads/change/work-1 $(git commit-tree $T -p HEAD -m x)",
    "a tree with `..`":
      "T=$(printf '100644 blob %s\\t..\\n' $(echo x | git hash-object -w --stdin) | git mktree) && git update-ref refs/heads/change/work-1 $(git commit-tree $T -p HEAD -m x)",
    "a submodule whose address is an option":
      "printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = --upload-pack=evil\\n' > .gitmodules; git add .gitmodules; git commit -q -m x",
    "a history that a replacement makes whole": `${commit("a")}; R=$(git rev-parse HEAD); git replace --graft $R; rm -f .git/objects/$(git rev-parse $R^{tree} | cut -c1-2)/*`,
    "a history that `shallow` cuts": `${commit("a")}; ${commit("b")}; git rev-parse HEAD > .git/shallow; P=$(git cat-file -p HEAD | sed -n 's/^parent //p'); rm -f .git/objects/$(echo $P | cut -c1-2)/$(echo $P | cut -c3-)`,
    "no `.git` at all": `${commit("a")}; rm -rf .git`,
    "a `.git` that is a link to the repository's": `${commit("a")}; rm -rf .git; ln -s ../../../.. .git`,
    "a history of its own": "git checkout -q --orphan new; git commit -q -m new; git branch -f change/work-1 HEAD"
  }
  for (const [what, text] of Object.entries(attacks)) {
    test(what, (fixture) =>
      Effect.gen(function* () {
        yield* Fixture.inside(fixture.spec(), Effect.void)
        const before = refs(fixture)
        const config = readFileSync(join(fixture.repository, ".git", "config"), "utf8")
        yield* Fixture.inside(fixture.spec(), Effect.ignore(Fixture.output(text)))
        assert.strictEqual(refs(fixture), before, `${what} should move no ref`)
        assert.strictEqual(readFileSync(join(fixture.repository, ".git", "config"), "utf8"), config)
        clean(fixture)
        assert.strictEqual(fixture.git("status", "--porcelain"), "")
      })
    )
  }

  test("hooks, filters and a configuration that name a program", (fixture) =>
    Effect.gen(function* () {
      const mark = join(fixture.outside, "ran")
      const program = join(fixture.outside, "program")
      writeFileSync(program, `#!/bin/sh\ntouch '${mark}'\ncat\n`, { mode: 0o755 })
      yield* Fixture.inside(
        fixture.spec(),
        Fixture.output(
          `${commit("a")}; for h in post-index-change reference-transaction post-checkout post-merge pre-auto-gc; do cp ${program} .git/hooks/$h; done; ` +
            `git config core.fsmonitor ${program}; git config uploadpack.packObjectsHook ${program}; rm -f ${mark}`
        )
      )
      assert.isFalse(existsSync(mark), "no program that the workspace names should run when it is brought")
      yield* Fixture.inside(fixture.spec({ fresh: true }), Effect.void)
      assert.isFalse(existsSync(mark), "nor when it is opened")
      assert.strictEqual(subjects(fixture), "a,two,one")
    }))
})

// Most of it is waited for: until what does not answer is given up.
describe("what would hold the host up", { concurrent: true }, () => {
  const fill = (size: number) =>
    "{ git cat-file commit HEAD | head -n 4; echo; head -c " +
    size +
    " /dev/zero | tr '\\0' a; } > big && " +
    "git update-ref HEAD $(git hash-object -t commit -w big) && rm big"
  for (const size of [20_000_000, 420_000_000]) {
    test(`a commit of ${size} bytes is refused, and stays`, (fixture) =>
      Effect.gen(function* () {
        yield* Fixture.inside(fixture.spec(), Effect.void)
        const workspaces = yield* Workspaces.make
        const inside = yield* Spawner.ChildProcessSpawner
        const workspace = yield* workspaces.prepare(fixture.spec(), { name: "copying", overlay: false })
        const { directory: cwd } = workspace
        assert.strictEqual(yield* inside.exitCode(Fixture.script(`set -e; ${fill(size)}`, { cwd })), 0)
        const error = yield* Effect.flip(workspace.deliver(inside))
        assert.include(error.message, "MiB of memory")
        assert.strictEqual(subjects(fixture), "two,one")
        clean(fixture)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
  }

  test("a large file is brought", (fixture) =>
    Effect.gen(function* () {
      yield* Fixture.inside(
        fixture.spec(),
        Fixture.output("head -c 500000000 /dev/zero > big; git add big; git commit -q -m big; rm big")
      )
      assert.strictEqual(subjects(fixture), "big,two,one")
    }))

  test("a pipe in the place of an object holds neither the end nor a companion up", (fixture) =>
    Effect.gen(function* () {
      const other = yield* Fixture.repository
      const companion = { repository: other.repository, base: "main", branch: "change/api" }
      const spec = { ...fixture.spec(), companions: { api: companion } }
      const { open } = yield* Sandbox.Sandbox
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { directories, services } = yield* open(spec)
          const text =
            `${commit("a")}; T=$(git rev-parse HEAD^{tree}); P=.git/objects/$(echo $T | cut -c1-2)/$(echo $T | cut -c3-); ` +
            `rm -f $P; mkfifo $P; cd '${directories.api}' && ${commit("b")}`
          yield* Effect.provideContext(Fixture.output(text), services)
        })
      )
      assert.strictEqual(subjects(fixture), "two,one")
      assert.strictEqual(subjects(other, "change/api"), "b,two,one")
      clean(fixture)
    }).pipe(Effect.scoped))

  test("pipes where git looks for a file do not hold `fresh` up", (fixture) =>
    Effect.gen(function* () {
      yield* Fixture.inside(
        fixture.spec(),
        Fixture.output("mkdir d ignored; mkfifo d/.gitignore .gitattributes ignored/.gitignore; touch ignored/kept")
      )
      const seen = yield* Fixture.inside(fixture.spec({ fresh: true }), Fixture.output("git status -s; ls -A ignored"))
      assert.strictEqual(seen, "kept")
    }))
})

describe("a git inside that is hostile itself does not reach the repository with", () => {
  /** What it sends in the place of a pack, as a shell script in the workspace. */
  const packs: Record<string, string> = {
    nothing: "true",
    "what is no pack": "cat /dev/zero",
    "a pack that never ends":
      "printf 'PACK\\0\\0\\0\\002\\377\\377\\377\\377'; git rev-parse HEAD | git pack-objects --stdout -q | tail -c +13; cat /dev/urandom",
    "a commit without its files": "git rev-parse HEAD | git pack-objects --stdout -q",
    "a commit that is another one": "git rev-parse HEAD~1 | git pack-objects --revs --stdout -q"
  }
  for (const [what, text] of Object.entries(packs)) {
    test(what, (fixture) =>
      Effect.gen(function* () {
        const spec = fixture.spec()
        yield* Fixture.inside(spec, Effect.void)
        const before = refs(fixture)
        const workspaces = yield* Workspaces.make
        const host = yield* Spawner.ChildProcessSpawner
        const workspace = yield* workspaces.prepare(spec, { name: "copying", overlay: false })
        const inside = Spawner.make((command) =>
          host.spawn(
            command._tag === "StandardCommand" && command.args.includes("pack-objects")
              ? ChildProcess.make("sh", ["-c", `ulimit -t 5; ${text}`], {
                  cwd: workspace.directory,
                  forceKillAfter: 100
                })
              : command
          )
        )
        const identity = "git -c user.name=A -c user.email=a@example.invalid"
        yield* host.exitCode(
          ChildProcess.make("sh", ["-c", `echo a > a && git add -A && ${identity} commit -q -m a`], {
            cwd: workspace.directory
          })
        )
        yield* Fixture.refused(workspace.deliver(inside), "SetupFailed")
        assert.strictEqual(refs(fixture), before)
        clean(fixture)
        yield* workspace.deliver(host)
        assert.strictEqual(subjects(fixture), "a,two,one", "with an honest one they should be brought")
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
    )
  }
})
