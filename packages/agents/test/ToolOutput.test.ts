import { assert, describe, it } from "@effect/vitest"
import * as SourceIndex from "@millwright/context/SourceIndex"
import * as ScriptedSource from "@millwright/context/testing/ScriptedSource"
import * as Digest from "@millwright/core/Digest"
import * as Journal from "@millwright/core/Journal"
import * as Redaction from "@millwright/core/Redaction"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { writeFileSync } from "node:fs"
import * as OutputFacts from "../src/loop/OutputFacts.ts"
import * as ToolOutput from "../src/ToolOutput.ts"
import * as Truncation from "../src/tools/Truncation.ts"
import * as Lab from "./adapters/LoopLab.ts"
import { workspace } from "./ToolsWorkplace.ts"

type Loop = Effect.Success<ReturnType<typeof Lab.at>>

const read = (lab: Loop, call: string | undefined) =>
  Effect.map(
    Effect.provideService(ToolOutput.read(null, call ?? ""), Journal.Journal, lab.journal),
    Option.getOrElse(() => "nothing")
  )

const everything = ({ journal }: Loop) =>
  Effect.map(Stream.runCollect(journal.read({ outputs: true })), (all) => all.map(({ fact }) => fact))

describe("what a tool says", () => {
  it.live("stands in the journal in full where the model was shown a part, right before the call", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const lab = yield* Lab.start("anthropic", [
        Lab.bash("echo short"),
        Lab.bash("seq 1 200000; printf '\\377\\000é'; exit 3"),
        Lab.done("ok")
      ])
      yield* lab.run()
      const facts = yield* everything(lab)
      const [short, long] = yield* lab.facts("ToolCalled")
      assert.isUndefined(short?.output, "what was shown in full is there twice")
      const said = yield* read(lab, long?.call)
      const whole = `${Array.from({ length: 200_000 }, (_, at) => at + 1).join("\n")}\n\ufffd\\u{0}é`
      assert.isTrue(said === whole, `${said.length} characters of ${whole.length} came back`)
      assert.strictEqual(long?.output, Digest.of(said))
      assert.strictEqual(long?.fullBytes, Buffer.byteLength(whole))
      assert.match((yield* lab.results(2))[0] ?? "", /bytes left out/)
      const at = facts.findIndex((fact) => fact === long || (fact._tag === "ToolCalled" && fact.call === long?.call))
      const parts = facts.slice(0, at).filter((fact) => fact._tag === "ToolOutput")
      assert.deepStrictEqual(
        parts.map(({ isLast, part }) => [part, isLast]),
        parts.map((_, part) => [part, part === parts.length - 1])
      )
      assert.deepStrictEqual(
        facts.slice(at - parts.length, at),
        parts,
        "something stands between an output and its call"
      )
      for (const { text } of parts) assert.isAtMost(Buffer.byteLength(text), OutputFacts.largest)
    }).pipe(Effect.scoped, Effect.provide(Lab.Services))
  )

  it.live("is kept up to a limit, with its start, its end, and how much is missing", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const options = { output: { kept: 400_000, bash: { bytes: 2_000, lines: 10, head: 0.2 } } }
      const lab = yield* Lab.start(
        "openai",
        [Lab.bash("echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo; seq 1 30; echo last"), Lab.done("ok")],
        { options }
      )
      yield* lab.run()
      const [fact] = yield* lab.facts("ToolCalled")
      const said = yield* read(lab, fact?.call)
      const [, head = "", missing, tail = ""] =
        /^(first\nx+)\n\[… (\d+) bytes are kept nowhere …\]\n(x+\n[^]*last\n)$/.exec(said) ?? []
      assert.deepStrictEqual([head.length, tail.length], [200_000, 200_000], said.slice(-500))
      assert.strictEqual(Number(missing) + 400_000, fact?.fullBytes)
      const shown = ((yield* lab.results(1))[0] ?? "").split("\n")
      assert.match(shown[1] ?? "", /^first$/, "the start is not shown")
      const note = shown.findIndex((line) => line.includes("bytes left out"))
      assert.deepStrictEqual([note, shown.indexOf("last") - note], [3, 8], "of ten lines two are from the start")
    }).pipe(Effect.scoped, Effect.provide(Lab.Services))
  )

  it.live("in a search or a tool of the index is kept as well; a part of a file is not, it is in the file", () =>
    Effect.gen(function* () {
      yield* workspace({ many: "hit me\n".repeat(3_000), wide: `hit ${"w".repeat(1_000)} end\n` })
      const source = ScriptedSource.make("camera")
      source.lists({ name: "look", description: "Looks." })
      source.script.call = () => Effect.succeed(ScriptedSource.answer(`${"\ud800 lone\n".repeat(10_000)}end`))
      const index = yield* SourceIndex.make([source.source])
      const lab = yield* Lab.start(
        "anthropic",
        [
          { calls: [Lab.call("grep", { pattern: "hit" }), Lab.call("grep", { pattern: "w end" })] },
          { calls: [Lab.call("read", { path: "many" }), Lab.call("mcp__camera__look", {})] },
          Lab.done("ok")
        ],
        { index, options: { tools: { deferral: "never" } } }
      )
      yield* lab.run({ tools: ["camera/*"] })
      // Those that only look run side by side.
      const called = yield* lab.facts("ToolCalled")
      const saidBy = (summary: string) => read(lab, called.find((fact) => fact.summary.startsWith(summary))?.call)
      assert.lengthOf((yield* saidBy("grep hit")).split("\n"), 3_001)
      assert.include(yield* saidBy("grep w end"), "www end", "the part of a line that was cut is lost")
      assert.strictEqual(yield* saidBy("read many"), "nothing")
      assert.strictEqual(yield* saidBy("mcp__camera__look"), `${"\\u{d800} lone\n".repeat(10_000)}end`)
      const [, seen = ""] = yield* lab.results(2)
      assert.isAtMost(Buffer.byteLength(seen), Truncation.defaults.index.bytes)
    }).pipe(Effect.scoped, Effect.provide(Lab.Services))
  )

  it.live("holds no secret, also where it is cut", () =>
    Effect.gen(function* () {
      yield* workspace({})
      const secret = "correct-horse-battery-staple"
      writeFileSync(".env", `${`${secret} `.repeat(20_000)}`)
      const lab = yield* Lab.start("anthropic", [Lab.bash("cat .env"), Lab.done("ok")], {
        options: { output: { kept: 100_020 } }
      })
      yield* lab.run().pipe(Effect.provideService(Redaction.Secrets, [Redacted.make(secret)]))
      const written = JSON.stringify([yield* everything(lab), yield* lab.twin.requests])
      for (let length = 8; length <= secret.length; length++) {
        assert.notInclude(written, secret.slice(0, length), "the start of a secret is left")
        assert.notInclude(written, secret.slice(-length), "the end of a secret is left")
      }
    }).pipe(Effect.scoped, Effect.provide(Lab.Services))
  )
})

describe("cutting", () => {
  const secrets = [Redacted.make("s3cret-value"), Redacted.make("zwölf-zeichen")]
  const Piece = Schema.Literals([
    "s3cret-value",
    "zwölf-zeichen",
    "\n",
    "é",
    "🙂",
    "a line\n",
    "x".repeat(70),
    "\ud83d",
    " "
  ])
  const Numbers = Schema.Struct({
    pieces: Schema.NonEmptyArray(Piece),
    times: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5_000 })),
    most: Schema.Int.check(Schema.isBetween({ minimum: 4, maximum: 300 })),
    bytes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 })),
    lines: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })),
    kept: Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 100_000 })),
    head: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
  })

  it.effect.prop(
    "into parts loses no byte, no half of a character, and no part is too large",
    [Numbers],
    ([{ most, pieces }]) =>
      Effect.sync(() => {
        const text = pieces.join("").toWellFormed()
        const parts = OutputFacts.parts(text, most)
        assert.isTrue(parts.join("") === text)
        for (const part of parts) assert.isAtMost(Buffer.byteLength(part), most)
      })
  )

  it.effect.prop(
    "keeps what it promises and no part of a secret, wherever the edges are",
    [Numbers],
    ([{ bytes, head, kept, lines, pieces, times }]) =>
      Effect.gen(function* () {
        const text = pieces.join("").repeat(times)
        const limit = { bytes, head, lines }
        const limits = { ...Truncation.defaults, bash: limit, kept }
        let full: Truncation.Said | undefined
        const shown = yield* Truncation.shorten("bash", Truncation.of(text, limits)).pipe(
          Effect.provideService(Truncation.Limits, limits),
          Effect.provideService(Truncation.Sink, (said) => void (full = said)),
          Effect.provideService(Redaction.Secrets, secrets)
        )
        assert.isAtMost(Buffer.byteLength(shown), Math.max(bytes, 100), "more is shown than the limit allows")
        const filed = full === undefined ? [] : OutputFacts.of("c", full, secrets).facts
        assert.isAtMost(
          filed.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
          kept
        )
        for (const each of [shown, ...filed.map(({ text }) => text)]) {
          assert.isTrue(each.isWellFormed())
          assert.notMatch(each, /s3cret|value|zwölf|zeichen/, "a part of a secret is left at an edge")
        }
        if (full === undefined) return
        const missing = filed.reduce((sum, { missing = 0 }) => sum + missing, 0)
        const left = filed.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
        assert.strictEqual(
          missing + left,
          OutputFacts.of("c", full, secrets).fullBytes,
          "bytes were lost and nobody says so"
        )
      }),
    { arbitrary: { runs: 200 } }
  )
})
