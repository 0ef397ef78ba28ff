import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as BubblewrapSandbox from "@millwright/sandbox/adapters/BubblewrapSandbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as fs from "node:fs"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import * as Checkout from "../src/Checkout.ts"
import * as ScrutinyLab from "./ScrutinyLab.ts"

const { test } = ScrutinyLab

const shell = (checkout: Checkout.Checkout, text: string) =>
  Effect.flatMap(ChildProcessSpawner, (spawner) => spawner.string(ChildProcess.make("sh", ["-c", text]))).pipe(
    Effect.map((said) => said.trim()),
    Effect.provide(checkout.services)
  )

/** What is left of checkouts: workspaces, branches, git's notes about worktrees. */
const left = (state: string): ReadonlyArray<string> =>
  fs.existsSync(state)
    ? fs
        .readdirSync(state, { recursive: true, withFileTypes: true })
        .flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name).slice(state.length)] : []))
        .filter((file) => /\/checkout\/|\/worktrees\/|\/clones\//.test(file))
    : []

/** Completes once a file is there. */
const there = (file: string) =>
  Effect.callback<void>((resume) => {
    const look = () => void (fs.existsSync(file) && resume(Effect.void))
    const watcher = fs.watch(dirname(file), look)
    look()
    return Effect.sync(() => watcher.close())
  })

const lacking = await Effect.runPromise(
  Effect.match(Effect.scoped(Layer.build(Layer.provide(BubblewrapSandbox.layer, NodeServices.layer))), {
    onFailure: ({ message }) => message,
    onSuccess: () => undefined
  })
)

describe("a fresh checkout", () => {
  test(
    "is the commit, and nothing of the tree that somebody works in",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n", ".gitignore": "ignored\n" })
      const head = lab.commit({ "a.txt": "two\n" })
      fs.writeFileSync(join(lab.repository, "a.txt"), "of the worker")
      fs.writeFileSync(join(lab.repository, "ignored"), "of the worker")
      fs.writeFileSync(join(lab.repository, "untracked"), "of the worker")
      const checkout = yield* Checkout.open({ repository: lab.repository, commit: "main" })
      assert.strictEqual(checkout.commit, head)
      assert.strictEqual(yield* shell(checkout, "cat a.txt; ls -A | sort | tr '\\n' ' '"), "two\n.git .gitignore a.txt")
      assert.isFalse(checkout.directory.startsWith(lab.repository), "it lies in the repository of the worker")
    })
  )

  test(
    "runs no program that the repository's configuration, hooks or attributes name",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n", ".gitattributes": "* filter=evil\n" })
      const evil = join(lab.folder, "evil")
      const trap = join(lab.folder, "trap.sh")
      fs.writeFileSync(trap, `#!/bin/sh\ntouch ${evil}\ncat\n`, { mode: 0o755 })
      for (const [key, value] of [
        ["filter.evil.smudge", trap],
        ["filter.evil.clean", trap],
        ["filter.evil.process", trap],
        ["core.fsmonitor", trap],
        ["core.hooksPath", lab.folder],
        ["core.worktree", lab.folder]
      ] as const) {
        lab.git("config", key, value)
      }
      fs.copyFileSync(trap, join(lab.folder, "post-checkout"))
      fs.copyFileSync(trap, join(lab.folder, "reference-transaction"))
      fs.copyFileSync(trap, join(lab.repository, ".git", "hooks", "post-checkout"))
      fs.rmSync(evil, { force: true })
      const checkout = yield* Checkout.open({ repository: join(lab.repository, ".git"), commit: "main" })
      assert.strictEqual(yield* shell(checkout, "cat a.txt; git status --porcelain"), "one")
      assert.deepStrictEqual(yield* checkout.changed, [])
      assert.isFalse(fs.existsSync(evil), "a program of the repository ran")
    })
  )

  test(
    "is gone with its branch when its scope closes, and the repository is as it was",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
      const refs = lab.git("for-each-ref")
      const directory = yield* Effect.scoped(
        Effect.gen(function* () {
          const checkout = yield* Checkout.open({ repository: lab.repository, commit: "HEAD" })
          const identity = "-c user.name=a -c user.email=a@example.invalid"
          yield* shell(checkout, `git ${identity} commit -q --allow-empty -m more; git branch other; touch new`)
          assert.isNotEmpty(left(lab.state), "nothing is there while it is open: what is looked for is wrong")
          return checkout.directory
        })
      )
      assert.isFalse(fs.existsSync(directory), `${directory} is still there`)
      assert.deepStrictEqual(left(lab.state), [])
      assert.strictEqual(lab.git("for-each-ref"), refs, "the branches of the repository")
      assert.isFalse(fs.existsSync(join(lab.repository, ".millwright")), "nothing is made in the repository")
    })
  )

  test(
    "is gone when it is interrupted while it is made ready, with all that runs in it",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
      const pid = join(lab.folder, "pid")
      const run = `sleep 86400 & echo $! > ${pid}.part; mv ${pid}.part ${pid}; wait`
      const opening = yield* Effect.forkChild(
        Effect.scoped(Checkout.open({ repository: lab.repository, commit: "HEAD", prepare: { run } })),
        { startImmediately: true }
      )
      yield* there(pid)
      yield* Fiber.interrupt(opening)
      assert.deepStrictEqual(left(lab.state), [])
      const process = `/proc/${fs.readFileSync(pid, "utf8").trim()}/stat`
      assert.isTrue(
        !fs.existsSync(process) || / Z /.test(fs.readFileSync(process, "utf8")),
        "what ran in it still runs"
      )
    })
  )

  test(
    "what a process that was killed has left, ignored files too, is in no later one",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n", ".gitignore": "ignored\n" })
      const options = { repository: lab.repository, commit: "HEAD" }
      const directory = yield* Effect.scoped(Effect.map(Checkout.open(options), (it) => it.directory))
      fs.mkdirSync(directory)
      fs.writeFileSync(join(directory, "ignored"), "left")
      const again = yield* Checkout.open(options)
      assert.strictEqual(again.directory, directory, "the same place is used again")
      assert.strictEqual(yield* shell(again, "ls -A | sort | tr '\\n' ' '"), ".git .gitignore a.txt")
    })
  )

  test(
    "several at once are several, of one commit and of others",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
      lab.commit({ "a.txt": "two\n" })
      const commits = ["HEAD", "HEAD~1", "HEAD", "HEAD~1", "HEAD"]
      const all = yield* Effect.forEach(commits, (commit) => Checkout.open({ repository: lab.repository, commit }), {
        concurrency: "unbounded"
      })
      assert.strictEqual(new Set(all.map(({ directory }) => directory)).size, 5, "each has a folder of its own")
      yield* shell(all[0] ?? assert.fail("none"), "echo mine > a.txt")
      const texts = yield* Effect.forEach(all, (checkout) => shell(checkout, "cat a.txt"))
      assert.deepStrictEqual(texts, ["mine", "one", "two", "one", "two"])
    })
  )

  for (const [what, commit] of [
    ["an id that no commit has", "1".repeat(40)],
    ["no text", ""],
    ["an option", "--help"],
    ["a file", "HEAD:a.txt"],
    ["a NUL", "HEAD\0"]
  ] as const) {
    test(
      `${what} is no commit`,
      Effect.gen(function* () {
        const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
        const error = yield* Effect.flip(Checkout.open({ repository: lab.repository, commit }))
        assert.strictEqual(error.reason, "SubjectUnavailable", error.message)
        assert.deepStrictEqual(left(lab.state), [])
      })
    )
  }

  test(
    "a folder that is no repository, and a commit whose files are lost, can not be checked out",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
      const none = yield* Effect.flip(Checkout.open({ repository: lab.folder, commit: "HEAD" }))
      assert.strictEqual(none.reason, "SubjectUnavailable", none.message)
      const blob = lab.git("rev-parse", "HEAD:a.txt").trim()
      fs.rmSync(join(lab.repository, ".git", "objects", blob.slice(0, 2), blob.slice(2)), { force: true })
      const lost = yield* Effect.flip(Effect.scoped(Checkout.open({ repository: lab.repository, commit: "HEAD" })))
      assert.strictEqual(lost.reason, "SubjectUnavailable", lost.message)
      assert.deepStrictEqual(left(lab.state), [])
    })
  )
})

describe("what makes it ready", () => {
  test(
    "is run in it; when it fails, it says how and what it printed",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
      const open = (prepare: Checkout.Prepare) => Checkout.open({ repository: lab.repository, commit: "HEAD", prepare })
      const checkout = yield* open({ run: "cp a.txt installed" })
      assert.strictEqual(yield* shell(checkout, "cat installed"), "one")
      for (const [prepare, reason, said] of [
        [{ run: "echo no such package; exit 3" }, "CommandFailed", /exited with 3.*\n?.*no such package/],
        [{ run: "kill -9 $$" }, "CommandFailed", /SIGKILL/],
        [{ run: "sleep 86400", timeout: "200 millis" }, "TimedOut", /did not end within/],
        [{ run: "echo two > a.txt" }, "FilesChanged", /rewrote files of the commit: a.txt/]
      ] as const) {
        const error = yield* Effect.flip(open(prepare))
        assert.strictEqual(
          left(lab.state).filter((file) => file.includes("checkout-2")).length,
          0,
          "it is gone at once"
        )
        assert.deepStrictEqual([error._tag, error.reason], ["NotPrepared", reason], error.message)
        assert.match(error.message, said)
      }
    })
  )
})

describe("what is not as the commit has it", () => {
  test(
    "is seen, whatever git in the checkout was told to overlook",
    Effect.gen(function* () {
      const files = { "a.txt": "a\n", "b.txt": "b\n", "c.txt": "c\n", "d.sh": "d\n", "e.txt": "e\n", "ü \n.txt": "u\n" }
      const lab = yield* ScrutinyLab.make({ ...files, ".gitignore": "ignored\n" })
      const checkout = yield* Checkout.open({ repository: lab.repository, commit: "HEAD" })
      assert.deepStrictEqual(yield* checkout.changed, [], "nothing ran yet")
      yield* shell(checkout, "touch untracked ignored; touch a.txt")
      assert.deepStrictEqual(yield* checkout.changed, [], "what is not of the commit is nobody's")
      yield* shell(
        checkout,
        `git update-index --assume-unchanged a.txt; echo x > a.txt
         git update-index --skip-worktree b.txt; rm b.txt
         rm c.txt; ln -s a.txt c.txt; chmod +x d.sh
         printf 'x\\n' > e.txt; git add e.txt; git -c user.name=a -c user.email=a@example.invalid commit -q -m hidden
         echo x > "$(printf 'ü \\n.txt')"`
      )
      assert.sameMembers([...(yield* checkout.changed)], ["a.txt", "b.txt", "c.txt", "d.sh", "e.txt", "ü \n.txt"])
    })
  )
})

describe.skipIf(lacking !== undefined)(
  `in a sandbox that isolates${lacking === undefined ? "" : `: ${lacking}`}`,
  () => {
    it.live(
      "the network is closed, also after what makes it ready had one",
      () =>
        Effect.gen(function* () {
          const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
          const port = yield* Effect.acquireRelease(
            Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
              const server = createServer((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"))
              server.listen(0, "127.0.0.1", () => {
                const address = server.address()
                const port = typeof address === "object" && address !== null ? address.port : 0
                resume(Effect.succeed({ port, close: () => void server.close() }))
              })
            }),
            ({ close }) => Effect.sync(close)
          )
          const host = `host.millwright.internal:${port.port}`
          const ask = `node -e '
          const http = require("http"), proxy = new URL(process.env.HTTP_PROXY || process.env.http_proxy || "http://127.0.0.1:9");
          http.get({ host: proxy.hostname, port: proxy.port, path: "http://${host}/", headers: { host: "${host}" } }, (r) => { console.log(r.statusCode); r.resume() })
            .on("error", () => console.log("closed"))'`
          const checkout = yield* Checkout.open({
            repository: lab.repository,
            commit: "HEAD",
            prepare: { run: `${ask} > ready`, egress: { _tag: "Allow", domains: [host] } }
          })
          assert.strictEqual(yield* shell(checkout, "cat ready"), "200", "while it is made ready")
          assert.notStrictEqual(yield* shell(checkout, ask), "200", "afterwards")
          assert.deepStrictEqual(yield* checkout.changed, [])
          yield* shell(checkout, "echo x > a.txt")
          assert.deepStrictEqual(yield* checkout.changed, ["a.txt"])
        }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(BubblewrapSandbox.layer, NodeServices.layer))),
      60_000
    )

    it.live(
      "it is gone with its branch when its scope closes",
      () =>
        Effect.gen(function* () {
          const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
          yield* Effect.scoped(
            Effect.gen(function* () {
              const checkout = yield* Checkout.open({ repository: lab.repository, commit: "HEAD" })
              const identity = "-c user.name=a -c user.email=a@example.invalid"
              yield* shell(checkout, `git ${identity} commit -q --allow-empty -m more`)
            })
          )
          assert.deepStrictEqual(left(lab.state), [])
        }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(BubblewrapSandbox.layer, NodeServices.layer))),
      60_000
    )
  }
)

ScrutinyLab.test(
  "the mirror of a repository that is gone goes with the next checkout, and no half of a file stays",
  Effect.gen(function* () {
    const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
    const mirrors = join(lab.state, "millwright", "checkouts")
    const gone = join(mirrors, "0123456789ab", "objects", "info")
    fs.mkdirSync(gone, { recursive: true })
    fs.writeFileSync(join(gone, "alternates"), `${join(lab.folder, "no-such-repository")}\n`)
    fs.mkdirSync(join(mirrors, "somebody-elses"))
    yield* Effect.scoped(Checkout.open({ repository: lab.repository, commit: "HEAD" }))
    const left = fs.readdirSync(mirrors)
    assert.notInclude(left, "0123456789ab", "a mirror that is of no use is still there")
    assert.include(left, "somebody-elses", "what is no mirror was removed")
    const parts = fs.readdirSync(mirrors, { recursive: true }).filter((name) => String(name).includes("part-"))
    assert.deepStrictEqual(parts, [])
  })
)
