/**
 * The **report** of a verdict that a person reads: as Markdown for a pull request, and as one file of HTML with its pictures in it,
 * which needs no network, no script and no other file. With an address where the change can be tried, it is all that somebody needs who
 * decides without reading the code.
 *
 * Contract, reasons and excerpts are the words of others: they are shown, and can make nothing. The same packet gives the same bytes.
 *
 * ```ts
 * import * as VerdictReport from "@millwright/validators/VerdictReport"
 * import type * as Contract from "@millwright/core/Contract"
 * import type * as Verdict from "@millwright/core/Verdict"
 * import * as Effect from "effect/Effect"
 *
 * export const written = (contract: Contract.Contract, verdict: Verdict.Verdict) =>
 *   Effect.map(VerdictReport.gather(verdict), (contents) =>
 *     VerdictReport.html({ contract, verdict, contents, title: "Delete entries", preview: "http://127.0.0.1:4173/" })
 *   )
 * ```
 */
import type * as Digest from "@millwright/core/Digest"
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as EvidenceStore from "./EvidenceStore.ts"
import * as ReportHtml from "./internal/ReportHtml.ts"
import * as ReportMarkdown from "./internal/ReportMarkdown.ts"
import type * as ReportParts from "./internal/ReportParts.ts"

export type {
  /** All that a person has to know of a judgement. */
  Packet
} from "./internal/ReportParts.ts"

/** As Markdown of at most `longest` characters (default 60,000: what forges take in one text). What does not go in is counted. */
export const markdown = (
  packet: ReportParts.Packet,
  { longest = 60_000 }: { readonly longest?: number } = {}
): string => ReportMarkdown.text(packet, longest)

/** As one file of HTML. */
export const html = (packet: ReportParts.Packet): string => ReportHtml.page(packet)

/** How much of the evidence goes into a report, in bytes. */
export interface Limits {
  /** The largest picture. Default 3 MB. */
  readonly picture?: number
  /** All of them together; those of what does not pass come first. Default 40 MB. */
  readonly whole?: number
}

/** Reads the pictures that a report shows. What is gone or altered is left out, and the report says that it is not shown. */
export const gather = Effect.fnUntraced(function* (
  { findings }: Verdict.Verdict,
  { picture = 3_000_000, whole = 40_000_000 }: Limits = {}
): Effect.fn.Return<
  ReadonlyMap<Digest.Digest, Uint8Array>,
  EvidenceStore.EvidenceStoreError,
  EvidenceStore.EvidenceStore
> {
  const store = yield* EvidenceStore.EvidenceStore
  const contents = new Map<Digest.Digest, Uint8Array>()
  let left = whole
  const worstFirst = findings.toSorted((a, b) => Number(a.status === "pass") - Number(b.status === "pass"))
  for (const { bytes, digest, kind } of worstFirst.flatMap(({ evidence }) => evidence)) {
    if (kind !== "screenshot" || contents.has(digest) || bytes > Math.min(picture, left)) continue
    const content = yield* Effect.catch(store.read(digest), (error) =>
      error.reason === "StoreUnavailable" ? Effect.fail(error) : Effect.succeed(undefined)
    )
    if (content === undefined || content.byteLength > Math.min(picture, left)) continue
    contents.set(digest, content)
    left -= content.byteLength
  }
  return contents
})
