/** Whether a text is as a rule says, in bounded time: the pattern may be a model's, and the text anybody's. */
import * as Fault from "@millwright/core/Fault"
import * as Result from "effect/Result"
import { createContext, Script } from "node:vm"
import type { TextRule } from "../Step.ts"

/** The longest that a pattern may take, in milliseconds. */
const patience = 1_000

/** Whether it holds; on failure why that can not be said: the pattern is none, or does not come to an end. */
export const holds = (rule: TextRule, text: string): Result.Result<boolean, string> => {
  switch (rule._tag) {
    case "Is":
      return Result.succeed(text === rule.text)
    case "Includes":
      return Result.succeed(text.includes(rule.text))
    case "Matches":
      return matches(rule.pattern, text)
  }
}

const script = new Script("new RegExp(pattern, 'u').test(text)")

const matches = (pattern: string, text: string): Result.Result<boolean, string> => {
  try {
    // Strings alone go in, and a boolean comes out: the context is there for its time limit.
    const found: unknown = script.runInContext(createContext({ pattern, text }), { timeout: patience })
    return Result.succeed(found === true)
  } catch (cause) {
    const isSlow = cause instanceof Error && "code" in cause && cause.code === "ERR_SCRIPT_EXECUTION_TIMEOUT"
    return Result.fail(
      isSlow
        ? `the pattern /${pattern}/ did not come to an end within ${patience} ms`
        : `/${pattern}/ is no regular expression, or is too large to be held against that: ${Fault.record(cause).message}`
    )
  }
}
