/** The figures of the loop bench: those of ours have the best of the peers as their goal. */
import * as Bench from "../Bench.ts"
import * as Participant from "./Participant.ts"

/** The runs of a participant; `missing` says why there are not all of them. */
export interface Runs {
  readonly participant: Participant.Participant
  readonly runs: ReadonlyArray<Participant.Measured>
  readonly missing: string | undefined
}

/** One thing that is measured of all. */
interface Aspect {
  readonly name: string
  readonly unit: string
  readonly of: (measured: Participant.Measured) => number
}

const kilobyte = 1_000
const megabyte = 1_000_000

const aspects = (turns: number): ReadonlyArray<Aspect> => {
  const tenth = Math.floor(turns / 10)
  const titles = { first: "first tenth", middle: "middle tenth", last: "last tenth" }
  const each = (name: string, unit: string, of: (one: Participant.Measured) => Record<Participant.Stretch, number>) =>
    Participant.stretches.map((stretch): Aspect => ({
      name: `${name}, ${titles[stretch]}`,
      unit,
      of: (one) => of(one)[stretch]
    }))
  return [
    ...each("time", "ms/turn", ({ ms }) => ms),
    ...each("processor", "ms/turn", ({ cpu }) => cpu),
    ...each("allocated", "KB/turn", ({ bytes: { first, last, middle } }) => ({
      first: first / kilobyte,
      middle: middle / kilobyte,
      last: last / kilobyte
    })),
    { name: `heap after turn ${tenth}`, unit: "MB", of: ({ heap }) => heap.first / megabyte },
    { name: `heap after turn ${turns}`, unit: "MB", of: ({ heap }) => heap.last / megabyte },
    {
      name: "heap for each further turn",
      unit: "KB",
      of: ({ heap }) => (heap.last - heap.first) / (turns - tenth) / kilobyte
    },
    { name: "most memory (RSS)", unit: "MB", of: ({ rss }) => rss / megabyte }
  ]
}

const isPeer = ({ key }: Participant.Participant): boolean => key !== "own" && key !== "raw"

/** Every aspect of every participant, aspect by aspect and protocol by protocol. */
export const figures = (all: ReadonlyArray<Runs>, turns: number): ReadonlyArray<Bench.Measured> => {
  const apis = [...new Set(all.map(({ participant }) => participant.api))]
  return aspects(turns).flatMap((aspect) =>
    apis.flatMap((api) => {
      const those = all.filter(({ participant }) => participant.api === api)
      const peers = those.flatMap(({ participant, runs }) =>
        isPeer(participant) && runs.length > 0 ? [Bench.middle(runs.map(aspect.of)).value] : []
      )
      const best = peers.length === 0 ? undefined : Math.min(...peers)
      return those.map((each) => figure(aspect, each, best))
    })
  )
}

const figure = (
  { name, of, unit }: Aspect,
  { missing, participant, runs }: Runs,
  best: number | undefined
): Bench.Measured => {
  const head = {
    name: `${participant.api}: ${name}`,
    unit,
    ...(participant.key === "own"
      ? best !== undefined && { goal: { op: "<=" as const, value: best } }
      : { peer: participant.name })
  }
  if (runs.length === 0) return { ...head, value: Number.NaN, missing: missing ?? "it did not run" }
  return { ...head, ...Bench.middle(runs.map(of)) }
}
