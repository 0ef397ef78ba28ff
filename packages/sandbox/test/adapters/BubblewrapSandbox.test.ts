/** The sandbox over bubblewrap: every promise of the port, what its commands can reach, and what they share. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import * as BubblewrapSandbox from "../../src/adapters/BubblewrapSandbox.ts"
import * as Sandbox from "../../src/Sandbox.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import { folder, layer, poll, program, spec, suite, test, token } from "./bubblewrapFixture.ts"

suite("bubblewrap", () => {
  SandboxTest.suite("bubblewrap", layer)
})

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

  test("no file gets the rights of its owner or its group", ({ workspace }) =>
    Fixture.inside(
      spec(workspace),
      Effect.gen(function* () {
        yield* Fixture.output("touch file && chmod 0755 file && chmod 1700 file && chmod 0755 file")
        const spawner = yield* ChildProcessSpawner
        for (const [who, mode] of [
          ["u", "0o4755"],
          ["g", "0o2755"]
        ] as const) {
          assert.notStrictEqual(yield* Fixture.exitCode(`chmod ${who}+s file`), 0)
          const make = `require("fs").openSync("made", "w", ${mode})`
          assert.notStrictEqual(yield* spawner.exitCode(ChildProcess.make("node", ["-e", make])), 0)
        }
        assert.strictEqual(yield* Fixture.output("find . -perm /6000; ls"), "file")
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
        const odd = { "a.b": "1", "-u": "2", FINE: "3" }
        const seen = yield* spawner.lines(ChildProcess.make("env", [], { env: odd }))
        for (const [name, value] of Object.entries(odd)) assert.include(seen, `${name}=${value}`)
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
