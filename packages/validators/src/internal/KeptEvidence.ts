/** Findings whose evidence is kept, where there is somewhere to keep it. */
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import type * as EvidenceStore from "../EvidenceStore.ts"

/** Where evidence is kept. */
export type Store = EvidenceStore.EvidenceStore["Service"]

/** A finding, and the contents that its evidence names. */
export interface Judged {
  readonly finding: Verdict.Finding
  readonly contents: ReadonlyArray<string | Uint8Array>
}

/** The finding, once its evidence is kept. It is an `error` where that can not be done: nobody could look at it again. */
export const keep = ({ contents, finding }: Judged, store: Store | undefined): Effect.Effect<Verdict.Finding> =>
  store === undefined
    ? Effect.succeed(finding)
    : Effect.match(
        Effect.forEach(contents, (content) => store.keep(content), { discard: true }),
        {
          onFailure: ({ message }): Verdict.Finding => ({
            ...finding,
            status: "error",
            reason: `${finding.reason}, and its evidence can not be kept. ${message}`
          }),
          onSuccess: () => finding
        }
      )
