/** The context of a rule that judges by git's objects alone: it fails the test where it opens a checkout. */
import * as Contract from "@millwright/core/Contract"
import * as Effect from "effect/Effect"
import type * as Rule from "../src/Rule.ts"

const notOpened = Effect.die(new Error("This rule opens no checkout."))

/** The context of such a rule. */
export const context = (
  subject: Pick<Rule.Context, "change" | "repository"> & Partial<Pick<Rule.Context, "contract">>
): Rule.Context => ({
  contract: Contract.freeze("item-1", [{ statement: "It works." }]),
  ...subject,
  head: notOpened,
  base: notOpened
})
