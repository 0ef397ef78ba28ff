import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { execFileSync } from "node:child_process"
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs"
import * as Edit from "../src/tools/Edit.ts"
import * as Output from "../src/tools/Output.ts"
import * as Truncation from "../src/tools/Truncation.ts"
import * as Tools from "../src/Tools.ts"
import { call, Services, workspace } from "./ToolsWorkplace.ts"

const bytes = (text: string) => Buffer.byteLength(text)

describe("read", () => {
  it.live("numbers lines and goes on at an offset", () =>
    Effect.gen(function* () {
      yield* workspace({ "a.txt": "one\ntwo\nthree\nfour" })
      const all = yield* call("read", { path: "a.txt" })
      assert.strictEqual(all.text, "1\tone\n2\ttwo\n3\tthree\n4\tfour\n[end of file, 4 lines, no line feed at the end]")
      const part = yield* call("read", { path: "a.txt", offset: 2, limit: 2 })
      assert.strictEqual(part.text, "2\ttwo\n3\tthree\n[there may be more: go on with offset 4]")
      const beyond = yield* call("read", { path: "a.txt", offset: 9 })
      assert.include(beyond.text, "only 4 lines", "an offset behind the end has to say where the end is")
    }).pipe(Effect.provide(Services))
  )

  it.live("says what a file is that is empty, has CR LF, or hides text", () =>
    Effect.gen(function* () {
      yield* workspace({
        empty: "",
        crlf: "a\r\nb\r\n",
        bidi: "if (admin\u202e) {}\n",
        esc: "\u001b[8mhidden\u001b[0m\n"
      })
      assert.strictEqual((yield* call("read", { path: "empty" })).text, "[the file is empty]")
      assert.strictEqual(
        (yield* call("read", { path: "crlf" })).text,
        "1\ta\n2\tb\n[end of file, 2 lines, lines end with CR LF]"
      )
      assert.include(
        (yield* call("read", { path: "bidi" })).text,
        "admin\\u{202e}",
        "a bidi override has to be visible"
      )
      assert.include((yield* call("read", { path: "esc" })).text, "1\thidden\n", "concealed text has to be shown")
    }).pipe(Effect.provide(Services))
  )

  it.live("names like ones for a file that is not there", () =>
    Effect.gen(function* () {
      yield* workspace({ "src/parser.ts": "x", "packages/core/src/Journal.ts": "x" })
      const typo = yield* call("read", { path: "src/parsr.ts" })
      assert.strictEqual(typo.reason, "NotFound")
      assert.include(typo.text, "`src/parser.ts`", "a name with one letter missing has to be found in the same folder")
      const elsewhere = yield* call("read", { path: "src/journal.ts" })
      assert.include(elsewhere.text, "packages/core/src/Journal.ts", "the same name elsewhere has to be found")
      assert.include((yield* call("read", { path: "zzz" })).text, "Nothing with a name like it")
    }).pipe(Effect.provide(Services))
  )

  it.live("refuses folders, binary files, devices and paths that lead out", () =>
    Effect.gen(function* () {
      yield* workspace({ "src/a.ts": "x", "logo.png": new Uint8Array([137, 80, 78, 71, 0, 1]) })
      symlinkSync("/etc/hostname", "link")
      symlinkSync("/etc", "folder")
      const expected = {
        src: "NotAFile",
        "logo.png": "NotText",
        "/dev/zero": "Denied",
        "../x": "Denied",
        link: "Denied",
        "folder/passwd": "Denied",
        "": "BadInput",
        "a\0b": "BadInput"
      }
      for (const [path, reason] of Object.entries(expected)) {
        const { reason: found } = yield* call("read", { path })
        assert.strictEqual(found, reason, `reading ${JSON.stringify(path)}`)
      }
      execFileSync("mkfifo", ["pipe"])
      assert.strictEqual(
        (yield* call("read", { path: "pipe" })).reason,
        "NotAFile",
        "a pipe would be waited for without end"
      )
    }).pipe(Effect.provide(Services))
  )

  it.live("stays bounded with long files and long lines, and the parts add up", () =>
    Effect.gen(function* () {
      const lines = Array.from({ length: 5_000 }, (_, at) => `line ${at + 1} ${"é".repeat(20)}`)
      yield* workspace({
        "long.txt": lines.join("\n") + "\n",
        "broad.txt": `${"b".repeat(1_999)}\n`.repeat(40),
        "wide.json": "x".repeat(5_000_000),
        ctrl: "\u0001".repeat(3_000)
      })
      const seen: Array<string> = []
      let offset = 1
      while (seen.length < 5_000) {
        const { text } = yield* call("read", { path: "long.txt", offset })
        assert.isAtMost(bytes(text), Truncation.defaults.read.bytes, "an answer is larger than the limit")
        const shown = text.split("\n").filter((line) => line.includes("\t"))
        assert.isNotEmpty(shown, `no line came back at offset ${offset}`)
        seen.push(...shown.map((line) => line.slice(line.indexOf("\t") + 1)))
        offset += shown.length
      }
      assert.deepStrictEqual(seen, lines, "the parts of a file do not add up to the file")
      const broad = yield* call("read", { path: "broad.txt" })
      assert.isAtMost(
        bytes(broad.text),
        Truncation.defaults.read.bytes,
        "an answer of long lines is larger than the limit"
      )
      assert.include(broad.text, "[there may be more: go on with offset 25]")
      const wide = yield* call("read", { path: "wide.json" })
      assert.include(wide.text, "[4998000 bytes more in this line]")
      assert.isAtMost(bytes((yield* call("read", { path: "ctrl" })).text), Truncation.defaults.read.bytes)
    }).pipe(Effect.provide(Services))
  )
})

describe("grep", () => {
  it.live("finds in tracked and new files, not in ignored or binary ones", () =>
    Effect.gen(function* () {
      yield* workspace({
        ".gitignore": "ignored/\n",
        "src/a.ts": "const needle = 1\n",
        "src/[id].ts": "needle in odd name\n",
        "new.txt": "a Needle\n",
        "ignored/b.ts": "needle\n",
        bin: new Uint8Array([0, ...Buffer.from("needle\n")])
      })
      execFileSync("git", ["add", "src", ".gitignore"])
      const found = yield* call("grep", { pattern: "needle\\b" })
      assert.strictEqual(found.text, "src/[id].ts:1:needle in odd name\nsrc/a.ts:1:const needle = 1\n[2 lines]")
      assert.include((yield* call("grep", { pattern: "needle", ignoreCase: true })).text, "new.txt:1:a Needle")
      assert.include((yield* call("grep", { pattern: "needle", path: "src/[id].ts" })).text, "[1 line]")
      assert.include((yield* call("grep", { pattern: "needle", path: "**/*.ts" })).text, "[2 lines]")
      assert.include((yield* call("grep", { pattern: "needle", path: "src" })).text, "[2 lines]")
      assert.strictEqual((yield* call("grep", { pattern: "nowhere" })).text, "[no line matches]")
    }).pipe(Effect.provide(Services))
  )

  it.live("takes a pattern for a pattern, whatever it begins with", () =>
    Effect.gen(function* () {
      yield* workspace({ "a.txt": "--open-files-in-pager=x $(touch hit) `touch hit`\n-e foo\n" })
      assert.include((yield* call("grep", { pattern: "--open-files" })).text, "a.txt:1:")
      assert.include((yield* call("grep", { pattern: "-e foo" })).text, "a.txt:2:")
      assert.include((yield* call("grep", { pattern: "\\$\\(touch hit\\)", path: "a.txt" })).text, "[1 line]")
      yield* call("grep", { pattern: "$(touch hit)", path: "--output=hit" })
      assert.isFalse(existsSync("hit"), "a part of the pattern or the path was run")
    }).pipe(Effect.provide(Services))
  )

  it.live("says what is wrong with a pattern or a path", () =>
    Effect.gen(function* () {
      yield* workspace({ "a.txt": "a\n" })
      for (const pattern of ["(", "[a", "*a", "a\nb", "a\0"]) {
        const { ok, reason, text } = yield* call("grep", { pattern })
        assert.isFalse(ok, `${JSON.stringify(pattern)} is no pattern`)
        assert.strictEqual(reason, "BadPattern", text)
      }
      assert.strictEqual((yield* call("grep", { pattern: "root", path: "/etc/passwd" })).reason, "Denied")
      assert.strictEqual((yield* call("grep", { pattern: "root", path: "../../etc" })).reason, "Denied")
    }).pipe(Effect.provide(Services))
  )

  it.live("is bounded in lines and in bytes, and works without a repository", () =>
    Effect.gen(function* () {
      yield* workspace(
        { "many.txt": "hit\n".repeat(100_000), "wide.txt": `${"w".repeat(3_000_000)}\n` },
        { git: false }
      )
      const many = yield* call("grep", { pattern: "hit" })
      assert.include(many.text, "[200 lines]\n[there are more", many.text.slice(0, 300))
      const wide = yield* call("grep", { pattern: "www" })
      assert.isTrue(wide.ok, wide.text)
      assert.include(wide.text, "wide.txt:1:www")
      assert.isAtMost(bytes(wide.text), Truncation.defaults.grep.bytes)
    }).pipe(Effect.provide(Services))
  )
})

describe("edit", () => {
  it.live("replaces one occurrence, or all, and keeps the mode", () =>
    Effect.gen(function* () {
      yield* workspace({ "run.sh": "#!/bin/sh\necho one\necho two\n", "b.txt": "x x\nx\n" })
      chmodSync("run.sh", 0o755)
      const one = yield* call("edit", { path: "run.sh", old: "echo two", new: "echo $& $1 two" })
      assert.strictEqual(one.text, "Changed `run.sh` at line 3.")
      assert.strictEqual(
        readFileSync("run.sh", "utf8"),
        "#!/bin/sh\necho one\necho $& $1 two\n",
        "`$&` is text, not a pattern"
      )
      assert.strictEqual(statSync("run.sh").mode & 0o777, 0o755, "the file is no longer executable")
      assert.isTrue((yield* call("edit", { path: "b.txt", old: "x", new: "yy", all: true })).ok)
      assert.strictEqual(readFileSync("b.txt", "utf8"), "yy yy\nyy\n")
      assert.deepStrictEqual(
        readdirSync(".").filter((name) => name.endsWith(".tmp")),
        [],
        "a temporary file was left"
      )
    }).pipe(Effect.provide(Services))
  )

  it.live("says how often and where, and leaves the file alone", () =>
    Effect.gen(function* () {
      const content = "function a() {\n  return 1\n}\nfunction b() {\n  return 1\n}\n"
      yield* workspace({ "a.ts": content, overlap: "aaa", latin1: new Uint8Array([0xe9, 0x0a]) })
      const twice = yield* call("edit", { path: "a.ts", old: "return 1", new: "return 2" })
      assert.strictEqual(twice.reason, "NotUnique")
      assert.include(twice.text, "2 times")
      assert.include(twice.text, "lines 2, 5")
      const missing = yield* call("edit", { path: "a.ts", old: "function b() {\nreturn 1", new: "x" })
      assert.strictEqual(missing.reason, "NoMatch")
      assert.include(missing.text, "line 4", "the place where its first line stands has to be named")
      assert.strictEqual((yield* call("edit", { path: "a.ts", old: "", new: "x" })).reason, "BadInput")
      assert.strictEqual((yield* call("edit", { path: "a.ts", old: "a", new: "a" })).reason, "BadInput")
      assert.strictEqual(
        (yield* call("edit", { path: "overlap", old: "aa", new: "x" })).reason,
        "NotUnique",
        "two places overlap"
      )
      assert.strictEqual(
        (yield* call("edit", { path: "latin1", old: "x", new: "y" })).reason,
        "NotText",
        "it would be damaged"
      )
      assert.strictEqual((yield* call("edit", { path: "b.ts", old: "x", new: "y" })).reason, "NotFound")
      assert.strictEqual((yield* call("edit", { path: ".git/config", old: "[core]", new: "x" })).reason, "Denied")
      assert.strictEqual(readFileSync("a.ts", "utf8"), content, "a failed edit changed the file")
    }).pipe(Effect.provide(Services))
  )

  it.live("keeps line ends, the byte order mark and the last line feed", () =>
    Effect.gen(function* () {
      yield* workspace({ "crlf.txt": "\ufeffone\r\ntwo\r\nthree\r\n", "end.txt": "a\nlast\n", "open.txt": "a\nlast" })
      yield* call("edit", { path: "crlf.txt", old: "one\ntwo", new: "1\n2\n2b" })
      assert.strictEqual(readFileSync("crlf.txt", "utf8"), "\ufeff1\r\n2\r\n2b\r\nthree\r\n")
      yield* call("edit", { path: "end.txt", old: "last\n", new: "end" })
      assert.strictEqual(readFileSync("end.txt", "utf8"), "a\nend\n", "the line feed at the end was lost")
      yield* call("edit", { path: "open.txt", old: "last", new: "end" })
      assert.strictEqual(readFileSync("open.txt", "utf8"), "a\nend", "a line feed was added")
    }).pipe(Effect.provide(Services))
  )

  const line = Schema.String.check(Schema.isPattern(/^[ab \t]*$/))
  it.effect.prop("changes what it says and nothing else", [Schema.Array(line), line, line], ([lines, old, fresh]) =>
    Effect.gen(function* () {
      const text = lines.join("\n")
      const edited = yield* Effect.result(Edit.apply(text, { path: "p", old, new: fresh }))
      const places = old === "" ? 0 : [...text].filter((_, at) => text.startsWith(old, at)).length
      if (edited._tag === "Failure") {
        const expected = old === "" || old === fresh ? "BadInput" : places === 0 ? "NoMatch" : "NotUnique"
        return assert.strictEqual(edited.failure.reason, expected, `${places} places`)
      }
      assert.strictEqual(places, 1, "an edit went through although its text was not unique")
      const at = text.indexOf(old)
      const changed = text.slice(0, at) + fresh + text.slice(at + old.length)
      const kept = text.endsWith("\n") && changed !== "" && !changed.endsWith("\n") ? `${changed}\n` : changed
      assert.strictEqual(edited.success.text, kept)
      assert.deepStrictEqual(edited.success.lines, [text.slice(0, at).split("\n").length])
    })
  )
})

describe("write", () => {
  it.live("makes folders, replaces files, follows links inside and no others", () =>
    Effect.gen(function* () {
      yield* workspace({ "real.txt": "old", "src/x": "x" })
      symlinkSync("real.txt", "alias.txt")
      symlinkSync("/tmp", "out")
      symlinkSync(".git", "git")
      assert.strictEqual(
        (yield* call("write", { path: "a/b/c.txt", content: "hé\n" })).text,
        "Made `a/b/c.txt`, 4 bytes."
      )
      assert.strictEqual(readFileSync("a/b/c.txt", "utf8"), "hé\n")
      assert.isTrue((yield* call("write", { path: "alias.txt", content: "new" })).ok)
      assert.strictEqual(readFileSync("real.txt", "utf8"), "new", "a link has to be written through, not replaced")
      assert.strictEqual((yield* call("write", { path: "src", content: "" })).reason, "NotAFile")
      for (const path of [
        ".git/hooks/pre-commit",
        "git/hooks/pre-commit",
        ".GIT/config",
        ".git",
        "sub/.git",
        "out/millwright-escape",
        "../escape",
        "/tmp/millwright-escape"
      ]) {
        const { reason, text } = yield* call("write", { path, content: "x" })
        assert.strictEqual(reason, "Denied", `${path}: ${text}`)
      }
      assert.isFalse(existsSync("/tmp/millwright-escape"))
      const below = yield* call("write", { path: "real.txt/x", content: "" })
      assert.isFalse(below.ok, "a file can not be a folder")
    }).pipe(Effect.provide(Services))
  )
})

describe("toolkit", () => {
  it.live("answers a call with wrong parameters instead of breaking the run", () =>
    Effect.gen(function* () {
      yield* workspace({})
      for (const input of [{}, { path: 1 }, { path: "a", offset: 0 }, null, "read a"]) {
        const answer = yield* call("read", input)
        assert.isFalse(answer.ok, `${JSON.stringify(input)} was taken`)
      }
      assert.isFalse((yield* call("bash", { script: "true", timeout: 601 })).ok, "a time-out over the limit was taken")
    }).pipe(Effect.provide(Services))
  )

  it("knows which tools only look", () => {
    const { bash, edit, grep, read, write } = Tools.toolkit.tools
    assert.deepStrictEqual([read, grep, edit, write, bash].map(Tools.isReadOnly), [true, true, false, false, false])
  })

  it("sums a call up in one line", () => {
    assert.strictEqual(Tools.summary("grep", { pattern: "a b", path: "src" }), "grep a b in src")
    assert.strictEqual(Tools.summary("bash", { script: "npm\n  test" }), "bash npm test")
    assert.strictEqual(Tools.summary("bash", { script: "x".repeat(500) }).length, 120)
    assert.strictEqual(Tools.summary("odd", null), "odd")
  })
})

describe("Output", () => {
  const Chunks = Schema.Array(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 32, maximum: 126 }))))
  const Size = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 }))
  it.prop(
    "keeps head and tail of whatever comes in, however it is cut",
    [Chunks, Size, Size],
    ([chunks, head, tail]) => {
      const collector = Output.collector({ head, tail })
      for (const chunk of chunks) collector.push(new Uint8Array(chunk))
      const whole = Buffer.from(chunks.flat()).toString("latin1")
      const dropped = whole.length - head - tail
      assert.strictEqual(collector.total(), whole.length)
      assert.strictEqual(
        collector.text(),
        dropped <= 0
          ? whole
          : `${whole.slice(0, head)}\n[… ${dropped} bytes left out …]\n${tail === 0 ? "" : whole.slice(-tail)}`
      )
    }
  )

  it("cuts between characters", () => {
    const collector = Output.collector({ head: 3, tail: 3 })
    collector.push(new TextEncoder().encode("ééééé"))
    assert.strictEqual(collector.text(), "é\n[… 4 bytes left out …]\né")
  })
})
