/** What a run came to, for a person to read. A fold over the journal, so it can be printed again at any time. */
import * as Actor from "@millwright/core/Actor"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Gate from "@millwright/core/Gate"
import * as Journal from "@millwright/core/Journal"
import * as Ledger from "@millwright/core/Ledger"
import * as Status from "@millwright/core/Status"
import * as Text from "@millwright-examples/shared/text"
import * as Usage from "@millwright/core/Usage"
import type * as Policy from "@millwright/core/Policy"
import type * as PullRequest from "@millwright/core/PullRequest"
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

interface Row {
  readonly duration: number
  readonly tools: number
  readonly failed: boolean
}

interface Account {
  readonly stages: ReadonlyMap<string, Row>
  readonly verdict: Verdict.Verdict | undefined
  readonly decision: Policy.Decision | undefined
  readonly pullRequest: PullRequest.PullRequest | undefined
}

const empty: Account = {
  stages: new Map(),
  verdict: undefined,
  decision: undefined,
  pullRequest: undefined
}

const untouched: Row = { duration: 0, tools: 0, failed: false }

const row = (account: Account, event: FactoryEvent.FactoryEvent, change: (row: Row) => Row): Account => {
  const stage = event.stage ?? "(line)"
  const before = account.stages.get(stage) ?? untouched
  return { ...account, stages: new Map(account.stages).set(stage, change(before)) }
}

const step = (account: Account, event: FactoryEvent.FactoryEvent): Account => {
  const { fact } = event
  switch (fact._tag) {
    case "StageFinished":
      return row(account, event, (row) => ({ ...row, duration: row.duration + fact.duration, failed: false }))
    case "StageFailed":
      return row(account, event, (row) => ({ ...row, duration: row.duration + fact.duration, failed: true }))
    case "ToolCalled":
      return row(account, event, (row) => ({ ...row, tools: row.tools + 1 }))
    case "VerdictGiven":
      return { ...account, verdict: fact.verdict }
    case "ChangeClassified":
      return { ...account, decision: fact.decision }
    case "ChangeDelivered":
      return { ...account, pullRequest: fact.pullRequest }
    default:
      return account
  }
}

/** What a person types to go on with a run, and to answer one of its gates. */
export interface Commands {
  readonly again: string
  readonly answer: (verb: "show" | "approve" | "reject" | "answer", gate: string) => string
}

type Opened = Gate.Gate["opened"]

/** What a gate asks, and what to read first. Models wrote most of it, so nothing in it may steer a terminal. */
export const asked = ({ context, question }: Pick<Opened, "context" | "question">): string =>
  Text.plain(context === "" ? question : `${question}\n\n${context}`)

/** How a gate is read and answered. */
export const answers = ({ gate, kind }: Pick<Opened, "gate" | "kind">, { answer }: Pick<Commands, "answer">) => [
  `Read it       ${answer("show", gate)}`,
  ...(kind === "approve"
    ? [`Say yes       ${answer("approve", gate)}`, `Say no        ${answer("reject", gate)} --note "why"`]
    : [`Answer        ${answer("answer", gate)} "your answer"`])
]

/** The summary of a run, and what a person may want to do next. */
export const of = Effect.fnUntraced(function* (run: string, commands: Commands) {
  const status = yield* Status.of(run)
  const gates = [...(yield* Gate.list(run)).values()]
  const account = yield* Journal.fold(empty, (account, event) => (event.run === run ? step(account, event) : account))
  const charges = Ledger.charges(yield* Ledger.of(run))
  if (status === undefined) return `There is no run "${run}".`
  return [
    `Run ${run}: ${status.title}`,
    "",
    ...table(account, charges),
    "",
    ...interventions(gates),
    ...verdict(account.verdict),
    ...(account.decision === undefined
      ? []
      : [`Policy        ${account.decision._tag} by the rule "${account.decision.rule}"`]),
    ...ending(status, { account, gates, commands })
  ].join("\n")
})

const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`
const money = (bill: Usage.Bill) =>
  bill.calls === 0
    ? ""
    : bill.unpriced === 0
      ? `$${bill.usd.toFixed(4)}`
      : `$${bill.usd.toFixed(4)} + ${bill.unpriced} unpriced`

const table = (account: Account, charges: ReadonlyArray<Ledger.Charge>): ReadonlyArray<string> => {
  const bills = new Map(
    Ledger.by(charges, "stage").map(({ account, name }) => [name ?? "(line)", Ledger.bill(account)])
  )
  const names = [...new Set([...account.stages.keys(), ...bills.keys()])].filter((name) => !name.startsWith("gate-"))
  const rows = names.map(
    (name) => [name, { ...(account.stages.get(name) ?? untouched), bill: bills.get(name) ?? Usage.emptyBill }] as const
  )
  const total = Ledger.total(charges)
  const all = Ledger.bill(total)
  const line = (cells: readonly [string, string, string, string, string, string]) =>
    `  ${cells[0].padEnd(16)}${cells[1].padStart(9)}${cells[2].padStart(7)}${cells[3].padStart(7)}${cells[4].padStart(10)}  ${cells[5]}`
  const counts = (bill: Usage.Bill) => [String(bill.calls || ""), String(Usage.total(bill.usage) || "")] as const
  return [
    line(["stage", "time", "tools", "calls", "tokens", "cost"]),
    ...rows.map(([name, { bill, duration, failed, tools }]) => {
      const [calls, tokens] = counts(bill)
      return line([`${name}${failed ? " ✗" : ""}`, seconds(duration), String(tools || ""), calls, tokens, money(bill)])
    }),
    line([
      "all",
      seconds(rows.reduce((sum, [, { duration }]) => sum + duration, 0)),
      String(rows.reduce((sum, [, { tools }]) => sum + tools, 0)),
      ...counts(all),
      money(all)
    ]),
    `  ${all.usage.cacheRead} of the tokens were read from the cache.${
      total.rehearsed > 0 ? " Rehearsed: the cost is what these tokens would have cost; nothing was charged." : ""
    }`
  ]
}

const interventions = (gates: ReadonlyArray<Gate.Gate>): ReadonlyArray<string> =>
  gates.length === 0
    ? ["Interventions none: no person was asked"]
    : gates.map(
        ({ answered, opened }) =>
          `Intervention  ${opened.name} (${opened.cause}): ${
            answered === undefined
              ? "open"
              : `${Actor.label(answered.by)} after ${seconds(answered.waited ?? 0)}: ${said(answered.answer)}`
          }`
      )

const Said = Schema.Union([
  Schema.Struct({ approved: Schema.Boolean, note: Schema.String }),
  Schema.Struct({ text: Schema.String })
])

/** What a person answered, in their words. */
const said = (answer: Schema.Json): string =>
  Option.match(Schema.decodeUnknownOption(Said)(answer), {
    onNone: () => JSON.stringify(answer),
    onSome: (said) =>
      "text" in said
        ? said.text
        : `${said.approved ? "approved" : "rejected"}${said.note === "" ? "" : `: ${said.note}`}`
  })

const verdict = (given: Verdict.Verdict | undefined): ReadonlyArray<string> =>
  given === undefined
    ? []
    : [
        `Verdict       ${given.accepted ? "accepted" : "not accepted"} (${given.validator})`,
        ...given.findings.map(({ assertion, reason, status }) => `  ${assertion} ${status.padEnd(8)}${reason}`)
      ]

const ending = (
  status: Status.Status,
  {
    account,
    commands,
    gates
  }: { readonly account: Account; readonly gates: ReadonlyArray<Gate.Gate>; readonly commands: Commands }
): ReadonlyArray<string> => {
  switch (status._tag) {
    case "Finished":
      return account.pullRequest === undefined
        ? ["Delivered."]
        : [
            `Pull request  #${account.pullRequest.id} "${account.pullRequest.title}" into ${account.pullRequest.into}`,
            `Branch        ${account.pullRequest.branch}`,
            `See the diff  ${account.pullRequest.view}`
          ]
    case "Parked":
      return [`Parked        ${status.reason}`]
    case "Failed":
      return [`Failed        ${status.fault.message}`]
    case "Stalled":
      return [`Stalled       ${status.fault.message}`, `Go on with    ${commands.again}`]
    case "Waiting":
      return gates
        .filter(({ answered }) => answered === undefined)
        .flatMap(({ opened }) => [
          `Waiting       ${opened.question}`,
          ...answers(opened, commands),
          `Then go on    ${commands.again}`
        ])
    default:
      return [`Running       ${status.openStages.join(", ")}`, `Go on with    ${commands.again}`]
  }
}
