import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import type * as Change from "@millwright/core/Change"
import * as Contract from "@millwright/core/Contract"
import * as Digest from "@millwright/core/Digest"
import * as ValidatorTest from "@millwright/core/testing/ValidatorTest"
import * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, watch } from "node:fs"
import { basename, dirname } from "node:path"
import * as CommandValidator from "../../src/adapters/CommandValidator.ts"
import * as EvidenceStore from "../../src/EvidenceStore.ts"

const change: Change.Change = { branch: "b", base: "0", head: "1", files: [] }
const clause = (run: string): Contract.Clause => ({
  statement: `\`${run.slice(0, 80)}\` holds`,
  check: { _tag: "Command", run }
})
const quoted = (path: string) => `'${path}'`

const temporary = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  fs.makeTempDirectoryScoped({ prefix: "millwright-validators-" })
)

/** Completes once a file is there with a whole line in it; answers with the line. */
const written = (file: string) =>
  Effect.callback<string>((resume) => {
    const look = () => {
      const text = existsSync(file) ? readFileSync(file, "utf8") : ""
      if (text.endsWith("\n")) resume(Effect.succeed(text.trim()))
    }
    const watcher = watch(dirname(file), (_, name) => {
      if (name === basename(file)) look()
    })
    look()
    return Effect.sync(() => watcher.close())
  })

const isAlive = (pid: string): boolean => {
  const state = execFileSync("sh", ["-c", 'ps -o stat= -p "$1" || true', "sh", pid], { encoding: "utf8" }).trim()
  return state !== "" && !state.startsWith("Z")
}

const judge = Effect.fnUntraced(function* (run: string, options: CommandValidator.Options = {}) {
  const contract = Contract.freeze("item", [clause(run)])
  const verdict = yield* CommandValidator.make(options).judge({ contract, change })
  const [finding] = verdict.findings
  const [evidence] = finding?.evidence ?? []
  if (finding === undefined || evidence === undefined) return assert.fail("no finding, or one without evidence")
  return { verdict, finding, evidence }
})

const test = (
  title: string,
  body: Effect.Effect<void, unknown, NodeServices.NodeServices | Scope.Scope>,
  timeout = 30_000
) => it.live(title, () => Effect.provide(body, NodeServices.layer), timeout)

ValidatorTest.suite(
  "CommandValidator",
  Layer.effect(
    ValidatorTest.Fixture,
    Effect.gen(function* () {
      const spawner = yield* ChildProcessSpawner
      const directory = yield* temporary
      const validator = CommandValidator.make()
      const file = `${directory}/pid`
      return {
        validator: {
          ...validator,
          judge: (subject) => Effect.provideService(validator.judge(subject), ChildProcessSpawner, spawner)
        },
        change,
        holds: clause("echo fine"),
        fails: clause("echo broken; exit 1"),
        beyond: { statement: "it looks good" },
        endless: {
          clause: clause(`sleep 86400 & echo $! > ${quoted(file)}; wait`),
          begun: Effect.asVoid(written(file)),
          ended: Effect.flatMap(written(file), (pid) =>
            Effect.sync(() => assert.isFalse(isAlive(pid), `the process ${pid} should be gone`))
          )
        }
      }
    })
  ).pipe(Layer.provide(NodeServices.layer))
)

describe("how a command ends", () => {
  for (const [run, status, said] of [
    ["true", "pass", "exited with 0"],
    ["exit 1", "fail", "exited with 1"],
    ["exit 255", "fail", "exited with 255"],
    ["kill -9 $$", "fail", "SIGKILL"],
    ["kill -SEGV $$", "fail", "SIGSEGV"],
    ["(kill -9 $BASHPID); exit $?", "fail", "exited with 137"],
    ["no-such-program-anywhere", "fail", "exited with 127, as when a program is not found"],
    ["set -o pipefail; false | cat", "fail", "exited with 1"],
    ["-x", "fail", "exited with 127"],
    ["x\0y", "error", "no NUL"],
    [`: ${"x".repeat(150_000)}`, "error", "is no command"]
  ] as const) {
    test(
      `${JSON.stringify(run.slice(0, 40))}: ${status}, ${said}`,
      Effect.gen(function* () {
        const { finding, verdict } = yield* judge(run)
        assert.deepStrictEqual([finding.status, verdict.accepted], [status, status === "pass"], finding.reason)
        assert.include(finding.reason, said)
      })
    )
  }

  test(
    "where bash is not installed, it is an error that says so",
    Effect.gen(function* () {
      const directory = yield* temporary
      const path = process.env["PATH"]
      yield* Effect.acquireRelease(
        Effect.sync(() => void (process.env["PATH"] = directory)),
        () => Effect.sync(() => void (process.env["PATH"] = path))
      )
      const { finding } = yield* judge("true")
      assert.strictEqual(finding.status, "error", finding.reason)
      assert.include(finding.reason, "Install bash")
    })
  )

  test(
    "a time-out kills the tree, also one that ignores SIGTERM, and keeps what was printed",
    Effect.gen(function* () {
      const directory = yield* temporary
      const run = `trap '' TERM; (trap '' TERM; sleep 86400) & echo $! > ${quoted(`${directory}/pid`)}; echo partial; wait; wait`
      const { evidence, finding } = yield* judge(run, { timeout: "1 second" })
      assert.strictEqual(finding.status, "error", "that it took too long is no judgement of the change")
      assert.include(finding.reason, "did not end within 1s")
      assert.strictEqual(evidence.excerpt, "partial\n", "what it printed is kept")
      assert.isFalse(isAlive(yield* written(`${directory}/pid`)), "its child should be gone")
    })
  )

  test(
    "a process that it leaves in the background does not keep it waiting, and is gone",
    Effect.gen(function* () {
      const directory = yield* temporary
      const { finding } = yield* judge(`sleep 86400 & echo $! > ${quoted(`${directory}/pid`)}; exit 0`, {
        timeout: "20 seconds"
      })
      assert.strictEqual(finding.status, "pass", finding.reason)
      assert.isFalse(isAlive(yield* written(`${directory}/pid`)), "the background process should be gone")
    })
  )

  test(
    "one that waits for input gets none, and goes on",
    Effect.gen(function* () {
      const { evidence, finding } = yield* judge('cat; read -r x; echo "read: $?"', { timeout: "20 seconds" })
      assert.strictEqual(finding.status, "pass", finding.reason)
      assert.strictEqual(evidence.excerpt, "read: 1\n")
    })
  )

  test(
    "one after the other, and all of them",
    Effect.gen(function* () {
      const file = quoted(`${yield* temporary}/f`)
      const contract = Contract.freeze("item", [
        clause(`echo 1 > ${file}`),
        clause("false"),
        clause(`grep -q 1 ${file}`)
      ])
      const verdict = yield* CommandValidator.make().judge({ contract, change })
      assert.deepStrictEqual(
        verdict.findings.map(({ status }) => status),
        ["pass", "fail", "pass"]
      )
    })
  )
})

describe("what it printed", () => {
  test(
    "100 MB are digested, and 400 MB too, in memory that does not grow with them",
    Effect.gen(function* () {
      const chunk = Buffer.alloc(1024 * 1024)
      const peakOf = Effect.fnUntraced(function* (megabytes: number) {
        const hash = createHash("sha256")
        for (let at = 0; at < megabytes; at++) hash.update(chunk)
        const before = process.memoryUsage.rss()
        let most = before
        const watching = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 5)
        const { evidence } = yield* Effect.ensuring(
          judge(`head -c ${megabytes}M /dev/zero`),
          Effect.sync(() => clearInterval(watching))
        )
        assert.strictEqual(evidence.bytes, megabytes * chunk.length, "the size of the whole")
        assert.strictEqual(evidence.digest, hash.digest("hex"), "the digest of the whole")
        assert.isBelow(evidence.excerpt.length, 9_000, "the excerpt is bounded")
        return (most - before) / 1024 / 1024
      })
      assert.isBelow(yield* peakOf(100), 200, "MB more at 100 MB of output")
      assert.isBelow(yield* peakOf(400), 200, "MB more at 400 MB of output")
    }),
    60_000
  )

  test(
    "the end of a long output is shown, and how much is missing",
    Effect.gen(function* () {
      const { evidence } = yield* judge("seq 1 100000")
      const [first = "", ...rest] = evidence.excerpt.split("\n")
      assert.strictEqual(first, `… ${evidence.bytes - 8_000} bytes before …`)
      assert.deepStrictEqual(rest.slice(-3), ["99999", "100000", ""])
    })
  )

  test(
    "no character is cut in half",
    Effect.gen(function* () {
      for (const after of ["", "a", "aa", "aaa"]) {
        const { evidence } = yield* judge(`for i in $(seq 3000); do printf '🦀'; done; printf '${after}'`)
        assert.notInclude(evidence.excerpt, "\ufffd", `with ${after.length} bytes after`)
        assert.isTrue(evidence.excerpt.endsWith(`🦀🦀${after}`))
      }
    })
  )

  test(
    "bytes that are not UTF-8 are marked, and counted and digested as they are",
    Effect.gen(function* () {
      const { evidence } = yield* judge("printf 'a\\xff\\xfeb\\xc3'")
      assert.deepInclude(evidence, { bytes: 5, digest: Digest.of(Buffer.from([97, 255, 254, 98, 195])) })
      assert.strictEqual(evidence.excerpt, "a\ufffd\ufffdb\ufffd")
    })
  )

  test(
    "output and errors stay in the order in which they were printed",
    Effect.gen(function* () {
      const lines = Array.from({ length: 200 }, (_, at) => String(at))
      const { evidence } = yield* judge(
        "for i in $(seq 0 199); do if ((i % 2)); then echo $i >&2; else echo $i; fi; done"
      )
      assert.deepStrictEqual(evidence.excerpt.trim().split("\n"), lines)
    })
  )

  test(
    "colours and what could steer a terminal are taken out of what people read, not out of the digest",
    Effect.gen(function* () {
      const text =
        "\u001b[31mred\u001b[0m \u001b]0;title\u0007 \u001b\u001b[2J[2J b\bell\u0007 \u009b31m \u202egnp.exe\u2066 a\u2028b 10%\r20%\r\ndone\tok"
      const { evidence } = yield* judge(`printf '%s' ${quoted(text)}`)
      assert.notMatch(evidence.excerpt, /(?![\t\n])[\p{Cc}\p{Bidi_Control}\p{Zl}]/u, "no sign is left that steers")
      assert.isTrue(evidence.excerpt.startsWith("red "), "the word is left, without a rest of its colour")
      assert.include(evidence.excerpt, "10%\n20%\ndone\tok", "lines and tabs are left")
      assert.strictEqual(evidence.digest, Digest.of(text), "the digest is that of the exact bytes")
    })
  )
})

describe("a hostile command", () => {
  for (const [what, text] of [
    ["single quotes", "'; touch PWNED; '"],
    ["double quotes", '"; touch PWNED; "'],
    ["substitutions", "$(touch PWNED) `touch PWNED` ${x:-$(touch PWNED)}"],
    ["line ends", "\ntouch PWNED\n"],
    ["backslashes", "\\'; touch PWNED; \\"]
  ] as const) {
    test(
      `${what} stay in the quotes that the contract put around them`,
      Effect.gen(function* () {
        const directory = yield* temporary
        const escaped = text.replaceAll("PWNED", `${directory}/pwned`).replaceAll("'", "'\\''")
        const { evidence, finding } = yield* judge(`printf '%s' '${escaped}'`)
        assert.strictEqual(finding.status, "pass", finding.reason)
        assert.strictEqual(
          evidence.digest,
          Digest.of(text.replaceAll("PWNED", `${directory}/pwned`)),
          "it is printed as it is"
        )
        assert.isFalse(existsSync(`${directory}/pwned`), "what stood in quotes was run")
      })
    )
  }

  test(
    "does not steer the terminal of whoever reads the reason, in one bounded line",
    Effect.gen(function* () {
      const { evidence, finding, verdict } = yield* judge(`false # \u001b[2J\u202e\n${"#".repeat(5_000)}`)
      for (const text of [finding.reason, evidence.summary, Verdict.complaint(verdict)]) {
        assert.notMatch(text, /(?!\n)[\p{Cc}\p{Bidi_Control}]/u, "no sign is left that steers")
      }
      assert.notInclude(finding.reason, "\n")
      assert.isBelow(finding.reason.length, 500)
    })
  )
})

test(
  "keeps what a command printed, where there is somewhere to keep it and it is not too much",
  Effect.gen(function* () {
    const store = yield* EvidenceStore.EvidenceStore
    const { evidence } = yield* judge("seq 1 5000")
    const kept = Buffer.from(yield* store.read(evidence.digest)).toString()
    assert.isTrue(kept.startsWith("1\n2\n") && kept.endsWith("\n5000\n"), "another content than was printed")
    const { evidence: large, finding } = yield* judge("head -c 11000000 /dev/zero")
    assert.strictEqual(finding.status, "pass")
    assert.strictEqual((yield* Effect.flip(store.read(large.digest))).reason, "NotKept")
  }).pipe(Effect.provide(EvidenceStore.layerMemory))
)
