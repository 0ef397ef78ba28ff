/** What the port promises about the file system of a sandbox. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type Claim, claim, denied, expect, inside, output, type Repository, repository } from "./Fixture.ts"

type Uses = ReadonlyArray<readonly [name: string, effect: Effect.Effect<unknown, unknown>]>

/** What looks at a path. Only this is tried on paths of the machine itself: the adapter may be wrong. */
const reads = (fs: FileSystem.FileSystem, path: string): Uses => [
  ["access", fs.access(path)],
  ["exists", fs.exists(path)],
  ["stat", fs.stat(path)],
  ["readFile", fs.readFile(path)],
  ["readFileString", fs.readFileString(path)],
  ["stream", Stream.runDrain(fs.stream(path))],
  ["open", Effect.scoped(fs.open(path))],
  ["readDirectory", fs.readDirectory(path)],
  ["readDirectoryEntries", fs.readDirectoryEntries(path)],
  ["realPath", fs.realPath(path)],
  ["watch", Stream.runDrain(fs.watch(path))]
]

/** Everything that can be done with one path. */
const uses = (fs: FileSystem.FileSystem, path: string): Uses => {
  const bytes = new Uint8Array([1])
  return [
    ...reads(fs, path),
    ["readDirectory, recursive", fs.readDirectory(path, { recursive: true })],
    ["open to write", Effect.scoped(fs.open(path, { flag: "w" }))],
    ["writeFile", fs.writeFile(path, bytes)],
    ["writeFileString", fs.writeFileString(path, "x")],
    ["sink", Stream.run(Stream.make(bytes), fs.sink(path))],
    ["truncate", fs.truncate(path)],
    ["chmod", fs.chmod(path, 0o777)],
    ["utimes", fs.utimes(path, 0, 0)],
    ["makeDirectory", fs.makeDirectory(path, { recursive: true })],
    ["makeTempDirectory", fs.makeTempDirectory({ directory: path })],
    ["makeTempFile", fs.makeTempFile({ directory: path })],
    ["copyFile from", fs.copyFile(path, "copied")],
    ["copyFile to", fs.copyFile("file.txt", path)],
    ["copy from", fs.copy(path, "copied")],
    ["copy to", fs.copy("sub", path)],
    ["symlink to", fs.symlink(path, "linked")]
  ]
}

/** What acts on an entry of a folder, and not on what a link there leads to. */
const entryUses = (fs: FileSystem.FileSystem, path: string): Uses => [
  ["lstat", fs.lstat(path)],
  ["readLink", fs.readLink(path)],
  ["remove", fs.remove(path, { recursive: true, force: true })],
  ["rename from", fs.rename(path, "renamed")],
  ["rename to", fs.rename("file.txt", path)],
  ["link from", fs.link(path, "linked")],
  ["link to", fs.link("file.txt", path)],
  ["symlink at", fs.symlink("file.txt", path)]
]

/** Bounded, because to watch has no end where it is not denied. A few at once: each is a command in many an adapter. */
const deniedAll = (path: string, all: Uses) =>
  Effect.forEach(all, ([use, effect]) => denied(`${use} ${JSON.stringify(path)}`, Effect.timeout(effect, 20_000)), {
    concurrency: 4,
    discard: true
  })

const untouched = ({ outside }: Repository) =>
  expect(
    readdirSync(outside).join() === "secret.txt" && readFileSync(join(outside, "secret.txt"), "utf8") === "outside\n",
    `Nothing should be changed outside of the workspace, but ${outside} holds ${readdirSync(outside).join()}`
  )

/** The claims. */
export const claims: ReadonlyArray<Claim> = [
  claim(
    "files are written, read, listed, moved and removed",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        yield* inside(
          spec(),
          Effect.gen(function* () {
            const fs = yield* FileSystem.FileSystem
            const path = yield* Path.Path
            yield* fs.makeDirectory("a/b", { recursive: true })
            yield* fs.writeFileString("a/b/c.txt", "text")
            yield* fs.copyFile("a/b/c.txt", "a/d.txt")
            yield* fs.rename("a/d.txt", "a/e.txt")
            yield* fs.symlink("b/c.txt", "a/link")
            const names = [...(yield* fs.readDirectory("a", { recursive: true }))].sort().join()
            yield* expect(
              names === "b,b/c.txt,e.txt,link",
              `The folder should hold b, b/c.txt, e.txt and link, but holds ${names}`
            )
            const text = yield* fs.readFileString("a/link")
            yield* expect(text === "text", `A link inside of the workspace should be followed, but "${text}" was read`)
            const found = (yield* fs.glob("a/**/*.txt")).sort().join()
            yield* expect(found === "a/b/c.txt,a/e.txt", `glob should find two files, but found ${found}`)
            const absolute = yield* fs.readFileString(path.resolve("a", "b", "c.txt"))
            yield* expect(absolute === "text", "A path that Path resolved should mean the same file")
            yield* fs.remove("a", { recursive: true })
            yield* expect(!(yield* fs.exists("a/b/c.txt")), "A removed file should not be there")
          })
        )
      })
    )
  ),

  claim(
    "a temporary file lies in the workspace, and git does not see it",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        yield* inside(
          spec(),
          Effect.gen(function* () {
            const fs = yield* FileSystem.FileSystem
            const file = yield* fs.makeTempFile({ prefix: "p-", suffix: ".txt" })
            yield* fs.writeFileString(file, "text")
            const text = yield* output(`cat '${file}'`)
            yield* expect(text === "text", `A command should read the temporary file, but read "${text}"`)
            yield* denied("A prefix that leads out", fs.makeTempDirectory({ prefix: "../../out-" }))
            const folder = yield* Effect.scoped(fs.makeTempDirectoryScoped())
            yield* expect(!(yield* fs.exists(folder)), "A scoped temporary folder should be gone")
            const status = yield* output("git status --porcelain")
            yield* expect(status === "", `git should not see temporary files, but says ${status}`)
          })
        )
      })
    )
  ),

  claim(
    "a path that leads out fails with PermissionDenied, in every operation",
    Effect.scoped(
      Effect.gen(function* () {
        const fixture = yield* repository
        yield* inside(
          fixture.spec(),
          Effect.gen(function* () {
            const fs = yield* FileSystem.FileSystem
            const secret = join(fixture.outside, "secret.txt")
            for (const path of ["..", "sub/../..", "/", "/etc", "/etc/passwd"]) yield* deniedAll(path, reads(fs, path))
            for (const path of ["../sandbox-test-new", "sub/../../sandbox-test-new", secret, fixture.outside]) {
              yield* deniedAll(path, [...uses(fs, path), ...entryUses(fs, path)])
            }
          })
        )
        yield* untouched(fixture)
      })
    )
  ),

  claim(
    "a symbolic link that leads out fails with PermissionDenied, in every operation",
    Effect.scoped(
      Effect.gen(function* () {
        const fixture = yield* repository
        const { outside } = fixture
        yield* inside(
          fixture.spec(),
          Effect.gen(function* () {
            const fs = yield* FileSystem.FileSystem
            yield* output(`mkdir links && cd links && ln -s '${outside}' folder && ln -s '${outside}/secret.txt' file &&
        ln -s '${outside}/new.txt' dangling && ln -s folder chain && ln -s ../../../.. up && ln -s /etc system && ln -s loop loop`)
            for (const path of ["links/up", "links/system", "links/system/passwd"])
              yield* deniedAll(path, reads(fs, path))
            for (const path of ["links/folder", "links/file", "links/dangling", "links/chain"]) {
              yield* deniedAll(path, uses(fs, path))
            }
            // Through a link in a parent folder, also of a file that is not there yet.
            for (const path of [
              "links/folder/secret.txt",
              "links/folder/new.txt",
              "links/chain/a/b/new.txt",
              "links/dangling/new.txt"
            ]) {
              yield* deniedAll(path, [...uses(fs, path), ...entryUses(fs, path)])
            }
            const loop = yield* Effect.exit(Effect.timeout(fs.readFile("links/loop"), 5_000))
            yield* expect(Exit.isFailure(loop), "A link that leads to itself should fail")
            const names = [...(yield* fs.readDirectory(".", { recursive: true }))]
            yield* expect(
              !names.some((name) => name.includes("secret.txt")),
              "A recursive listing should not go through links"
            )
            yield* fs.remove("links", { recursive: true })
            yield* expect(existsSync(outside), "Removing a folder should not go through its links")
          })
        )
        yield* untouched(fixture)
      })
    )
  ),

  claim(
    "the workspace itself can not be taken away",
    Effect.scoped(
      Effect.gen(function* () {
        const { spec } = yield* repository
        yield* inside(
          spec(),
          Effect.gen(function* () {
            const fs = yield* FileSystem.FileSystem
            yield* denied("remove .", fs.remove(".", { recursive: true, force: true }))
            yield* denied("rename .", fs.rename(".", "sub/moved"))
            yield* denied("remove sub/..", fs.remove("sub/..", { recursive: true }))
            const names = yield* output("ls")
            yield* expect(names === "file.txt\nsub", `The workspace should hold file.txt and sub, but holds ${names}`)
          })
        )
      })
    )
  )
]
