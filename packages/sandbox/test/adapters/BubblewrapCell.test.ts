/** The cell of the sandbox over bubblewrap: its mounts, its limits and its end. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import * as Sandbox from "../../src/Sandbox.ts"
import type { SandboxSpec } from "../../src/SandboxSpec.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import { isRoot, poll, program, running, spec, suite, test, token } from "./bubblewrapFixture.ts"

suite("mounts", () => {
  test("are read or written as the spec says, at their place", ({ root, workspace }) =>
    Effect.gen(function* () {
      for (const name of ["read", "write", "with space, comma"]) {
        fs.mkdirSync(join(root, name))
        fs.writeFileSync(join(root, name, "file"), name)
      }
      yield* Fixture.inside(
        spec(workspace, {
          mounts: [
            { source: join(root, "read"), access: "Read" },
            { source: join(root, "write"), target: "/data/deep", access: "Write" },
            {
              source: join(root, "with space, comma", "file"),
              target: join(workspace, "inner", "file"),
              access: "Read"
            }
          ]
        }),
        Effect.gen(function* () {
          assert.strictEqual(
            yield* Fixture.output(`cat ${root}/read/file /data/deep/file inner/file`),
            "readwritewith space, comma"
          )
          assert.notStrictEqual(yield* Fixture.exitCode(`: > ${root}/read/file`), 0)
          assert.notStrictEqual(yield* Fixture.exitCode(`: > inner/file`), 0)
          yield* Fixture.output("echo changed > /data/deep/file")
        })
      )
      assert.strictEqual(fs.readFileSync(join(root, "write", "file"), "utf8"), "changed\n")
    }))

  test("over what is the system's are refused, and such as are not there", ({ root, workspace }) =>
    Effect.gen(function* () {
      const mount = (source: string, target?: string) =>
        spec(workspace, { mounts: [{ source, access: "Read", ...(target && { target }) }] })
      for (const target of [
        "/",
        "/usr",
        "/usr/",
        "/etc",
        "/proc",
        "/proc/self",
        "/sys/fs",
        "/dev",
        "/dev/null",
        "/tmp",
        "/home",
        "/home/agent",
        "/lib"
      ]) {
        yield* Fixture.refused(Fixture.inside(mount(root, target), Effect.void), "BadSpec")
      }
      for (const source of ["/", "/proc/1", "/sys", "/dev"])
        yield* Fixture.refused(Fixture.inside(mount(source, "/data"), Effect.void), "BadSpec")
      yield* Fixture.refused(Fixture.inside(mount(join(root, "none")), Effect.void), "NoSuchSource")
      fs.symlinkSync("/etc", join(workspace, "link"))
      yield* Fixture.refused(Fixture.inside(mount(join(workspace, "link"), "/data"), Effect.void), "BadSpec")
      yield* Fixture.refused(Fixture.inside(mount(root, join(workspace, "link", "deep")), Effect.void), "BadSpec")
      assert.isFalse(fs.existsSync("/etc/deep"), "nothing should be made behind a link")
    }))

  test("and workspaces can not be moved away by a command for the next one", ({ root, workspace }) =>
    Fixture.inside(
      spec(workspace),
      Effect.gen(function* () {
        yield* Fixture.output("echo here > file")
        for (const path of [workspace, root]) {
          const move = `require("fs").renameSync(process.argv[1], "/tmp/other")`
          const spawner = yield* ChildProcessSpawner
          const code = yield* spawner.exitCode(ChildProcess.make("node", ["-e", move, path]))
          assert.notStrictEqual(code, 0, `${path} should stay`)
        }
        assert.strictEqual(yield* Fixture.output("cat file"), "here")
      })
    ))

  test("`.git` stays where it is, and its hooks as they are", ({ workspace }) =>
    Effect.gen(function* () {
      execFileSync("git", ["init", "-q", workspace])
      yield* Fixture.inside(
        spec(workspace),
        Effect.gen(function* () {
          assert.notStrictEqual(yield* Fixture.exitCode("mv .git other"), 0)
          assert.notStrictEqual(yield* Fixture.exitCode("echo > .git/hooks/pre-commit"), 0)
          assert.notStrictEqual(yield* Fixture.exitCode("echo > .git/config"), 0)
          yield* Fixture.output(
            "echo 1 > file && git add file && git -c user.name=a -c user.email=a@b.c commit -qm one"
          )
        })
      )
      assert.strictEqual(execFileSync("git", ["log", "--format=%s"], { cwd: workspace, encoding: "utf8" }), "one\n")
    }))

  for (const parent of ["/dev/shm", process.env.HOME ?? "/root"]) {
    test(
      `a workspace in ${parent === "/dev/shm" ? parent : "the home of the user"} works`,
      ({ workspace }) =>
        Effect.gen(function* () {
          yield* Fixture.inside(spec(workspace), Fixture.output("pwd -P > place"))
          assert.strictEqual(fs.readFileSync(join(workspace, "place"), "utf8").trim(), workspace)
        }),
      parent
    )
  }
})

suite("limits", () => {
  const held = (name: "cpus" | "memory" | "processes") =>
    Effect.map(Sandbox.Sandbox, ({ supports }) => supports.limits.includes(name))

  test("of processes hold a fork bomb", ({ workspace }) =>
    Effect.gen(function* () {
      if (!(yield* held("processes"))) return
      const bomb = "i=0; while [ $i -lt 200 ]; do sleep 30 & i=$((i + 1)); done; wait"
      yield* Fixture.inside(
        spec(workspace, { limits: { processes: 40 } }),
        Effect.gen(function* () {
          const name = token()
          const fiber = yield* Effect.forkChild(Fixture.exitCode(bomb.replace("30", name)))
          yield* Effect.raceFirst(
            poll(() => running(name).length > 20),
            Fiber.await(fiber)
          )
          yield* Effect.ignore(Effect.timeout(Fiber.await(fiber), 500))
          assert.isBelow(running(`sleep\0${name}`).length, 41)
          yield* Fiber.interrupt(fiber)
          assert.strictEqual(running(name).length, 0)
        })
      )
    }))

  test("of memory end who wants more, and of processors slow down", ({ workspace }) =>
    Effect.gen(function* () {
      if (!(yield* held("memory")) || !(yield* held("cpus"))) return
      yield* Fixture.inside(
        spec(workspace, { limits: { memory: 100_000_000, cpus: 0.2 } }),
        Effect.gen(function* () {
          const spawner = yield* ChildProcessSpawner
          const grab = (size: number) =>
            spawner.exitCode(ChildProcess.make("perl", ["-e", `$x = "x" x ${size}; exit 3`]))
          assert.strictEqual(yield* grab(20_000_000), 3)
          assert.strictEqual(yield* grab(300_000_000), 137)
          const busy = `$t = time; 1 while time < $t + 2; ($u, $s) = times; printf "%d", 100 * ($u + $s)`
          const used = Number(yield* spawner.string(ChildProcess.make("perl", ["-e", busy])))
          assert.isBelow(used, 120, "of 2 to 3 seconds it should have a fifth")
        })
      )
      const left = ["memory", "cpu"].flatMap((name) => {
        const found = spawnSync("find", [`/sys/fs/cgroup/${name}`, "-name", `millwright-${process.pid}-*`], {
          encoding: "utf8"
        })
        return found.stdout.split("\n").filter((line) => line !== "")
      })
      assert.deepStrictEqual(left, [], "no group should be left")
    }))
})

suite("the end", () => {
  test("when the host is killed, everything inside ends and no mount stays", ({ workspace }) =>
    Effect.gen(function* () {
      const name = token()
      const host = spawn(process.execPath, [program, "hold", workspace, "{}", name], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      yield* Effect.callback<void>((resume) => void host.stdout.once("data", () => resume(Effect.void)))
      assert.isAbove(running(name).length, 2)
      host.kill("SIGKILL")
      yield* poll(() => running(name).length === 0 && running(workspace).length === 0)
      assert.notInclude(fs.readFileSync("/proc/mounts", "utf8"), workspace)
      yield* Fixture.inside(spec(workspace), Fixture.output("true"))
    }))

  test("fifty at once open, run a command and close, and nothing is left", () =>
    Effect.gen(function* () {
      const name = `fifty-${token()}`
      const specs = Array.from({ length: 50 }, (_, index): SandboxSpec => ({
        id: `${name}-${index}`,
        workspace: { _tag: "Empty" }
      }))
      const { discard } = yield* Sandbox.Sandbox
      yield* Effect.addFinalizer(() => Effect.forEach(specs, (spec) => Effect.ignore(discard(spec)), { discard: true }))
      const said = yield* Effect.forEach(specs, (spec) => Fixture.inside(spec, Fixture.output("pwd")), {
        concurrency: "unbounded"
      })
      assert.strictEqual(new Set(said).size, 50, "each should have a workspace of its own")
      for (const path of said) assert.deepStrictEqual(running(path), [])
      assert.notInclude(fs.readFileSync("/proc/mounts", "utf8"), name)
    }))

  test("a command that its sandbox lost does not run on the host", ({ workspace }) =>
    Fixture.inside(
      spec(workspace),
      Effect.gen(function* () {
        const holder = running("echo ready; exec cat").filter((pid) =>
          fs.readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(workspace)
        )
        const own = holder.filter((pid) =>
          fs.readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith("/usr/bin/unshare")
        )
        assert.strictEqual(own.length, 1)
        for (const pid of own) process.kill(Number(pid), "SIGKILL")
        yield* poll(() => running(workspace).length === 0)
        yield* Effect.flip(
          Effect.flatMap(ChildProcessSpawner, (spawner) => spawner.string(ChildProcess.make("true"))).pipe(
            Effect.filterOrFail((text) => text !== "")
          )
        )
      })
    ))
})

suite("as a plain user", () => {
  test("it holds as it does as root", ({ root, workspace }) =>
    Effect.sync(() => {
      if (!isRoot || spawnSync("setpriv", ["--version"]).status !== 0) return
      for (const path of [root, workspace]) fs.chownSync(path, 1_000, 1_000)
      const texts = [
        "id -un; pwd -P; touch file; ls",
        "cat /etc/shadow",
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do sleep 1 & done; echo all"
      ]
      const args = [
        "--reuid",
        "1000",
        "--regid",
        "1000",
        "--clear-groups",
        process.execPath,
        program,
        "run",
        workspace,
        '{"processes":20}',
        ...texts
      ]
      const ended = spawnSync("setpriv", args, { encoding: "utf8", env: { HOME: root, PATH: process.env.PATH } })
      assert.strictEqual(ended.stderr, "")
      const { limits, said } = JSON.parse(ended.stdout) as {
        readonly limits: ReadonlyArray<string>
        readonly said: ReadonlyArray<string>
      }
      assert.deepStrictEqual(limits, ["processes", "wall"])
      assert.strictEqual(said[0], `agent\n${workspace}\nfile`)
      assert.include(said[1], "No such file")
      assert.match(said[2] ?? "", /fork/, "twenty processes should be all")
      assert.strictEqual(fs.statSync(join(workspace, "file")).uid, 1_000)
    }))
})
