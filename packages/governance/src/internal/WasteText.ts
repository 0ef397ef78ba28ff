/** What was wasted, as Markdown that a person reads from above. */
import * as Digest from "@millwright/core/Digest"
import * as Usage from "@millwright/core/Usage"
import type * as Waste from "../Waste.ts"

/** The text; at most so many findings stand in it. */
export const of = ({ bill, byKind, findings, total }: Waste.Waste, most: number): string => {
  const found = byKind.filter(({ findings }) => findings > 0)
  const shown = findings.slice(0, Math.max(0, most))
  const without = bill.unknown + bill.unpriced
  const isUnpriced = without > 0 && without === bill.answers
  const lines = [
    "# Waste",
    "",
    `${total.usd === null ? "An unknown amount" : `At least ${money(total.usd)}`} of ${money(isUnpriced ? null : bill.usd)}, and ` +
      `at least ${count(Usage.total(total.usage))} of ${count(Usage.total(bill.usage))} tokens. ` +
      `Findings: ${count(total.findings)}. Answers: ${count(bill.answers)}.`,
    ...(without === 0
      ? []
      : [
          "",
          `Of the answers, ${count(bill.unknown)} have no known tokens and ${count(bill.unpriced)} no known price: what they cost is in no figure of money.`
        ]),
    ...(found.length === 0
      ? []
      : [
          "",
          "| kind | findings | times | tokens | US dollars |",
          "|---|---:|---:|---:|---:|",
          ...found.map(({ findings, kind, times, usage, usd }) =>
            row([kind, count(findings), count(times), count(Usage.total(usage)), money(usd)])
          ),
          "",
          ...found.map(({ fix, kind }) => `- **${kind}**: ${fix}`),
          "",
          "| kind | what | tools | session | times | answers | tokens | US dollars |",
          "|---|---|---|---|---:|---:|---:|---:|",
          ...shown.map(findingRow)
        ]),
    ...(findings.length > shown.length ? ["", `${count(findings.length - shown.length)} more are cheaper.`] : [])
  ]
  return `${lines.join("\n")}\n`
}

const findingRow = ({ agent, answers, kind, places, session, tools, usage, usd, what }: Waste.Finding): string => {
  const named = tools.slice(0, 5).map(code).join(", ")
  return row([
    kind,
    code(Digest.short(what)),
    tools.length > 5 ? `${named} and ${tools.length - 5} more` : named,
    code(agent === null ? session : `${session} ${agent}`),
    count(places.length),
    count(answers),
    usage === null ? "unknown" : count(Usage.total(usage)),
    money(usd)
  ])
}

const row = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

/** A name as code, which can not end the code, the cell or the line. */
const code = (name: string): string => `\`${name.replace(/[^\w.:@/+<> #-]/g, "?").slice(0, 80)}\``

const count = (value: number): string => String(value).replace(/\B(?=(?:\d{3})+$)/g, ",")

const money = (usd: number | null): string =>
  usd === null ? "an unknown amount" : usd > 0 && usd < 0.01 ? "less than $0.01" : `$${usd.toFixed(2)}`
