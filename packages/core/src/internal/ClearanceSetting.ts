/** How far a factory may go on its own, as a policy's file has it. `Clearance` says what it means. */
import * as Schema from "effect/Schema"

/** How far the factory may go on its own. */
export const Setting = Schema.Struct({
  /** Whether anything may go out without a human. */
  dark: Schema.Boolean,
  /** What trust it takes for that. 0: none. */
  minTrust: Schema.Finite,
  /** Whether CI has to have passed on the very head, for whatever goes out. */
  requiresGreenCi: Schema.Boolean,
  /** The validators that have to have accepted the very head. One that has said no always holds. */
  validators: Schema.Array(Schema.NonEmptyString)
})
/** How far the factory may go on its own. */
export type Setting = typeof Setting.Type

/** Nothing goes out without a human. */
export const lightsOn: Setting = { dark: false, minTrust: 0, requiresGreenCi: false, validators: [] }

/** What a policy lets out goes out, as far as this is concerned. */
export const asPolicySays: Setting = { ...lightsOn, dark: true }
