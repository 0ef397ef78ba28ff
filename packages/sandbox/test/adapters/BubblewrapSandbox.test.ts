/** The sandbox over bubblewrap: every promise of the port, and what it claims beyond. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as BubblewrapSandbox from "../../src/adapters/BubblewrapSandbox.ts"
import * as Sandbox from "../../src/Sandbox.ts"
import type { SandboxSpec } from "../../src/SandboxSpec.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"

const layer = Layer.provide(BubblewrapSandbox.layer, NodeServices.layer)

/** Why there is none on this machine. */
const lacking = await Effect.runPromise(
  Effect.match(Effect.scoped(Layer.build(layer)), { onFailure: ({ message }) => message, onSuccess: () => undefined })
)
const isRequired = (process.env.MILLWRIGHT_REQUIRES ?? "").split(" ").includes("bwrap")
if (lacking !== undefined && isRequired) throw new Error(lacking)
const suite = lacking === undefined ? describe : describe.skip

suite(`bubblewrap${lacking === undefined ? "" : `: skipped, ${lacking}`}`, () => {
  SandboxTest.suite("bubblewrap", layer)
})

const folder = (parent = tmpdir()) =>
  Effect.acquireRelease(
    Effect.sync(() => fs.realpathSync(fs.mkdtempSync(join(parent, "bubblewrap-test-")))),
    (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  )

/** A test with a folder and in it an empty `workspace`. */
const test = (
  name: string,
  run: (place: { readonly root: string; readonly workspace: string }) => Effect.Effect<unknown, unknown, any>,
  parent?: string
) =>
  it.live(
    name,
    () =>
      Effect.gen(function* () {
        const root = yield* folder(parent)
        const workspace = join(root, "workspace")
        fs.mkdirSync(workspace)
        yield* run({ root, workspace })
      }).pipe(Effect.scoped, Effect.provide(layer)) as Effect.Effect<void, unknown>,
    60_000
  )

const spec = (path: string, changes: Partial<SandboxSpec> = {}): SandboxSpec => ({
  id: "test",
  workspace: { _tag: "Folder", path },
  ...changes
})

/** Processes of the machine with a text in their arguments. */
const running = (text: string): ReadonlyArray<string> =>
  fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return fs.readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(text)
      } catch {
        return false
      }
    })

const token = () => String(100_000 + Math.floor(Math.random() * 1e9))

const poll = (condition: () => boolean) =>
  Effect.callback<void>((resume) => {
    const timer = setInterval(() => condition() && resume(Effect.void), 5)
    return Effect.sync(() => clearInterval(timer))
  }).pipe(Effect.timeout(10_000))

const program = fileURLToPath(new URL("bubblewrapHost.ts", import.meta.url))

const isRoot = process.getuid?.() === 0

suite("what commands can reach", () => {
  test("the host's files, environment, processes and descriptors are not there", ({ root, workspace }) =>
    Effect.gen(function* () {
      fs.writeFileSync(join(root, "secret.txt"), "secret")
      yield* Fixture.inside(
        spec(workspace),
        Effect.gen(function* () {
          assert.strictEqual(yield* Fixture.output(`cat ${root}/secret.txt 2>/dev/null; ls ${root}`), "workspace")
          assert.strictEqual(yield* Fixture.output("ls /proc | grep -c '^[0-9]'"), "4")
          assert.strictEqual(
            yield* Fixture.output("hostname; whoami; ls -A /home /sys /run"),
            "sandbox\nagent\n/home:\nagent\n\n/run:\n\n/sys:"
          )
          const fds = yield* Fixture.output("ls -l /proc/self/fd /proc/1/fd | grep -c socket")
          assert.strictEqual(fds, "5", "nothing but input, output and errors should be open")
          for (const path of [
            "/x",
            "/usr/x",
            "/etc/x",
            "/dev/x",
            "/home/x",
            "/proc/sys/kernel/core_pattern",
            `${root}/x`
          ]) {
            const code = yield* Fixture.exitCode(`: > ${path}`)
            assert.notStrictEqual(code, 0, `${path} should not be writable`)
          }
          assert.strictEqual(yield* Fixture.output("node -p 1+1; git --version > /dev/null && echo git"), "2\ngit")
        })
      )
      assert.deepStrictEqual(fs.readdirSync(root), ["secret.txt", "workspace"])
    }))

  test("a descriptor that was left open in the host's process does not get inside", ({ root, workspace }) =>
    Effect.sync(() => {
      fs.writeFileSync(join(root, "secret.txt"), "secret")
      const open = fs.openSync(root, "r")
      // Between 3 and 15 Node closes what it finds itself.
      const stdio = [...Array.from({ length: 40 }, (_, fd) => (fd === 1 ? "pipe" : "ignore")), open, open, open]
      const texts = ["ls /proc/self/fd /proc/1/fd", ...[40, 41, 42].map((fd) => `cat /proc/self/fd/${fd}/secret.txt`)]
      try {
        const ended = spawnSync(process.execPath, [program, "run", workspace, "{}", ...texts], {
          stdio: stdio as Array<"ignore">,
          encoding: "utf8"
        })
        assert.match(ended.stdout, /said/, "the host should have run")
        assert.notInclude(ended.stdout, 'secret"')
        assert.notMatch(ended.stdout, /\b4[012]\\n/, "no such descriptor should be open")
      } finally {
        fs.closeSync(open)
      }
    }))

  test("calls of the kernel that no tool needs fail, each as it should", ({ workspace }) =>
    Fixture.inside(
      spec(workspace),
      Effect.gen(function* () {
        if (process.arch !== "x64") return
        const call = (text: string) =>
          Effect.gen(function* () {
            const spawner = yield* ChildProcessSpawner
            return yield* spawner.string(
              ChildProcess.make("perl", ["-e", `$r = syscall(${text}); print $r < 0 ? 0 + $! : "ok"`])
            )
          })
        const expected: Record<string, string> = {
          "272, 0x10000000": "1", // unshare(CLONE_NEWUSER)
          "56, 0x10000011, 0, 0, 0, 0": "1", // clone(CLONE_NEWUSER)
          "435, 0, 0": "38", // clone3
          "425, 1, 0": "38", // io_uring_setup
          "165, 0, 0, 0, 0, 0": "1", // mount
          "250, 0, 0": "1", // keyctl
          "321, 0, 0, 0": "1", // bpf
          "16, 0, 0x5412, 0": "1", // ioctl(TIOCSTI)
          "41, 38, 5, 0": "97", // socket(AF_ALG)
          "41, 16, 3, 12": "97", // socket(AF_NETLINK, netfilter)
          "41, 16, 3, 0": "ok", // socket(AF_NETLINK, route)
          "41, 2, 1, 0": "ok", // socket(AF_INET)
          "41, 1, 1, 0": "ok", // socket(AF_UNIX)
          "9999": "38",
          "39": "ok" // getpid
        }
        for (const [text, answer] of Object.entries(expected)) assert.strictEqual(yield* call(text), answer, text)
      })
    ))

  test("neither an argument nor a variable can be an option of what starts it", ({ workspace }) =>
    Fixture.inside(
      spec(workspace, { env: { ODD: "a b\n$(id) ' \" \\ --bind" } }),
      Effect.gen(function* () {
        const spawner = yield* ChildProcessSpawner
        const words = ["--bind", "/", "$(id)", "a b", "", "\n", "'", "é"]
        assert.strictEqual(
          yield* spawner.string(ChildProcess.make("printf", ["%s|", ...words])),
          words.map((word) => `${word}|`).join("")
        )
        assert.strictEqual(yield* Fixture.output('printf %s "$ODD"'), "a b\n$(id) ' \" \\ --bind")
        for (const env of [{ A: "1\0--bind\0/\0/mnt" }, { "A=B": "1" }, { "": "1" }, { "A\0--bind": "1" }]) {
          const error = yield* Effect.flip(spawner.exitCode(ChildProcess.make("true", [], { env })))
          assert.include(error.message, "environment variable")
        }
        yield* Effect.flip(spawner.exitCode(ChildProcess.make("-c", ["true"])))
        assert.strictEqual(yield* spawner.exitCode(ChildProcess.make("exit", ["0"])), 127, "no program is called exit")
        assert.strictEqual(yield* spawner.exitCode(ChildProcess.make("exit 3", { shell: true })), 3)
      })
    ))

  test("descriptors that a command asks for are its own", ({ workspace }) =>
    Fixture.inside(
      spec(workspace),
      Effect.scoped(
        Effect.gen(function* () {
          const spawner = yield* ChildProcessSpawner
          const handle = yield* spawner.spawn(
            ChildProcess.make("sh", ["-c", "cat <&3 >&5; exec ls /proc/self/fd >&4"], {
              additionalFds: {
                fd3: { type: "input", stream: Stream.make(new TextEncoder().encode("in")) },
                fd4: { type: "output" },
                fd5: { type: "output" }
              }
            })
          )
          const [said, open] = yield* Effect.all(
            [5, 4].map((fd) => Stream.mkString(Stream.decodeText(handle.getOutputFd(fd)))),
            { concurrency: 2 }
          )
          assert.strictEqual(said, "in")
          assert.strictEqual(open?.trim().split("\n").join(), "0,1,2,3,4,5,6", "6 is the folder that is listed")
        })
      )
    ))
})

suite("what commands share", () => {
  test("/tmp, the home and the loopback are those of the sandbox, and not the host's", ({ workspace }) =>
    Effect.gen(function* () {
      const name = `bubblewrap-${token()}`
      yield* Fixture.inside(
        spec(workspace),
        Effect.gen(function* () {
          const spawner = yield* ChildProcessSpawner
          yield* Fixture.output(`echo 1 > /tmp/${name}; echo 2 > ~/${name}; echo 3 > /dev/shm/${name}`)
          assert.strictEqual(
            yield* Fixture.output(`cat /tmp/${name} /home/agent/${name} /dev/shm/${name} /var/tmp/${name}`),
            "1\n2\n3\n1"
          )
          assert.isFalse([`/tmp/${name}`, `/dev/shm/${name}`].some((path) => fs.existsSync(path)))
          yield* Effect.scoped(
            Effect.gen(function* () {
              const server = `require("net").createServer((s) => s.end("hello")).listen(4321, "127.0.0.1", () => console.log("up"))`
              const { line } = yield* Fixture.firstLine(ChildProcess.make("node", ["-e", server]))
              assert.strictEqual(line, "up")
              const client = `require("net").connect(4321, "127.0.0.1").pipe(process.stdout)`
              assert.strictEqual(yield* spawner.string(ChildProcess.make("node", ["-e", client])), "hello")
            })
          )
        })
      )
      assert.strictEqual(
        yield* Fixture.inside(spec(workspace), Fixture.output("ls -A ~ /dev/shm")),
        "/dev/shm:\n\n/home/agent:"
      )
    }))

  test("a port is reached from the host, also with much data and a half-closed connection", ({ workspace }) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const opened = yield* sandbox.open(spec(workspace, { ports: { PORT: 80 + 7000 } }))
      const server = `require("net").createServer({ allowHalfOpen: true }, (s) => { let n = 0; s.on("data", (d) => n += d.length).on("end", () => s.end(String(n))) }).listen(process.env.PORT, "127.0.0.1", () => console.log("up"))`
      yield* Effect.provideContext(Fixture.firstLine(ChildProcess.make("node", ["-e", server])), opened.services)
      const size = 20_000_000
      const ask = (port: number) =>
        Effect.callback<string, Error>((resume) => {
          let text = ""
          const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
          socket.on("data", (data) => (text += String(data)))
          socket.on("end", () => resume(Effect.succeed(text)))
          socket.on("error", (error) => resume(Effect.fail(error)))
          socket.end(Buffer.alloc(size))
        })
      const port = yield* Effect.scoped(
        Effect.gen(function* () {
          const address = yield* opened.host.expose("PORT")
          const sizes = yield* Effect.all([ask(address.port), ask(address.port)], { concurrency: 2 })
          assert.deepStrictEqual(sizes, [String(size), String(size)])
          return address.port
        })
      )
      yield* Effect.flip(ask(port))
      const error = yield* Effect.flip(Effect.scoped(opened.host.expose("OTHER")))
      assert.strictEqual(error.reason, "BadSpec")
    }))

  test("a pause halts what runs, and lets it go on", ({ workspace }) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { host, services } = yield* sandbox.open(spec(workspace))
      const size = () => fs.statSync(join(workspace, "log"), { throwIfNoEntry: false })?.size ?? 0
      yield* Effect.provideContext(
        Fixture.firstLine(Fixture.script("(setsid sh -c 'while :; do echo >> log; sleep 0.01; done') & echo up; wait")),
        services
      )
      yield* poll(() => size() > 2)
      yield* host.pause
      const before = size()
      yield* Effect.provideContext(Fixture.output("sleep 0.3"), services)
      assert.strictEqual(size(), before, "nothing should be written in a pause")
      yield* host.resume
      yield* poll(() => size() > before)
      yield* host.pause
    }))
})

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

  test("fifty at once open, run a command and close, and nothing is left", ({ root }) =>
    Effect.gen(function* () {
      const all = Array.from({ length: 50 }, (_, index) => join(root, String(index)))
      for (const path of all) fs.mkdirSync(path)
      const said = yield* Effect.forEach(all, (path) => Fixture.inside(spec(path), Fixture.output("pwd")), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(said, all)
      assert.deepStrictEqual(running(root), [])
      assert.notInclude(fs.readFileSync("/proc/mounts", "utf8"), root)
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

describe("a machine that can not", () => {
  const build = (options: BubblewrapSandbox.Options) =>
    Effect.flip(Effect.scoped(Layer.build(Layer.provide(BubblewrapSandbox.layerWith(options), NodeServices.layer))))

  it.live("is told what to install or to switch on", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const root = yield* folder()
        const old = join(root, "bwrap")
        fs.writeFileSync(old, "#!/bin/sh\necho bubblewrap 0.4.1\n", { mode: 0o755 })
        for (const [options, message] of [
          [{ bwrap: "/none/bwrap" }, /no absolute path of a program/],
          [{ bwrap: "bwrap" }, /no absolute path of a program/],
          [{ bwrap: old }, /0\.8 or newer/]
        ] as const) {
          const error = yield* build(options)
          assert.strictEqual(error.reason, "Unavailable")
          assert.match(error.message, message)
        }
      })
    )
  )
})
