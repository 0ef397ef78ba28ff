/** All that is to be said of a run, on a page for a person. */
import type * as RunManifest from "@millwright/agents/RunManifest"
import * as Actor from "@millwright/core/Actor"
import * as Digest from "@millwright/core/Digest"
import type * as Gate from "@millwright/core/Gate"
import * as Status from "@millwright/core/Status"
import type * as Watch from "@millwright/core/Watch"
import * as Predicate from "effect/Predicate"
import * as Prose from "./prose.ts"
import * as RunLine from "./run-line.ts"
import type * as Stages from "./stages.ts"
import * as Text from "./text.ts"

/** What is known of a run. `now` in milliseconds since 1970. */
export interface Known {
  readonly progress: Watch.Progress
  readonly gates: ReadonlyArray<Gate.Gate>
  readonly stages: ReadonlyArray<Stages.Row>
  /** The runs that it started, and those that these started. */
  readonly children: ReadonlyArray<Watch.Progress>
  readonly manifest: RunManifest.RunManifest
  readonly now: number
  /** How the command is typed that answers a gate. */
  readonly command: (rest: string) => string
}

const row = (name: string, text: string) => `${name.padEnd(10)}${text}`
const under = (name: string, lines: ReadonlyArray<string>) =>
  lines.length === 0 ? [] : ["", name, ...lines.map((line) => `  ${line}`)]

/** The page, in lines. */
export const of = (known: Known): ReadonlyArray<string> => {
  const { children, gates, now, progress, stages } = known
  const { changedAt, spent, startedAt, status } = progress
  const { parent } = status
  const ago = (at: number) => `${RunLine.moment(at)}, ${RunLine.duration(now - at)} ago`
  const parts = children.filter(({ status }) => !Status.isEnded(status)).map(({ status }) => status.run)
  return [
    row("Run", Text.oneLine(`${status.run}: ${status.title}`)),
    row("Line", Text.oneLine(status.line)),
    ...(parent === null ? [] : [row("Parent", Text.oneLine(`${parent.run}, in its stage ${parent.stage}`))]),
    row("Status", RunLine.standing(progress, { now, parts })),
    row("Started", ago(startedAt)),
    row(Status.isEnded(status) ? "Ended" : "Changed", ago(changedAt)),
    row("Used", [...RunLine.costs(spent.bill), `${RunLine.took(spent.time)} in stages`].join(", ")),
    ...under("Stages", stages.length === 0 ? ["none was begun"] : stagesOf(known)),
    ...under("Ran with", Text.columns(ranWith(known))),
    ...under("Children", Text.columns(children.map((child) => childOf(child, now)))),
    ...under("Came to", cameTo(status)),
    ...gates.flatMap((gate) => ["", ...asked(gate, known)])
  ].map((line) => line.trimEnd())
}

const stagesOf = ({ now, progress, stages }: Known): ReadonlyArray<string> => {
  const lines = Text.columns(
    stages.map(({ attempts, bill, gate, since, stage, state, took }) => [
      Text.oneLine(stage),
      state === "open" ? `now, for ${RunLine.duration(now - since)}` : RunLine.took(took),
      [
        ...(state === "open" || state === "done" ? [] : [state]),
        ...(gate === undefined ? [] : [`asks ${Text.oneLine(RunLine.gateName(gate, progress.status.run))}`]),
        ...(attempts > 1 ? [`${attempts} attempts`] : []),
        ...RunLine.costs(bill)
      ].join(", ")
    ])
  )
  return lines.flatMap((line, at) => [line, ...(stages[at]?.problems ?? []).map((why) => `  ${Text.oneLine(why)}`)])
}

const ranWith = ({ manifest: { roles, skills } }: Known) => [
  ...roles.map(({ harness, models, role, skill, skillDigest }) => [
    Text.oneLine(role),
    Text.oneLine(`${skill} ${Digest.short(skillDigest)}`),
    Text.oneLine([harness, ...models].join(", "))
  ]),
  ...skills.map(({ digest, file, role, skill }) => [
    Text.oneLine(role),
    Text.oneLine(`${file === null ? skill : `${skill}/${file}`} ${Digest.short(digest)}`),
    "read when it was needed"
  ])
]

const childOf = (child: Watch.Progress, now: number) => [
  Text.oneLine(child.status.run),
  Text.oneLine(child.status.line),
  RunLine.standing(child, { now }),
  RunLine.used(child)
]

/** What is too long for the line that says where the run stands. */
const cameTo = (status: Status.Status): ReadonlyArray<string> => {
  switch (status._tag) {
    case "Finished":
      return status.result === null ? [] : most(Prose.lines(status.result))
    case "Parked":
    case "Cancelled":
      return reason(status.reason)
    case "Stalled":
    case "Failed":
      return reason(status.fault.message)
    default:
      return []
  }
}

/** Where the line that says where the run stands has all of it, it is not said again. */
const reason = (text: string) => (Text.width(text) <= RunLine.mostOfReason ? [] : Prose.lines(text))

const most = (lines: ReadonlyArray<string>) =>
  lines.length <= 40 ? lines : [...lines.slice(0, 39), `… and ${lines.length - 39} more lines; --json has all of it`]

const asked = ({ answered, intervention, opened, openedAt }: Gate.Gate, { command, now, progress }: Known) => {
  const isOpen = progress.status.openGates.includes(opened.gate)
  const { reminders } = intervention
  return [
    row("Gate", `${Text.oneLine(opened.gate)} (${Text.oneLine(opened.cause)})`),
    ...Text.plain(`${opened.question}\n${opened.context}`.trim())
      .split("\n")
      .map((line) => `  ${line}`),
    ...(reminders === 0 ? [] : [row("Reminded", `${reminders} times`)]),
    ...(answered !== undefined
      ? [
          row("Answered", `by ${Text.oneLine(Actor.label(answered.by))}, after ${RunLine.took(answered.waited ?? 0)}`),
          row("", Prose.answer(answered.answer))
        ]
      : isOpen
        ? [row("Open", `for ${RunLine.duration(now - openedAt)}`), ...ways(opened).map((way) => row("", command(way)))]
        : [row("Closed", "nobody has answered it, and the run does not wait for it any more")])
  ]
}

/** What can be typed to answer a gate. */
const ways = ({ gate, kind, schema }: Gate.Gate["opened"]): ReadonlyArray<string> => {
  switch (kind) {
    case "approve":
      return [`approve ${gate}`, `reject ${gate} --note "why"`]
    case "answer":
      return [`answer ${gate} "your answer"`]
    case "ask":
      return optionsOf(schema).map((option) => `answer ${gate} --json-answer '${option}'`)
  }
}

/** What may be given, as JSON: each option where there are options, else what it is made of. */
const optionsOf = (schema: unknown): ReadonlyArray<string> => {
  if (!Predicate.isObject(schema)) return ["…"]
  if ("enum" in schema && Array.isArray(schema.enum)) return schema.enum.map((option) => Text.json(option))
  if (!("properties" in schema) || !Predicate.isObject(schema.properties)) return ["…"]
  const fields = Object.keys(schema.properties).map((name) => `${Text.json(name)}: …`)
  return [`{${fields.join(", ")}}`]
}
