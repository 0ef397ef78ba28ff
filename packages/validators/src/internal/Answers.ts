/** Whether something answers at an address. */
import * as Effect from "effect/Effect"

/** How long one try may take, in milliseconds; and the time between two. */
const patience = 5_000
const between = 50

const ask = (address: string): Effect.Effect<void, unknown> =>
  Effect.tryPromise(async (signal) => {
    // What it answers is not looked at: a page that is broken is one that can be tested.
    const answer = await fetch(address, { redirect: "manual", signal })
    await answer.body?.cancel()
  }).pipe(Effect.timeout(patience))

/** Completes when something has answered. It has no end of its own. */
export const until = (address: string): Effect.Effect<void> =>
  Effect.catch(ask(address), () => Effect.andThen(Effect.sleep(between), until(address)))
