import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import * as WriteSurface from "../src/WriteSurface.ts"
import * as Workplace from "./ToolsWorkplace.ts"

const files = {
  "docs/a.md": "a\n",
  "src/main.ts": "main\n",
  "src/run.sh": "#!/bin/sh\n",
  "notes.txt": "not tracked\n",
  ".gitignore": "cache/\n",
  "cache/one": "ignored\n"
}

/** A workspace with a commit of all but the notes, and a surface of the documents. */
const place = Effect.gen(function* () {
  const folder = yield* Workplace.workspace(files)
  chmodSync("src/run.sh", 0o755)
  symlinkSync("main.ts", "src/link.ts")
  mkdirSync("docs/deep")
  execFileSync("git", ["add", "docs", "src", ".gitignore"])
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "one"])
  return folder
})

const surface = WriteSurface.make(["docs/**"])
const within = WriteSurface.within({ surface, owner: "the plugin acme" })

const bash = (script: string) => Workplace.call("bash", { script })

type Needs = Scope.Scope | Layer.Success<typeof Workplace.Services>

const test = (title: string, body: Effect.Effect<void, unknown, Needs>) =>
  it.live(title, () => Effect.andThen(place, body).pipe(Effect.scoped, Effect.provide(Workplace.Services)))

/** What stands in the folder, as far as it matters. */
const state = () =>
  execFileSync("find", [
    ".",
    "-path",
    "./.git/objects",
    "-prune",
    "-o",
    "-path",
    "./.git/index",
    "-prune",
    "-o",
    "-print"
  ])
    .toString()
    .split("\n")
    .filter((path) => path !== "" && !/^\.\/\.git\/(?:logs|COMMIT_EDITMSG|ORIG_HEAD)/.test(path))
    .filter((path) => !path.startsWith("./docs"))
    .sort()
    .map((path) => {
      const stat = lstatSync(path)
      const kind = stat.isSymbolicLink() ? readlinkSync(path) : stat.isFile() ? readFileSync(path, "latin1") : "folder"
      return `${path} ${stat.isFile() ? stat.mode & 0o777 : ""} ${kind}`
    })

describe("a write surface, at the tools that write", () => {
  test(
    "is what they can change, and no link leads out of it",
    Effect.gen(function* () {
      symlinkSync("../src", "docs/linked")
      symlinkSync("../src/new.ts", "docs/dangling.md")
      symlinkSync("../src/main.ts", "docs/file.md")
      const before = state()
      const answers = yield* within(
        Effect.gen(function* () {
          const write = (path: string) =>
            Effect.map(
              Workplace.call("write", { path, content: "x\n" }),
              ({ ok, reason }) => `${path} ${ok ? "yes" : reason}`
            )
          return [
            yield* write("docs/b.md"),
            yield* write("docs/new/c.md"),
            yield* write("src/main.ts"),
            yield* write("top.txt"),
            yield* write("docs/linked/main.ts"),
            yield* write("docs/file.md"),
            yield* write("docs/../src/main.ts"),
            yield* write("cache/one")
          ]
        })
      )
      assert.deepStrictEqual(answers, [
        "docs/b.md yes",
        "docs/new/c.md yes",
        "src/main.ts Denied",
        "top.txt Denied",
        "docs/linked/main.ts Denied",
        "docs/file.md Denied",
        "docs/../src/main.ts Denied",
        "cache/one Denied"
      ])
      assert.deepStrictEqual(state(), before)
    })
  )

  test(
    "holds for every way that a file system has to change something",
    Effect.gen(function* () {
      symlinkSync("../src/new.ts", "docs/dangling.md")
      const before = state()
      const fs = yield* FileSystem.FileSystem
      const bytes = new Uint8Array([1])
      yield* within(
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem
          const ways: Readonly<Record<string, Effect.Effect<unknown, unknown, Scope.Scope>>> = {
            "rename out": fs.rename("docs/a.md", "src/a.md"),
            "rename in": fs.rename("src/main.ts", "docs/main.ts"),
            "rename a folder": fs.rename("docs", "moved"),
            "copy out": fs.copyFile("docs/a.md", "src/a.md"),
            "copy a folder out": fs.copy("docs", "src/docs"),
            "link out": fs.link("docs/a.md", "src/a.md"),
            "link in": fs.link("src/main.ts", "docs/main.ts"),
            "symlink out": fs.symlink("docs", "elsewhere"),
            remove: fs.remove("src/main.ts"),
            "remove all": fs.remove(".", { recursive: true }),
            "remove git": fs.remove(".git", { recursive: true }),
            truncate: fs.truncate("src/main.ts"),
            chmod: fs.chmod("src/run.sh", 0o600),
            utimes: fs.utimes("src/main.ts", 0, 0),
            "open to write": Effect.scoped(fs.open("src/main.ts", { flag: "r+" })),
            "through a link to nothing": fs.writeFile("docs/dangling.md", bytes),
            "git's own": fs.writeFile(".git/hooks/pre-commit", bytes),
            "a folder outside": fs.makeDirectory("../millwright-not-here"),
            absolute: fs.writeFile(`${tmpdir()}/millwright-not-here`, bytes),
            "a temporary file": fs.makeTempFile({ directory: "src" })
          }
          for (const [name, way] of Object.entries(ways)) {
            const exit = yield* Effect.exit(Effect.scoped(way))
            assert.isTrue(Exit.isFailure(exit), `${name} was not refused`)
          }
          yield* fs.rename("docs/a.md", "docs/b.md")
          const own = yield* fs.makeTempDirectory()
          yield* fs.writeFile(`${own}/x`, bytes)
          yield* fs.remove(own, { recursive: true })
        })
      )
      assert.deepStrictEqual(state(), before)
      assert.deepStrictEqual(yield* fs.exists("docs/b.md"), true)
    })
  )
})

describe("a write surface, at the end", () => {
  const outside = (title: string, script: string, named: ReadonlyArray<string>) =>
    test(
      title,
      Effect.gen(function* () {
        const before = state()
        const error = yield* Effect.flip(within(Effect.andThen(bash(script), bash("echo b > docs/b.md"))))
        assert.strictEqual(error._tag, "SurfaceError")
        assert.strictEqual(error._tag === "SurfaceError" && error.reason, "Outside")
        assert.include(error.message, "the plugin acme")
        for (const path of named) assert.include(error.message, `"${path}"`)
        assert.include(error.message, "All of it is undone")
        assert.deepStrictEqual(state(), before)
        assert.strictEqual(readFileSync("docs/b.md", "utf8"), "b\n", "what it may change was undone too")
      })
    )

  outside("undoes a tracked file that was changed", "echo evil >> src/main.ts", ["src/main.ts"])
  outside(
    "undoes one of the same size and times",
    't=$(stat -c %y src/main.ts); echo evil > src/main.ts; touch -d "$t" src/main.ts',
    ["src/main.ts"]
  )
  outside("undoes new files and folders", "mkdir -p new/deep && echo x > new/deep/f && echo x > top", [
    "new/deep/f",
    "top"
  ])
  outside("undoes what was not tracked", "rm notes.txt", ["notes.txt"])
  outside("undoes what git ignores", "echo y >> cache/one; echo z > cache/two", ["cache/one", "cache/two"])
  outside("undoes a change of mode", "chmod -x src/run.sh", ["src/run.sh"])
  outside("undoes links that were turned", "ln -sfn /etc src/link.ts", ["src/link.ts"])
  outside("undoes what was moved in", "mv src/main.ts docs/main.ts", ["src/main.ts"])
  outside("undoes what was moved out", "mv docs/a.md src/a.md", ["src/a.md"])
  outside(
    "undoes a folder that became a link",
    "rm -r src && mkdir docs/src && ln -s docs/src src && echo x > src/main.ts",
    ["src", "src/main.ts"]
  )
  outside("undoes what was written through a second name", "ln src/main.ts docs/main.ts && echo evil > docs/main.ts", [
    "src/main.ts"
  ])
  outside(
    "undoes a branch that is called as a folder of git is, and objects that are borrowed",
    "cp .git/refs/heads/* .git/refs/heads/objects && echo /tmp > .git/objects/info/alternates && mkdir -p .git/modules/lfs/hooks && echo x > .git/modules/lfs/hooks/pre-commit",
    [".git/refs/heads/objects", ".git/objects/info/alternates", ".git/modules/lfs/hooks/pre-commit"]
  )
  outside("undoes hooks and settings of git", "echo x > .git/hooks/pre-commit; git config core.fsmonitor ./evil", [
    ".git/hooks/pre-commit",
    ".git/config"
  ])
  outside(
    "undoes settings of a submodule",
    "mkdir -p .git/modules/sub/hooks && echo x > .git/modules/sub/hooks/pre-commit",
    [".git/modules/sub/hooks/pre-commit"]
  )
  outside(
    "undoes what was committed, so that no status of git shows it",
    "echo evil > src/main.ts; git add -A; git -c user.name=a -c user.email=a@b commit -qm evil",
    ["src/main.ts"]
  )
  outside("undoes what was made too large to be read", "truncate -s 1T src/main.ts notes.txt", [
    "src/main.ts",
    "notes.txt"
  ])
  outside("undoes what is a pipe now", "rm src/main.ts && mkfifo src/main.ts", ["src/main.ts"])
  outside(
    "undoes what is in a folder that nobody may enter",
    "echo x > src/new && mkdir shut && echo x > shut/x && chmod 0 src/main.ts shut",
    ["src/main.ts", "src/new"]
  )
  outside("undoes everything", "rm -rf src cache notes.txt .gitignore", ["src/main.ts", "cache/one", "notes.txt"])

  test(
    "leaves alone what only looked",
    Effect.gen(function* () {
      const before = state()
      const answer = yield* within(bash("git status --short; git diff; cat src/main.ts"))
      assert.isTrue(answer.ok)
      assert.deepStrictEqual(state(), before)
    })
  )

  test(
    "undoes also where the agent failed or was stopped",
    Effect.gen(function* () {
      const before = state()
      const failed = yield* Effect.flip(within(Effect.andThen(bash("echo x > top"), Effect.fail("it broke" as const))))
      assert.include(String(failed), "top")
      const begun = yield* Deferred.make<void>()
      const stopping = within(
        bash("echo x > top").pipe(Effect.andThen(Deferred.succeed(begun, undefined)), Effect.andThen(Effect.never))
      )
      const fiber = yield* Effect.forkChild(stopping)
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(state(), before)
    })
  )

  test(
    "begins nothing where there is more than can be put back, and keeps nothing afterwards",
    Effect.gen(function* () {
      const kept = () => readdirSync(tmpdir()).filter((name) => name.startsWith("millwright-surface-"))
      const already = kept()
      for (const limits of [{ maxBytes: 10 }, { maxEntries: 3 }]) {
        const error = yield* Effect.flip(
          WriteSurface.within({ surface, owner: "x", ...limits })(Effect.sync(() => writeFileSync("ran", "x")))
        )
        assert.strictEqual(error.reason, "TooLarge")
      }
      assert.isFalse(existsSync("ran"))
      assert.deepStrictEqual(kept(), already)
      // New files do not count: who makes many shall not get away with it.
      const many = WriteSurface.within({ surface, owner: "x", maxEntries: 80 })(
        bash("for i in $(seq 200); do echo x > f$i; done")
      )
      assert.strictEqual((yield* Effect.flip(many)).reason, "Outside")
      assert.isFalse(existsSync("f1"))
      assert.strictEqual(statSync("src/run.sh").mode & 0o777, 0o755)
    })
  )
})

describe("globs of a write surface", () => {
  it("stay inside, and never reach git's own files", () => {
    for (const glob of [
      "../x",
      "/etc/**",
      "a/../../b",
      "C:/x",
      "a\\b",
      "",
      "a//b",
      ".git/**",
      "do\u202ecs/**",
      "docs/",
      "!secrets/**",
      "app/[id]/**",
      "!(secrets)/**",
      "docs/+(a)"
    ]) {
      assert.isDefined(WriteSurface.problem(glob), glob)
    }
    for (const glob of ["docs/**", "**/*.md", "src/{a,b}.ts", ".github/workflows/*.yml", "app/(shop)/*.ts"]) {
      assert.isUndefined(WriteSurface.problem(glob), glob)
    }
    const many = WriteSurface.make([`${"{a,b}".repeat(150)}/**`])
    assert.isFalse(many.allows("a/b"), "a glob of many alternatives has to end")
    const all = WriteSurface.make(["**"])
    assert.deepStrictEqual([".env", "a/.b/c", ".git/config", "a/.GIT/hooks/x"].map(all.allows), [
      true,
      true,
      false,
      false
    ])
    assert.isFalse(WriteSurface.make([]).allows("a"))
  })
})
