/** One program of a repository that judges: run in a checkout, with the report that it wrote, and no report that it did not. */
import * as Verdict from "@millwright/core/Verdict"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as Checkout from "../Checkout.ts"
import { EvidenceStore } from "../EvidenceStore.ts"
import { largest } from "../ReportReader.ts"
import * as CommandRun from "./CommandRun.ts"
import * as PlainText from "./PlainText.ts"

/** Where a report is: in a file of the checkout, or what was printed on standard output. */
export type Where<Format> = "output" | { readonly file: string; readonly format?: Format }

/** What is run. */
export interface Check<Format> {
  readonly run: string
  readonly report: Where<Format> | "none"
  readonly timeout?: Duration.Input
  readonly most?: number
}

/** What came of it. */
export interface Checked {
  readonly ran: CommandRun.Ran
  /** How it is called in a reason. */
  readonly name: string
  /** The report, or why there is none; neither where none was asked for. */
  readonly report: Uint8Array | undefined
  readonly lacking: string | undefined
}

/** Runs it. The report that was there before is removed first: an old one is nobody's. */
export const run = <Format>(
  { most = 256 * 1024 ** 2, report, run, timeout = "10 minutes" }: Check<Format>,
  checkout: Checkout.Checkout
): Effect.Effect<Checked> =>
  Effect.gen(function* () {
    const name = `\`${PlainText.line(run)}\``
    const file = typeof report === "object" ? report.file : undefined
    const before = file === undefined ? undefined : yield* remove(file)
    const ran = yield* CommandRun.run({
      run,
      timeout: Duration.fromInputUnsafe(timeout),
      most,
      keep: report === "output" ? largest : 0,
      apart: report === "output"
    })
    if (ran.output !== undefined) yield* keep(ran.output)
    if (report === "none") return { ran, name, report: undefined, lacking: undefined }
    if (before !== undefined) return { ran, name, report: undefined, lacking: before }
    const read = file === undefined ? (ran.content ?? `printed more than ${largest} bytes`) : yield* content(file)
    return typeof read === "string"
      ? { ran, name, report: undefined, lacking: read }
      : { ran, name, report: read, lacking: undefined }
  }).pipe(Effect.provide(checkout.services))

const remove = (file: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    return yield* Effect.match(fs.remove(file, { force: true }), {
      onFailure: ({ message }) => `its report ${file} could not be removed before it ran: ${message}`,
      onSuccess: () => undefined
    })
  })

/** A file, of which no more is read than a report may have; or why it is none. */
const content = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const info = yield* Effect.option(fs.stat(file))
  if (Option.isNone(info)) return `wrote no report ${file}`
  if (info.value.type !== "File") return `wrote a report ${file} that is no file but a ${info.value.type}`
  const chunks = yield* Effect.option(Stream.runCollect(fs.stream(file, { bytesToRead: largest + 1 })))
  return Option.match(chunks, {
    onNone: () => `wrote a report ${file} that can not be read`,
    onSome: (all) => Buffer.concat([...all])
  })
})

/** Why it came to no judgement, or nothing. A program that is not there must not be taken for one that found something. */
export const broken = ({ name, ran }: Checked): string | undefined => {
  const { ending } = ran
  if (ending._tag === "Exited") {
    if (ending.code === 127)
      return `${name} exited with 127: a program that it needs is not there. Install it in \`prepare\``
    return ending.code === 126 ? `${name} exited with 126: a program that it needs can not be run` : undefined
  }
  return ending._tag === "Signalled" ? undefined : `${name} ${ran.said}`
}

/** Evidence of a report, with what people read of it. */
export const evidence = (content: Uint8Array, { excerpt, summary }: Pick<Verdict.Evidence, "excerpt" | "summary">) => {
  const cut = excerpt.length > 8_000 ? `${excerpt.slice(0, 8_000).toWellFormed()}…` : excerpt
  return Verdict.evidence({ kind: "report", summary, content, excerpt: cut })
}

/** Keeps a content where evidence is kept. What can not be kept is still named by its digest. */
export const keep = (content: Uint8Array): Effect.Effect<void> =>
  Effect.flatMap(Effect.serviceOption(EvidenceStore), (store) =>
    Option.isNone(store)
      ? Effect.void
      : Effect.catch(store.value.keep(content), (error) => Effect.logWarning(error.message))
  )

/** The problems of a finding: in an order of their own, and no more than people read. */
export const listed = (problems: ReadonlyArray<Verdict.Problem>): ReadonlyArray<Verdict.Problem> => {
  const key = ({ line, message, path, rule }: Verdict.Problem) => JSON.stringify([path ?? "", line ?? 0, rule, message])
  return problems
    .map((problem) => ({ problem, key: key(problem) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .slice(0, 200)
    .map(({ problem }) => problem)
}
