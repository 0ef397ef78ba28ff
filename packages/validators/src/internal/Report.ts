/** What a test leaves: findings that people read, and the evidence behind them. */
import type { Kind } from "@millwright/core/Contract"
import * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { EvidenceStore, type EvidenceStoreError } from "../EvidenceStore.ts"
import * as Recording from "../Recording.ts"
import type * as Surface from "../Surface.ts"
import * as ScreenText from "./ScreenText.ts"
import * as StepText from "./StepText.ts"

/** The longest excerpt, in characters. */
const longest = 8_000

const excerpt = (text: string): string => {
  const plain = ScreenText.plain(text.slice(0, longest * 2))
  return plain.length > longest ? `${plain.slice(0, longest).toWellFormed()}…` : plain
}

/** A finding without evidence. */
export const none = (finding: Omit<Verdict.Finding, "evidence">): Verdict.Finding => ({ ...finding, evidence: [] })

/** Sentences as one text, each with one full stop between it and the next. */
export const sentences = (...parts: ReadonlyArray<string>): string =>
  parts
    .map((part) => part.trim().replace(/\.+$/, ""))
    .filter((part) => part !== "")
    .join(". ")

/** A finding whose evidence could not be kept. */
export const unkept = (assertion: string, { message }: EvidenceStoreError): Verdict.Finding =>
  none({ assertion, status: "error", reason: `It was tested, but what it left can not be kept: ${message}` })

/** The steps that lead to a finding, as the end of its reason. */
export const steps = (recording: Recording.Recording): string =>
  recording.taken.length === 0 ? "Nothing was done" : `Steps: ${Recording.steps(recording)}`

/** The most steps that an excerpt lists: the first ones, and the last ones, which lead to the verdict. */
const [first, last] = [20, 40]

/** The steps in lines, each with its number, and what went wrong in lines that begin with `!`. */
const listed = ({ taken, troubles }: Recording.Recording): string => {
  const left = taken.length - first - last
  const lines = taken.flatMap(({ came, step }, at) =>
    left <= 0 || at < first || at >= first + left
      ? [`${at + 1}. ${StepText.inOneLine(StepText.done(step, came), 400)}`]
      : at === first
        ? [`… ${left} steps are left out …`]
        : []
  )
  return [...lines, ...troubles.slice(0, 20).map((trouble) => `! ${StepText.inOneLine(trouble, 300)}`)].join("\n")
}

/** What was thrown, refused or given up, bounded. */
export const troubles = (last: Surface.Sight | undefined): ReadonlyArray<string> =>
  (last?.troubles ?? []).slice(0, 100).map((trouble) => StepText.inOneLine(trouble, 1_000))

/** How what was to be seen is called, by the kind of its surface. */
const shown: Record<Kind, { readonly kind: Verdict.Evidence["kind"]; readonly summary: string }> = {
  ui: { kind: "accessibility", summary: "What was to be seen at last" },
  api: { kind: "exchange", summary: "The last answer" },
  cli: { kind: "terminal", summary: "What stood on the screen at last" },
  artifact: { kind: "artifact", summary: "What was there at last" }
}

/** What a recording is kept as. */
export const json = Schema.toCodecJson(Recording.Recording)

/** Keeps a recording and what was to be seen at last. */
export const evidence = Effect.fnUntraced(function* (
  recording: Recording.Recording,
  last: Surface.Sight | undefined
): Effect.fn.Return<ReadonlyArray<Verdict.Evidence>, EvidenceStoreError, EvidenceStore> {
  const content = `${JSON.stringify(Schema.encodeSync(json)(recording))}\n`
  const kept = [
    Verdict.evidence({
      kind: "steps",
      summary: `${recording.taken.length} steps at ${recording.surface}, by ${recording.planner}`,
      content,
      excerpt: excerpt(listed(recording))
    })
  ]
  const store = yield* EvidenceStore
  yield* store.keep(content)
  if (last === undefined) return kept
  yield* store.keep(last.text)
  kept.push(Verdict.evidence({ ...shown[recording.kind], content: last.text, excerpt: excerpt(last.text) }))
  if (last.picture === undefined) return kept
  yield* store.keep(last.picture)
  return [...kept, Verdict.evidence({ kind: "screenshot", summary: "A picture of it", content: last.picture })]
})

/** Keeps the log of an app. One that printed nothing is no evidence, and neither is one that can not be kept. */
export const ofLog = (log: string): Effect.Effect<ReadonlyArray<Verdict.Evidence>, never, EvidenceStore> =>
  log === ""
    ? Effect.succeed([])
    : Effect.gen(function* () {
        const store = yield* EvidenceStore
        const kept = yield* Effect.option(store.keep(log))
        const summary = "What the app printed"
        return Option.isNone(kept)
          ? []
          : [Verdict.evidence({ kind: "terminal", summary, content: log, excerpt: excerpt(log.slice(-longest)) })]
      })
