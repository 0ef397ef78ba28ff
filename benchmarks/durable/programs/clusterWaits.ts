/** How long a line of the cluster stands still after its gate is answered from here, and after its timer is due. */
import * as Gate from "@millwright/core/Gate"
import * as Effect from "effect/Effect"
import * as Factory from "./Factory.ts"
import * as Fleet from "./Fleet.ts"

interface Request {
  readonly url: string
  /** How many gates, and how many timers. */
  readonly waits: number
  /** How long a timer is, in milliseconds. */
  readonly nap: number
}

export const main = async ({ nap, url, waits }: Request): Promise<void> => {
  const numbers = Array.from({ length: waits }, (_, number) => number)
  const runs = (
    name: string,
    start: (item: ReturnType<typeof Factory.item>) => ReturnType<typeof Fleet.Asking.start>
  ) => Effect.forEach(numbers, (number) => start(Factory.item(`${name}-${number}`)), { concurrency: 10 })
  const program = Effect.gen(function* () {
    const napping = yield* runs("nap", (item) => Fleet.Napping.start({ item, millis: nap }))
    const late: Array<number> = []
    for (const run of napping) {
      const since = yield* Fleet.next({ run }, "StageFinished", "sleep-nap-open")
      const resumed = yield* Fleet.next({ run, after: since.seq }, "StageStarted", "after")
      late.push(resumed.at - since.at - nap)
    }
    const asking = yield* runs("ask", (item) => Fleet.Asking.start({ item }))
    const signals: Array<number> = []
    for (const run of asking) {
      const { fact, seq } = yield* Fleet.next({ run }, "GateOpened")
      if (fact._tag !== "GateOpened") continue
      // The line is to wait, and not to be on its way there.
      yield* Effect.sleep(100)
      const asked = performance.now()
      yield* Gate.settle(fact.gate, { _tag: "Reply", text: "yes" }, { actor: { _tag: "Human", name: "bench" } })
      yield* Fleet.next({ run, after: seq }, "StageFinished", "after")
      signals.push(performance.now() - asked)
    }
    Factory.say({ late, signals })
  })
  await Effect.runPromise(Effect.provide(program, Fleet.client(url)))
}
