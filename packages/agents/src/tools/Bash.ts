/** The tool `bash`: runs a script in the workspace. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Schema from "effect/Schema"
import * as Process from "./Process.ts"
import * as ToolFailure from "./ToolFailure.ts"
import * as Truncation from "./Truncation.ts"

/** What the model is told about it. */
export const description = [
  "Runs a bash script at the root of the workspace and answers with what it printed and its exit code.",
  "Output and errors come in the order they were printed; of long ones the start and the end are kept.",
  "The script gets no input: use the flags that stop a program from asking. Everything it started ends with it, also",
  "in the background. After `timeout` seconds it is stopped, and what it printed until then comes back.",
  "To read, search or change files, read, grep, edit and write are safer."
].join(" ")

/** What the model gives. */
export const Parameters = Schema.Struct({
  script: Schema.NonEmptyString.annotate({ description: "The script, such as: npm test -- --run parser" }),
  timeout: Schema.optionalKey(
    Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(600)).annotate({
      description: "Seconds, at most 600. Default 120"
    })
  )
})

// The kernel takes at most 128 KiB in one argument.
const longestScript = 100_000

// One pipe for both, so that their order is kept; the script is an argument, so that nothing in it can end it early.
const wrapper =
  'if command -v bash >/dev/null 2>&1; then exec bash -c -- "$1" bash 2>&1; else exec sh -c -- "$1" sh 2>&1; fi'

/** Runs a script. A script that fails is an answer; one that does not end, or can not start, is a failure. */
export const run = Effect.fnUntraced(function* ({ script, timeout = 120 }: typeof Parameters.Type) {
  if (script.includes("\0")) return yield* ToolFailure.fail("BadInput", "The script holds a NUL. Write it without.")
  if (Buffer.byteLength(script) > longestScript) {
    return yield* ToolFailure.fail(
      "TooLarge",
      `The script has more than ${longestScript} bytes. Write what is long to a file first, and use that.`
    )
  }
  const { end, errors, output } = yield* Process.run(
    ChildProcess.make("sh", ["-c", wrapper, "sh", script], Process.quiet),
    { keep: Truncation.held(yield* Truncation.Limits), timeout: Duration.seconds(timeout) }
  ).pipe(Effect.mapError(ToolFailure.fromPlatform("sh")))
  const printed = yield* Truncation.shorten("bash", withErrors(output.said(), errors.text()))
  const separator = printed === "" || printed.endsWith("\n") ? "" : "\n"
  const shown = printed === "" ? "[no output]\n" : `${printed}${separator}`
  if (end._tag === "TimedOut") {
    return yield* ToolFailure.fail(
      "TimedOut",
      `${shown}[stopped after ${timeout} s, it had not ended. Give a longer \`timeout\` (at most 600), or do less at a time]`
    )
  }
  const how =
    end._tag === "Exited" ? `exit code ${end.code}` : `ended by ${end._tag === "Signalled" ? end.signal : "its size"}`
  return `${shown}[${how}]`
})

/** What the shell itself says, when it could not begin. */
const withErrors = (said: Truncation.Said, errors: string): Truncation.Said => {
  if (errors === "") return said
  const last = said.missing === 0 ? "head" : "tail"
  return { ...said, [last]: [said[last], errors].filter((text) => text !== "").join("\n") }
}
