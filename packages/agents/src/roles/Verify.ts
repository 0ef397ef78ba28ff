/**
 * **Verify** runs the skills that declare themselves verifications (`metadata.verification: "true"`), each as a role of its own, and
 * gives what they saw, with evidence that the host has read and digested itself.
 */
import * as Contract from "@millwright/core/Contract"
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as Stage from "@millwright/core/Stage"
import * as Tainted from "@millwright/core/Tainted"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Artifact from "../Artifact.ts"
import * as Role from "../Role.ts"
import * as Skill from "../Skill.ts"
import * as VerifyReport from "../VerifyReport.ts"

/** What is verified, in a workspace that holds the change. */
export const Input = Schema.Struct({ contract: Contract.Contract, change: Tainted.text("what was changed") })
/** What is verified. */
export type Input = typeof Input.Type

const Proof = Schema.Struct({
  /** Of a file in the workspace. */
  path: Schema.NonEmptyString.check(Schema.isMaxLength(4_000)),
  shows: Schema.NonEmptyString.check(Schema.isMaxLength(1_000))
})
const Proofs = Schema.Array(Proof).check(Schema.isMaxLength(50))

const summary = Schema.NonEmptyString.check(Schema.isMaxLength(4_000))

/** What was seen. */
export const Outcome = Schema.TaggedUnion({
  /** What the skill asks for holds, and files show it. */
  Passed: { summary, evidence: Proofs.check(Schema.isMinLength(1)) },
  Failed: { summary, evidence: Proofs },
  /** It holds with a reservation, or a part could not be tried. */
  Warning: { summary, evidence: Proofs }
})
/** What was seen. */
export type Outcome = typeof Outcome.Type

/** How verifications are run. Each begins anew: what it left before it broke off is not evidence of now. */
export type Options = Omit<Role.Tuning, "resumes" | "retry">

/** Makes the role for one skill: in a line, a stage with the skill's name. */
export const roleOf = (verification: Skill.Skill | undefined, options: Options = {}) => {
  const { skill = Skill.bundled("verify"), ...further } = options
  return Role.make(verification === undefined ? "Verify" : `Verify-${verification.name}`, {
    tier: "standard",
    ...further,
    input: Input,
    outcome: Outcome,
    skill:
      verification === undefined
        ? skill
        : Effect.map(skill, (base) => ({
            ...base,
            name: verification.name,
            instructions: `${base.instructions}\n\n# The verification\n\n${verification.instructions}`,
            digest: Digest.ofJson([base.digest, verification.digest])
          })),
    grants: ["read", "grep", "bash"]
  })
}

/** The role, for what its input asks and no skill of its own. */
export const Verify = roleOf(undefined)

/** The skills that declare themselves verifications, by name. */
export const find = (skills: ReadonlyArray<Skill.Skill>): ReadonlyArray<Skill.Skill> =>
  skills
    .filter(({ metadata }) => metadata["verification"] === "true")
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))

/** Verifications can not be run. */
export class VerifyError extends Fault.Class<VerifyError>()("VerifyError", {
  /** Two skills have one name, so nobody could tell what they saw apart. */
  TwoOfOneName: false
}) {}

/** What verifications need around them. */
export type Needs = Effect.Services<ReturnType<typeof Verify.run>>

/**
 * Runs every verification among the skills, one after the other, in the workspace in force. One that breaks is an `error`, and the others
 * are run all the same; a budget that is spent, or a journal that can not be written, ends all of it.
 */
export const all = (
  skills: ReadonlyArray<Skill.Skill>,
  input: Input,
  options: Options = {}
): Effect.Effect<VerifyReport.VerifyReport, Role.Failure | VerifyError, Needs> =>
  Effect.gen(function* () {
    const found = find(skills)
    const twice = found.find(({ name }, at) => found[at + 1]?.name === name)
    if (twice !== undefined) {
      return yield* new VerifyError({
        reason: "TwoOfOneName",
        message: `Two verifications are called ${twice.name}. Rename one of them, or leave one out.`
      })
    }
    const verifications = yield* Effect.forEach(found, (skill) => one(skill, input, options))
    return VerifyReport.make(verifications, skills.length)
  })

/** One stage for both: the next one may find another workspace, and the evidence gone. */
const one = (skill: Skill.Skill, input: Input, options: Options) =>
  Stage.run(
    { name: `verify-${skill.name}`, success: VerifyReport.Verification },
    Effect.gen(function* () {
      const base = { skill: skill.name, digest: skill.digest }
      const since = yield* Artifact.now
      const ended = yield* Effect.result(roleOf(skill, options).run(input))
      if (Result.isFailure(ended)) {
        const { failure } = ended
        if (failure._tag === "BudgetError" || failure._tag === "JournalError") return yield* Effect.fail(failure)
        const { message } = Fault.record(failure)
        return { ...base, status: "error", summary: `It broke: ${message}`, evidence: [], refused: [] } as const
      }
      const looked = yield* Effect.forEach(ended.success.evidence, ({ path, shows }) =>
        Effect.map(Artifact.read(path, { shows, since }), (read) => ({ path, read }))
      )
      return concluded(base, ended.success, looked)
    })
  )

interface Looked {
  readonly path: string
  readonly read: Effect.Success<ReturnType<typeof Artifact.read>>
}

const statuses = { Passed: "pass", Failed: "fail", Warning: "warn" } as const

/** A pass stands on at least one file that the host has read, and on no file that it could not. */
const concluded = (
  base: Pick<VerifyReport.Verification, "skill" | "digest">,
  outcome: Outcome,
  looked: ReadonlyArray<Looked>
): VerifyReport.Verification => {
  const evidence = looked.flatMap(({ read }) => (Result.isSuccess(read) ? [read.success] : []))
  const refused = looked.flatMap(({ path, read }) => (Result.isFailure(read) ? [{ path, why: read.failure }] : []))
  const status = outcome._tag === "Passed" && refused.length > 0 ? "error" : statuses[outcome._tag]
  return { ...base, status, summary: outcome.summary, evidence, refused }
}
