import * as NodeServices from "@effect/platform-node/NodeServices"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { execFileSync } from "node:child_process"
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as SshSandbox from "../../src/adapters/SshSandbox.ts"
import * as Sandbox from "../../src/Sandbox.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import * as SandboxTest from "../../src/testing/SandboxTest.ts"
import { requires } from "../Requires.ts"
import { ownOf } from "../workspaces/own.ts"
import * as Sshd from "./sshd.ts"

const started = Sshd.missing === undefined ? await Sshd.start() : undefined

requires("sshd", Sshd.missing, () => {
  const machine = started ?? assert.fail("sshd should have been started")
  afterAll(machine.stop)
  const options: SshSandbox.Options = {
    host: "127.0.0.1",
    port: machine.port,
    user: "root",
    identity: machine.identity,
    knownHosts: machine.knownHosts,
    config: "none",
    directory: `${machine.folder}/work`
  }
  const layerWith = (changes: Partial<SshSandbox.Options>) =>
    Layer.provide(SshSandbox.layer({ ...options, ...changes }), NodeServices.layer)
  const layer = layerWith({})

  SandboxTest.suite("ssh", layer, { timeout: 240_000 })

  const test = <E>(
    name: string,
    body: (fixture: Fixture.Repository) => Effect.Effect<void, E, Sandbox.Sandbox>,
    sandbox: Layer.Layer<Sandbox.Sandbox> = layer
  ) =>
    it.live(name, () => Effect.scoped(Effect.flatMap(Fixture.repository, body)).pipe(Effect.provide(sandbox)), 120_000)
  /** The processes of the machine that have a word in their arguments, with their numbers here. */
  const running = (word: string) =>
    readdirSync("/proc").filter((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0").includes(word)
      } catch {
        return false
      }
    })
  const untilGone = (word: string) =>
    Effect.gen(function* () {
      while (running(word).length > 0) yield* Effect.sleep(20)
    }).pipe(Effect.timeout(20_000))

  describe("the machine", () => {
    const refused = (name: string, reason: Sandbox.SandboxError["reason"], changes: Partial<SshSandbox.Options>) =>
      test(
        name,
        ({ git, spec }) =>
          Effect.gen(function* () {
            yield* Fixture.refused(Fixture.inside(spec(), Effect.void), reason)
            assert.strictEqual(git("branch", "--list", "change/*"), "", "no branch should be left")
          }),
        layerWith(changes)
      )
    const stranger = join(machine.folder, "stranger")
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", stranger])
    const [type, key] = readFileSync(`${stranger}.pub`, "utf8").split(" ")
    const wrong = join(machine.folder, "wrong")
    const none = join(machine.folder, "none")
    writeFileSync(wrong, `[127.0.0.1]:${machine.port} ${type} ${key}\n`)
    writeFileSync(none, "")
    refused("whose key is not known is Unauthorized", "Unauthorized", { knownHosts: none })
    refused("whose key is another one is Unauthorized", "Unauthorized", { knownHosts: wrong })
    refused("that does not know our key is Unauthorized", "Unauthorized", { identity: stranger })
    refused("that is not there is ProviderFailed", "ProviderFailed", { port: 1 })
    refused("that has no name is ProviderFailed", "ProviderFailed", { host: "no-such-host.invalid" })
    refused("without the program ssh is Unavailable", "Unavailable", { ssh: "/nonexistent/ssh" })
    refused("whose folder can not be made is Unavailable", "Unavailable", { directory: "/proc/none" })
  })

  describe("commands", () => {
    test("no value of the environment is in a list of processes, and every character passes", ({ spec }) =>
      Effect.gen(function* () {
        const value = "s3cret-';\"$(touch hacked)`\\n\n\t end "
        const { line } = yield* Fixture.firstLine(
          Fixture.script('printf "%s" "$OWN" | od -An -tx1 | tr -d " \\n"; echo; exec sleep 1000', {
            env: { OWN: value }
          })
        )
        assert.strictEqual(Buffer.from(line, "hex").toString(), value)
        const listed = execFileSync("ps", ["-eo", "args", "ww"], { encoding: "utf8" })
        assert.notInclude(listed, "s3cret")
        assert.strictEqual(yield* Fixture.output("ls"), "file.txt\nsub")
      }).pipe(Effect.scoped, (effect) => Fixture.inside(spec(), effect)))

    test("words pass as they are, also empty ones and those with line breaks", ({ spec }) =>
      Effect.gen(function* () {
        const words = ["", " ", "a\nb", "\n", "'", '"$HOME"', "-rf", "*", "\\", "ü💥"]
        const spawner = yield* ChildProcessSpawner
        const text = yield* spawner.string(ChildProcess.make("printf", ["%s\\0", ...words]))
        assert.deepStrictEqual(text.split("\0").slice(0, -1), words)
      }).pipe((effect) => Fixture.inside(spec(), effect)))

    test("more than ten run at once", ({ spec }) =>
      Effect.gen(function* () {
        const answers = yield* Effect.forEach(
          Array.from({ length: 14 }, (_, index) => index),
          (index) => Fixture.output(`sleep 0.5; echo ${index}`),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          answers.map(Number),
          Array.from({ length: 14 }, (_, index) => index)
        )
      }).pipe((effect) => Fixture.inside(spec(), effect)))

    test("a connection that is lost is an error and no exit code, and what ran has ended", ({ spec }) =>
      Effect.gen(function* () {
        const word = String(100_000 + Math.floor(Math.random() * 1e9))
        const sandbox = yield* Sandbox.Sandbox
        const scoped = Effect.scoped(
          Effect.gen(function* () {
            const { services } = yield* sandbox.open(spec())
            yield* Effect.gen(function* () {
              const { handle, line } = yield* Fixture.firstLine(Fixture.script(`echo ready; sleep ${word}; exit 0`))
              assert.strictEqual(line, "ready")
              // The sessions of sshd, which are its grandchildren, but not sshd itself.
              for (const pid of sessions(machine.pid)) process.kill(pid, "SIGKILL")
              const error = yield* Effect.flip(handle.exitCode)
              assert.include(error.message, "connection")
            }).pipe(Effect.scoped, Effect.provideContext(services))
          })
        )
        yield* Effect.exit(scoped).pipe(
          Effect.tap((exit) =>
            Effect.sync(() => assert.isTrue(Exit.isSuccess(exit), `what was expected did not happen: ${String(exit)}`))
          )
        )
        yield* untilGone(word)
        assert.strictEqual(yield* Fixture.inside(spec(), Fixture.output("git status --porcelain")), "")
      }))

    test("what a process that was killed left running ends, and its workspace opens again", (fixture) =>
      Effect.gen(function* () {
        const host = yield* Effect.provide(ChildProcessSpawner, NodeServices.layer)
        const holder = fileURLToPath(new URL("./sshHolder.ts", import.meta.url))
        const word = String(100_000 + Math.floor(Math.random() * 1e9))
        const command = ChildProcess.make(
          process.execPath,
          [holder, JSON.stringify(options), fixture.repository, word],
          { stderr: "inherit" }
        )
        const { handle, line } = yield* Fixture.firstLine(command).pipe(
          Effect.provideService(ChildProcessSpawner, host)
        )
        assert.strictEqual(line, "open")
        assert.isAbove(running(word).length, 0, "the command should run")
        process.kill(handle.pid, "SIGKILL")
        yield* untilGone(word)
        assert.strictEqual(yield* Fixture.inside(fixture.spec(), Fixture.read("left.txt")), "left\n")
      }).pipe(Effect.scoped))
  })

  describe("the rest of the port", () => {
    test("commits are on the branch when it has closed, of companions too", ({ git, repository, spec }) =>
      Effect.gen(function* () {
        const commit = "echo new > new.txt && git add -A && git commit -q -m new && git rev-parse HEAD"
        const both = Effect.scoped(
          Effect.gen(function* () {
            const sandbox = yield* Sandbox.Sandbox
            const companions = { other: { repository, base: "main", branch: "change/other" } }
            const { directories, services } = yield* sandbox.open(spec({ companions }))
            const run = (cwd?: string) =>
              Effect.provideContext(Fixture.output(commit, cwd === undefined ? {} : { cwd }), services)
            return [yield* run(), yield* run(directories.other)]
          })
        )
        const [main, other] = yield* both
        assert.deepStrictEqual([git("rev-parse", "change/work-1"), git("rev-parse", "change/other")], [main, other])
      }))

    test("a branch that moved on in the repository is followed, and objects are sent for it", ({ git, spec }) =>
      Effect.gen(function* () {
        yield* Fixture.inside(spec(), Effect.void)
        const tree = git("rev-parse", "main^{tree}")
        const next = git("commit-tree", "-p", "change/work-1", "-m", "next", tree)
        git("update-ref", "refs/heads/change/work-1", next)
        assert.strictEqual(yield* Fixture.inside(spec(), Fixture.output("git rev-parse HEAD")), next)
      }))

    test("a file of the host's that was left empty by a kill is written anew", ({ repository, spec }) =>
      Effect.gen(function* () {
        yield* Fixture.inside(spec(), Effect.void)
        writeFileSync(join(ownOf(repository), "word"), "")
        yield* Fixture.inside(spec(), Fixture.output("git status"))
        assert.notStrictEqual(readFileSync(join(ownOf(repository), "word"), "utf8"), "")
      }))

    test("a snapshot is restored in another workspace", ({ spec }) =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const from = yield* Effect.scoped(
          Effect.gen(function* () {
            const { host, services } = yield* sandbox.open(spec())
            yield* Effect.provideContext(
              Fixture.output("echo x > untracked; mkdir ignored; echo y > ignored/z"),
              services
            )
            return yield* host.snapshot
          })
        )
        const text = yield* Fixture.inside(
          spec({ id: "work-2", branch: "change/work-2", from }),
          Fixture.output("cat untracked ignored/z; git status --porcelain")
        )
        assert.strictEqual(text, "x\ny\n?? untracked")
      }))

    test("an empty workspace keeps what is in it until it is discarded", () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const spec = { id: `empty-${Math.random()}`, workspace: { _tag: "Empty" } } as const
        const use = <A, E>(effect: Effect.Effect<A, E, Sandbox.Services>) => Fixture.inside(spec, effect)
        yield* use(Fixture.output("echo kept > file"))
        assert.strictEqual(yield* use(Fixture.output("cat file")), "kept")
        yield* sandbox.discard(spec)
        assert.strictEqual(yield* use(Fixture.output("ls")), "")
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { host } = yield* sandbox.open(spec)
            yield* host.destroy
            yield* host.destroy
          })
        )
        assert.strictEqual(yield* use(Fixture.output("ls")), "")
        yield* sandbox.discard(spec)
      }))

    test("a port there is reached from here", ({ spec }) =>
      Effect.scoped(
        Effect.gen(function* () {
          const sandbox = yield* Sandbox.Sandbox
          const { host, services } = yield* sandbox.open(spec({ ports: { PORT: null } }))
          // The repository may lie where the machine sees nothing of this one.
          const node = join(machine.folder, "node")
          copyFileSync(process.execPath, node)
          const server = `require("net").createServer((s) => s.on("data", (d) => s.end("echo " + d))).listen(+process.env.PORT, "127.0.0.1", () => console.log("up"))`
          const { line } = yield* Effect.provideContext(
            Fixture.firstLine(ChildProcess.make(node, ["-e", server])),
            services
          )
          assert.strictEqual(line, "up")
          const { port } = yield* host.expose("PORT")
          const answer = yield* Effect.callback<string>((resume) => {
            const socket = connect(port, "127.0.0.1", () => socket.write("hello"))
            let text = ""
            socket.on("data", (chunk) => (text += String(chunk))).on("close", () => resume(Effect.succeed(text)))
          })
          assert.strictEqual(answer, "echo hello")
          yield* Fixture.refused(host.expose("NONE"), "BadSpec")
        })
      ))

    test("a folder of this machine is Unsupported", ({ repository }) =>
      Fixture.refused(
        Fixture.inside({ id: "x", workspace: { _tag: "Folder", path: repository } }, Effect.void),
        "Unsupported"
      ))
  })

  const children = (pid: number): ReadonlyArray<number> =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number)
  /** Of `unshare`: sshd, and its sessions. */
  const sessions = (pid: number): ReadonlyArray<number> => children(pid).flatMap(children)
})
