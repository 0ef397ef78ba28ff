/** Findings whose evidence is kept, where there is somewhere to keep it. */
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { EvidenceStore } from "../EvidenceStore.ts"

/** A finding, and the contents that its evidence names. */
export interface Judged {
  readonly finding: Verdict.Finding
  readonly contents: ReadonlyArray<string | Uint8Array>
}

/**
 * The finding, once its evidence is kept in the `EvidenceStore` that there is. It is an `error` where that can not be done: nobody could
 * look at it again.
 */
export const keep = ({ contents, finding }: Judged): Effect.Effect<Verdict.Finding> =>
  Effect.flatMap(Effect.serviceOption(EvidenceStore), (store) =>
    Option.isNone(store)
      ? Effect.succeed(finding)
      : Effect.match(
          Effect.forEach(contents, (content) => store.value.keep(content), { discard: true }),
          {
            onFailure: ({ message }): Verdict.Finding => ({
              ...finding,
              status: "error",
              reason: `${finding.reason}, and its evidence can not be kept. ${message}`
            }),
            onSuccess: () => finding
          }
        )
  )
