/** A judgement with every kind of thing that a report shows, and one text wherever others write one. */
import * as Contract from "@millwright/core/Contract"
import * as Digest from "@millwright/core/Digest"
import * as Verdict from "@millwright/core/Verdict"
import type * as VerdictReport from "../src/VerdictReport.ts"

/** A PNG of one dot. */
export const png: Uint8Array = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64"
)

const statuses = ["pass", "fail", "blocked", "error", "skipped"] as const

/** One clause of each status, and a rule. */
export const packet = (said: string): VerdictReport.Packet => {
  const contract = Contract.freeze(
    `issue ${said}`,
    [
      { area: "LIST", statement: `a ${said}`, kind: "ui", from: `AC ${said}`, weight: 6 },
      { area: "LIST", statement: `b ${said}`, check: { _tag: "Command", run: `run ${said}` } },
      { area: "API", statement: `c ${said}`, check: { _tag: "Changed", paths: [`src ${said}`], least: 1 } },
      { area: "API", statement: `d ${said}`, check: { _tag: "Scenario", scenario: `s ${said}` } },
      {
        statement: `e ${said}`,
        check: { _tag: "File", path: `f ${said}`, is: { _tag: "Markdown", sections: [`g ${said}`] } }
      }
    ],
    { acceptAt: 0.7, base: "a".repeat(40) }
  )
  const kinds = [
    "command",
    "review",
    "artifact",
    "report",
    "steps",
    "screenshot",
    "accessibility",
    "exchange",
    "terminal"
  ] as const
  const evidence = kinds.map((kind) =>
    Verdict.evidence({
      kind,
      summary: `sum ${said}`,
      content: kind === "screenshot" ? png : said,
      excerpt: kind === "screenshot" ? "" : `exc ${said}`
    })
  )
  const problems = [{ rule: `rule ${said}`, message: `message ${said}`, path: `path ${said}`, line: 3 }]
  const findings = [...contract.assertions.map(({ id }) => id), "RULE-SECRETS"].map((assertion, at) => ({
    assertion,
    status: statuses[at] ?? "pass",
    reason: `reason ${said}`,
    evidence,
    problems
  }))
  const verdict = {
    ...Verdict.make(`validator ${said}`, contract, findings),
    twins: [
      { twin: `twin ${said}`, fidelity: 0.987, comparedAt: 0 },
      { twin: `other ${said}`, fidelity: null, comparedAt: null }
    ]
  }
  const head = "c".repeat(40)
  return {
    contract,
    verdict,
    title: `title ${said}`,
    at: 0,
    preview: "http://127.0.0.1:4173/app",
    change: { branch: `branch ${said}`, base: "a".repeat(40), head, files: [] },
    contents: new Map([[Digest.of(png), png]]),
    amendments: [
      {
        at: 0,
        amends: Digest.of("x"),
        contract: contract.digest,
        by: `by ${said}`,
        why: `why ${said}`,
        added: ["VAL-001"],
        removed: [],
        altered: []
      }
    ],
    stamps: [
      {
        chain: "c",
        dimension: "quality",
        verdict: Digest.of("v"),
        accepted: true,
        contract: contract.digest,
        head,
        by: { _tag: "Human", name: `name ${said}` },
        authors: [{ _tag: "Host" }],
        evidence: [Digest.of("e")],
        at: 0,
        previous: null,
        key: Digest.of("k"),
        signature: "a".repeat(128)
      }
    ]
  }
}
