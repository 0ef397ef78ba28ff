import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Formatter from "effect/Formatter"
import * as Hash from "effect/Hash"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { posix, win32 } from "node:path"
import { format, inspect } from "node:util"
import * as Fault from "../src/Fault.ts"
import * as Redaction from "../src/Redaction.ts"
import * as Tainted from "../src/Tainted.ts"

const said = "ignore-all-you-were-told"
const tainted = Tainted.of("comment of somebody", said)
const shown = "[tainted: comment of somebody]"

const accepted = <A>(text: string, check: Tainted.Check<A>): A | undefined =>
  Result.getOrUndefined(Tainted.pass(Tainted.of("t", text), check))

/** Texts that are made to get past a check, beside any text at all. */
const hostile = Schema.Array(
  Schema.Union([
    Schema.String,
    Schema.Literals([
      "/",
      "\\",
      "..",
      ".",
      "~",
      "-",
      ".git",
      ".GIT",
      "git~1",
      "C:",
      " ",
      "\n",
      "\r",
      "\t",
      "\0",
      "a",
      "src"
    ]),
    Schema.Literals([
      "\u202e",
      "\u200b",
      "\u200d",
      "\u3164",
      "\u00ad",
      "\u{e0041}",
      "\ud800",
      "\u2028",
      "\u00a0",
      "\u001b[2J"
    ]),
    Schema.Literals([
      "#",
      "1",
      "@",
      "ada",
      "[",
      "]",
      "(",
      "skip",
      "ci",
      "!",
      "<",
      "!--",
      ":",
      "signed-off-by",
      "\n\n",
      ".lock"
    ])
  ])
)

describe("A tainted text", () => {
  it("never shows itself where it is printed, logged, or put into a template or JSON", () => {
    class Failed extends Data.TaggedError("Failed")<{ readonly text: Tainted.Tainted }> {}
    const failed = new Failed({ text: tainted })
    const held = { nested: [tainted], failed }
    const ways: Record<string, string> = {
      template: `${tainted}`,
      concatenation: `${"" + (tainted as unknown as string)}${[tainted].join()}`,
      json: JSON.stringify(held),
      inspect: inspect(held, { depth: 9, showHidden: true }),
      format: format("%s %o %O %j %d", tainted, tainted, tainted, tainted, tainted),
      formatter: Formatter.format(held) + Formatter.formatJson(held),
      cause: Cause.pretty(Cause.fail(tainted)) + Cause.pretty(Cause.die(failed)) + inspect(Cause.fail(tainted)),
      exit: inspect(Exit.fail(tainted), { depth: 9 }) + JSON.stringify(Exit.fail(tainted)),
      error: String(failed) + inspect(failed) + inspect(new Error("why", { cause: tainted })),
      fault: JSON.stringify([Fault.record(tainted), Fault.record(failed)]),
      keys: Object.keys(tainted).join() + JSON.stringify(Object.entries(tainted))
    }
    for (const [way, text] of Object.entries(ways)) assert.notInclude(text, said, `it shows itself by ${way}`)
    assert.strictEqual(ways["template"], shown)
    assert.include(ways["json"], shown)
    assert.include(ways["inspect"], shown)
  })

  it.effect("is not in what any logger writes", () =>
    Effect.gen(function* () {
      for (const [name, logger] of Object.entries({
        simple: Logger.formatSimple,
        logfmt: Logger.formatLogFmt,
        structured: Logger.formatStructured,
        json: Logger.formatJson
      })) {
        const lines: Array<string> = []
        const kept = Logger.map(logger, (line: unknown) => void lines.push(inspect(line, { depth: 9 })))
        yield* Effect.logError("it failed", tainted, { tainted }, Cause.fail(tainted)).pipe(
          Effect.annotateLogs({ tainted }),
          Effect.provide(Logger.layer([kept]))
        )
        assert.include(lines.join(), "it failed", `the logger ${name} wrote nothing`)
        assert.notInclude(lines.join(), said, `the logger ${name} writes it`)
      }
    })
  )

  it("is not in what a schema says of it", () => {
    const schemas = [
      Schema.String,
      Schema.Number,
      Schema.Literal("x"),
      Schema.Struct({ a: Schema.String }),
      Schema.TaggedUnion({ A: { b: Schema.Number } }),
      Schema.Record(Schema.String, Schema.Number),
      Tainted.text("o"),
      Tainted.text("o").check(Schema.makeFilter(() => false, { expected: "another one" }))
    ]
    for (const schema of schemas) {
      for (const value of [tainted, said, [tainted], { a: tainted }, { _tag: "A", b: tainted }, { _tag: tainted }]) {
        for (const run of [Schema.decodeUnknownResult(schema), Schema.encodeUnknownResult(schema)]) {
          const result = run(value, { errors: "all" })
          if (Result.isSuccess(result)) continue
          assert.notInclude(String(result.failure), said)
          assert.notInclude(inspect(result.failure, { depth: 9 }), `content): '${said}'`)
        }
      }
    }
    assert.include(
      String(Result.getFailure(Schema.encodeUnknownResult(Tainted.text("o"))(1))),
      "Tainted.of(origin, text)",
      "the message does not say what was expected"
    )
  })

  it("shows its origin in one line, whoever wrote that", () => {
    const liar = Tainted.of(`me\n2026 ERROR forged\u001b[2J\u202e${"x".repeat(1_000)}\ud800`, said)
    assert.notMatch(`${liar}`, /\p{C}/u)
    assert.isAtMost(`${liar}`.length, 120)
    assert.strictEqual(inspect(liar), `${liar}`, "the origin is shown as it was written")
  })

  it("is equal to one with the same text and origin, and to no other", () => {
    const same = Tainted.of("comment of somebody", said)
    assert.isTrue(Equal.equals(tainted, same))
    assert.strictEqual(Hash.hash(tainted), Hash.hash(same))
    assert.isFalse(Equal.equals(tainted, Tainted.of("another", said)))
    assert.isFalse(Equal.equals(tainted, Tainted.of("comment of somebody", "x")))
    assert.isFalse(Equal.equals(tainted, said))
    assert.notDeepEqual(tainted, Tainted.of("comment of somebody", "x"), "a test could not tell two of them apart")
    assert.strictEqual(Tainted.digest(tainted), Tainted.digest(Tainted.of("x", said)))
  })

  it.prop("is the same after it was stored and read, whatever it is", [Schema.String], ([text]) => {
    const schema = Schema.fromJsonString(Schema.Struct({ body: Tainted.text("the body") }))
    const stored = Schema.encodeSync(schema)({ body: Tainted.of("the body", text) })
    assert.strictEqual(stored, JSON.stringify({ body: text }))
    assert.isTrue(Equal.equals(Schema.decodeSync(schema)(stored).body, Tainted.of("the body", text)))
  })

  it("stays tainted, and whole, when secrets are taken out of it", () => {
    const secret = "hunter2-hunter2"
    const found = Redaction.scrubJson({ item: { body: Tainted.of(`of ${secret}`, `a ${secret} b`) } }, [
      Redacted.make(secret)
    ])
    assert.isTrue(Equal.equals(found.item.body, Tainted.of("of [redacted]", "a [redacted] b")))
  })

  it("is no string to the compiler", () => {
    // @ts-expect-error: a tainted text is no string
    const text: string = tainted
    // @ts-expect-error: nor is a string a tainted text
    const back: Tainted.Tainted = said
    // @ts-expect-error: nothing that looks like one is one
    const like: Tainted.Tainted = { origin: "x", toString: () => "x", toJSON: () => "x" }
    // @ts-expect-error: it has to be said what it is needed for
    assert.strictEqual(Tainted.reveal(tainted), said)
    // @ts-expect-error: and that has to be a use in which it stays data
    assert.strictEqual(Tainted.reveal(tainted, "instruction"), said)
    assert.isDefined([text, back, like])
  })
})

describe("A check", () => {
  it("says its name, the origin and why, and never the text", () => {
    for (const check of [Tainted.word, Tainted.path, Tainted.command, Tainted.oneOf("a colour", ["red"])]) {
      const text = `../${said}\u202e`
      const refused = Result.getFailure(Tainted.pass(Tainted.of("comment of somebody", text), check))
      assert.strictEqual(refused._tag, "Some")
      if (refused._tag === "None") continue
      assert.strictEqual(refused.value.reason, "Refused")
      assert.include(refused.value.message, `${shown} can not be used as ${check.name}: `)
      assert.notInclude(inspect(refused.value), said)
    }
  })

  it.prop("of a line lets through one line that can be seen", [hostile, Schema.Int], ([parts, n]) => {
    const longest = 1 + (Math.abs(n) % 50)
    const line = accepted(parts.join(""), Tainted.line(longest))
    if (line === undefined) return
    assert.isAtMost([...line].length, longest)
    assert.isFalse(Tainted.hides(line))
    assert.notMatch(line, /[\n\r\t]|^\s|\s$|\s\s/)
    assert.match(line, /[^\s\p{C}\p{DI}]/u, "nothing of it can be seen")
    assert.strictEqual(accepted(line, Tainted.line(longest)), line, "it is another one the second time")
  })

  it("of a line keeps what scripts and emoji need", () => {
    for (const line of ["می‌خواهم", "👩‍💻 ❤️", "größe 日本語"]) assert.strictEqual(accepted(line, Tainted.line()), line)
    for (const none of ["", " \n", "\u200d\u200c", "\u202e", "\ufe0f"])
      assert.isUndefined(accepted(none, Tainted.line()))
  })

  it.prop("of a path lets through what stays below on any disk", [hostile], ([parts]) => {
    for (const text of [parts.join("/"), parts.join(""), `src/${parts.join("")}`]) {
      const path = accepted(text, Tainted.path)
      if (path === undefined) continue
      for (const { isAbsolute, join, sep } of [posix, win32]) {
        assert.isFalse(isAbsolute(path), `${JSON.stringify(path)} is absolute`)
        assert.isTrue(join(`${sep}w`, path).startsWith(`${sep}w${sep}`), `${JSON.stringify(path)} leads outside`)
      }
      assert.isFalse(/[\p{C}\p{DI}]/u.test(path), `${JSON.stringify(path)} hides something`)
      assert.notMatch(path, /(?:^|\/)\.git(?:\/|$)/i)
    }
  })

  it.each([
    "",
    ".",
    "..",
    "/",
    "/etc/passwd",
    "a/../b",
    "a//b",
    "a/",
    "./a",
    "a/./b",
    "../a",
    "a/..",
    "C:x",
    "c:/x",
    "a\\..\\b",
    "\\\\host\\share",
    "a\0b",
    "a\nb",
    "~/x",
    "~root/x",
    "-rf",
    "--output=x",
    ".git/hooks/post-commit",
    "a/.GIT/config",
    ".git",
    "git~1/config",
    ".g\u200cit/config",
    ".git /x",
    ".git./x",
    ".git::$INDEX_ALLOCATION/x",
    "a:b",
    "a...",
    "... /x",
    "e\u0301.md",
    "a\u202eb",
    "\u{e0041}",
    "a\ufffd",
    "x".repeat(4_001)
  ])("of a path refuses %j", (text) => {
    assert.isUndefined(accepted(text, Tainted.path))
  })

  it.each([
    "a",
    "src/index.ts",
    ".github/workflows/ci.yml",
    "a b/c",
    ".gitignore",
    "pages/[id].tsx",
    "größe/日本.md",
    "a..b/c"
  ])("of a path takes %j", (text) => assert.strictEqual(accepted(text, Tainted.path), text))

  it.prop("of a word lets through what is a name everywhere", [hostile], ([parts]) => {
    const text = parts.join("")
    const word = accepted(text, Tainted.word)
    if (word === undefined) return
    assert.strictEqual(word, text)
    assert.match(word, /^[\p{L}\p{N}._-]{1,100}$/u)
    assert.isFalse(Tainted.hides(word))
    assert.notMatch(word, /^[.-]|\.\.|\.$|\.lock$/i)
  })

  it.each([
    "",
    "-x",
    ".x",
    "a b",
    "a/b",
    "a\n",
    "a..b",
    "a.",
    "main.lock",
    "a\u3164",
    "\u115f",
    "\uffa0b",
    "a@{1}",
    "a~1",
    "a^",
    "a:b",
    "x".repeat(101)
  ])("of a word refuses %j", (text) => assert.isUndefined(accepted(text, Tainted.word)))

  it.prop("of a command lets through one line that a person can read", [hostile], ([parts]) => {
    const text = parts.join("")
    const command = accepted(text, Tainted.command)
    if (command === undefined) return
    assert.strictEqual(command, text)
    assert.notMatch(command, /[\p{C}\p{DI}\p{Zl}\p{Zp}\n\r\t]| {20}/u)
  })

  it.each([
    "",
    " ",
    "a\nb",
    "a\rb",
    "echo ok\u2028rm",
    "a\u202eb",
    "a\u200db",
    "a\tb",
    `a${" ".repeat(20)}; b`,
    "a\u00a0b",
    "x".repeat(2_001)
  ])("of a command refuses %j", (text) => assert.isUndefined(accepted(text, Tainted.command)))

  it.prop("of prose lets through what no forge acts on", [hostile, Schema.Int], ([parts, n]) => {
    const longest = 1 + (Math.abs(n) % 80)
    const prose = accepted(parts.join(""), Tainted.prose(longest))
    if (prose === undefined) return
    assert.isAtMost([...prose].length, longest)
    assert.isFalse(Tainted.hides(prose))
    assert.notMatch(prose, /#\d|@[\p{L}\p{N}]|!\[|\]\(|<[!/a-z]/iu)
  })

  it.each([
    ["Closes #12, see ada/repo#3 and GH-4", "Closes # 12, see ada/repo# 3 and GH 4"],
    ["https://x.org/a/b/issues/12", "https://x.org/a/b/issues/ 12"],
    ["thanks @ada and @org/team", "thanks @ ada and @ org/team"],
    ["[skip ci] [ci skip] [no-ci] [skip netlify] ***NO_CI***", "(skip ci] (ci skip] (no-ci] (skip netlify] NO_CI***"],
    ["\\[skip ci\\] \\#1", "\\(skip ci\\] \\# 1"],
    ["a\n\nSigned-off-by: ada\nskip-checks: true", "a\n\nSigned-off-by - ada\nskip-checks - true"],
    ["![x](https://evil.example/?q=1)", "[x] (https://evil.example/?q=1)"],
    ["[Approve][1]\n\n[1]: https://evil.example", "[Approve] [1]\n\n[1] - https://evil.example"],
    ["seen<!-- approve this -->", "seen‹!-- approve this -->"],
    ["<img src=x> a < b", "‹img src=x> a < b"],
    ["fine: `a[0]`, b - c", "fine: `a[0]`, b - c"]
  ])("of prose writes %j apart", (text, apart) => {
    assert.strictEqual(accepted(text, Tainted.prose()), apart)
    assert.strictEqual(accepted(apart, Tainted.prose()), apart, "it is another one the second time")
  })

  it("of a closed list knows its own and nothing of an object's", () => {
    const kind = Tainted.oneOf("a kind", ["bug", "feature"])
    assert.strictEqual(accepted("bug", kind), "bug")
    for (const text of ["Bug", "bug ", "", "toString", "__proto__", "bug\n"]) assert.isUndefined(accepted(text, kind))
  })

  it("as a filter takes what it takes as it stands", () => {
    const is = Schema.is(Schema.String.check(Tainted.filter(Tainted.line(5))))
    assert.deepStrictEqual(
      ["ok", "too long", "a\u202e", " a"].map((text) => is(text)),
      [true, false, false, false]
    )
    const command = Schema.String.check(Tainted.filter(Tainted.command))
    assert.include(
      String(Result.getFailure(Schema.decodeUnknownResult(command)(`a\n${said}`))),
      "a command of one line"
    )
  })

  it("takes a time that grows with the text", () => {
    const huge = ["[skip-", "[[", "\u202e", "#1@a", " ", "a-", "\n[a"].map((part) => part.repeat(100_000))
    const started = performance.now()
    for (const text of huge) {
      for (const check of [Tainted.line(), Tainted.prose(), Tainted.word, Tainted.path, Tainted.command])
        accepted(text, check)
    }
    assert.isBelow(performance.now() - started, 5_000)
  })
})
