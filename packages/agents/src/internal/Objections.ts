/** What the host objects to in an outcome that has its shape: the agent hears of it once, and what it answers then stands. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Harness from "../Harness.ts"

/** How much an agent hears of it, in characters. */
const most = 8_000

/** A harness whose agent hears once what is wrong with its outcome. Of one that does not decode, the role tells it. */
export const once = <A>(
  harness: Harness.Harness["Service"],
  outcome: Schema.Codec<A, unknown>,
  objections: (given: A) => ReadonlyArray<string>
): Harness.Harness["Service"] => {
  let isTold = false
  const decode = Schema.decodeUnknownOption(outcome)
  return {
    ...harness,
    run: (request) =>
      Stream.flatMap(harness.run(request), (event) => {
        if (event._tag !== "Ended" || isTold) return Stream.succeed(event)
        const wrong = Option.match(decode(event.outcome), { onNone: () => [], onSome: objections })
        if (wrong.length === 0) return Stream.succeed(event)
        isTold = true
        const prompt =
          `Your outcome was not taken:\n\n${wrong
            .map((each) => `- ${each}`)
            .join("\n")
            .slice(0, most)
            .toWellFormed()}\n\n` +
          `Mend this, and call the outcome tool once more with all that you have to say. What is still wrong then is dropped.`
        return harness.run({ ...request, followUps: [], session: event.session, prompt })
      })
  }
}
