/**
 * What every reader of transcripts holds to. A reader proves itself with one line and a file that its program really wrote:
 *
 * ```text
 * TranscriptTest.suite("MyAgent", { reader: MyAgent.reader, sample: readFileSync("sample.jsonl", "utf8") })
 * ```
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Transcript from "../Transcript.ts"
import * as TranscriptIndex from "../TranscriptIndex.ts"
import type * as TranscriptReader from "../TranscriptReader.ts"
import * as Transcripts from "../Transcripts.ts"
import * as TranscriptTally from "../TranscriptTally.ts"
import * as TranscriptMutation from "./TranscriptMutation.ts"

/** A reader, and a file that its program wrote, with an answer and a call of a tool. No more than some dozen lines. */
export interface Subject {
  readonly reader: TranscriptReader.TranscriptReader
  readonly sample: string
}

/** A promise of a reader: it is kept when the effect succeeds. */
export interface Claim {
  readonly name: string
  readonly holds: (subject: Subject) => Effect.Effect<void, TranscriptReader.TranscriptError>
}

const read = (chunks: ReadonlyArray<Uint8Array>, options?: Transcripts.Options) =>
  Stream.runCollect(Transcripts.read(Stream.fromIterable(chunks), options))

const readText = ({ reader }: Subject, text: string, options: Transcripts.Options = {}) =>
  read([Buffer.from(text)], { readers: [reader], ...options })

/** What a text comes to, whatever it is: nothing, where nothing in it is known. */
const tallyOf = (subject: Subject, text: string) =>
  readText(subject, text).pipe(
    Effect.catchTag("TranscriptError", () => Effect.succeed([])),
    Effect.map((entries) => TranscriptTally.of(TranscriptIndex.of(entries)))
  )

const encode = Schema.encodeSync(Transcript.Json)

const secrets = [(leaf: string) => `${leaf} correct horse battery`, () => `sk-${"correct-horse-battery".repeat(2)}`]

/** A number that a count of tokens can not be, or is not. */
const numbers = [-1, "12", 2 ** 60, 1.5, true]

/** Every promise. */
export const claims: ReadonlyArray<Claim> = [
  {
    name: "knows its program by what stands in the file, and reads all of it",
    holds: Effect.fnUntraced(function* (subject) {
      const entries = yield* read([Buffer.from(subject.sample)])
      const own = yield* readText(subject, subject.sample)
      assert.deepStrictEqual(entries, own, "among all readers another one was taken")
      const tally = TranscriptTally.of(TranscriptIndex.of(entries))
      assert.strictEqual(tally.unparsed.total, 0, "something in the sample is not known")
      assert.isAbove(tally.total.answers, 0, "the sample has no answer")
      assert.isAbove(tally.tools.calls, 0, "the sample has no call")
    })
  },
  {
    name: "tells entries that can be written as JSON",
    holds: Effect.fnUntraced(function* (subject) {
      for (const entry of yield* readText(subject, subject.sample)) encode(entry)
    })
  },
  {
    name: "reads the same from pieces of any length",
    holds: Effect.fnUntraced(function* (subject) {
      const bytes = Buffer.from(subject.sample)
      const whole = yield* read([bytes])
      for (const length of [1, 2, 3, 7, 61, 1_000, 4_096]) {
        const chunks = Array.from({ length: Math.ceil(bytes.length / length) }, (_, at) =>
          bytes.subarray(at * length, (at + 1) * length)
        )
        assert.deepStrictEqual(yield* read(chunks), whole, `pieces of ${length} bytes`)
      }
    })
  },
  {
    name: "keeps nothing of a piece that its giver uses again",
    holds: Effect.fnUntraced(function* (subject) {
      const bytes = Buffer.from(subject.sample)
      const shared = Buffer.alloc(100)
      const places = Stream.rechunk(Stream.range(0, Math.ceil(bytes.length / 100) - 1), 1)
      const pieces = Stream.map(places, (at) => {
        const length = bytes.copy(shared, 0, at * 100, (at + 1) * 100)
        return shared.subarray(0, length)
      })
      const found = yield* Stream.runCollect(Transcripts.read(pieces))
      assert.deepStrictEqual(found, yield* read([bytes]))
    })
  },
  {
    name: "counts nothing twice that is there twice",
    holds: Effect.fnUntraced(function* (subject) {
      const once = yield* tallyOf(subject, subject.sample)
      assert.deepStrictEqual(yield* tallyOf(subject, `${subject.sample}\n${subject.sample}`), once, "the file twice")
      const entries = yield* readText(subject, subject.sample)
      const twice = TranscriptTally.of(TranscriptIndex.of([...entries].reverse().concat(entries)))
      assert.deepStrictEqual(twice, once, "its entries twice, and backwards")
    })
  },
  {
    name: "reads a file with a byte order mark, with CRLF, with empty lines, without a last line break",
    holds: Effect.fnUntraced(function* (subject) {
      const once = yield* tallyOf(subject, subject.sample)
      for (const text of [
        `\uFEFF${subject.sample}`,
        subject.sample.replaceAll("\n", "\r\n"),
        subject.sample.replaceAll("\n", "\n\n"),
        subject.sample.trim()
      ]) {
        assert.deepStrictEqual(yield* tallyOf(subject, text), once)
      }
    })
  },
  {
    name: "reads what is whole of a file that broke off",
    holds: Effect.fnUntraced(function* (subject) {
      const once = yield* tallyOf(subject, subject.sample)
      for (let part = 1; part < 40; part++) {
        const cut = subject.sample.slice(0, Math.floor((subject.sample.length * part) / 40))
        const tally = yield* tallyOf(subject, cut)
        assert.isAtMost(tally.total.answers, once.total.answers, `cut to ${part} of 40`)
        assert.isAtMost(tally.total.usage.output, once.total.usage.output, `cut to ${part} of 40`)
        assert.isAtMost(tally.unparsed.total, 1, `cut to ${part} of 40`)
      }
    })
  },
  {
    name: "goes on behind what is none, and counts it",
    holds: Effect.fnUntraced(function* (subject) {
      const once = yield* tallyOf(subject, subject.sample)
      for (const line of TranscriptMutation.hostile) {
        const tally = yield* tallyOf(subject, `${subject.sample.trimEnd()}\n${line}\n${subject.sample}`)
        assert.deepStrictEqual(tally.total.usage, once.total.usage, line.slice(0, 80))
        assert.isAtMost(tally.unparsed.total, 1, line.slice(0, 80))
      }
    })
  },
  {
    name: "leaves out what is too long, and counts it",
    holds: Effect.fnUntraced(function* (subject) {
      const once = yield* tallyOf(subject, subject.sample)
      const long = `{"type":"user","text":"${"x".repeat(300_000)}"}`
      const entries = yield* readText(subject, `${long}\n${subject.sample}`, { maxBytes: 200_000 })
      const tally = TranscriptTally.of(TranscriptIndex.of(entries))
      assert.strictEqual(tally.unparsed.TooLong, 1)
      assert.deepStrictEqual(tally.total, once.total)
    })
  },
  {
    name: "tells nothing of what was said, in whichever field it stands",
    holds: Effect.fnUntraced(function* (subject) {
      for (const secret of secrets) {
        const all = TranscriptMutation.objects(subject.sample)
        for (const [at, value] of all.entries()) {
          const changed = TranscriptMutation.leaves(value, (leaf) => (typeof leaf === "string" ? [secret(leaf)] : []))
          for (const other of changed) {
            // Behind the first one, which may say whose it is.
            const text = TranscriptMutation.file(at === 0 ? [other] : [...all.slice(0, 1), other])
            const entries = yield* Effect.catchTag(readText(subject, text), "TranscriptError", ({ message }) =>
              Effect.succeed([message])
            )
            assert.notMatch(JSON.stringify(entries), /correct.horse/, "a text of the file stands in what was read")
          }
        }
      }
    })
  },
  {
    name: "takes no number for tokens that can be none, and never counts it as 0",
    holds: Effect.fnUntraced(function* (subject) {
      const all = TranscriptMutation.objects(subject.sample)
      const once = yield* tallyOf(subject, TranscriptMutation.file(all))
      for (const [at, value] of all.entries()) {
        const changed = TranscriptMutation.leaves(value, (leaf) => (typeof leaf === "number" ? numbers : []))
        for (const other of changed) {
          const { total } = yield* tallyOf(subject, TranscriptMutation.file(all.with(at, other)))
          const counts = Object.values(total.usage)
          assert.isTrue(
            counts.every((count) => Number.isSafeInteger(count) && count >= 0),
            "tokens that can be none"
          )
          const isLess = counts.some((count, kind) => count < (Object.values(once.total.usage)[kind] ?? 0))
          const isTold = total.unknown > once.total.unknown || total.answers !== once.total.answers
          assert.isTrue(
            !isLess || isTold,
            `tokens went missing, and nothing is unknown: ${JSON.stringify(other).slice(0, 300)}`
          )
        }
      }
    })
  }
]

/** Registers the tests of a reader with vitest. */
export const suite = (name: string, subject: Subject): void => {
  describe(`TranscriptReader: ${name}`, () => {
    for (const { holds, name } of claims) it.effect(name, () => holds(subject), 30_000)
  })
}
