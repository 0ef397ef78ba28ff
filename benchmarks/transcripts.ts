/** Whether transcripts are read exactly, how fast, and with how much memory, beside readers that are simple and wrong. */
import type * as TranscriptTally from "@millwright/governance/TranscriptTally"
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Bench from "./Bench.ts"
import * as Child from "./Child.ts"
import * as Cleanup from "./Cleanup.ts"
import * as Mining from "./transcripts/Mining.ts"
import type * as Naive from "./transcripts/Naive.ts"
import type * as Reading from "./transcripts/Reading.ts"
import * as SessionShape from "./transcripts/SessionShape.ts"
import * as Synthesis from "./transcripts/Synthesis.ts"

/** What is measured. */
export const description =
  "readers of transcripts: tokens, interrupts and rejections exact, speed, memory; what is waste in them"

/** What can be set. */
export const options = {
  sessions: {
    type: "file",
    about: "sessions as numbers, packed or not, as benchmarks/data/transcripts/README.md says",
    default: fileURLToPath(new URL("./data/transcripts/sessions.jsonl.gz", import.meta.url))
  },
  megabytes: { type: "number", about: "how much is written out of them and read", default: 371 },
  raw: { type: "folder", about: "a folder of transcripts of any program: they are read, and what they come to is told" }
} as const satisfies Bench.Options

interface Found {
  readonly tally: TranscriptTally.TranscriptTally
  readonly unknown: ReadonlyArray<string>
  readonly seconds: number
  readonly peak: number
}

const program = fileURLToPath(new URL("./transcripts/Reading.ts", import.meta.url))

/** Runs the program over files, whose list is too long for an argument. */
const reading = async <A>(
  list: string,
  by: Reading.Request["by"] = "readers",
  nodeArgs: ReadonlyArray<string> = []
): Promise<A> => {
  const request: Reading.Request = { files: list, by }
  // The program is our own, and prints what its request asks for.
  return (await Child.run(program, request, { nodeArgs })) as A
}

const listed = (folder: string, files: ReadonlyArray<string>): string => {
  const list = join(folder, "files.json")
  writeFileSync(list, JSON.stringify(files))
  return list
}

/** A young generation as small as a program that only reads needs it: the heap has no limit. */
const small = ["--max-semi-space-size=4"]

const below = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => join(folder, path))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
    .sort()

const usageOf = ({ total: { usage } }: TranscriptTally.TranscriptTally): ReadonlyArray<number> => [
  usage.input,
  usage.cacheWrite,
  usage.cacheRead,
  usage.output
]

const sum = (tokens: ReadonlyArray<number>): number => tokens.reduce((all, each) => all + each, 0)

const exactly = (name: string, found: number, wanted: number): Bench.Measured => ({
  name: `${name}, off by`,
  value: Math.abs(found - wanted),
  unit: `of ${wanted}`,
  goal: { op: "<=", value: 0 }
})

const compared = ({ files, truth }: Synthesis.Written, found: Found, { naive }: { readonly naive: Naive.Naive }) => {
  const { tally } = found
  const tokens = usageOf(tally)
  const kinds = ["input tokens", "tokens written to a cache", "tokens read from a cache", "output tokens"]
  const ratio = (name: string, part: number, whole: number) =>
    Bench.figure(name, whole === 0 ? undefined : part / whole, "times the truth")
  const output = truth.tokens[3] ?? 0
  const figures: ReadonlyArray<Bench.Measured> = [
    ...kinds.map((kind, at) => exactly(kind, tokens[at] ?? 0, truth.tokens[at] ?? 0)),
    exactly("answers", tally.total.answers, truth.answers),
    exactly("calls of tools", tally.tools.calls, truth.calls),
    exactly("rejections", tally.rejections, truth.rejections),
    exactly("interrupts", tally.interrupts, truth.interrupts),
    exactly("turns of humans", tally.humanTurns, truth.humanTurns),
    exactly("compactions", tally.compactions, truth.compactions),
    exactly("lines that broke off", tally.unparsed.total, truth.unparsed),
    { name: "files", value: files.length, unit: "files" },
    { ...ratio("output, the first line counts", naive.firstLine[3] ?? 0, output), peer: "first line wins" },
    { ...ratio("all tokens, every line counts", sum(naive.everyLine), sum(truth.tokens)), peer: "every line sums" },
    { ...ratio("output, every line counts", naive.everyLine[3] ?? 0, output), peer: "every line sums" }
  ]
  return figures
}

const inFolder = async <A>(body: (folder: string) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), "millwright-transcripts-"))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const forget = Cleanup.add(remove)
  try {
    return await body(folder)
  } finally {
    remove()
    forget()
  }
}

/** Measures. */
export const run: Bench.Run<typeof options> = ({ megabytes, raw, sessions: file }, progress) =>
  inFolder(async (folder) => {
    const sessions = SessionShape.load(file)
    progress(`writing ${megabytes} MB out of ${sessions.length} sessions …`)
    const written = Synthesis.write(sessions, { bytes: megabytes * 1e6, folder })
    progress(`reading ${written.files.length} files …`)
    const list = listed(folder, written.files)
    const found = await reading<Found>(list, "readers", small)
    const plain = await reading<Found>(list)
    const priced = await reading<Found>(list, "priced", small)
    progress("reading them as simple readers do …")
    const naive = await reading<{ readonly naive: Naive.Naive; readonly seconds: number }>(list, "naive")
    progress("mining the sessions for waste …")
    const mined = Mining.of(sessions)
    const others = raw === undefined ? [] : below(raw)
    const given = others.length === 0 ? undefined : await reading<Found>(listed(folder, others), "priced")
    return {
      figures: [
        ...compared(written, found, naive),
        { name: "read", value: Bench.round(written.bytes / 1e6), unit: "MB" },
        { name: "time", value: Bench.round(found.seconds), unit: "s", goal: { op: "<=", value: 45 } },
        { name: "speed", value: Bench.round(written.bytes / 1e6 / found.seconds), unit: "MB/s" },
        { name: "time of the simple readers", value: Bench.round(naive.seconds), unit: "s", peer: "node:readline" },
        { name: "most memory", value: Bench.round(found.peak), unit: "MB", goal: { op: "<=", value: 200 } },
        { name: "most memory, plain Node", value: Bench.round(plain.peak), unit: "MB" },
        { name: "most memory, with a table of prices", value: Bench.round(priced.peak), unit: "MB" },
        ...mined.figures,
        ...(given === undefined ? [] : figuresOf(others.length, given))
      ],
      notes: [
        "Each thing is counted once in the truth, with its largest usage, also where a resumed session has it again.",
        `Read in a process of its own (node ${small.join(" ")}); memory is the most that it ever had, with Node and all code.`,
        "Waste is mined of the numbers themselves, which do not tell what a result said: repeats are those that were as long.",
        ...(given?.unknown ?? [])
      ],
      details: {
        truth: written.truth,
        tally: found.tally,
        naive: naive.naive,
        waste: mined.waste,
        ...(given && { raw: given })
      }
    }
  })

const figuresOf = (files: number, { tally, unknown }: Found): ReadonlyArray<Bench.Measured> => [
  { name: "given files", value: files, unit: "files" },
  { name: "given files of no known program", value: unknown.length, unit: "files" },
  { name: "answers in them", value: tally.total.answers, unit: "answers" },
  { name: "tokens in them", value: sum(usageOf(tally)), unit: "tokens" },
  { name: "money that they cost", value: tally.total.usd, unit: "US dollars" },
  Bench.figure("share of answers that the money is of", shareOf(tally.coverage), "of all answers"),
  { name: "interrupts in them", value: tally.interrupts, unit: "turns" },
  { name: "rejections in them", value: tally.rejections, unit: "calls" },
  { name: "pieces of them that are no entry", value: tally.unparsed.total, unit: "pieces" }
]

const shareOf = ({ denominator, numerator }: TranscriptTally.Share): number | undefined =>
  denominator === 0 ? undefined : numerator / denominator
