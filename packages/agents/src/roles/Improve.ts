/**
 * **Improve** reads what happened (interventions, verdicts, costs) and proposes edits of skills that would have prevented it. It
 * applies nothing: {@link propose} checks what it says against the skills and the evidence, and what comes of it is for a person at a gate.
 */
import * as Digest from "@millwright/core/Digest"
import * as Tainted from "@millwright/core/Tainted"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Role from "../Role.ts"
import * as Skill from "../Skill.ts"
import * as SkillEdit from "../SkillEdit.ts"

/** Something that happened, under an id that a proposal can refer to. */
export const Evidence = Schema.Struct({
  id: Schema.NonEmptyString,
  kind: Schema.Literals(["intervention", "verdict", "cost", "other"]),
  text: Tainted.text("what happened in a run")
})
/** Something that happened. */
export type Evidence = typeof Evidence.Type

/** The file of a skill, as it is now. */
export const SkillFile = Schema.Struct({ name: Schema.NonEmptyString, digest: Digest.Digest, text: Schema.String })
/** The file of a skill. */
export type SkillFile = typeof SkillFile.Type

/** What happened, and the skills that may be edited for it. */
export const Input = Schema.Struct({
  evidence: Schema.Array(Evidence).check(
    Schema.isMinLength(1),
    Schema.makeFilter((all) => new Set(all.map(({ id }) => id)).size === all.length, {
      expected: "evidence with ids of its own"
    })
  ),
  skills: Schema.Array(SkillFile).check(
    Schema.makeFilter((all) => new Set(all.map(({ name }) => name)).size === all.length, {
      expected: "skills with names of their own"
    })
  )
})
/** What happened, and the skills that may be edited for it. */
export type Input = typeof Input.Type

/** What is proposed. */
export const Outcome = Schema.TaggedUnion({
  Propose: {
    summary: Schema.NonEmptyString,
    edits: Schema.Array(SkillEdit.SkillEdit).check(Schema.isMaxLength(SkillEdit.most.edits)),
    drafts: Schema.Array(SkillEdit.SkillDraft).check(Schema.isMaxLength(2))
  },
  Nothing: { why: Schema.NonEmptyString }
})
/** What is proposed. */
export type Outcome = typeof Outcome.Type

/** The file of a skill as the role is given it. */
export const fileOf = (name: string, text: string): SkillFile => ({ name, digest: Digest.of(text), text })

/** A proposal that can be applied as it stands, for a person to decide. Nothing has been applied. */
export interface Proposal {
  readonly summary: string
  /** The skills that would change: before, after, and the edits between. */
  readonly changes: ReadonlyArray<{
    readonly skill: string
    readonly before: string
    readonly after: string
    readonly edits: ReadonlyArray<SkillEdit.SkillEdit>
  }>
  /** New skills. They need the same review as any other. */
  readonly drafts: ReadonlyArray<SkillEdit.SkillDraft>
}

const refuse = (reason: SkillEdit.SkillEditError["reason"], message: string) =>
  new SkillEdit.SkillEditError({ reason, message })

/** What is wrong with a proposal as a whole. */
const wrong = ({ drafts, edits }: Extract<Outcome, { _tag: "Propose" }>, input: Input) => {
  const known = new Set(input.evidence.map(({ id }) => id))
  const unknown = [...edits, ...drafts].flatMap(({ because }) => because).find((id) => !known.has(id))
  const characters = edits.reduce((sum, { find, replace }) => sum + find.length + replace.length, 0)
  const foreign = edits.find(({ skill }) => !input.skills.some(({ name }) => name === skill))
  const taken = drafts.find(
    ({ name }, at) =>
      input.skills.some((skill) => skill.name === name) || drafts.some((other, n) => n > at && other.name === name)
  )
  if (edits.length + drafts.length === 0)
    return refuse("NoEvidence", "The proposal has no edit and no draft. Answer Nothing, with why.")
  if (unknown !== undefined)
    return refuse("NoEvidence", `There is no evidence ${JSON.stringify(unknown)}. Refer to what was given.`)
  if (foreign !== undefined)
    return refuse(
      "UnknownSkill",
      `There is no skill ${JSON.stringify(foreign.skill)} to edit. Draft a new one, or edit one that was given.`
    )
  if (taken !== undefined)
    return refuse(
      "UnknownSkill",
      `There is a skill ${JSON.stringify(taken.name)} already, or it is drafted twice. Edit it, or take another name.`
    )
  if (characters > SkillEdit.most.characters) {
    return refuse(
      "TooLarge",
      `The edits touch ${characters} characters, and one proposal may touch ${SkillEdit.most.characters}. Propose less.`
    )
  }
  return undefined
}

/** Checks a proposal against the skills and the evidence that it was made from. */
export const check = (
  outcome: Extract<Outcome, { _tag: "Propose" }>,
  input: Input
): Effect.Effect<Proposal, SkillEdit.SkillEditError> =>
  Effect.gen(function* () {
    const error = wrong(outcome, input)
    if (error !== undefined) return yield* error
    const touched = input.skills.filter(({ name }) => outcome.edits.some(({ skill }) => skill === name))
    const changes = yield* Effect.forEach(touched, ({ name, text }) => {
      const edits = outcome.edits.filter(({ skill }) => skill === name)
      return Effect.map(SkillEdit.edited(text, edits), (after) => ({ skill: name, before: text, after, edits }))
    })
    yield* Effect.forEach(outcome.drafts, ({ name, text }) =>
      Effect.mapError(Skill.parse(text, `${name}/SKILL.md`), ({ message }) => refuse("NotASkill", message))
    )
    return { summary: outcome.summary, changes, drafts: outcome.drafts }
  })

/** Makes the role. What is wrong with a proposal goes back to the agent once; then it is a `RoleError`. */
export const make = (tuning: Role.Tuning = {}) =>
  Role.make("Improve", {
    skill: Skill.bundled("improve"),
    tier: "large",
    ...tuning,
    input: Input,
    outcome: Outcome,
    grants: [],
    problems: (outcome, input) => {
      if (outcome._tag === "Nothing") return []
      const checked = Effect.runSync(Effect.result(check(outcome, input)))
      return Result.isSuccess(checked) ? [] : [checked.failure.message]
    }
  })

/** The role. */
export const Improve = make()

/** Runs the role, and gives what it proposes as it would be applied; `undefined`: nothing. */
export const propose = (input: Input, role: Pick<typeof Improve, "run"> = Improve) =>
  Effect.flatMap(role.run(input), (outcome): Effect.Effect<Proposal | undefined, SkillEdit.SkillEditError> =>
    outcome._tag === "Nothing" ? Effect.undefined : check(outcome, input)
  )

/** Applies the edits of one skill to its file as it is now, all or none: what a host does after a person agreed. */
export const apply = SkillEdit.edited
