/** What a run came to, for a person to read, and whether it did what it shall: folds over the journal. */
import * as Prose from "@millwright-examples/shared/prose"
import * as RunLine from "@millwright-examples/shared/run-line"
import * as Actor from "@millwright/core/Actor"
import * as Gate from "@millwright/core/Gate"
import * as Journal from "@millwright/core/Journal"
import type * as Status from "@millwright/core/Status"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import { Announced } from "./line.ts"

/** The report of a run. `command` is how the example was started, for what a person may want to do next. */
export const of = Effect.fnUntraced(function* (status: Status.Status, command: string) {
  const gates = [...(yield* Gate.list(status.run)).values()]
  const answers = gates.map(({ answered, opened }, index) =>
    [
      `  ${index + 1}. ${opened.question}`,
      answered === undefined
        ? "     not answered yet"
        : `     ${Actor.label(answered.by)} said ${Prose.answer(answered.answer)}, after ${RunLine.took(answered.waited ?? 0)}`
    ].join("\n")
  )
  return [
    `${status.title} (run ${status.run})`,
    "",
    "Asked",
    ...answers,
    "",
    ...(yield* ending(status, { gates, command }))
  ].join("\n")
})

const ending = Effect.fnUntraced(function* (
  status: Status.Status,
  { command, gates }: { readonly command: string; readonly gates: ReadonlyArray<Gate.Gate> }
) {
  switch (status._tag) {
    case "Waiting": {
      const id = gates.find(({ answered }) => answered === undefined)?.opened.gate ?? ""
      return [
        "WAITS for a person. No process runs for it, and it can wait for weeks.",
        `Say yes       ${command} approve ${id}`,
        `Say no        ${command} reject ${id} --note "why"`,
        `Then go on    ${command}`
      ]
    }
    case "Finished": {
      const { announcedIn, approvedBy, surveyedIn, window } = yield* Schema.decodeUnknownEffect(Announced)(
        status.result
      )
      return [
        `ANNOUNCED: ${window}, approved by ${approvedBy}.`,
        `The survey was done in process ${surveyedIn}, once; the announcement was written in process ${announcedIn}.`,
        `Begin anew    ${command} --reset`
      ]
    }
    case "Parked":
      return [`PARKED: ${status.reason}.`, `Begin anew    ${command} --reset`]
    case "Stalled":
    case "Failed":
      return [`STOPPED: ${status.fault.message}`, `Go on with    ${command}`]
    default:
      return [`RUNS: ${status.openStages.join(", ")}`]
  }
})

/** Dies when a stage was done twice, or when something was announced that nobody approved. */
export const verify = Effect.fnUntraced(function* (status: Status.Status, announcement: string) {
  const finished = yield* Journal.fold<ReadonlyArray<string>>(
    [],
    (stages, { fact, stage }) => {
      // A run that went back does once more what it forgot.
      if (fact._tag === "LineRewound") return stages.filter((each) => !fact.dropped.includes(each))
      return fact._tag === "StageFinished" ? [...stages, stage ?? ""] : stages
    },
    status.run
  )
  const check = (isRight: boolean, otherwise: string) =>
    isRight ? Effect.void : Effect.die(new Error(`The example did not do what it shall: ${otherwise}`))
  yield* check(new Set(finished).size === finished.length, `a stage was done twice: ${finished.join(", ")}`)
  if (status._tag === "Stalled" || status._tag === "Failed") return
  const gates = [...(yield* Gate.list(status.run)).values()]
  yield* check(gates.length > 0, "nobody was asked")
  const files = yield* FileSystem.FileSystem
  if (status._tag !== "Finished") {
    return yield* check(!(yield* files.exists(announcement)), "it was announced, and nobody has approved it")
  }
  const { window } = yield* Schema.decodeUnknownEffect(Announced)(status.result)
  const text = yield* files.readFileString(announcement)
  yield* check(text.includes(window), `${announcement} does not say what was approved, ${window}`)
  const last = gates.at(-1)
  yield* check(last?.answered?.by._tag === "Human" && last.opened.question.includes(window), "no person approved it")
})
