/** What changes the course of a run, whatever its line: `cancel`, `resume`, `rewind` and `fork`. */
import * as Actor from "@millwright/core/Actor"
import type * as Durable from "@millwright/core/Durable"
import * as Fault from "@millwright/core/Fault"
import type * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Effect from "effect/Effect"
import { userInfo } from "node:os"

type Steered<A> = Effect.Effect<A, Fault.Fault | Journal.JournalError, Durable.Engine | Journal.Journal>

interface Helm {
  readonly cancel: (run: string, options: { readonly reason: string; readonly by: Actor.Actor }) => Steered<void>
  readonly resume: (run: string) => Steered<void>
  readonly rewind: (run: string, options: { readonly before: string; readonly by: Actor.Actor }) => Steered<void>
  readonly fork: (run: string, options: { readonly before: string }) => Steered<string>
}

class SteeringError extends Fault.Class<SteeringError>()("SteeringError", { NotThere: false }) {}

const missing = (name: string) => (): Steered<never> =>
  Effect.fail(
    new SteeringError({
      reason: "NotThere",
      message: `This version of @millwright/core has no Line.${name}. Upgrade it.`
    })
  )

// Older lines do not have them.
const helm: Helm = {
  cancel: missing("cancel"),
  resume: missing("resume"),
  rewind: missing("rewind"),
  fork: missing("fork"),
  ...(Line as Partial<Helm>)
}

const me = () => Actor.human(userInfo().username)

/** Stops a run for good. */
export const cancel = (run: string, reason: string) => helm.cancel(run, { reason, by: me() })
/** Takes a run up again that stalled, or whose process is gone. */
export const resume = helm.resume
/** Makes a run forget a stage and everything after it, and go on from there. */
export const rewind = (run: string, before: string) => helm.rewind(run, { before, by: me() })
/** Starts another run with what this one did before a stage. Answers with its name. */
export const fork = (run: string, before: string) => helm.fork(run, { before })
