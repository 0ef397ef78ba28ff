/**
 * **Clearance**: whether a change goes out on its own, now. A policy says what may be done with a change; this says whether all that it
 * takes is there, for this very head: verdicts, CI, trust, and the humans that were asked for. What is not there is a **hold**, with
 * the way to mend it. Pure.
 *
 * - Everything is bound to the head: a new commit voids verdicts, CI and approvals, and nobody has to remember to take them back.
 * - An approval is bound to the decision, too. If a policy or a file changes what is asked for, it is given again.
 * - Only a human's approval counts, once, and never that of somebody who made the change. Each role takes a person of its own.
 * - What is not known is a hold.
 */
import * as Schema from "effect/Schema"
import * as Actor from "./Actor.ts"
import * as Digest from "./Digest.ts"
import type * as ClearanceSetting from "./internal/ClearanceSetting.ts"
import * as PolicyDecision from "./internal/PolicyDecision.ts"

export {
  /** What a policy lets out goes out: nothing more is asked. */
  asPolicySays,
  /** How far the factory may go on its own. */
  Setting,
  /** Nothing goes out without a human. */
  lightsOn
} from "./internal/ClearanceSetting.ts"

/** A human's yes to one head and one decision. What roles people have is not theirs to say: see {@link State}. */
export const Approval = Schema.Struct({
  by: Actor.Actor,
  /** The full id of the commit that was looked at. */
  head: Schema.NonEmptyString,
  /** `Policy.digest` of the decision that was shown. */
  decision: Digest.Digest
})
/** A human's yes to one head and one decision. */
export type Approval = typeof Approval.Type

/** What a validator said of a head. */
export const Passed = Schema.Struct({
  validator: Schema.NonEmptyString,
  head: Schema.NonEmptyString,
  accepted: Schema.Boolean
})
/** What a validator said of a head. */
export type Passed = typeof Passed.Type

/** What is known now. Whoever gives it vouches for it: a forge for approvals and CI, the journal for verdicts and trust. */
export const State = Schema.Struct({
  head: Schema.NonEmptyString,
  verdicts: Schema.Array(Passed),
  ci: Schema.optionalKey(Schema.Struct({ head: Schema.NonEmptyString, isGreen: Schema.Boolean })),
  /** From verified outcomes only, as `Setting.minTrust` counts it. None: nobody knows. */
  trust: Schema.optionalKey(Schema.Finite),
  approvals: Schema.Array(Approval),
  /** Who made the change, by the names that approvals have. */
  authors: Schema.Array(Schema.String),
  /** The roles of humans by their names. */
  people: Schema.Record(Schema.String, Schema.Array(Schema.String)),
  /** Whether every commit of the change has a good signature of a human. None: nobody looked. */
  isHumanSigned: Schema.optionalKey(Schema.Boolean)
})
/** What is known now. */
export type State = typeof State.Type

/** Why a change waits. */
export const Why = Schema.Literals([
  /** The policy asks for humans, and not all of them have said yes. */
  "HumanReview",
  /** Everything is there but the setting lets nothing out without a human. */
  "DarkModeOff",
  "TrustTooLow",
  /** As `HumanReview`, and no rule of the policy knows one of the paths. */
  "PathOutside",
  "ValidatorsNotPassed",
  "CiFailed",
  "CiUnknown",
  /** Something was said of another head than this one. */
  "StaleHead",
  /** A hard stop: only commits that humans signed may do this. */
  "Forbidden"
])
/** Why a change waits. */
export type Why = typeof Why.Type

/** One thing that is not there, and how to mend it. */
export const Hold = Schema.Struct({ why: Why, message: Schema.String })
/** One thing that is not there, and how to mend it. */
export type Hold = typeof Hold.Type

/** What becomes of a change now. */
export type Ruling =
  | { readonly _tag: "Ships"; readonly approvedBy: ReadonlyArray<string> }
  | { readonly _tag: "Waits"; readonly holds: readonly [Hold, ...ReadonlyArray<Hold>] }

/** A decision on a change, and what the factory may do and knows. */
export interface Question {
  readonly decision: PolicyDecision.Decision
  readonly setting: ClearanceSetting.Setting
  readonly state: State
}

/** Rules over a change: it ships, or it waits for all that is not there. Everything that is missing is told at once. */
export const rule = ({ decision, setting, state }: Question): Ruling => {
  const asked = [...darkness(decision, setting, state)]
  const needs = PolicyDecision.needs(decision)
  // What the setting does not let out alone, one human can.
  const reviewers = asked.length > 0 ? Math.max(1, needs.reviewers) : needs.reviewers
  const approving = approvers(decision, state)
  const missing = lacking({ reviewers, roles: needs.roles }, approving, state.people)
  const humans: ReadonlyArray<Hold> =
    missing === undefined
      ? []
      : decision._tag === "AutoShip"
        ? asked
        : [
            hold(
              whyHumans(decision),
              `The rule "${decision.rule}" asks for ${told({ reviewers, roles: needs.roles })}: ${missing}`
            )
          ]
  const [first, ...rest] = [
    ...forbidden(decision, state),
    ...humans,
    ...verdicts(setting, state),
    ...ci(setting, state),
    ...(missing === undefined ? [] : stale(decision, state))
  ]
  return first === undefined ? { _tag: "Ships", approvedBy: approving } : { _tag: "Waits", holds: [first, ...rest] }
}

const hold = (why: Why, message: string): Hold => ({ why, message })

const whyHumans = ({ reasons = [], rule: deciding }: PolicyDecision.Decision): Why =>
  [deciding, ...reasons.map((reason) => reason.rule)].includes(PolicyDecision.unknownPath)
    ? "PathOutside"
    : "HumanReview"

const forbidden = (decision: PolicyDecision.Decision, { isHumanSigned }: State): ReadonlyArray<Hold> =>
  decision._tag !== "HardStop" || isHumanSigned === true
    ? []
    : [
        hold(
          "Forbidden",
          `The rule "${decision.rule}" lets only commits through that humans signed (${decision.paths.join(", ")}). ` +
            "Take these paths out of the change, or have a human make and sign it."
        )
      ]

const darkness = (
  decision: PolicyDecision.Decision,
  { dark, minTrust }: ClearanceSetting.Setting,
  { trust }: State
): ReadonlyArray<Hold> => {
  if (decision._tag !== "AutoShip") return []
  if (!dark) {
    return [
      hold(
        "DarkModeOff",
        "Nothing goes out without a human here. Have one approve it, or set `clearance.dark` on the base branch."
      )
    ]
  }
  if (minTrust <= 0 || (trust !== undefined && trust >= minTrust)) return []
  return [
    hold(
      "TrustTooLow",
      `It takes a trust of ${minTrust}, and it is ${trust ?? "not known"}. Have a human approve it; trust grows with outcomes that were verified.`
    )
  ]
}

const verdicts = ({ validators }: ClearanceSetting.Setting, state: State): ReadonlyArray<Hold> => {
  const own = state.verdicts.filter(({ head }) => head === state.head)
  const names = new Set([...validators, ...own.map(({ validator }) => validator)])
  const missing = [...names].filter((name) => {
    const said = own.filter(({ validator }) => validator === name)
    return said.length === 0 || said.some(({ accepted }) => !accepted)
  })
  return missing.length === 0
    ? []
    : [hold("ValidatorsNotPassed", `Not passed on this head: ${missing.sort().join(", ")}. Run them on ${state.head}.`)]
}

const ci = ({ requiresGreenCi }: ClearanceSetting.Setting, { ci: said, head }: State): ReadonlyArray<Hold> => {
  if (said?.head === head && !said.isGreen)
    return [hold("CiFailed", `CI failed on ${head}. Look at what failed, and mend it.`)]
  if (!requiresGreenCi || said?.head === head) return []
  return [hold("CiUnknown", `CI has said nothing of ${head} yet. Wait for it, or start it.`)]
}

/** What was said of another head, where something is missing: somebody may wonder why it does not count. */
const stale = (decision: PolicyDecision.Decision, state: State): ReadonlyArray<Hold> => {
  const bound = Digest.ofJson(decision)
  const old = state.approvals.filter(
    ({ by, decision: of, head }) => by._tag === "Human" && (head !== state.head || of !== bound)
  )
  return old.length === 0
    ? []
    : [
        hold(
          "StaleHead",
          `${old.length} approval(s) were of another commit or another decision (${[...new Set(old.map(({ by }) => Actor.label(by)))].sort().join(", ")}). ` +
            `Look at ${state.head} and approve it again.`
        )
      ]
}

/** The humans who said yes to this head and this decision, without those who made the change; each once, sorted. */
const approvers = (decision: PolicyDecision.Decision, { approvals, authors, head }: State): ReadonlyArray<string> => {
  const bound = Digest.ofJson(decision)
  const own = new Set(authors.map(fold))
  const found = new Map<string, string>()
  for (const { by, decision: of, head: at } of approvals) {
    if (by._tag !== "Human" || at !== head || of !== bound || own.has(fold(by.name))) continue
    if (!found.has(fold(by.name))) found.set(fold(by.name), by.name)
  }
  return [...found.values()].sort()
}

/** Names are compared as forges compare logins. */
const fold = (name: string): string => name.normalize("NFKC").toLowerCase()

const told = ({ reviewers, roles }: PolicyDecision.Needs): string =>
  `${reviewers} human(s)${roles.length === 0 ? "" : `, among them ${roles.map((role) => `a ${role}`).join(" and ")}`}`

/** What is missing of what is asked for, in words. Each role takes a person of its own. */
const lacking = (
  { reviewers, roles }: PolicyDecision.Needs,
  approving: ReadonlyArray<string>,
  people: State["people"]
): string | undefined => {
  const held = new Map(Object.entries(people).map(([name, has]) => [fold(name), new Set(has)]))
  const taken = new Map<string, string>()
  /** Finds somebody for a role, moving others to another of their roles where that helps. */
  const fill = (role: string, asked: Set<string>): boolean =>
    approving.some((name) => {
      if (asked.has(name) || held.get(fold(name))?.has(role) !== true) return false
      asked.add(name)
      const other = taken.get(name)
      if (other !== undefined && !fill(other, asked)) return false
      taken.set(name, role)
      return true
    })
  const open = roles.filter((role) => !fill(role, new Set()))
  if (open.length > 0) return `nobody is there yet as ${open.join(" and ")}.`
  return approving.length < reviewers ? `${approving.length} said yes to this head.` : undefined
}
