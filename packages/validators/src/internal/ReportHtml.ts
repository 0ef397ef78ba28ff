/** A report as one file of HTML. It asks for nothing: no script, no font, no picture from elsewhere, and what others wrote is text. */
import * as Actor from "@millwright/core/Actor"
import * as Digest from "@millwright/core/Digest"
import type * as Verdict from "@millwright/core/Verdict"
import { createHash } from "node:crypto"
import { Markup, markup, none, type Part } from "@millwright/core/Markup"
import * as Parts from "./ReportParts.ts"
import * as AssertionText from "./AssertionText.ts"
import { style } from "./ReportStyle.ts"

/** The file. */
export const page = (packet: Parts.Packet): string => {
  const groups = Parts.groups(packet)
  const title = `${word(packet.verdict)}: ${packet.title ?? packet.contract.item}`
  const hash = createHash("sha256").update(style).digest("base64")
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<main>
${Parts.doubts(packet).map((doubt) => markup`<p class="doubt" role="alert">${doubt}</p>`)}
${head(packet, groups)}
${against(packet, groups)}
${groups.map((group) => section(packet, group))}
${stamps(packet)}
${amendments(packet)}
<footer>Judged by ${packet.verdict.validator} against the contract <code>${packet.contract.digest}</code>. What is quoted here was written by others.</footer>
</main>
</body>
</html>
`.text
}

const word = ({ accepted }: Pick<Verdict.Verdict, "accepted">): string => (accepted ? "Accepted" : "Not accepted")

const shapes: Readonly<Record<Verdict.Status, Markup>> = {
  pass: markup`<path d="M3 8.5l3.2 3.2L13 5"/>`,
  fail: markup`<path d="M4 4l8 8M12 4l-8 8"/>`,
  blocked: markup`<path d="M5.5 3.5v9M10.5 3.5v9"/>`,
  error: markup`<path d="M8 2.5v7M8 13v.1"/>`,
  skipped: markup`<path d="M3 8h10"/>`
}

const sign = (status: Verdict.Status): Markup =>
  markup`<svg class="sign" viewBox="0 0 16 16" aria-hidden="true">${shapes[status]}</svg>`

const chip = (status: Verdict.Status, text: Part): Markup =>
  markup`<span class="chip ${status}">${sign(status)}${text}</span>`

const head = (packet: Parts.Packet, groups: ReadonlyArray<Parts.Group>): Markup => {
  const { change, contract, preview, title, verdict } = packet
  const counts = Parts.counts(groups)
  const all = counts.reduce((sum, { count }) => sum + count, 0)
  let from = 0
  const rects = counts.map(({ count, status }) => {
    const rect = markup`<rect class="${status}" x="${from}" y="0" width="${count}" height="1"/>`
    from += count
    return rect
  })
  const weight = Parts.weight(packet)
  const address = Parts.address(preview)
  return markup`<header class="verdict ${verdict.accepted ? "accepted" : "refused"}">
<p class="soft mono" dir="auto">${contract.item}</p>
<h1 dir="auto">${title ?? contract.item}</h1>
<p class="word">${sign(verdict.accepted ? "pass" : "fail")}${word(verdict)}</p>
<svg class="bar" viewBox="0 0 ${Math.max(1, all)} 1" preserveAspectRatio="none" aria-hidden="true">${rects}</svg>
<ul class="counts">${counts.map(({ count, status }) => markup`<li>${chip(status, `${count} ${Parts.words[status]}`)}</li>`)}</ul>
${weight === undefined ? none : markup`<p class="soft">${weight}</p>`}
${address === undefined ? none : markup`<p><a class="try" href="${address}" rel="noopener noreferrer">Try it: ${address}</a></p>`}
<dl class="facts">
<dt>Judged by</dt><dd>${verdict.validator}</dd>
<dt>Contract</dt><dd><code>${Digest.short(contract.digest)}</code>, ${contract.assertions.length} assertions${contract.base === undefined ? "" : markup`, frozen at <code>${contract.base.slice(0, 12)}</code>`}</dd>
${change === undefined ? none : markup`<dt>Change</dt><dd><code>${change.branch}</code>, <code>${change.base.slice(0, 12)}</code> to <code>${change.head.slice(0, 12)}</code>, ${change.files.length} files</dd>`}
${packet.at === undefined ? none : markup`<dt>When</dt><dd>${Parts.time(packet.at)}</dd>`}
${(verdict.twins ?? []).length === 0 ? none : markup`<dt>Instead of services</dt><dd>${(verdict.twins ?? []).map((twin) => markup`<p>${Parts.fidelity(twin)}</p>`)}</dd>`}
</dl>
</header>`
}

const anchor = ({ finding }: Parts.Row): string => finding.assertion.toLowerCase()

const against = ({ verdict }: Parts.Packet, groups: ReadonlyArray<Parts.Group>): Markup => {
  const rows = groups.flatMap(({ rows }) => rows)
  const worst = Parts.statuses
    .filter((status) => status !== "pass" && status !== "skipped")
    .flatMap((status) => rows.filter(({ finding }) => finding.status === status))
  if (worst.length === 0) return none
  return markup`<h2>${verdict.accepted ? "What did not pass" : "What stands against it"}</h2>
<ul class="against">${worst.slice(0, 50).map((row) => {
    const { assertion, finding } = row
    return markup`<li>${chip(finding.status, Parts.words[finding.status])}<span dir="auto"><a href="#${anchor(row)}">${finding.assertion}</a> ${short(assertion?.statement ?? finding.reason)}</span></li>`
  })}</ul>${worst.length > 50 ? markup`<p class="soft">and ${worst.length - 50} more, below</p>` : none}`
}

const short = (text: string): string => (text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text)

const section = (packet: Parts.Packet, { rows, title }: Parts.Group): Markup =>
  markup`<section><h2>${title}</h2>
${rows.map((row) => clause(packet, row))}
</section>`

const clause = (packet: Parts.Packet, row: Parts.Row): Markup => {
  const { assertion, finding } = row
  const { evidence, problems = [], reason, status } = finding
  const marks = [
    ...(assertion?.kind === undefined ? [] : [assertion.kind]),
    ...(assertion?.from === undefined ? [] : [`from ${assertion.from}`]),
    ...(packet.contract.acceptAt === undefined || assertion === undefined ? [] : [`weight ${assertion.weight ?? 1}`]),
    ...(assertion?.essential === undefined ? [] : ["essential"])
  ]
  return markup`<article class="clause ${status}" id="${anchor(row)}">
<p class="top">${chip(status, Parts.words[status])}<code>${finding.assertion}</code>${marks.map((mark) => markup`<span class="soft">${mark}</span>`)}</p>
${assertion === undefined ? none : markup`<h3 class="statement" dir="auto">${assertion.statement}</h3>`}
<p class="reason ${status === "pass" ? "soft" : ""}" dir="auto">${reason}</p>
${assertion?.check === undefined ? none : markup`<p class="soft mono">${AssertionText.check(assertion.check)}</p>`}
${problems.length === 0 ? none : wrong(problems)}
${status === "pass" ? folded(packet, evidence) : shown(packet, finding)}
</article>`
}

const shown = (packet: Parts.Packet, { evidence, status }: Pick<Verdict.Finding, "evidence" | "status">): Markup =>
  markup`${steps(evidence)}
${pictures(packet, evidence)}
${evidence.filter(({ kind }) => kind !== "steps" && kind !== "screenshot").map((one) => proof(one, status))}`

/** The evidence of what is as it should be takes a line until somebody asks for it. */
const folded = (packet: Parts.Packet, evidence: ReadonlyArray<Verdict.Evidence>): Markup => {
  const [one, ...more] = evidence
  if (one === undefined) return none
  if (more.length === 0 && one.kind !== "steps" && one.kind !== "screenshot") return proof(one, "pass")
  const kinds = [...new Set(evidence.map(({ kind }) => kind))].join(", ")
  return markup`<details><summary>${evidence.length} pieces of evidence: ${kinds}</summary>${shown(packet, { evidence, status: "pass" })}</details>`
}

const wrong = (problems: ReadonlyArray<Verdict.Problem>): Markup =>
  markup`<p class="label">Where</p><table class="problems"><thead><tr><th>Place</th><th>Problem</th><th>Rule</th></tr></thead><tbody>${problems
    .slice(0, 100)
    .map(
      (problem) =>
        markup`<tr><td><code>${Parts.place(problem)}</code></td><td dir="auto">${problem.message}</td><td class="soft">${problem.rule}</td></tr>`
    )}</tbody></table>${problems.length > 100 ? markup`<p class="soft">and ${problems.length - 100} more</p>` : none}`

const steps = (evidence: ReadonlyArray<Verdict.Evidence>): Markup => {
  const done = evidence.filter(({ kind }) => kind === "steps")
  return markup`${done.map(
    ({ excerpt, summary }) =>
      markup`<p class="label" dir="auto">Steps: ${summary}</p><ol class="steps">${excerpt
        .split("\n")
        .filter((line) => line.trim() !== "")
        .slice(0, 200)
        .map(stepLine)}</ol>`
  )}`
}

/** A line of the steps: one with a number keeps it; what was noted beside them has none. */
const stepLine = (line: string): Markup => {
  if (/^[!…]/.test(line)) return markup`<li class="aside" dir="auto">${line}</li>`
  const [, number, rest = line] = /^\s*(\d{1,5})[.)]\s*(.*)$/.exec(line) ?? []
  return number === undefined
    ? markup`<li dir="auto">${rest}</li>`
    : markup`<li value="${number}" dir="auto">${rest}</li>`
}

/** The kinds of pictures that are shown, by how their bytes begin. A picture that could hold a script is none of them. */
const kindOf = (bytes: Uint8Array): string | undefined => {
  const start = Buffer.from(bytes.subarray(0, 12)).toString("latin1")
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return "image/png"
  if (start.startsWith("\xff\xd8\xff")) return "image/jpeg"
  if (start.startsWith("RIFF") && start.endsWith("WEBP")) return "image/webp"
  return undefined
}

const pictures = ({ contents }: Parts.Packet, evidence: ReadonlyArray<Verdict.Evidence>): Markup => {
  const taken = evidence.filter(({ kind }) => kind === "screenshot")
  if (taken.length === 0) return none
  return markup`<div class="pictures">${taken.map(({ bytes, digest, summary }) => {
    const content = contents?.get(digest)
    // What is shown is what was judged by.
    const kind = content !== undefined && Digest.of(content) === digest ? kindOf(content) : undefined
    const caption = `${summary} (${Digest.short(digest)})`
    return content === undefined || kind === undefined
      ? markup`<figure><figcaption dir="auto">${caption}: a picture of ${bytes} bytes that is not shown here</figcaption></figure>`
      : markup`<figure><img alt="${summary}" src="data:${kind};base64,${Buffer.from(content).toString("base64")}"><figcaption dir="auto">${caption}</figcaption></figure>`
  })}</div>`
}

const proof = ({ bytes, digest, excerpt, kind, summary }: Verdict.Evidence, status: Verdict.Status): Markup =>
  markup`<details${status === "fail" || status === "error" ? new Markup(" open") : none}><summary dir="auto">${kind}: ${short(summary)} <code>${Digest.short(digest)}</code>, ${bytes} bytes</summary>${
    excerpt === "" ? none : markup`<pre dir="auto">${excerpt.slice(0, 20_000).toWellFormed()}</pre>`
  }</details>`

const stamps = ({ stamps = [] }: Parts.Packet): Markup =>
  stamps.length === 0
    ? none
    : markup`<h2>Stamps</h2><div class="card"><table><thead><tr><th>Dimension</th><th>Verdict</th><th>Signed by</th><th>Key</th><th>When</th></tr></thead><tbody>${stamps.map(
        ({ accepted, at, by, dimension, key }) =>
          markup`<tr><td>${dimension}</td><td>${chip(accepted ? "pass" : "fail", accepted ? "accepted" : "refused")}</td><td>${Actor.label(by)}</td><td><code>${Digest.short(key)}</code></td><td>${Parts.time(at)}</td></tr>`
      )}</tbody></table></div>`

const amendments = ({ amendments = [] }: Parts.Packet): Markup =>
  amendments.length === 0
    ? none
    : markup`<h2>What was changed of the contract after the work began</h2><div class="card"><table><thead><tr><th>When</th><th>By</th><th>Why</th><th>What</th></tr></thead><tbody>${amendments.map(
        ({ added, altered, at, by, removed, why }) =>
          markup`<tr><td>${Parts.time(at)}</td><td>${by}</td><td dir="auto">${why}</td><td>${[
            ...removed.map((id) => markup`<p>${id} went</p>`),
            ...altered.map((id) => markup`<p>${id} became another</p>`),
            ...added.map((id) => markup`<p>${id} is new</p>`)
          ]}</td></tr>`
      )}</tbody></table></div>`
