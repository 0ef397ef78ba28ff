/** A report as Markdown, for a pull request or a file. What others wrote makes no heading, no link, no picture and no mention. */
import * as Actor from "@millwright/core/Actor"
import * as Digest from "@millwright/core/Digest"
import * as Markup from "@millwright/core/Markup"
import type * as Verdict from "@millwright/core/Verdict"
import * as Parts from "./ReportParts.ts"

const signs: Readonly<Record<Verdict.Status, string>> = {
  pass: "✅",
  fail: "❌",
  blocked: "⏸️",
  error: "⚠️",
  skipped: "➖"
}

/** The text, of at most so many characters: what does not go in is counted at its end. */
export const text = (packet: Parts.Packet, longest: number): string => {
  const groups = Parts.groups(packet)
  const rows = groups.flatMap(({ rows }) => rows)
  const blocks = [
    ...Parts.doubts(packet).map((doubt) => `> ⚠️ **${doubt}**`),
    ...head(packet, groups),
    ...groups.map(({ rows, title }) => table(title, rows)),
    ...rows.filter(({ finding }) => finding.status !== "pass" && finding.status !== "skipped").map(detail),
    ...stamps(packet),
    ...amendments(packet)
  ]
  const kept: Array<string> = []
  let length = 0
  for (const block of blocks) {
    length += block.length + 2
    if (length > longest - 200) break
    kept.push(block)
  }
  const more = blocks.length - kept.length
  if (more > 0)
    kept.push(`… and ${more} more sections, in the whole report. The verdict is made of ${rows.length} findings.`)
  return `${kept.join("\n\n")}\n`
}

const head = (packet: Parts.Packet, groups: ReadonlyArray<Parts.Group>): ReadonlyArray<string> => {
  const { change, contract, preview, title, verdict } = packet
  const counts = Parts.counts(groups).map(({ count, status }) => `${count} ${Parts.words[status]}`)
  const address = Parts.address(preview)
  const weight = Parts.weight(packet)
  return [
    `# ${verdict.accepted ? "✅ Accepted" : "❌ Not accepted"}: ${Markup.line(title ?? contract.item)}`,
    `${counts.join(", ")}.${weight === undefined ? "" : ` ${weight}`}`,
    [
      `- Judged by: ${Markup.line(verdict.validator)}`,
      `- Contract: \`${Digest.short(contract.digest)}\` of ${Markup.line(contract.item)}, ${contract.assertions.length} assertions`,
      ...(change === undefined
        ? []
        : [
            `- Change: ${Markup.line(change.branch)}, ${Markup.line(change.base.slice(0, 12))} to ${Markup.line(change.head.slice(0, 12))}, ${change.files.length} files`
          ]),
      ...(packet.at === undefined ? [] : [`- When: ${Parts.time(packet.at)}`]),
      ...(verdict.twins ?? []).map((twin) => `- Instead of a service: ${Markup.line(Parts.fidelity(twin))}`),
      ...(address === undefined ? [] : [`- Try it: <${address}>`])
    ].join("\n")
  ]
}

const table = (title: string, rows: ReadonlyArray<Parts.Row>): string =>
  [
    `## ${Markup.line(title)}`,
    "",
    "| | assertion | what | found |",
    "|---|---|---|---|",
    ...rows.map(
      ({ assertion, finding }) =>
        `| ${signs[finding.status]} ${Parts.words[finding.status]} | ${finding.assertion} | ${short(assertion?.statement ?? "", 300)} | ${short(finding.reason, 300)} |`
    )
  ].join("\n")

const short = (text: string, longest: number): string =>
  Markup.line(text.length > longest ? `${text.slice(0, longest).toWellFormed()}…` : text)

const detail = ({ assertion, finding }: Parts.Row): string =>
  [
    `### ${signs[finding.status]} ${finding.assertion} ${Parts.words[finding.status]}`,
    ...(assertion === undefined ? [] : [short(assertion.statement, 2_000)]),
    short(finding.reason, 2_000),
    (finding.problems ?? [])
      .slice(0, 20)
      .map(
        (problem) =>
          `- ${[Parts.place(problem), problem.message]
            .filter((part) => part !== "")
            .map((part) => short(part, 500))
            .join(": ")}`
      )
      .join("\n"),
    ...finding.evidence
      .slice(0, 10)
      .flatMap(({ bytes, digest, excerpt, kind, summary }) => [
        `${kind}: ${short(summary, 300)} (\`${Digest.short(digest)}\`, ${bytes} bytes)`,
        ...(excerpt === ""
          ? []
          : [Markup.code(excerpt.length > 2_000 ? `${excerpt.slice(0, 2_000).toWellFormed()}\n…` : excerpt)])
      ])
  ]
    .filter((part) => part !== "")
    .join("\n\n")

const stamps = ({ stamps = [] }: Parts.Packet): ReadonlyArray<string> =>
  stamps.length === 0
    ? []
    : [
        [
          "## Stamps",
          "",
          ...stamps.map(
            ({ accepted, at, by, dimension, key }) =>
              `- ${dimension}: ${accepted ? "accepted" : "refused"} by ${Markup.line(Actor.label(by))}, ${Parts.time(at)}, key \`${Digest.short(key)}\``
          )
        ].join("\n")
      ]

const amendments = ({ amendments = [] }: Parts.Packet): ReadonlyArray<string> =>
  amendments.length === 0
    ? []
    : [
        [
          "## What was changed of the contract after the work began",
          "",
          ...amendments.map(
            ({ added, altered, at, by, removed, why }) =>
              `- ${Parts.time(at)}, ${Markup.line(by)}: ${short(why, 500)} (${removed.length} gone, ${altered.length} altered, ${added.length} new)`
          )
        ].join("\n")
      ]
