/** A decision as SARIF 2.1.0: a result for each reason and path. */
import type * as ChangeFacts from "@millwright/core/ChangeFacts"
import type * as Policy from "@millwright/core/Policy"

/** One result. `level` is `error` for a hard stop, `warning` for what takes a human. */
export interface Result {
  readonly ruleId: string
  readonly ruleIndex: number
  readonly level: "error" | "warning"
  readonly message: { readonly text: string }
  readonly locations: ReadonlyArray<{
    readonly physicalLocation: {
      readonly artifactLocation: { readonly uri: string }
      readonly region: { readonly startLine: number }
    }
  }>
  readonly partialFingerprints: Readonly<Record<string, string>>
}

/** A log of SARIF 2.1.0 with one run. */
export interface Log {
  readonly $schema: "https://json.schemastore.org/sarif-2.1.0.json"
  readonly version: "2.1.0"
  readonly runs: readonly [
    {
      readonly tool: {
        readonly driver: {
          readonly name: "millwright-policy"
          readonly rules: ReadonlyArray<{ readonly id: string; readonly shortDescription: { readonly text: string } }>
        }
      }
      readonly results: ReadonlyArray<Result>
    }
  ]
}

/** What is told. */
export interface Told {
  readonly facts: ChangeFacts.ChangeFacts
  readonly decision: Policy.Decision
  readonly digest: string
}

/** Makes the log. What ships makes no result. */
export const make = ({ decision, digest, facts }: Told): Log => {
  const reasons = (decision.reasons ?? []).filter((reason) => reason.class !== "AutoShip")
  const ids = [...new Set(reasons.map(({ rule }) => rule))]
  const lines = new Map(
    facts.files.map(({ path, traits }) => [path, traits.find(({ line }) => line !== undefined)?.line ?? 1])
  )
  const results = reasons.flatMap(({ class: asks, paths, reviewers, roles, rule }) =>
    (paths.length === 0 ? [undefined] : paths).map((path): Result => ({
      ruleId: rule,
      ruleIndex: ids.indexOf(rule),
      level: asks === "HardStop" ? "error" : "warning",
      message: {
        text:
          asks === "HardStop"
            ? `${rule}: only commits that humans signed may change this. Take it out of the change.`
            : `${rule}: it takes ${reviewers} human(s)${roles.length === 0 ? "" : `, among them ${roles.join(" and ")}`}.`
      },
      // GitHub refuses a file with a result that has no location: what is of the whole change stands at its first file.
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: uriOf(path ?? facts.files[0]?.path ?? ".millwright/policy.yaml") },
            region: { startLine: path === undefined ? 1 : Math.max(1, lines.get(path) ?? 1) }
          }
        }
      ],
      partialFingerprints: { "decision/v1": digest }
    }))
  )
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: { name: "millwright-policy", rules: ids.map((id) => ({ id, shortDescription: { text: id } })) }
        },
        results
      }
    ]
  }
}

/** A path as a reference of a URI: a name with a colon in its first segment, or an empty one, would be something else. */
const uriOf = (path: string): string =>
  path
    .split("/")
    .map((segment) => encodeURIComponent(segment.toWellFormed()))
    .join("/")
