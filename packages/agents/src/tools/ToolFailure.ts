/** Why a tool did not do what it was asked. A result that the model reads and works from, not an error of the run. */
import * as Effect from "effect/Effect"
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import * as Untrusted from "../Untrusted.ts"

/** Why a tool did not do what it was asked. `message` says what, where and what to do instead. */
export const ToolFailure = Schema.Struct({
  reason: Schema.Literals([
    "NotFound",
    /** A folder, a device, a pipe. */
    "NotAFile",
    "NotText",
    /** Outside of the workspace, inside of git's own files, or without permission. */
    "Denied",
    "NoMatch",
    "NotUnique",
    "BadPattern",
    "BadInput",
    "TooLarge",
    "TimedOut",
    /** The place that the tool runs in does not answer. */
    "Unavailable"
  ]),
  message: Schema.String
})
/** Why a tool did not do what it was asked. */
export type ToolFailure = typeof ToolFailure.Type

/** Fails with a reason and a message. */
export const fail = (reason: ToolFailure["reason"], message: string): Effect.Effect<never, ToolFailure> =>
  Effect.fail({ reason, message })

/** A path as it is shown in a message. */
export const quote = (path: string): string => `\`${Untrusted.visible(path).slice(0, 300)}\``

/** What a failing file system or spawner means for the model. */
export const fromPlatform =
  (path: string) =>
  (error: PlatformError.PlatformError): ToolFailure => {
    const tag = error.reason._tag
    if (tag === "NotFound") return { reason: "NotFound", message: `There is no ${quote(path)}.` }
    if (tag === "PermissionDenied") {
      return {
        reason: "Denied",
        message:
          `${quote(path)} may not be used: it is outside of the workspace or has no permission for it. ` +
          `Use a path inside the workspace.`
      }
    }
    if (tag === "BadArgument") {
      return {
        reason: "BadInput",
        message: `${quote(path)} can not be used: ${Untrusted.visible(error.message).slice(0, 500)}.`
      }
    }
    return {
      reason: "Unavailable",
      message: `${quote(path)} can not be used: ${Untrusted.visible(error.message).slice(0, 500)}. Try another way.`
    }
  }
