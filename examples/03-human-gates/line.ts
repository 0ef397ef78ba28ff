/** The line of this example: find a time to take a database down, ask a person, announce it. No model is needed. */
import * as Fault from "@millwright/core/Fault"
import * as Gate from "@millwright/core/Gate"
import * as Line from "@millwright/core/Line"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"

/** What was announced. The process ids show that one run went through several processes. */
export const Announced = Schema.Struct({
  window: Schema.String,
  approvedBy: Schema.String,
  surveyedIn: Schema.Int,
  announcedIn: Schema.Int
})

export const Maintenance = Line.make("Maintenance", { payload: { item: WorkItem.WorkItem }, success: Announced })

export const layer = (announcement: string) =>
  Maintenance.toLayer(
    Effect.fnUntraced(function* ({ item }) {
      // Asks the clock, so it is a stage: the run keeps these windows, whenever and wherever it goes on.
      const { surveyedIn, windows } = yield* survey

      return yield* Line.rework(
        { attempts: windows.length },
        Effect.fnUntraced(function* (refused: ReadonlyArray<string> = [], attempt: number) {
          const window = windows[attempt - 1] ?? ""
          const answer = yield* Gate.approve("window", {
            question: `Take the database down on ${window}?`,
            context: refused.map((why) => `- ${why}`).join("\n"),
            cause: "downtime"
          }).pipe(
            Effect.map(({ by }) => ({ by: by._tag === "Human" ? by.name : by._tag })),
            Effect.catchTag("Rejected", (no) => Line.again([...refused, `${window}: ${no.message}`]))
          )
          if (answer instanceof Line.Again) return answer
          const text = `# ${item.title}\n\nThe database is down on ${window}.\n`
          const announcedIn = yield* announce(announcement, text)
          return { window, approvedBy: answer.by, surveyedIn, announcedIn }
        })
      )
    })
  )

const survey = Stage.run(
  { name: "survey", success: Schema.Struct({ windows: Schema.Array(Schema.String), surveyedIn: Schema.Int }) },
  Effect.gen(function* () {
    const day = 24 * 3_600_000
    const today = Math.floor((yield* Clock.currentTimeMillis) / day) * day
    const windows = [3, 4, 5].map(
      (days) => `${new Date(today + days * day).toUTCString().slice(0, 16)}, 02:00 to 03:00 UTC`
    )
    return { windows, surveyedIn: process.pid }
  })
)

/** A fault: it stalls the line at the stage, and the line goes on from there once the folder can be written. */
class AnnouncementError extends Fault.Class<AnnouncementError>()("AnnouncementError", { NotWritable: false }) {}

/** Writing the same text again changes nothing, so a crash before the result is stored does no harm. */
const announce = (file: string, text: string) =>
  Stage.run(
    { name: "announce", success: Schema.Int },
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      yield* files.writeFileString(file, text).pipe(
        Effect.mapError(
          ({ message }) =>
            new AnnouncementError({
              reason: "NotWritable",
              message: `The announcement can not be written to ${file}: ${message}. Make room for it there.`
            })
        )
      )
      return process.pid
    })
  )
