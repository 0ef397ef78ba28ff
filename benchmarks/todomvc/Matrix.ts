/** Which clause came out how for which app: counted, and as a text. */
import type * as Contract from "@millwright/core/Contract"
import * as Recording from "@millwright/validators/Recording"
import type * as Course from "./Course.ts"

/** One app: what was found, and what was found when it was done again. */
export interface Row {
  readonly app: string
  readonly seconds: number
  readonly ran: ReadonlyArray<Course.Ran>
  readonly replayed: ReadonlyArray<Course.Ran>
}

const marks = { pass: ".", fail: "F", blocked: "b", error: "E" } as const

/** An app in one line. */
export const line = ({ app, ran, seconds }: Row): string =>
  `${app.padEnd(24)} ${ran.map(({ recording }) => marks[recording.status]).join("")}  ${seconds.toFixed(1)} s`

/** How many findings have a status. */
export const count = (rows: ReadonlyArray<Row>, status: keyof typeof marks): number =>
  rows.flatMap(({ ran }) => ran).filter(({ recording }) => recording.status === status).length

/** How many recordings came out the same when they were done again, and which did not. */
export const agreement = (
  rows: ReadonlyArray<Row>
): { readonly share: number | undefined; readonly disagree: ReadonlyArray<string> } => {
  const pairs = rows.flatMap(({ app, ran, replayed }) =>
    replayed.flatMap(({ reason, recording: { assertion, status } }) => {
      const first = ran.find(({ recording }) => recording.assertion === assertion)
      return first === undefined
        ? []
        : [
            {
              isSame: first.recording.status === status,
              what: `${app} ${assertion}: ${first.recording.status}, and ${status} when it was done again: ${reason}`
            }
          ]
    })
  )
  return {
    share: pairs.length === 0 ? undefined : pairs.filter(({ isSame }) => isSame).length / pairs.length,
    disagree: pairs.filter(({ isSame }) => !isSame).map(({ what }) => what)
  }
}

/** The matrix, and what stands behind what did not pass. */
export const text = (
  rows: ReadonlyArray<Row>,
  { assertions }: Contract.Contract,
  disagree: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const statements = new Map(assertions.map(({ id, statement }) => [id, statement]))
  const ids = rows[0]?.ran.map(({ recording }) => recording.assertion) ?? []
  const columns = rows.map((_, at) => String(at + 1).padStart(3)).join("")
  const width = Math.max(...ids.map((id) => id.length))
  const matrix = ids.map((id, at) => {
    const cells = rows.map(({ ran }) => marks[ran[at]?.recording.status ?? "error"].padStart(3)).join("")
    return `${id.padEnd(width)} ${cells}  ${statements.get(id) ?? ""}`
  })
  const findings = rows.flatMap(({ app, ran }) =>
    ran
      .filter(({ recording }) => recording.status !== "pass")
      .map(
        ({ reason, recording }) =>
          `${app} ${recording.assertion} ${recording.status}: ${reason}\n    ${Recording.steps(recording)}`
      )
  )
  return [
    `${"".padEnd(width)} ${columns}`,
    ...matrix,
    "",
    ". pass   F fail   b blocked: could not be judged   E error: the test broke",
    "",
    ...rows.map((row, at) => `${String(at + 1).padStart(3)} ${line(row)}`),
    "",
    ...findings,
    ...(disagree.length > 0 ? ["", "Not the same when it was done again:", ...disagree] : []),
    ""
  ]
}
