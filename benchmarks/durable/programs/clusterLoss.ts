/** Lines that lose a runner in the middle: says when they are there, and when all have ended, what became of them. */
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Factory from "./Factory.ts"
import * as Fleet from "./Fleet.ts"

interface Request {
  readonly url: string
  readonly lines: number
  readonly stages: number
  /** How long a stage takes, in milliseconds. */
  readonly millis: number
  /** How long all lines may take, in milliseconds. One that has not ended then stands still. */
  readonly patience: number
}

export const main = async ({ lines, millis, patience, stages, url }: Request): Promise<void> => {
  const program = Effect.gen(function* () {
    const journal = yield* Journal.Journal
    const many = (tag: string, count: number) =>
      journal.follow().pipe(
        Stream.filter(({ fact }) => fact._tag === tag),
        Stream.take(count),
        Stream.runDrain
      )
    yield* Factory.each(lines, 10, (number) =>
      Fleet.Steps.start({ item: Factory.item(`line-${number}`), stages, millis })
    )
    yield* many("StageFinished", Math.floor((lines * stages) / 2))
    Factory.say({ middle: true })
    yield* Effect.timeoutOption(many("LineFinished", lines), patience)
    const finished = new Map<string, number>()
    const begun = new Map<string, number>()
    const again: Array<number> = []
    let [ended, right] = [0, 0]
    for (const { at, fact, run, stage } of yield* Stream.runCollect(journal.read())) {
      const key = `${run}/${stage}`
      if (fact._tag === "StageFinished") finished.set(key, (finished.get(key) ?? 0) + 1)
      if (fact._tag === "StageStarted") {
        if (begun.has(key)) again.push(at)
        begun.set(key, at)
      }
      if (fact._tag === "LineFinished") {
        ended++
        right += Number(fact.result === (stages * (stages - 1)) / 2)
      }
    }
    const results = [...finished.values()].reduce((sum, times) => sum + times, 0)
    Factory.say({ unfinished: lines - Math.min(ended, right), twice: results - finished.size, again })
  })
  await Effect.runPromise(Effect.provide(program, Fleet.client(url)))
}
