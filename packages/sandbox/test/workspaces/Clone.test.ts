/** Clones: of odd repositories, after crashes and damage, from templates. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import * as Sandbox from "../../src/Sandbox.ts"
import * as SandboxSpec from "../../src/SandboxSpec.ts"
import { ownOf } from "./own.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import { requires } from "../Requires.ts"
import { git } from "../git.ts"
import * as StandIn from "./standIn.ts"
import { tester } from "./tester.ts"

const cloneOf = ({ repository }: Fixture.Repository, id = "work-1") => join(ownOf(repository), "clones", id)
const templatesOf = ({ repository }: Fixture.Repository) => readdirSync(join(ownOf(repository), "templates"))
const status = Fixture.output("git status --porcelain --branch")
const commit = (name: string) => Fixture.output(`echo ${name} > ${name}.txt && git add -A && git commit -q -m ${name}`)

const register = (way: string, overlay: boolean) => {
  const test = tester(StandIn.layer(way, overlay))
  /** Where what commands have written to a file of the workspace lies on the host. */
  const fileOf = (fixture: Fixture.Repository, file: string) =>
    join(cloneOf(fixture), overlay ? "upper" : "workspace", file)

  describe(`crashes and damage, ${way}`, () => {
    const mended: Record<string, (fixture: Fixture.Repository) => void> = {
      "a stale index.lock": (fixture) => writeFileSync(fileOf(fixture, ".git/index.lock"), ""),
      "a stale lock of the branch": (fixture) =>
        writeFileSync(fileOf(fixture, ".git/refs/heads/change/work-1.lock"), ""),
      "a broken index": (fixture) => writeFileSync(fileOf(fixture, ".git/index"), "no index"),
      "an empty HEAD": (fixture) => writeFileSync(fileOf(fixture, ".git/HEAD"), ""),
      "no branch": (fixture) => rmSync(fileOf(fixture, ".git/refs/heads/change/work-1")),
      "a branch that is a pipe": (fixture) => {
        rmSync(fileOf(fixture, ".git/refs/heads/change/work-1"))
        execFileSync("mkfifo", [fileOf(fixture, ".git/refs/heads/change/work-1")])
      },
      "another branch": (fixture) => writeFileSync(fileOf(fixture, ".git/HEAD"), "ref: refs/heads/none\n"),
      ...(overlay
        ? {
            "no template": (fixture) => rmSync(join(ownOf(fixture.repository), "templates"), { recursive: true })
          }
        : {
            "no `.git`": (fixture) => rmSync(join(cloneOf(fixture), "workspace", ".git"), { recursive: true }),
            "links in `.git` that lead out": (fixture) => {
              const folder = join(cloneOf(fixture), "workspace", ".git")
              rmSync(join(folder, "config"))
              rmSync(join(folder, "info"), { recursive: true })
              mkdirSync(join(fixture.outside, "info"))
              symlinkSync(join(fixture.outside, "secret.txt"), join(folder, "config"))
              symlinkSync(join(fixture.outside, "info"), join(folder, "info"))
            },
            "a `.git` that is a link": (fixture) => {
              const folder = join(cloneOf(fixture), "workspace", ".git")
              renameSync(folder, join(fixture.outside, "git"))
              symlinkSync(join(fixture.outside, "git"), folder)
            }
          })
    }
    for (const [what, damage] of Object.entries(mended)) {
      test(`a workspace with ${what} opens, and keeps what was left in it`, (fixture) =>
        Effect.gen(function* () {
          yield* Fixture.inside(fixture.spec(), Effect.andThen(Fixture.write("file.txt", "changed"), status))
          damage(fixture)
          yield* Fixture.inside(
            fixture.spec(),
            Effect.gen(function* () {
              assert.strictEqual(yield* status, "## change/work-1\n M file.txt", `after ${what}`)
              yield* Fixture.output("git commit -q -a -m changed")
            })
          )
          assert.strictEqual(fixture.git("log", "--format=%s", "-1", "change/work-1"), "changed", `after ${what}`)
          assert.strictEqual(readFileSync(join(fixture.outside, "secret.txt"), "utf8"), "outside\n", `after ${what}`)
          assert.isFalse(
            existsSync(join(fixture.outside, "info", "exclude")),
            `nothing should be written outside after ${what}`
          )
        }))
    }

    test("one that was not finished is made anew, and what a killed opening left goes", (fixture) =>
      Effect.gen(function* () {
        yield* Fixture.inside(fixture.spec(), Fixture.write("left.txt", "left"))
        rmSync(join(cloneOf(fixture), "ready"))
        mkdirSync(`${cloneOf(fixture)}~/workspace`, { recursive: true })
        mkdirSync(join(fixture.repository, ".git", "millwright", "incoming", "work-1"))
        mkdirSync(`${cloneOf(fixture, "work-2")}~`)
        assert.strictEqual(yield* Fixture.inside(fixture.spec(), status), "## change/work-1")
        assert.deepStrictEqual(readdirSync(join(ownOf(fixture.repository), "clones")).sort(), ["work-1", "work-2~"])
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
            "echo mine > file.txt && git commit -q -a -m mine && git branch -q theirs HEAD~2 && git checkout -q theirs && " +
              "echo theirs > file.txt && git commit -q -a -m theirs && git checkout -q change/work-1 && git rebase theirs; true"
          )
        )
        assert.isTrue(existsSync(fileOf(fixture, ".git/rebase-merge")), "the rebase should have stopped at a conflict")
        assert.strictEqual(yield* Fixture.inside(fixture.spec({ fresh: true }), status), "## change/work-1")
      }))

    test("a failed set-up leaves nothing, and runs again; a finished one does not", (fixture) =>
      Effect.gen(function* () {
        const setup = [{ name: "count", run: `echo x >> '${fixture.outside}/count'` }]
        const run = "touch half; git commit -q --allow-empty -m half; exit 3"
        const failing = { ...fixture.spec(), setup: [...setup, { name: "no", run }] }
        yield* Fixture.refused(Fixture.inside(failing, Effect.void), "SetupFailed")
        assert.strictEqual(fixture.git("branch", "--list", "change/*"), "", "no branch should be left")
        assert.isFalse(existsSync(cloneOf(fixture)), "no folder should be left")
        for (let n = 0; n < 3; n++) {
          assert.strictEqual(yield* Fixture.inside({ ...fixture.spec(), setup }, status), "## change/work-1")
        }
        assert.strictEqual(readFileSync(join(fixture.outside, "count"), "utf8"), "x\nx\n")
      }))

    test("a branch that is checked out in the repository is Busy", (fixture) =>
      Effect.gen(function* () {
        yield* Fixture.refused(Fixture.inside(fixture.spec({ branch: "main" }), Effect.void), "Busy")
        fixture.git("worktree", "add", "-q", "-b", "elsewhere", join(fixture.outside, "tree"))
        yield* Fixture.refused(Fixture.inside(fixture.spec({ branch: "elsewhere" }), Effect.void), "Busy")
      }))

    test("a filter of the host runs when files are checked out; no hook does, and no configuration is copied", (fixture) =>
      Effect.gen(function* () {
        const hook = join(fixture.repository, ".git", "hooks", "post-checkout")
        mkdirSync(join(hook, ".."), { recursive: true })
        writeFileSync(hook, `#!/bin/sh\ntouch '${fixture.outside}/hooked'\n`)
        chmodSync(hook, 0o755)
        fixture.git("config", "filter.loud.smudge", "tr a-z A-Z")
        fixture.git("config", "remote.origin.url", "https://user:token@example.invalid/x.git")
        appendFileSync(join(fixture.repository, ".git", "info", "attributes"), "file.txt filter=loud\n")
        yield* Fixture.inside(
          fixture.spec(),
          Effect.gen(function* () {
            assert.strictEqual(yield* Fixture.read("file.txt"), "TWO")
            assert.notInclude(
              yield* Fixture.output("cat .git/config; git remote -v; git config --local --list"),
              "token"
            )
          })
        )
        assert.deepStrictEqual(readdirSync(fixture.outside), ["secret.txt"])
        fixture.git("config", "filter.loud.smudge", "false")
        fixture.git("config", "filter.loud.required", "true")
        if (overlay) rmSync(join(ownOf(fixture.repository), "templates"), { recursive: true })
        const other = fixture.spec({ id: "work-2", branch: "other" })
        yield* Fixture.refused(Fixture.inside(other, Effect.void), "SetupFailed")
        assert.strictEqual(fixture.git("branch", "--list", "other"), "", "no branch should be left")
        assert.isFalse(existsSync(cloneOf(fixture, "work-2")), "no folder should be left")
      }))
  })

  describe(`odd repositories, ${way}`, () => {
    const opens = (repository: string, name: string, base = "main") =>
      Effect.gen(function* () {
        const spec = {
          ...SandboxSpec.checkout({ id: "work-1", repository, base, branch: "change/odd" }),
          env: { GIT_AUTHOR_NAME: "A", GIT_AUTHOR_EMAIL: "a@b", GIT_COMMITTER_NAME: "A", GIT_COMMITTER_EMAIL: "a@b" }
        }
        yield* Fixture.inside(spec, Effect.andThen(commit("a"), status))
        yield* Fixture.inside(spec, commit("b"))
        assert.strictEqual(git(repository, "log", "--format=%s", "-2", "change/odd"), "b\na", name)
        git(repository, "fsck", "--strict")
      })
    const odd: Record<string, (fixture: Fixture.Repository) => string> = {
      bare: ({ outside, repository }) => {
        git(outside, "clone", "-q", "--bare", repository, "bare.git")
        return join(outside, "bare.git")
      },
      shallow: ({ outside, repository }) => {
        git(outside, "clone", "-q", "--depth", "1", `file://${repository}`, "shallow")
        return join(outside, "shallow")
      },
      "a linked worktree": ({ outside, repository }) => {
        git(repository, "worktree", "add", "-q", "-b", "linked", join(outside, "linked"))
        return join(outside, "linked")
      },
      "of sha256": ({ outside }) => {
        const folder = join(outside, "sha256")
        git(outside, "init", "-q", "-b", "main", "--object-format=sha256", folder)
        writeFileSync(join(folder, "file.txt"), "x")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "one")
        return folder
      },
      "one that borrows objects": ({ outside, repository }) => {
        git(outside, "clone", "-q", "--shared", repository, "first")
        git(outside, "clone", "-q", "--shared", "first", "second")
        return join(outside, "second")
      },
      "in a folder with odd characters": ({ outside, repository }) => {
        const folder = join(outside, "-odd $(x) 'q' \"d\" a:b,c\\d ü")
        git(outside, "clone", "-q", repository, `./${folder.slice(outside.length + 1)}`)
        return folder
      },
      "with packed refs and objects": ({ repository }) => {
        git(repository, "gc", "-q")
        return repository
      },
      "behind a symbolic link": ({ outside, repository }) => {
        symlinkSync(repository, join(outside, "link"))
        return join(outside, "link")
      }
    }
    for (const [name, make] of Object.entries(odd)) {
      test(`${name}: opens, and commits arrive`, (fixture) => Effect.suspend(() => opens(make(fixture), name)))
    }

    test("a partial clone, a relative path and a line break are refused", ({ outside, repository, spec }) =>
      Effect.gen(function* () {
        git(repository, "config", "uploadpack.allowFilter", "true")
        git(outside, "clone", "-q", "--filter=blob:none", `file://${repository}`, "partial")
        renameSync(repository, join(outside, "line\nbreak"))
        symlinkSync(join(outside, "line\nbreak"), join(outside, "link"))
        for (const path of [
          join(outside, "partial"),
          "relative",
          join(outside, "link"),
          join(outside, "line\nbreak")
        ]) {
          yield* Fixture.refused(Fixture.inside(spec({ repository: path }), Effect.void), "BadSpec")
        }
        yield* Fixture.refused(Fixture.inside(spec({ repository: `/${"x".repeat(300)}` }), Effect.void), "NoSuchSource")
        execFileSync("sh", [
          "-c",
          'mkdir "$(printf "%s/\\377" "$1")" && ln -s "$(printf "\\377")" "$1/bytes"',
          "sh",
          outside
        ])
        yield* Fixture.refused(
          Fixture.inside(spec({ repository: join(outside, "bytes") }), Effect.void),
          "NoSuchSource"
        )
      }))
  })

  describe(`companions, ${way}`, () => {
    const companion = (fixture: Fixture.Repository, branch: string) => ({
      repository: fixture.repository,
      base: "main",
      branch
    })
    test("are beside the workspace, are brought, and go with it", (fixture) =>
      Effect.gen(function* () {
        const other = yield* Fixture.repository
        const { discard, open } = yield* Sandbox.Sandbox
        const spec = {
          ...fixture.spec(),
          companions: { api: companion(other, "change/api"), same: companion(fixture, "change/same") }
        }
        const folders = yield* Effect.scoped(
          Effect.gen(function* () {
            const { directories, services } = yield* open(spec)
            for (const name of ["api", "same"]) {
              const text = `cd '${directories[name]}' && cat file.txt && echo ${name} > x && git add -A && git commit -q -m ${name}`
              assert.strictEqual(yield* Effect.provideContext(Fixture.output(text), services), "two")
            }
            yield* Fixture.refused(Effect.scoped(open(spec)), "Busy")
            return Object.values(directories)
          })
        )
        assert.strictEqual(other.git("log", "-1", "--format=%s", "change/api"), "api")
        assert.strictEqual(fixture.git("log", "-1", "--format=%s", "change/same"), "same")
        const elsewhere = { ...fixture.spec({ id: "work-2", branch: "b" }), companions: { api: companion(other, "c") } }
        yield* Effect.scoped(Effect.andThen(open(spec), open(elsewhere)))
        yield* discard(spec)
        assert.deepStrictEqual(
          folders.filter((folder) => existsSync(folder)),
          []
        )
        assert.strictEqual(readdirSync(join(ownOf(other.repository), "clones")).length, 1)
      }))

    test("named in another order by two that open at once lead to no deadlock", (fixture) =>
      Effect.gen(function* () {
        const other = yield* Fixture.repository
        const { open } = yield* Sandbox.Sandbox
        const one = { ...fixture.spec(), companions: { x: companion(other, "x"), y: companion(fixture, "y") } }
        const two = { ...one, companions: { y: one.companions.y, x: one.companions.x } }
        for (let n = 0; n < 3; n++) {
          const exits = yield* Effect.forEach([one, two], (spec) => Effect.exit(Effect.scoped(open(spec))), {
            concurrency: "unbounded"
          })
          assert.isAbove(exits.filter(({ _tag }) => _tag === "Success").length, 0, "one of the two should open")
        }
      }))
  })
}

register("copying", false)

requires("mount", StandIn.missing, () => {
  const test = tester(StandIn.layer("mounting", true))
  register("mounting", true)

  describe("templates", () => {
    test("are shared, also by a commit near by, and go when nobody needs them", (fixture) =>
      Effect.gen(function* () {
        const { discard } = yield* Sandbox.Sandbox
        const on = (id: string, base: string) => fixture.spec({ id, branch: id, base })
        const first = yield* Fixture.inside(on("a", "main"), Fixture.output("git rev-parse HEAD"))
        assert.deepStrictEqual(templatesOf(fixture), [first])
        assert.strictEqual(
          yield* Fixture.inside(on("b", "main~1"), Fixture.output("cat file.txt; git status -s")),
          "one"
        )
        assert.deepStrictEqual(templatesOf(fixture), [first], "a commit near by should not get its own")
        for (let n = 0; n < 600; n++) writeFileSync(join(fixture.repository, `many-${n}`), `${n}`)
        fixture.git("add", "-A")
        fixture.git("commit", "-q", "-m", "many")
        const far = fixture.git("rev-parse", "HEAD")
        yield* Fixture.inside(on("c", "main"), status)
        assert.deepStrictEqual(templatesOf(fixture).sort(), [first, far].sort(), "one that is needed should stay")
        for (const id of ["a", "b"]) yield* discard(on(id, "main"))
        fixture.git("rm", "-q", "-r", ".")
        fixture.git("commit", "-q", "-m", "none")
        const last = fixture.git("rev-parse", "HEAD")
        yield* Fixture.inside(on("d", "main"), status)
        assert.deepStrictEqual(templatesOf(fixture).sort(), [far, last].sort(), "one that nobody needs should go")
        assert.strictEqual(yield* Fixture.inside(on("c", "main"), Fixture.output("ls many-* | wc -l")), "600")
      }))

    test("are not changed by what is done in a workspace, and git believes their index", (fixture) =>
      Effect.gen(function* () {
        const trace = "GIT_TRACE2_PERF=1 git status --porcelain 2>&1 | grep sum_scan"
        const scanned = yield* Fixture.inside(fixture.spec(), Fixture.output(trace))
        assert.include(scanned, "sum_scan:0", "git should not have to read a file to know that it was not changed")
        yield* Fixture.inside(
          fixture.spec(),
          Effect.andThen(commit("a"), Fixture.output("rm -r sub; chmod 600 file.txt"))
        )
        const second = fixture.spec({ id: "work-2", branch: "other" })
        assert.strictEqual(yield* Fixture.inside(second, Fixture.output("ls; git status -s")), "file.txt\nsub")
      }))

    test("one that is put together is not opened by an adapter that does not mount", (fixture) =>
      Effect.gen(function* () {
        yield* Fixture.inside(fixture.spec(), Effect.void)
        const other = Fixture.inside(fixture.spec(), Effect.void).pipe(Effect.provide(StandIn.layer("copying", false)))
        yield* Fixture.refused(other, "Unsupported")
        assert.strictEqual(yield* Fixture.inside(fixture.spec(), status), "## change/work-1")
      }))
  })
})
