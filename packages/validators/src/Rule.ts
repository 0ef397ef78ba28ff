/**
 * A **rule** of the house: what every change is held to, whatever its contract says. `Scrutiny` judges by rules, and so can
 * whoever has another one: it is a name, and a function from a change to what was found.
 *
 * What every rule holds to:
 *
 * - It judges what git's objects and fresh checkouts say. Nobody's description of the change is more than data.
 * - A thing that it needs and that is not there is an `error` that says what is missing. It never judges by less instead.
 * - What it says of the same head and base is the same: no times, no folders of this machine, a fixed order. Only evidence,
 *   which is by digest, may differ. A rule that asks a model can not hold to this, and says so in its name.
 */
import type * as Change from "@millwright/core/Change"
import type * as Contract from "@millwright/core/Contract"
import type * as Validator from "@millwright/core/Validator"
import type * as Verdict from "@millwright/core/Verdict"
import type * as Effect from "effect/Effect"
import type * as Checkout from "./Checkout.ts"

/** What was found for a rule. As in every finding, a pass has evidence. */
export type Judgement = Omit<Verdict.Finding, "assertion">

/** What a rule judges. */
export interface Context {
  readonly contract: Contract.Contract
  readonly change: Change.Change
  /** The root of the repository, on the host. Its objects are read with core's `Git`; its working tree is somebody's. */
  readonly repository: string
  /**
   * The head and the base, each in a fresh checkout that was prepared. Each is opened when it is first asked for and is
   * the same for all rules, which run one after the other; what a rule leaves in it, the next one meets.
   */
  readonly head: Effect.Effect<Checkout.Checkout, Validator.ValidatorError | Checkout.NotPrepared>
  readonly base: Effect.Effect<Checkout.Checkout, Validator.ValidatorError | Checkout.NotPrepared>
}

/**
 * A rule. `R` is what it needs of the host; what runs in a checkout is given `Checkout.services`. What it fails with becomes
 * an `error` of this rule, and of no other.
 */
export interface Rule<R = never> {
  /** Such as `RULE-SECRETS`. */
  readonly id: typeof Contract.RuleId.Type
  /** What it holds a change to, in a sentence. */
  readonly statement: string
  readonly judge: (context: Context) => Effect.Effect<Judgement, Validator.ValidatorError | Checkout.NotPrepared, R>
}
