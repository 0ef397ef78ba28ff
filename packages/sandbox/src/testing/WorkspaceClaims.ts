/** What the port promises about the kinds of workspace, about copies of them, and about what only the host may do. */
import * as Effect from "effect/Effect"
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Sandbox from "../Sandbox.ts"
import type { SandboxSpec, Workspace } from "../SandboxSpec.ts"
import { missing } from "../Supports.ts"
import { type Claim, claim, expect, inside, output, refused, repository, write } from "./Fixture.ts"

const equal = (actual: string, expected: string, what: string) =>
  expect(actual === expected, `${what} should be ${JSON.stringify(expected)}, but is ${JSON.stringify(actual)}`)

const commit = (name: string) => output(`echo ${name} > ${name}.txt && git add -A && git commit -q -m ${name}`)

/** A spec of another kind of workspace. */
const of = (spec: SandboxSpec, workspace: Workspace): SandboxSpec => ({ ...spec, workspace })

/** What some adapter can not do. */
const demands = (spec: SandboxSpec, folder: string): ReadonlyArray<SandboxSpec> => [
  of(spec, { _tag: "Folder", path: folder }),
  of(spec, { _tag: "Empty" }),
  { ...spec, mounts: [{ source: folder, access: "Read" }] },
  { ...spec, egress: { _tag: "Deny" } },
  { ...spec, egress: { _tag: "Allow", domains: ["example.invalid"] } },
  { ...spec, secrets: [{ handle: "key", hosts: ["example.invalid"], as: { _tag: "Header", name: "x" } }] },
  { ...spec, registry: { hosts: ["example.invalid"] } },
  { ...spec, ports: { PORT: 4_000 } },
  { ...spec, image: "image" },
  { ...spec, limits: { cpus: 1 } },
  { ...spec, limits: { memory: 1e9 } },
  { ...spec, limits: { processes: 100 } },
  { ...spec, limits: { disk: 1e9 } }
]

/** The claims. */
export const claims: ReadonlyArray<Claim> = [
  claim(
    "what was committed is on the branch in the repository when it has closed",
    Effect.scoped(
      Effect.gen(function* () {
        const { git, spec } = yield* repository
        yield* inside(spec(), Effect.andThen(commit("a"), commit("b")))
        yield* equal(git("log", "--format=%s", "change/work-1"), "b\na\ntwo\none", "The history of the branch")
        yield* inside(spec({ fresh: true }), commit("c"))
        yield* equal(git("log", "--format=%s", "change/work-1"), "c\nb\na\ntwo\none", "The history of the branch")
        yield* equal(git("log", "--format=%s", "main"), "two\none", "The history of main")
        yield* equal(git("status", "--porcelain"), "", "What git says is changed in the repository of the host")
      })
    )
  ),

  claim(
    "the host brings commits whenever it likes, and is told when they can not be brought; then they stay",
    Effect.scoped(
      Effect.gen(function* () {
        const { git, spec } = yield* repository
        const sandbox = yield* Sandbox.Sandbox
        const subjects = () => git("log", "--format=%s", "change/work-1")
        const opened = yield* sandbox.open(spec())
        const make = (name: string) => Effect.provideContext(commit(name), opened.services)
        yield* make("a")
        yield* Effect.all([opened.host.deliver, opened.host.deliver], { concurrency: "unbounded" })
        yield* equal(subjects(), "a\ntwo\none", "The history of the branch")
        yield* make("b")
        if (sandbox.supports.isolation === "none") return
        git("branch", "-f", "change/work-1", "main")
        yield* Effect.flatMap(Effect.exit(opened.host.deliver), (exit) =>
          expect(exit._tag === "Success" && subjects() === "b\na\ntwo\none", "A branch that was moved back is moved on")
        )
        const other = git("commit-tree", "-p", "main", "-m", "other", "main^{tree}")
        git("branch", "-f", "change/work-1", other)
        yield* make("c")
        yield* refused(opened.host.deliver, "SetupFailed")
        yield* equal(subjects(), "other\ntwo\none", "The history of a branch that somebody else moved")
        git("branch", "-f", "change/work-1", "main")
        yield* opened.host.deliver
        yield* equal(subjects(), "c\nb\na\ntwo\none", "The history of the branch")
      })
    )
  ),

  claim(
    "what a workspace made it may make anew; what was on the branch before it, it can not take away",
    Effect.scoped(
      Effect.gen(function* () {
        const { git, spec } = yield* repository
        const sandbox = yield* Sandbox.Sandbox
        const subjects = () => git("log", "--format=%s", "change/work-1")
        git("branch", "change/work-1", "main")
        const amend = "git commit -q --amend --allow-empty -m"
        yield* inside(spec(), commit("a"))
        yield* inside(spec(), Effect.andThen(output(`${amend} b`), commit("c")))
        yield* equal(subjects(), "c\nb\ntwo\none", "The history of a branch whose last commit was made anew")
        yield* inside(spec(), output("git reset -q --hard HEAD~1"))
        yield* equal(subjects(), "b\ntwo\none", "The history of a branch that was moved back")
        if (sandbox.supports.isolation === "none") return
        yield* inside(spec(), output(`git reset -q --hard HEAD~1; ${amend} d`))
        yield* equal(subjects(), "b\ntwo\none", "The history of a branch whose beginning was taken away")
      })
    )
  ),

  claim(
    "what is not supported fails with Unsupported, and nothing is made",
    Effect.scoped(
      Effect.gen(function* () {
        const { git, outside, repository: root, spec } = yield* repository
        const sandbox = yield* Sandbox.Sandbox
        const folder = join(outside, "folder")
        mkdirSync(folder)
        const before = [git("branch"), readdirSync(root).join(), readdirSync(folder).join()].join()
        for (const asked of demands(spec(), folder)) {
          if (missing(sandbox.supports, asked).length > 0) yield* refused(sandbox.open(asked), "Unsupported")
        }
        const after = [git("branch"), readdirSync(root).join(), readdirSync(folder).join()].join()
        yield* equal(after, before, "Branches and what lies in the folders")
      })
    )
  ),

  claim(
    "what the host may do and is not supported fails with Unsupported",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const { open, supports } = yield* Sandbox.Sandbox
        const { host } = yield* open(spec())
        if (!supports.snapshot) yield* refused(host.snapshot, "Unsupported")
        if (!supports.pause) yield* refused(Effect.andThen(host.pause, host.resume), "Unsupported")
        if (!supports.ports) yield* refused(Effect.scoped(host.expose("PORT")), "Unsupported")
        if (supports.network === "open") yield* refused(host.setEgress({ _tag: "Deny" }), "Unsupported")
      })
    )
  ),

  claim(
    "destroy removes the workspace, and twice is as good as once",
    Effect.scoped(
      Effect.gen(function* () {
        const { git, spec } = yield* repository
        const { open } = yield* Sandbox.Sandbox
        const isDone = yield* Effect.scoped(
          Effect.gen(function* () {
            const { host, services } = yield* open(spec())
            yield* Effect.provideContext(Effect.andThen(commit("a"), write("left.txt", "left")), services)
            const first = yield* Effect.result(host.destroy)
            if (first._tag === "Failure") {
              yield* refused(Effect.fail(first.failure), "Unsupported")
              return false
            }
            yield* host.destroy
            return true
          })
        )
        if (!isDone) return
        yield* equal(
          git("log", "--format=%s", "change/work-1"),
          "two\none",
          "The history of a branch that was not brought"
        )
        yield* Effect.flatMap(inside(spec(), output("ls")), (is) =>
          equal(is, "file.txt\nsub", "What lies in a workspace after it was destroyed")
        )
      })
    )
  ),

  claim(
    "a closed sandbox, and one that was destroyed, can do nothing to whoever has the workspace now",
    Effect.scoped(
      Effect.gen(function* () {
        const { git, spec } = yield* repository
        const { open } = yield* Sandbox.Sandbox
        const asked = spec({ ports: { PORT: null } })
        const others = ({ host }: Sandbox.Opened) => [
          host.deliver,
          host.snapshot,
          host.pause,
          host.resume,
          host.setEgress({ _tag: "Deny" }),
          Effect.scoped(host.expose("PORT"))
        ]
        const closed = yield* Effect.scoped(open(asked))
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { services } = yield* open(asked)
            yield* Effect.provideContext(commit("a"), services)
            yield* Effect.forEach([...others(closed), closed.host.destroy], (one) => refused(one, "Closed"))
            yield* Effect.provideContext(commit("b"), services)
          })
        )
        yield* equal(git("log", "--format=%s", "change/work-1"), "b\na\ntwo\none", "The history of the branch")
        const destroyed = yield* open(asked)
        if ((yield* Effect.result(destroyed.host.destroy))._tag === "Failure") return
        yield* Effect.forEach(others(destroyed), (one) => refused(one, "Closed"))
        yield* destroyed.host.destroy
      })
    )
  ),

  claim(
    "a copy restores commits, the index, and every file, where `snapshot` says so",
    Effect.scoped(
      Effect.gen(function* () {
        const { git, spec } = yield* repository
        const { open, supports } = yield* Sandbox.Sandbox
        if (!supports.snapshot) return
        const look = output(
          "git log --format=%s; git status --porcelain --ignored; cat file.txt ignored/cache; ls -l run | cut -c 1-10; readlink link; ls -d empty; cat -- '-odd name\n'"
        )
        const snapshot = yield* Effect.scoped(
          Effect.gen(function* () {
            const { host, services } = yield* open(spec())
            yield* Effect.gen(function* () {
              yield* commit("a")
              yield* output(
                "mkdir ignored empty && echo cache > ignored/cache && echo run > run && chmod 750 run && git add run && ln -s file.txt link && echo odd > './-odd name\n'"
              )
              yield* write("file.txt", "changed\n")
            }).pipe(Effect.provideContext(services))
            const copy = yield* host.snapshot
            yield* Effect.provideContext(output("rm -r ignored run && git reset -q --hard"), services)
            return { copy, seen: "" }
          })
        )
        const { copy } = snapshot
        yield* expect(
          copy.files > 4 && copy.bytes > 20,
          `A copy should say what is in it, but says ${JSON.stringify(copy)}`
        )
        const again = spec({ id: "work-2", branch: "change/work-2", from: copy })
        const seen = yield* inside(again, look)
        const head = git("rev-parse", "change/work-1")
        yield* equal(copy.commit ?? "", head, "The commit that the copy names")
        yield* equal(
          seen,
          'a\ntwo\none\n M file.txt\nA  run\n?? "-odd name\\n"\n?? link\n!! ignored/\nchanged\ncache\n-rwxr-x---\nfile.txt\nempty\nodd',
          "What the workspace has that was made from the copy"
        )
        yield* equal(git("rev-parse", "change/work-2"), head, "The branch that it was brought to")
        const altered = { ...copy, digest: copy.digest.replace(/^./, (one) => (one === "0" ? "1" : "0")) }
        for (const from of [altered, { ...copy, sandbox: "another" }]) {
          const wrong = spec({ id: "work-3", branch: "change/work-3", from })
          yield* refused(Effect.scoped(open(wrong)), "RestoreIncomplete")
        }
        const gone = spec({ id: "work-3", branch: "change/work-3", from: { ...copy, id: "no-such-copy" } })
        yield* refused(Effect.scoped(open(gone)), "NoSuchSource")
        const files = yield* inside(
          spec({ id: "work-3", branch: "change/work-3" }),
          output("ls; git status --porcelain")
        )
        yield* equal(files, "file.txt\nsub", "What lies in a workspace whose restoring failed before")
      })
    )
  ),

  claim(
    "a Folder is used in place by one at a time, where `workspaces` says so",
    Effect.scoped(
      Effect.gen(function* () {
        const fixture = yield* repository
        const { outside, spec } = fixture
        const { discard, open, supports } = yield* Sandbox.Sandbox
        if (!supports.workspaces.includes("Folder")) return
        const folder = join(outside, "folder with  spaces")
        mkdirSync(join(folder, "inner"), { recursive: true })
        writeFileSync(join(folder, "file.txt"), "there")
        symlinkSync(folder, join(outside, "link"))
        const at = (path: string, id = "folder-1") => of(spec({ id }), { _tag: "Folder", path })
        yield* inside(
          at(folder),
          Effect.gen(function* () {
            yield* equal(yield* output("cat file.txt"), "there", "The content of a file")
            yield* write("new.txt", "new")
            for (const other of [folder, join(outside, "link"), join(folder, "inner"), outside]) {
              yield* refused(Effect.scoped(open(at(other, "folder-2"))), "Busy")
              // To discard what nobody has opened takes nothing away from who has opened what is around it.
              yield* Effect.ignore(discard(at(other, "folder-2")))
            }
          })
        )
        yield* equal(readFileSync(join(folder, "new.txt"), "utf8"), "new", "What was written there")
        yield* inside(at(join(folder, "inner"), "folder-2"), Effect.void)
        yield* discard(at(folder))
        yield* expect(existsSync(join(folder, "new.txt")), "A Folder should stay when it is discarded")
        yield* refused(Effect.scoped(open(at(join(outside, "missing")))), "NoSuchSource")
        for (const path of ["relative", `${outside}/../outside`, "/", "", join(outside, "a\nb")]) {
          yield* refused(Effect.scoped(open(of(spec(), { _tag: "Folder", path }))), "BadSpec")
        }
        yield* refused(Effect.scoped(open(at(join(folder, "file.txt")))), "BadSpec")
      })
    )
  ),

  claim(
    "an Empty workspace has nothing in it, stays with its id and goes when it is discarded, where `workspaces` says so",
    Effect.scoped(
      Effect.gen(function* () {
        const fixture = yield* repository
        const { spec } = fixture
        const { discard, open, supports } = yield* Sandbox.Sandbox
        if (!supports.workspaces.includes("Empty")) return
        const empty = of(spec({ id: `empty-${Math.random().toString(36).slice(2)}` }), { _tag: "Empty" })
        yield* Effect.acquireRelease(Effect.void, () => Effect.ignore(discard(empty)))
        yield* inside(
          empty,
          Effect.gen(function* () {
            yield* equal(yield* output("ls -A"), "", "What lies in a new one")
            yield* write("file.txt", "kept")
            yield* refused(Effect.scoped(open(empty)), "Busy")
          })
        )
        yield* Effect.flatMap(inside(empty, output("cat file.txt")), (is) => equal(is, "kept", "What was left in it"))
        yield* discard(empty)
        yield* Effect.flatMap(inside(empty, output("ls -A")), (is) =>
          equal(is, "", "What lies in it when it was discarded")
        )
      })
    )
  )
]
