import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { execFileSync, spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { createServer } from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { fileURLToPath } from "node:url"
import * as ContainerSandbox from "../../src/adapters/ContainerSandbox.ts"
import * as SystemCalls from "../../src/internal/SystemCalls.ts"
import * as Sandbox from "../../src/Sandbox.ts"
import * as SecretBroker from "../../src/SecretBroker.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import { requires } from "../Requires.ts"
import * as Image from "./image.ts"

requires("podman", Image.missing, () => {
  const image = Image.make()
  const engine = "/usr/bin/podman"
  const layerWith = (options: ContainerSandbox.Options) =>
    Layer.provide(ContainerSandbox.layerWith({ image, engine, ...options }), NodeServices.layer)
  const layer = layerWith({})
  const brokered = Layer.provide(layerWith({}), SecretBroker.fromMap({ token: Redacted.make("s3cret") }))

  SandboxTest.suite("container", layer, { timeout: 240_000 })

  const test = <E>(name: string, body: (fixture: Fixture.Repository) => Effect.Effect<void, E, Sandbox.Sandbox>) =>
    it.live(name, () => Effect.scoped(Effect.flatMap(Fixture.repository, body)).pipe(Effect.provide(layer)), 120_000)
  const podman = (...args: ReadonlyArray<string>) => execFileSync(engine, args, { encoding: "utf8" }).trim()
  const isThere = (id: string) => spawnSync(engine, ["container", "exists", id]).status === 0
  /** The containers of a process. */
  const containers = (pid: number) =>
    podman("ps", "-a", "--filter", "label=millwright=sandbox", "--format", "{{.Names}}")
      .split("\n")
      .filter((name) => name.includes(`.${pid}.`))
  const empty = (id: string) => ({ id: `${id}-${Math.random()}`, workspace: { _tag: "Empty" } }) as const

  describe("the engine", () => {
    it.live("that is not there is Unavailable", () =>
      Fixture.refused(Layer.build(layerWith({ engine: "/nonexistent/podman" })).pipe(Effect.scoped), "Unavailable")
    )
    test("without the image says NoSuchSource, and leaves nothing", ({ git, spec }) =>
      Effect.gen(function* () {
        for (const image of ["localhost/no-such-image:1", "-v"]) {
          const reason = image.startsWith("-") ? "BadSpec" : "NoSuchSource"
          yield* Fixture.refused(Fixture.inside(spec({ image }), Effect.void), reason)
        }
        assert.strictEqual(git("branch", "--list", "change/*"), "")
      }))
    it.live("with a runtime that does not work says SetupFailed", () => {
      const broken = layerWith({ runtime: "/usr/bin/false" })
      return Fixture.refused(Fixture.inside(empty("broken"), Effect.void), "SetupFailed").pipe(Effect.provide(broken))
    })
  })

  describe("a container", () => {
    test("is gone when its host is killed, and is not another's", (fixture) =>
      Effect.gen(function* () {
        const host = yield* Effect.provide(ChildProcessSpawner, NodeServices.layer)
        const holder = fileURLToPath(new URL("./containerHolder.ts", import.meta.url))
        const command = ChildProcess.make(process.execPath, [holder, image, fixture.repository], { stderr: "inherit" })
        const { handle, line } = yield* Fixture.firstLine(command).pipe(
          Effect.provideService(ChildProcessSpawner, host)
        )
        assert.strictEqual(line, "open")
        const [container = ""] = containers(handle.pid)
        assert.isTrue(isThere(container), "the container should be there")
        // A start of another one does not touch it.
        yield* Fixture.inside(empty("other"), Effect.void).pipe(Effect.provide(layerWith({})))
        assert.isTrue(isThere(container), "the container should be there still")
        const folders = () =>
          readdirSync(tmpdir()).filter(
            (name) => name.startsWith("mw-cell-") && name.split(".")[1] === handle.pid.toString(36)
          )
        assert.lengthOf(folders(), 1, "its folder should be there still")
        process.kill(handle.pid, "SIGKILL")
        yield* Effect.gen(function* () {
          while (isThere(container)) yield* Effect.sleep(50)
        }).pipe(Effect.timeout(20_000))
        const next = Effect.provide(Fixture.inside(fixture.spec(), Fixture.read("left.txt")), layerWith({}))
        assert.strictEqual(yield* next, "left\n")
        assert.deepStrictEqual(folders(), [], "the next one to start removes its folder")
      }).pipe(Effect.scoped))

    test("that a dead owner left is removed at the next start", () =>
      Effect.gen(function* () {
        const [boot, space] = execFileSync(
          "sh",
          ["-c", "cat /proc/sys/kernel/random/boot_id; readlink /proc/self/ns/pid | tr -cd 0-9"],
          { encoding: "utf8" }
        ).split("\n")
        const make = (space: string) => {
          const name = `millwright.${boot}.${space}.999999.1.${Math.random().toString(36).slice(2)}`
          return podman("create", "--label", "millwright=sandbox", "--name", name, image, "true")
        }
        const left = make(space ?? "")
        const foreign = make("1")
        yield* Fixture.inside(empty("sweep"), Effect.void).pipe(Effect.provide(layerWith({})))
        assert.deepStrictEqual([isThere(left), isThere(foreign)], [false, true])
        podman("rm", foreign)
      }))

    test("has no rights, no host files, and what the spec limits", () =>
      Effect.gen(function* () {
        const { supports } = yield* Sandbox.Sandbox
        const limits = {
          ...(supports.limits.includes("processes") && { processes: 40 }),
          ...(supports.limits.includes("memory") && { memory: 64 * 1024 ** 2 })
        }
        yield* Effect.gen(function* () {
          assert.match(yield* Fixture.output("grep CapEff /proc/self/status"), /CapEff:\s*0+$/)
          assert.match(yield* Fixture.output("grep NoNewPrivs /proc/self/status"), /1$/)
          assert.notStrictEqual(yield* Fixture.exitCode("touch /etc/x /usr/x"), 0)
          assert.notStrictEqual(yield* Fixture.exitCode("echo x > /proc/sys/kernel/core_pattern"), 0)
          assert.strictEqual(
            yield* Fixture.output("ls /run/millwright | wc -l"),
            "1",
            "only the file of the command itself"
          )
          assert.notStrictEqual(yield* Fixture.exitCode("rm -f /run/millwright/*"), 0)
          if ("processes" in limits) {
            const count = yield* Fixture.output(
              "i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); done 2>/dev/null; ls -d /proc/[0-9]* | wc -l"
            )
            assert.isBelow(Number(count) || 0, 41)
          }
          if ("memory" in limits) {
            assert.notStrictEqual(
              yield* Fixture.exitCode("head -c 200000000 /dev/zero | tail -c 200000000 > /dev/null"),
              0
            )
          }
        }).pipe((effect) => Fixture.inside({ ...empty("rights"), limits }, effect))
      }))

    test("makes no call of the kernel that gets through to it, or leaves rights behind", () =>
      Effect.gen(function* () {
        const column = process.arch === "arm64" ? 1 : 0
        const number = (name: string): number => {
          const { absent, denied, looked, modes } = SystemCalls
          const others: Readonly<Record<string, (typeof denied)[string]>> = { ...denied, ...absent, ...looked }
          return (others[name] ?? modes[name]?.numbers)?.[column] ?? -1
        }
        // Each line of its arguments is a call: its number, and what it is given.
        const program =
          "for (@ARGV) { my @c = map { /^-?\\d/ ? $_ + 0 : $_ } split; push @c, 0 while @c < 7; $! = 0; " +
          'print syscall($c[0], @c[1..6]) == -1 ? $! + 0 : "ok", "\\n" }'
        const spawner = yield* ChildProcessSpawner
        const lineOf = (text: string): string => {
          const [name = "", ...given] = text.split(" ")
          return [Number(name) || number(name), ...given].join(" ")
        }
        yield* Fixture.output("touch file")
        const expected: Readonly<Record<string, string>> = {
          [`unshare ${0x10000000}`]: "1", // NEWUSER
          [`unshare ${0x10020000}`]: "1", // NEWUSER and NEWNS
          [`unshare ${0x200}`]: "ok", // FS
          [`clone ${0x10000011}`]: "1", // NEWUSER
          clone3: "38",
          openat2: "38",
          io_uring_setup: "38",
          "9999": "38",
          keyctl: "1",
          add_key: "1",
          bpf: "1",
          perf_event_open: "1",
          mount: "1",
          "setns -1": "1",
          "socket 40 1": "97", // VSOCK
          "socket 4294967336 1": "38", // VSOCK, for a kernel that looks at the lower half
          "socket 38 5": "97", // ALG
          "socket 16 3 12": "97", // netfilter
          "socket 16 3 0": "ok", // routes
          "socket 1 1": "ok",
          "socket 2 1": "ok",
          "socket 10 1": "ok",
          [`ioctl 0 ${0x5412}`]: "1", // TIOCSTI
          [`ioctl 0 ${0x100005412}`]: "1",
          [`ioctl 0 ${0x5413}`]: "25",
          [`ioctl 0 ${0x80045430}`]: "25",
          [`fchmodat -100 file ${0o4755}`]: "1",
          [`fchmodat -100 file ${0o2755}`]: "1",
          [`fchmodat -100 file ${0o1755}`]: "ok",
          [`openat -100 made ${0o101} ${0o4755}`]: "1",
          [`openat -100 . ${0o20200001} ${0o4755}`]: "1",
          [`openat -100 file 0 ${0o6755}`]: "ok",
          [`openat -100 new ${0o101} ${0o755}`]: "ok",
          [`mknodat -100 made ${0o106755}`]: "1"
        }
        const lines = Object.keys(expected).map(lineOf)
        const answers = (yield* spawner.string(ChildProcess.make("perl", ["-e", program, ...lines]))).split("\n")
        assert.deepStrictEqual(
          Object.fromEntries(Object.keys(expected).map((text, index) => [text, answers[index]])),
          expected
        )
        assert.strictEqual(yield* Fixture.output("ls"), "file\nnew")
      }).pipe((effect) => Fixture.inside(empty("calls"), effect)))

    test("keeps the environment out of lists of processes, and every character of it", () =>
      Effect.gen(function* () {
        const value = "s3cret-';\"$(touch hacked)`\\n\n\t end "
        const { line } = yield* Fixture.firstLine(
          Fixture.script('printf "%s" "$OWN" | od -An -tx1 | tr -d " \\n"; echo; exec sleep 1000', {
            env: { OWN: value }
          })
        )
        assert.strictEqual(Buffer.from(line, "hex").toString(), value)
        assert.notInclude(execFileSync("ps", ["-eo", "args", "ww"], { encoding: "utf8" }), "s3cret")
        assert.strictEqual(yield* Fixture.output("ls"), "")
      }).pipe(Effect.scoped, (effect) => Fixture.inside(empty("environment"), effect)))

    test("has a network of its own, a port to it, and what egress lets through", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const origin = yield* Effect.acquireRelease(
            Effect.callback<ReturnType<typeof createServer>>((resume) => {
              const server = createServer((_, response) => response.end("from outside"))
              server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
            }),
            (server) => Effect.sync(() => server.close())
          )
          const address = origin.address()
          const at = `host.millwright.internal:${typeof address === "object" && address !== null ? address.port : 0}`
          const sandbox = yield* Sandbox.Sandbox
          const { host, services } = yield* sandbox.open({
            ...empty("network"),
            egress: { _tag: "Allow", domains: [at] },
            ports: { PORT: null }
          })
          const inside = <A, E>(effect: Effect.Effect<A, E, Sandbox.Services>) =>
            Effect.provideContext(effect, services)
          assert.notStrictEqual(yield* inside(Fixture.exitCode(`wget -Y off -q -O - http://${at}/`)), 0)
          const asked = (to: string) =>
            inside(Fixture.output(`http_proxy=http://127.0.0.1:62128 wget -Y on -q -O - http://${to}/ 2>&1; true`))
          assert.strictEqual(yield* asked(at), "from outside")
          assert.include(yield* asked("127.0.0.1:9"), "403")
          yield* Effect.provideContext(
            Fixture.firstLine(Fixture.script("echo up; echo hello | nc -l -p $PORT")),
            services
          )
          const { port } = yield* host.expose("PORT")
          const answer = yield* Effect.callback<string>((resume) => {
            let text = ""
            connect(port, "127.0.0.1")
              .on("data", (chunk) => (text += String(chunk)))
              .on("error", () => resume(Effect.succeed("error")))
              .on("close", () => resume(Effect.succeed(text)))
          }).pipe(Effect.repeat({ until: (text) => text !== "" && text !== "error" }), Effect.timeout(10_000))
          assert.strictEqual(answer, "hello\n")
        })
      ))

    test("with Open has the host's network; with a secret as well, its own, whose way out lets all through", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const origin = yield* Effect.acquireRelease(
            Effect.callback<ReturnType<typeof createServer>>((resume) => {
              const server = createServer((_, response) => response.end("from the host"))
              server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
            }),
            (server) => Effect.sync(() => server.close())
          )
          const address = origin.address()
          const at = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`
          const get = (proxy: "on" | "off") => Fixture.output(`wget -Y ${proxy} -q -O - ${at} 2>&1; echo "; $?"`)
          const open = { ...empty("open"), egress: { _tag: "Open" } } as const
          assert.strictEqual(yield* Fixture.inside(open, get("off")), "from the host; 0")
          assert.strictEqual(yield* Fixture.inside(open, Fixture.output("echo $http_proxy")), "", "it needs no way out")
          const secrets = [
            { handle: "token", hosts: ["origin.test"], as: { _tag: "Header", name: "x-token" } }
          ] as const
          const registry = { hosts: ["registry.test"] } as const
          for (const more of [{ secrets }, { registry }]) {
            yield* Effect.gen(function* () {
              assert.include(yield* get("off"), "; 1", "past the way out there is nothing")
              assert.strictEqual(yield* get("on"), "from the host; 0")
            }).pipe(
              (effect) => Fixture.inside({ ...open, id: `${open.id}-${Object.keys(more)[0]}`, ...more }, effect),
              Effect.provide(brokered)
            )
          }
        })
      ))

    test("is halted and goes on", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const sandbox = yield* Sandbox.Sandbox
          if (!sandbox.supports.pause) return
          const { host, services } = yield* sandbox.open(empty("pause"))
          yield* host.pause
          yield* host.resume
          assert.strictEqual(yield* Effect.provideContext(Fixture.output("echo on"), services), "on")
        })
      ))
  })
})
