/** What **verifications** came to: for each skill a status with evidence, and one report for people. */
import * as Digest from "@millwright/core/Digest"
import * as Verdict from "@millwright/core/Verdict"
import * as Schema from "effect/Schema"
import * as Prose from "./internal/Prose.ts"

/** `error`: the verification broke, or its evidence could not be read. It is never a pass. */
export const Status = Schema.Literals(["pass", "fail", "warn", "error"])
/** What a verification came to. */
export type Status = typeof Status.Type

/** What the verification of one skill came to. */
export const Verification = Schema.Struct({
  skill: Schema.String,
  /** Of the skill that was run. */
  digest: Digest.Digest,
  status: Status,
  summary: Schema.String,
  evidence: Schema.Array(Verdict.Evidence),
  /** What was named as evidence and is none, and why. */
  refused: Schema.Array(Schema.Struct({ path: Schema.String, why: Schema.String }))
})
/** What the verification of one skill came to. */
export type Verification = typeof Verification.Type

/** All of them. `None`: no skill declares itself a verification, so nothing was verified. */
export type VerifyReport =
  | { readonly _tag: "None"; readonly looked: number; readonly report: string }
  | {
      readonly _tag: "Verified"
      /** Every one is a pass, or warns. */
      readonly accepted: boolean
      readonly verifications: ReadonlyArray<Verification>
      /** For people, as Markdown. */
      readonly report: string
    }

const signs: Record<Status, string> = { pass: "✅", fail: "❌", warn: "⚠️", error: "❌ (broken)" }

/** The report of verifications, in the order of their skills. */
export const make = (verifications: ReadonlyArray<Verification>, looked: number): VerifyReport => {
  if (verifications.length === 0) {
    const report = `# Nothing was verified\n\nNone of ${looked} skills declares itself a verification (\`metadata.verification: "true"\`).\n`
    return { _tag: "None", looked, report }
  }
  const rows = verifications.map(
    ({ skill, status, summary }) => `- ${signs[status]} ${Prose.line(skill)}: ${Prose.line(summary)}`
  )
  const proofs = verifications.flatMap(({ evidence, refused, skill }) => [
    ...evidence.map(
      ({ bytes, digest, summary }) =>
        `- ${Prose.line(skill)}: ${Prose.line(summary)} (${bytes} bytes, ${Digest.short(digest)})`
    ),
    ...refused.map(({ path, why }) => `- ${Prose.line(skill)}: ${Prose.line(path)} is no evidence: ${Prose.line(why)}`)
  ])
  const accepted = verifications.every(({ status }) => status === "pass" || status === "warn")
  return {
    _tag: "Verified",
    accepted,
    verifications,
    report: [
      `# Verification: ${accepted ? "accepted" : "not accepted"}`,
      "",
      ...rows,
      "",
      ...(proofs.length === 0 ? [] : ["## Evidence", "", ...proofs, ""])
    ].join("\n")
  }
}
