/** **Implement** changes the workspace until the contract holds, or says what is missing. The host commits. */
import * as Contract from "@millwright/core/Contract"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Schema from "effect/Schema"
import * as Checklist from "../Checklist.ts"
import * as Role from "../Role.ts"
import * as Skill from "../Skill.ts"
import * as Workpad from "../Workpad.ts"
import * as Precondition from "./Precondition.ts"
import * as Spec from "./Spec.ts"

const task = {
  item: WorkItem.WorkItem,
  contract: Contract.Contract,
  repository: Tainted.text("what is known of the repository"),
  /** Why the last attempt was not accepted. */
  feedback: Schema.NullOr(Schema.String)
} as const

const ofItem = Schema.makeFilter(
  ({ item, spec }: { readonly item: WorkItem.WorkItem; readonly spec: Spec.Approved | null }) =>
    spec === null || spec.subject.item === item.id
      ? undefined
      : `The approved specification is that of the item ${spec.subject.item}, and not of ${item.id}`
)

/** What is built. The specification is an approved one, or there is none. */
export const Input = Schema.Struct({ ...task, spec: Schema.NullOr(Spec.Approved) }).check(ofItem)

/** What is built where nothing is without a specification that somebody approved. */
export const ApprovedInput = Schema.Struct({ ...task, spec: Spec.Approved }).check(ofItem)

/** Built, or not possible as things are. */
export const Outcome = Schema.TaggedUnion({
  /** `tests` fail without the change and pass with it; `checklist` has an entry for each item of the one that was given. */
  Implemented: {
    summary: Schema.NonEmptyString,
    tests: Schema.Array(
      Schema.Struct({ path: Schema.NonEmptyString, name: Schema.NonEmptyString, failedBefore: Schema.NonEmptyString })
    ),
    workpad: Workpad.Workpad,
    checklist: Schema.Array(Checklist.Answer)
  },
  /** The exact precondition without which any code would be a guess. */
  Blocked: { ...Precondition.fields, workpad: Workpad.Workpad }
})
/** Built, or not possible as things are. */
export type Outcome = typeof Outcome.Type

/** What of an outcome does not fit the contract and the checklist. An outcome that says that it is done has to show all of it. */
export const problems = (
  outcome: Outcome,
  { checklist = [], contract }: { readonly contract: Contract.Contract; readonly checklist?: Checklist.Checklist }
): ReadonlyArray<string> => [
  ...Workpad.problems(contract, outcome.workpad),
  ...(outcome._tag === "Blocked"
    ? []
    : [...undone(outcome.workpad), ...Checklist.problems(checklist, outcome.checklist)])
]

const undone = ({ criteria, plan }: Workpad.Workpad): ReadonlyArray<string> => [
  ...criteria.filter(({ holds }) => !holds).map(({ assertion }) => `Not Implemented: ${assertion} does not hold`),
  ...plan.flatMap(({ done }, at) => (done ? [] : [`Not Implemented: step ${at + 1} of the plan is not done`]))
]

/** How the role is made. Default: the bundled skill, no checklist, and a specification only where there is one. */
export interface Options extends Role.Tuning {
  /** What the author goes over before its outcome is taken, a group of items in a turn. */
  readonly checklist?: Checklist.Checklist
  /** `approved`: what nobody approved can not be built, and does not compile. */
  readonly spec?: "approved"
}

type Made<Input extends Schema.Constraint> = Role.Role<"Implement", Input, typeof Outcome>

/** The role where nothing is built without an approved specification. */
export function make(options: Options & { readonly spec: "approved" }): Made<typeof ApprovedInput>
/** The role, with another skill or a checklist. */
export function make(options?: Omit<Options, "spec">): Made<typeof Input>
/** The role. */
export function make({ checklist = [], spec, ...tuning }: Options = {}) {
  const common = {
    skill: Skill.bundled("implement"),
    tier: "standard",
    maxTurns: 120,
    ...tuning,
    outcome: Outcome,
    grants: ["read", "grep", "edit", "write", "bash"],
    followUps: Checklist.followUps(checklist),
    problems: (outcome: Outcome, { contract }: { readonly contract: Contract.Contract }) =>
      problems(outcome, { contract, checklist })
  } as const
  return spec === "approved"
    ? Role.make("Implement", { ...common, input: ApprovedInput })
    : Role.make("Implement", { ...common, input: Input })
}

/** The role. */
export const Implement = make()
