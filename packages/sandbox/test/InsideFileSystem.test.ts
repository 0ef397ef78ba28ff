/** The file system inside, over a spawner that does not isolate: what holds here holds by the scripts alone. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import * as node from "node:fs"
import { join } from "node:path"
import { type Place, place, shells } from "./InsidePlace.ts"

const tagOf = <A>(effect: Effect.Effect<A, PlatformError>) =>
  Effect.map(Effect.result(effect), (result) => (result._tag === "Failure" ? result.failure.reason._tag : "success"))

const names = [
  "plain",
  "with space",
  "-rf",
  "--help",
  "line\nbreak",
  "end\n",
  "\n",
  " ",
  "'\"`$(touch hacked)`",
  "*",
  "[a-z]",
  "\\",
  "\\n",
  "ünïcödé 💥",
  "a;b&c|d",
  "x".repeat(255),
  "..."
]

for (const [name, shell] of Object.entries(shells)) {
  describe.skipIf(typeof shell === "string")(`${name}${typeof shell === "string" ? `: skipped, ${shell}` : ""}`, () => {
    if (typeof shell === "string") return
    const test = (what: string, body: (place: Place) => Effect.Effect<void, PlatformError, never>) =>
      it.live(
        what,
        () => Effect.scoped(Effect.flatMap(place(shell), body)).pipe(Effect.provide(NodeServices.layer)),
        60_000
      )

    it.live(
      "a file that is larger than the bound is not read into memory, but streamed, and read in parts",
      () =>
        Effect.scoped(
          Effect.gen(function* () {
            const { fs, root } = yield* place(shell, 1_000_000)
            node.writeFileSync(join(root, "large"), "")
            // A hole: it takes no room, and whoever read it whole would have all of it in memory.
            node.truncateSync(join(root, "large"), 2 ** 40)
            const before = process.memoryUsage().rss
            const failure = yield* Effect.flip(fs.readFileString("large"))
            assert.strictEqual(failure.reason._tag, "BadResource")
            assert.include(failure.message, "stream")
            assert.isBelow(process.memoryUsage().rss - before, 200_000_000, "it should not have been read")
            const size = yield* fs.stream("large", { bytesToRead: 2_000_000 }).pipe(
              Stream.runFold(
                () => 0,
                (size, chunk) => size + chunk.length
              )
            )
            assert.strictEqual(size, 2_000_000)
            const part = yield* Effect.scoped(Effect.flatMap(fs.open("large"), (file) => file.readAlloc(10)))
            assert.strictEqual(Option.getOrThrow(part).length, 10)
            node.truncateSync(join(root, "large"), 1_000_000)
            assert.strictEqual((yield* fs.readFile("large")).length, 1_000_000)
          })
        ).pipe(Effect.provide(NodeServices.layer)),
      60_000
    )

    test("names of every kind are written, listed, read, copied, moved and removed", ({ fs, root }) =>
      Effect.gen(function* () {
        for (const name of names) {
          yield* fs.makeDirectory(name)
          yield* fs.writeFileString(`${name}/${name}`, name)
          assert.strictEqual(node.readFileSync(join(root, name, name), "utf8"), name)
          assert.strictEqual(yield* fs.readFileString(join(root, name, name)), name)
          yield* fs.rename(`${name}/${name}`, `${name}/moved`)
          yield* fs.copyFile(`${name}/moved`, `${name}/${name}`)
          yield* fs.symlink(name, `${name}/link`)
          assert.strictEqual(yield* fs.readLink(`${name}/link`), name)
          assert.strictEqual(yield* fs.realPath(`${name}/link`), join(root, name, name))
          assert.deepStrictEqual(
            (yield* fs.readDirectoryEntries(name)).map(({ name, type }) => `${type} ${name}`).sort(),
            ["File moved", `File ${name}`, "SymbolicLink link"].sort()
          )
          assert.strictEqual((yield* fs.stat(`${name}/link`)).type, "File")
          assert.strictEqual((yield* fs.lstat(`${name}/link`)).type, "SymbolicLink")
        }
        assert.deepStrictEqual((yield* fs.readDirectory(".")).sort(), [...names].sort())
        assert.deepStrictEqual(
          (yield* fs.readDirectory(".", { recursive: true })).sort(),
          names.flatMap((name) => [name, ...["link", "moved", name].map((file) => `${name}/${file}`)]).sort()
        )
        for (const name of names) yield* fs.remove(name, { recursive: true })
        assert.deepStrictEqual(node.readdirSync(root), [])
      }))

    test("bytes of any kind and size pass whole", ({ fs, root }) =>
      Effect.gen(function* () {
        const all = Uint8Array.from({ length: 1024 }, (_, index) => index % 256)
        yield* fs.writeFile("bytes", all)
        assert.deepStrictEqual(yield* fs.readFile("bytes"), all)
        yield* fs.writeFile("empty", new Uint8Array(0))
        assert.strictEqual((yield* fs.readFile("empty")).length, 0)
        const chunk = new Uint8Array(1 << 20).fill(7)
        yield* Stream.run(Stream.fromIterable(Array.from({ length: 30 }, () => chunk)), fs.sink("large"))
        assert.strictEqual(node.statSync(join(root, "large")).size, 30 << 20)
        const read = yield* Stream.runFold(
          fs.stream("large"),
          () => 0,
          (sum, part) => sum + part.length
        )
        assert.strictEqual(read, 30 << 20)
        yield* fs.writeFile("large", new Uint8Array(20 << 20))
        assert.strictEqual((yield* fs.readFile("large")).length, 20 << 20)
        const part = yield* Stream.runCollect(fs.stream("bytes", { offset: 300, bytesToRead: 500, chunkSize: 200 }))
        assert.deepStrictEqual(
          part.map(({ length }) => length),
          [200, 200, 100]
        )
        assert.deepStrictEqual(new Uint8Array(Buffer.concat(part)), all.subarray(300, 800))
        assert.deepStrictEqual(yield* Stream.runCollect(fs.stream("bytes", { bytesToRead: 0 })), [])
      }))

    test("flags and modes are those of open", ({ fs, root }) =>
      Effect.gen(function* () {
        yield* fs.writeFileString("f", "one", { flag: "wx", mode: 0o750 })
        assert.strictEqual(node.statSync(join(root, "f")).mode & 0o777, 0o750 & ~process.umask())
        assert.strictEqual(yield* tagOf(fs.writeFileString("f", "two", { flag: "wx" })), "AlreadyExists")
        assert.strictEqual(yield* tagOf(fs.writeFileString("f", "two", { flag: "ax" })), "AlreadyExists")
        assert.strictEqual(yield* tagOf(fs.writeFileString("g", "two", { flag: "r+" })), "NotFound")
        yield* fs.writeFileString("f", "-two", { flag: "a" })
        assert.strictEqual(yield* fs.readFileString("f"), "one-two")
        yield* fs.writeFileString("f", "ONE", { flag: "r+" })
        assert.strictEqual(yield* fs.readFileString("f"), "ONE-two")
        yield* fs.writeFileString("f", "x")
        assert.strictEqual(yield* fs.readFileString("f"), "x")
        assert.strictEqual(node.statSync(join(root, "f")).mode & 0o777, 0o750 & ~process.umask())
        yield* fs.truncate("f", 3)
        assert.deepStrictEqual(yield* fs.readFile("f"), new Uint8Array([120, 0, 0]))
        yield* fs.chmod("f", 0o600)
        yield* fs.utimes("f", new Date("2001-02-03T04:05:06Z"), 1_000_000_000)
        const info = yield* fs.stat("f")
        assert.strictEqual(info.mode, 0o100600)
        assert.strictEqual(Option.getOrUndefined(info.mtime)?.getTime(), 1_000_000_000_000)
        assert.strictEqual(Option.getOrUndefined(info.atime)?.toISOString(), "2001-02-03T04:05:06.000Z")
        assert.strictEqual(info.size, 3n)
        const real = node.statSync(join(root, "f"), { bigint: true })
        assert.deepStrictEqual([Option.getOrUndefined(info.ino), info.dev], [real.ino, real.dev])
        yield* fs.chown("f", process.getuid?.() ?? 0, process.getgid?.() ?? 0)
        yield* fs.link("f", "hard")
        assert.strictEqual(Option.getOrUndefined((yield* fs.stat("hard")).nlink), 2n)
      }))

    test("an open file reads and writes where it stands", ({ fs }) =>
      Effect.scoped(
        Effect.gen(function* () {
          const file = yield* fs.open("f", { flag: "w+" })
          yield* file.writeAll(new TextEncoder().encode("hello world"))
          yield* file.seek(6n, "start")
          assert.strictEqual(yield* file.write(new TextEncoder().encode("W")), 1)
          const buffer = new Uint8Array(4)
          assert.strictEqual(yield* file.read(buffer), 4)
          assert.strictEqual(new TextDecoder().decode(buffer), "orld")
          assert.isTrue(Option.isNone(yield* file.readAlloc(10)), "the end of the file should be none")
          yield* file.truncate(5)
          assert.strictEqual(yield* fs.readFileString("f"), "hello")
          assert.strictEqual((yield* file.stat).size, 5n)
          yield* file.sync
          const more = yield* fs.open("f", { flag: "a" })
          yield* more.writeAll(new TextEncoder().encode("!"))
          assert.strictEqual(yield* fs.readFileString("f"), "hello!")
          assert.strictEqual(yield* tagOf(more.readAlloc(1)), "BadResource")
          yield* fs.symlink("f", "link")
          assert.strictEqual(yield* tagOf(Effect.scoped(fs.open("link", { noFollow: true }))), "BadResource")
        })
      ))

    test("errors have the tag that Node's would have", ({ fs, root }) =>
      Effect.gen(function* () {
        yield* fs.makeDirectory("d/e", { recursive: true })
        yield* fs.makeDirectory("d/e", { recursive: true })
        yield* fs.writeFileString("f", "x")
        node.symlinkSync("loop", join(root, "loop"))
        node.symlinkSync("nowhere", join(root, "dangling"))
        execFileSync("mkfifo", [join(root, "pipe")])
        const expected: ReadonlyArray<readonly [string, string, Effect.Effect<unknown, PlatformError>]> = [
          ["NotFound", "read", fs.readFile("no")],
          ["NotFound", "read below nothing", fs.readFile("no/no")],
          ["NotFound", "read a dangling link", fs.readFile("dangling")],
          ["NotFound", "stat", fs.stat("no")],
          ["NotFound", "access", fs.access("no")],
          ["NotFound", "list", fs.readDirectory("no")],
          ["NotFound", "remove", fs.remove("no")],
          ["NotFound", "rename", fs.rename("no", "yes")],
          ["NotFound", "copy", fs.copy("no", "yes")],
          ["NotFound", "copyFile", fs.copyFile("no", "yes")],
          ["NotFound", "write below nothing", fs.writeFileString("no/f", "x")],
          ["NotFound", "make a folder below nothing", fs.makeDirectory("no/f")],
          ["NotFound", "chmod", fs.chmod("no", 0o600)],
          ["NotFound", "utimes", fs.utimes("no", 0, 0)],
          ["NotFound", "truncate", fs.truncate("no")],
          ["NotFound", "watch", Stream.runDrain(fs.watch("no"))],
          ["AlreadyExists", "make a folder", fs.makeDirectory("d")],
          ["AlreadyExists", "make a folder over a file", fs.makeDirectory("f", { recursive: true })],
          ["AlreadyExists", "link", fs.link("f", "d")],
          ["AlreadyExists", "symlink", fs.symlink("f", "f")],
          ["AlreadyExists", "rename over a folder that is not empty", fs.rename("g", "d")],
          ["BadResource", "read a folder", fs.readFile("d")],
          ["BadResource", "read below a file", fs.readFile("f/x")],
          ["BadResource", "make a folder below a file", fs.makeDirectory("f/x/y", { recursive: true })],
          ["BadResource", "write a folder", fs.writeFileString("d", "x")],
          ["BadResource", "list a file", fs.readDirectory("f")],
          ["BadResource", "readLink of a file", fs.readLink("f")],
          ["BadResource", "a loop", fs.readFile("loop")],
          ["BadResource", "remove a folder", fs.remove("d")],
          ["BadResource", "a file over a folder", fs.rename("f", "d")],
          ["BadResource", "a folder over a file", fs.rename("d", "f")],
          ["BadResource", "a folder into itself", fs.rename("d", "d/x")],
          ["BadResource", "copy a folder into itself", fs.copy("d", "d/x")],
          ["PermissionDenied", "read a pipe", fs.readFile("pipe")],
          ["PermissionDenied", "write a pipe", fs.writeFileString("pipe", "x")],
          ["PermissionDenied", "stream a pipe", Stream.runDrain(fs.stream("pipe"))],
          ["PermissionDenied", "sink into a pipe", Stream.run(Stream.make(new Uint8Array(9)), fs.sink("pipe"))],
          ["success", "remove with force", fs.remove("no", { force: true })],
          ["success", "exists", fs.exists("no")]
        ]
        yield* fs.makeDirectory("g")
        for (const [tag, what, effect] of expected) assert.strictEqual(yield* tagOf(effect), tag, what)
      }))

    test("folders are copied whole, and over others without loss", ({ fs, outside, root }) =>
      Effect.gen(function* () {
        yield* fs.makeDirectory("from/sub/.hidden", { recursive: true })
        yield* fs.writeFileString("from/sub/a", "a")
        yield* fs.writeFileString("from/.b", "b")
        yield* fs.symlink("sub/a", "from/link")
        yield* fs.copy("from", "to")
        const tree = ["link", "sub", "sub/.hidden", "sub/a", ".b"].sort()
        assert.deepStrictEqual((yield* fs.readDirectory("to", { recursive: true })).sort(), tree)
        assert.strictEqual(yield* fs.readLink("to/link"), "sub/a")
        yield* fs.writeFileString("to/sub/a", "kept")
        yield* fs.writeFileString("to/own", "own")
        yield* fs.remove("to/.b")
        yield* fs.copy("from", "to")
        assert.strictEqual(yield* fs.readFileString("to/sub/a"), "kept")
        assert.strictEqual(yield* fs.readFileString("to/.b"), "b")
        node.rmSync(join(root, "to", ".b"))
        node.symlinkSync(join(outside, "secret"), join(root, "to", ".b"))
        yield* fs.copy("from", "to", { overwrite: true, preserveTimestamps: true })
        assert.strictEqual(yield* fs.readFileString("to/sub/a"), "a")
        assert.strictEqual(yield* fs.readFileString("to/own"), "own")
        assert.strictEqual(node.readFileSync(join(outside, "secret"), "utf8"), "outside")
        yield* fs.copy("from/sub/a", "single")
        assert.strictEqual(yield* fs.readFileString("single"), "a")
      }))

    test("protected names can be read, and written in no case of letters", ({ fs, root }) =>
      Effect.gen(function* () {
        node.mkdirSync(join(root, ".git"))
        node.writeFileSync(join(root, ".git", "config"), "config")
        node.symlinkSync(".git", join(root, "alias"))
        node.writeFileSync(join(root, "f"), "f")
        assert.strictEqual(yield* fs.readFileString(".git/config"), "config")
        assert.deepStrictEqual(yield* fs.readDirectory("alias"), ["config"])
        const refused: ReadonlyArray<Effect.Effect<unknown, PlatformError>> = [
          fs.writeFileString(".git/config", "x"),
          fs.writeFileString("alias/config", "x"),
          fs.writeFileString(".GIT", "x"),
          fs.writeFileString("sub/../.Git/new", "x"),
          fs.makeDirectory(".gIt/hooks/x", { recursive: true }),
          fs.remove(".git", { recursive: true }),
          fs.rename("f", ".git"),
          fs.rename(".git", "moved"),
          fs.copy("f", ".git/f"),
          fs.chmod("alias/config", 0o777),
          fs.makeTempFile({ directory: ".git" })
        ]
        for (const [index, effect] of refused.entries()) {
          assert.strictEqual(yield* tagOf(effect), "PermissionDenied", `the ${index}. of the refused`)
        }
        yield* fs.writeFileString("sub.git", "x")
        yield* fs.makeDirectory("deep")
        yield* fs.writeFileString("deep/.git", "only directly below a root")
        assert.deepStrictEqual(node.readdirSync(join(root, ".git")), ["config"])
      }))

    test("changes are watched", ({ fs }) =>
      Effect.scoped(
        Effect.gen(function* () {
          yield* fs.makeDirectory("d/e", { recursive: true })
          yield* fs.writeFileString("d/old", "x")
          yield* fs.writeFileString("d/gone", "x")
          const work = Effect.gen(function* () {
            yield* fs.writeFileString("d/line\nbreak", "x")
            yield* fs.writeFileString("d/e/deep", "x")
            yield* fs.writeFileString("d/old", "xyz")
            yield* fs.remove("d/gone")
          })
          const context = yield* Effect.context<never>()
          const events = yield* fs
            .watch("d", { recursive: true, onReady: () => void Effect.runForkWith(context)(work) })
            .pipe(Stream.take(4), Stream.runCollect)
          assert.deepStrictEqual(events.map(({ _tag, path }) => `${_tag} ${path}`).sort(), [
            "Create e/deep",
            "Create line\nbreak",
            "Remove gone",
            "Update old"
          ])
        })
      ))
  })
}
