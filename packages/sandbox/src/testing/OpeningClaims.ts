/** What the port promises about opening, keeping and removing a workspace. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { existsSync, mkdirSync, readdirSync } from "node:fs"
import { join } from "node:path"
import * as Sandbox from "../Sandbox.ts"
import { type Claim, claim, exitCode, expect, inside, output, read, refused, repository, write } from "./Fixture.ts"

const head = output("git rev-parse HEAD")
const branch = output("git symbolic-ref --short HEAD")
const status = output("git status --porcelain")

const equal = (actual: string, expected: string, what: string) =>
  expect(actual === expected, `${what} should be ${JSON.stringify(expected)}, but is ${JSON.stringify(actual)}`)

/** The claims. */
export const claims: ReadonlyArray<Claim> = [
  claim(
    "a new branch starts at the base and is checked out, with nothing changed",
    Effect.scoped(
      Effect.gen(function* () {
        const { commits, git, spec } = yield* repository
        yield* inside(
          spec({ base: commits[0] }),
          Effect.gen(function* () {
            yield* equal(yield* branch, "change/work-1", "The branch")
            yield* equal(yield* head, commits[0], "The commit")
            yield* equal(yield* read("file.txt"), "one", "The content of file.txt")
            yield* equal(yield* status, "", "What git says is changed")
          })
        )
        yield* equal(git("status", "--porcelain"), "", "What git says is changed in the repository of the host")
        yield* equal(git("symbolic-ref", "--short", "HEAD"), "main", "The branch of the repository of the host")
      })
    )
  ),

  claim(
    "a branch that is there is checked out and not moved",
    Effect.scoped(
      Effect.gen(function* () {
        const { commits, git, spec } = yield* repository
        git("branch", "change/work-1", commits[0])
        yield* Effect.flatMap(inside(spec({ base: commits[1] }), head), (is) => equal(is, commits[0], "The commit"))
      })
    )
  ),

  claim(
    "the same id is the same workspace, with what was left in it",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const before = yield* inside(
          spec(),
          Effect.gen(function* () {
            yield* write("new.txt", "committed")
            yield* output("git add -A && git commit -q -m new && echo staged > staged.txt && git add staged.txt")
            yield* write("file.txt", "changed")
            return yield* head
          })
        )
        yield* inside(
          spec(),
          Effect.gen(function* () {
            yield* equal(yield* head, before, "The commit")
            yield* equal(yield* status, "M file.txt\nA  staged.txt", "What git says is changed")
            yield* equal(yield* read("file.txt"), "changed", "The content of file.txt")
          })
        )
      })
    )
  ),

  claim(
    "`fresh` throws away what was not committed, and keeps commits and ignored files",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const before = yield* inside(
          spec(),
          Effect.gen(function* () {
            yield* output(
              "echo kept > kept.txt && git add -A && git commit -q -m kept && mkdir ignored && echo cache > ignored/cache"
            )
            yield* output(
              "echo gone > untracked.txt && mkdir -p deep/er && echo gone > deep/er/x && echo gone > file.txt && git add file.txt"
            )
            return yield* head
          })
        )
        yield* inside(
          spec({ fresh: true }),
          Effect.gen(function* () {
            yield* equal(yield* status, "", "What git says is changed")
            yield* equal(yield* head, before, "The commit")
            yield* equal(yield* read("file.txt"), "two", "The content of file.txt")
            yield* equal(yield* read("ignored/cache"), "cache\n", "The content of an ignored file")
            yield* equal(yield* output("ls"), "file.txt\nignored\nkept.txt\nsub", "What lies in the workspace")
          })
        )
      })
    )
  ),

  claim(
    "`fresh` with a commit moves the branch back to it",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const before = yield* inside(
          spec(),
          Effect.gen(function* () {
            const before = yield* head
            yield* output("echo half > half.txt && git add -A && git commit -q -m half && echo more > more.txt")
            return before
          })
        )
        yield* inside(
          spec({ fresh: { at: before } }),
          Effect.gen(function* () {
            yield* equal(yield* head, before, "The commit")
            yield* equal(yield* status, "", "What git says is changed")
            yield* equal(yield* output("git symbolic-ref HEAD"), "refs/heads/change/work-1", "The branch")
            yield* equal(yield* output("ls"), "file.txt\nsub", "What lies in the workspace")
          })
        )
      })
    )
  ),

  claim(
    "while it is open, opening it again fails with Busy, and works when it is closed",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const sandbox = yield* Sandbox.Sandbox
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* sandbox.open(spec())
            yield* refused(Effect.scoped(sandbox.open(spec())), "Busy")
            yield* refused(sandbox.discard(spec()), "Busy")
            yield* Effect.scoped(sandbox.open(spec({ id: "work-2", branch: "change/work-2" })))
          })
        )
        yield* Effect.scoped(sandbox.open(spec()))
      })
    )
  ),

  claim(
    "eight workspaces of one repository open at once",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const opened = yield* Effect.forEach(
          Array.from({ length: 8 }, (_, index) => `parallel-${index}`),
          (id) => inside(spec({ id, branch: id }), Effect.all([branch, status, read("file.txt")])),
          { concurrency: "unbounded" }
        )
        for (const [index, [name, changed, text]] of opened.entries()) {
          yield* equal(`${name} ${changed} ${text}`, `parallel-${index}  two`, "Branch, changes and content")
        }
      })
    )
  ),

  claim(
    "discard removes what was left, and the branch stays",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        const sandbox = yield* Sandbox.Sandbox
        const before = yield* inside(
          spec(),
          Effect.gen(function* () {
            yield* output(
              "echo new > new.txt && git add -A && git commit -q -m new && mkdir ignored && touch ignored/x untracked.txt"
            )
            return yield* head
          })
        )
        yield* sandbox.discard(spec())
        yield* sandbox.discard(spec())
        yield* inside(
          spec(),
          Effect.gen(function* () {
            yield* equal(yield* head, before, "The commit")
            yield* equal(yield* output("ls"), "file.txt\nnew.txt\nsub", "What lies in the workspace")
          })
        )
      })
    )
  ),

  claim(
    "a source that is not there fails with NoSuchSource, and can be opened when it is",
    Effect.scoped(
      Effect.gen(function* () {
        const { outside, repository: root, spec } = yield* repository
        const sandbox = yield* Sandbox.Sandbox
        yield* refused(sandbox.open(spec({ repository: join(outside, "missing") })), "NoSuchSource")
        yield* refused(sandbox.open(spec({ repository: outside })), "NoSuchSource")
        mkdirSync(join(root, "plain"))
        yield* refused(sandbox.open(spec({ repository: join(root, "plain") })), "NoSuchSource")
        for (const base of ["no-such-branch", "0".repeat(40), "--all", ""]) {
          yield* refused(sandbox.open(spec({ base })), "NoSuchSource")
        }
        yield* sandbox.open(spec())
      })
    )
  ),

  claim(
    "an id or branch that is no name fails with BadSpec, and touches nothing",
    Effect.scoped(
      Effect.gen(function* () {
        const { outside, repository: root, spec } = yield* repository
        const sandbox = yield* Sandbox.Sandbox
        const before = [readdirSync(outside), readdirSync(root)].join()
        for (const id of [
          "",
          ".",
          "..",
          "../../outside",
          "a/b",
          "a\\b",
          "a b",
          "-rf",
          "a\0b",
          "a\n",
          outside,
          "x".repeat(300)
        ]) {
          yield* refused(sandbox.open(spec({ id })), "BadSpec")
          yield* refused(sandbox.discard(spec({ id })), "BadSpec")
        }
        yield* equal([readdirSync(outside), readdirSync(root)].join(), before, "What lies in the folders")
        for (const name of ["", "-d", "a..b", "a b", "a.lock", "refs/../x", "a~1"]) {
          yield* refused(sandbox.open(spec({ branch: name })), "BadSpec")
        }
      })
    )
  ),

  claim(
    "cancelled while it opens, it leaves nothing half-made",
    Effect.scoped(
      Effect.gen(function* () {
        const { git, spec } = yield* repository
        const sandbox = yield* Sandbox.Sandbox
        for (const milliseconds of [0, 2, 5, 10, 20, 35, 50, 80]) {
          const fiber = yield* Effect.forkChild(Effect.scoped(sandbox.open(spec())))
          yield* Effect.timeoutOption(Fiber.await(fiber), milliseconds)
          yield* Fiber.interrupt(fiber)
        }
        yield* inside(
          spec(),
          Effect.gen(function* () {
            yield* equal(yield* status, "", "What git says is changed")
            yield* equal(yield* output("ls"), "file.txt\nsub", "What lies in the workspace")
            yield* expect(
              (yield* exitCode("git commit -q --allow-empty -m next")) === 0,
              "It should be possible to commit"
            )
          })
        )
        yield* equal(git("status", "--porcelain"), "", "What git says is changed in the repository of the host")
      })
    ),
    "how far it has come when it is cancelled is a matter of milliseconds"
  ),

  claim(
    "isolation is what `supports` says",
    Effect.scoped(
      Effect.gen(function* () {
        const { outside, spec } = yield* repository
        const { supports } = yield* Sandbox.Sandbox
        const secret = join(outside, "secret.txt")
        yield* expect(existsSync(secret), `The fixture should have made ${secret}`)
        const code = yield* inside(spec(), exitCode(`cat '${secret}'`))
        yield* expect(
          (code === 0) === (supports.isolation === "none"),
          `isolation is "${supports.isolation}", but reading a file outside of the workspace ended with ${code}`
        )
      })
    )
  )
]
