/**
 * A mission: an orchestrator that has features built one after the other, milestone by milestone, and has each milestone
 * judged by three validators. What they find is mended, and they judge again. Every piece of work is a run of its own.
 */
import * as Gate from "@millwright/core/Gate"
import * as Line from "@millwright/core/Line"
import * as Stage from "@millwright/core/Stage"
import * as Simulation from "@millwright/core/testing/Simulation"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"

/** What the script of the mission says: how many features a milestone has, and what validators find at first. */
export interface Milestone {
  readonly features: number
  readonly findings: number
}

export const milestones: ReadonlyArray<Milestone> = [
  { features: 10, findings: 0 },
  { features: 11, findings: 8 },
  { features: 10, findings: 0 },
  { features: 11, findings: 8 },
  { features: 10, findings: 9 },
  { features: 11, findings: 0 }
]

const validators = ["scrutiny", "user-testing", "holdout"] as const

/** What a piece of work comes to; `findings` is what has to be mended. */
const Done = Schema.Struct({ findings: Schema.Int })

const payload = { item: WorkItem.WorkItem }
const Read = Line.make("Read", { payload, success: Done })
const Work = Line.make("Work", { payload, success: Done })
const Validate = Line.make("Validate", { payload, success: Done })
const FixUp = Line.make("FixUp", { payload, success: Done })
const Review = Line.make("Review", { payload, success: Done })
export const Mission = Line.make("Mission", {
  payload,
  success: Schema.Struct({ milestones: Schema.Int }),
  error: Schema.Union([Line.Parked, Line.ChildStopped])
})

/** How long a role works, in minutes, and how many thousand tokens a minute of it takes. */
const roles = [
  { line: Read, minutes: [2, 4], tokens: 6 },
  { line: Work, minutes: [6, 11], tokens: 9 },
  { line: Validate, minutes: [9, 20], tokens: 4 },
  { line: FixUp, minutes: [1, 4], tokens: 9 },
  { line: Review, minutes: [4, 8], tokens: 5 }
] as const

const played = ({ line, minutes: [least, most], tokens }: (typeof roles)[number]) =>
  line.toLayer(
    Effect.fnUntraced(function* ({ item }) {
      return yield* Stage.run(
        { name: "play", success: Done },
        Effect.gen(function* () {
          const minutes = yield* Random.nextBetween(least, most)
          const input = Math.round(minutes * tokens * 1_000)
          return yield* Simulation.act({
            outcome: { findings: findingsOf(item) },
            takes: Math.round(minutes * 60_000),
            usage: { input: Math.round(input / 10), cacheRead: input, cacheWrite: 0, output: Math.round(input / 30) },
            usd: (input / 1_000_000) * 1.1
          })
        })
      )
    })
  )

/** The first validator of the first round finds what the script says. */
const findingsOf = ({ id }: WorkItem.WorkItem): number => {
  const milestone = /^milestone-(\d+)-round-1-scrutiny$/.exec(id)?.[1]
  return milestones[Number(milestone) - 1]?.findings ?? 0
}

/** Has a piece of work done in a run of its own, and waits for it. */
const child = (line: (typeof roles)[number]["line"], id: string) =>
  line.child({ item: { id, title: id, body: WorkItem.bodyOf(""), labels: [], source: "mission" } }, { name: id })

const mission = Mission.toLayer(
  Effect.fnUntraced(function* ({ item }) {
    yield* Gate.approve("plan", { question: `Build ${item.title}?`, cause: "plan approval" }).pipe(
      Effect.catchTag("Rejected", (no) => Line.park(item, { reason: no.message }))
    )
    for (const [index, { features }] of milestones.entries()) {
      const milestone = `milestone-${index + 1}`
      for (let feature = 1; feature <= features; feature++) {
        yield* child(Read, `${milestone}-read-${feature}`)
        yield* child(Work, `${milestone}-work-${feature}`)
      }
      yield* Line.rework(
        { attempts: 3 },
        Effect.fnUntraced(function* (findings: number = 0, round: number) {
          for (let finding = 1; finding <= findings; finding++) yield* child(FixUp, `${milestone}-fix-up-${finding}`)
          const verdicts = yield* Effect.forEach(
            validators,
            (validator) => child(Validate, `${milestone}-round-${round}-${validator}`),
            { concurrency: "unbounded" }
          )
          const found = verdicts.reduce((sum, { findings }) => sum + findings, 0)
          return found > 0 ? yield* Line.again(found) : found
        })
      )
      yield* child(Review, `${milestone}-review`)
    }
    return { milestones: milestones.length }
  })
)

/** The mission and everything that it starts. */
export const code = Layer.mergeAll(mission, ...roles.map(played))
