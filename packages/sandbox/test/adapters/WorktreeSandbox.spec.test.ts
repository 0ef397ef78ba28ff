/** What a spec asks of the worktree sandbox beside a checkout. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import * as WorktreeSandbox from "../../src/adapters/WorktreeSandbox.ts"
import * as Sandbox from "../../src/Sandbox.ts"
import type { SandboxSpec } from "../../src/SandboxSpec.ts"
import * as Fixture from "../../src/testing/Fixture.ts"

const layer = Layer.provide(WorktreeSandbox.layer, NodeServices.layer)

/** A test on a repository of its own, with a state of its own. */
const test = <E>(name: string, body: (fixture: Fixture.Repository) => Effect.Effect<void, E, Sandbox.Sandbox>) =>
  it.live(
    name,
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const fixture = yield* Fixture.repository
          const before = process.env.XDG_STATE_HOME
          process.env.XDG_STATE_HOME = join(fixture.repository, "..", "state")
          yield* Effect.ensuring(
            body(fixture),
            Effect.sync(() => {
              if (before === undefined) delete process.env.XDG_STATE_HOME
              else process.env.XDG_STATE_HOME = before
            })
          )
        })
      ).pipe(Effect.provide(layer)),
    60_000
  )

const phases = (more: Partial<SandboxSpec> = {}) => ({
  setup: [{ name: "install", run: "echo setup >> ../log.txt; echo made > installed.txt" }],
  start: [{ name: "serve", run: "echo start >> ../log.txt" }],
  ...more
})

describe("phases", () => {
  test("setup runs once for a workspace, start at each opening, in the sandbox's environment", (fixture) =>
    Effect.gen(function* () {
      const log = join(fixture.repository, ".millwright", "worktrees", "log.txt")
      const spec = fixture.spec({
        ...phases({ setup: [{ name: "env", run: `test "$GREETING" = 'a $(b)'; echo setup >> ../log.txt` }] }),
        env: { GREETING: "a $(b)" }
      })
      yield* Fixture.inside(spec, Effect.void)
      yield* Fixture.inside(spec, Effect.void)
      assert.strictEqual(readFileSync(log, "utf8"), "setup\nstart\nstart\n")
      const { discard } = yield* Sandbox.Sandbox
      yield* discard(spec)
      yield* Fixture.inside(spec, Effect.void)
      assert.strictEqual(readFileSync(log, "utf8"), "setup\nstart\nstart\nsetup\nstart\n")
    }))

  test("when setup fails nothing is left, and the next opening begins anew", (fixture) =>
    Effect.gen(function* () {
      const failing = fixture.spec({
        setup: [{ name: "install", run: "echo half > half.txt; echo why it broke >&2; exit 3" }]
      })
      const error = yield* Effect.flip(Fixture.inside(failing, Effect.void))
      assert.strictEqual(error.reason, "SetupFailed")
      assert.include(error.message, "why it broke")
      assert.deepStrictEqual(readdirSync(join(fixture.repository, ".millwright", "worktrees")), [])
      assert.strictEqual(fixture.git("branch", "--list", "change/*"), "", "the branch that it made should be gone")
      const text = yield* Fixture.inside(fixture.spec(phases()), Fixture.output("cat installed.txt; ls"))
      assert.strictEqual(text, "made\nfile.txt\ninstalled.txt\nsub")
    }))

  test("when setup fails, what it committed goes with it", (fixture) =>
    Effect.gen(function* () {
      const run = "git commit -q --allow-empty -m half; exit 3"
      yield* Fixture.refused(Fixture.inside(fixture.spec({ setup: [{ name: "x", run }] }), Effect.void), "SetupFailed")
      assert.strictEqual(fixture.git("branch", "--list", "change/*"), "", "the branch that it made should be gone")
    }))

  test("`Merge` moves the base forward when it is checked out nowhere, and says why it does not", (fixture) =>
    Effect.gen(function* () {
      const { open } = yield* Sandbox.Sandbox
      const subjects = (branch: string) => fixture.git("log", "--format=%s", branch).split("\n").join()
      const commit = (name: string) =>
        Fixture.output(`echo ${name} > ${name} && git add -A && git commit -q -m ${name}`)
      fixture.git("branch", "trunk")
      const spec = fixture.spec({ base: "trunk", deliver: "Merge" })
      const delivering = (name: string, asked: typeof spec) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { host, services } = yield* open(asked)
            yield* Effect.orDie(Effect.provideContext(commit(name), services))
            yield* host.deliver
          })
        )
      yield* Fixture.inside(spec, commit("a"))
      assert.strictEqual(subjects("trunk"), "a,two,one", "closing should move it")
      yield* delivering("b", spec)
      assert.strictEqual(subjects("trunk"), "b,a,two,one")
      yield* Fixture.refused(delivering("c", fixture.spec({ id: "w2", branch: "w2", deliver: "Merge" })), "Busy")
      assert.strictEqual(subjects("main"), "two,one", "a branch that is checked out should not be moved")
      fixture.git("branch", "-f", "trunk", fixture.git("commit-tree", "main^{tree}", "-p", "main", "-m", "theirs"))
      yield* Fixture.refused(delivering("d", spec), "SetupFailed")
      assert.strictEqual(subjects("trunk"), "theirs,two,one", "it should only be moved forward")
      yield* Fixture.inside(fixture.spec({ id: "w3", branch: "w3", base: "trunk", deliver: "Branch" }), commit("e"))
      assert.strictEqual(subjects("trunk"), "theirs,two,one")
    }))

  test("a phase that is not fatal fails alone, and one that takes too long is ended", (fixture) =>
    Effect.gen(function* () {
      yield* Fixture.inside(fixture.spec({ start: [{ name: "soft", run: "exit 1", fatal: false }] }), Effect.void)
      const slow = fixture.spec({ start: [{ name: "slow", run: "sleep 86400", timeout: 100 }] })
      yield* Fixture.refused(Fixture.inside(slow, Effect.void), "SetupFailed")
      yield* Fixture.inside(fixture.spec(), Effect.void)
    }))
})

describe("environment and ports", () => {
  test("variables of the host come in when they are asked for and set", (fixture) =>
    Effect.gen(function* () {
      process.env.MW_TEST_INHERITED = "from the host; $(touch x)"
      const asked = fixture.spec({ inherit: ["MW_TEST_INHERITED", "MW_TEST_NOT_SET"] })
      const seen = Fixture.output('echo "$MW_TEST_INHERITED|${MW_TEST_NOT_SET-unset}"')
      const [with_, without] = yield* Effect.all([Fixture.inside(asked, seen), Fixture.inside(fixture.spec(), seen)])
      delete process.env.MW_TEST_INHERITED
      assert.deepStrictEqual([with_, without], ["from the host; $(touch x)|unset", "|unset"])
    }))

  test("ports are free, no two sandboxes get the same, and they are given back", (fixture) =>
    Effect.gen(function* () {
      const { open } = yield* Sandbox.Sandbox
      const ports = yield* Effect.scoped(
        Effect.gen(function* () {
          const seen = yield* Effect.forEach(
            Array.from({ length: 10 }, (_, index) => `port-${index}`),
            (id) =>
              Effect.gen(function* () {
                const { services } = yield* open(
                  fixture.spec({ id, branch: id, ports: { PORT: null, OTHER_PORT: null } })
                )
                return yield* Effect.provideContext(Fixture.output("echo $PORT $OTHER_PORT"), services)
              }),
            { concurrency: "unbounded" }
          )
          return seen.flatMap((line) => line.split(" ").map(Number))
        })
      )
      assert.strictEqual(new Set(ports).size, 20, `20 ports should be 20 numbers: ${ports.join()}`)
      for (const port of ports) {
        yield* Effect.callback<void>((done) => {
          const server = createServer()
          server.listen(port, () => void server.close(() => done(Effect.void)))
        })
      }
      yield* Fixture.refused(Fixture.inside(fixture.spec({ ports: { PORT: 8080 } }), Effect.void), "Unsupported")
    }))
})

describe("other workspaces", () => {
  test("a folder of the user is worked in as it is, and stays when it is discarded", (fixture) =>
    Effect.gen(function* () {
      const { discard, open } = yield* Sandbox.Sandbox
      const path = join(fixture.outside, "a folder; $(x)")
      mkdirSync(path)
      writeFileSync(join(path, "there.txt"), "there")
      const spec: SandboxSpec = {
        id: "folder-1",
        workspace: { _tag: "Folder", path },
        ...phases({ setup: [{ name: "once", run: "echo once >> log" }], start: [] })
      }
      const text = yield* Fixture.inside(spec, Fixture.output("cat there.txt; echo new > new.txt; pwd"))
      assert.strictEqual(text, `there${path}`)
      yield* Fixture.inside(spec, Fixture.denied("outside", Fixture.read("../secret.txt")))
      assert.strictEqual(readFileSync(join(path, "log"), "utf8"), "once\n")
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* open(spec)
          yield* Fixture.refused(Effect.scoped(open({ ...spec, id: "folder-2" })), "Busy")
          yield* Fixture.refused(discard(spec), "Busy")
        })
      )
      yield* discard(spec)
      assert.strictEqual(readFileSync(join(path, "new.txt"), "utf8"), "new\n")
      symlinkSync(path, join(fixture.outside, "link"))
      yield* Fixture.inside(
        { ...spec, workspace: { _tag: "Folder", path: join(fixture.outside, "link") } },
        Effect.void
      )
      const missing = { ...spec, workspace: { _tag: "Folder" as const, path: join(path, "missing") } }
      yield* Fixture.refused(Fixture.inside(missing, Effect.void), "NoSuchSource")
    }))

  test("an empty one is made, found again, and removed", () =>
    Effect.gen(function* () {
      const { discard } = yield* Sandbox.Sandbox
      const spec: SandboxSpec = { id: "empty-1", workspace: { _tag: "Empty" } }
      const first = yield* Fixture.inside(spec, Fixture.output("ls -A; echo x > x.txt; pwd"))
      assert.strictEqual(yield* Fixture.inside(spec, Fixture.output("cat x.txt; pwd")), `x\n${first}`)
      yield* discard(spec)
      assert.isFalse(existsSync(first))
      assert.strictEqual(yield* Fixture.inside(spec, Fixture.output("ls -A")), "")
      yield* discard(spec)
      yield* discard(spec)
    }))

  test("what it can not do is refused before anything is made", (fixture) =>
    Effect.gen(function* () {
      const companion = { repository: fixture.repository, base: "main", branch: "other" }
      const refused: ReadonlyArray<Partial<SandboxSpec>> = [
        { companions: { other: companion } },
        { egress: { _tag: "Deny" } },
        { mounts: [{ source: "/usr", access: "Read" }] },
        { limits: { memory: 1_000_000 } },
        { image: "debian" }
      ]
      for (const more of refused) {
        yield* Fixture.refused(Fixture.inside({ ...fixture.spec(), ...more }, Effect.void), "Unsupported")
      }
      assert.isFalse(existsSync(join(fixture.repository, ".millwright")))
    }))
})
