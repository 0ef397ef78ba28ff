/** Reads SARIF 2.1.0: what is wrong at the head, without what was found to be right, allowed, or is gone. */
import * as Schema from "effect/Schema"
import type { Found, Level, ProblemReport } from "./ProblemReport.ts"
import * as ReportText from "./ReportText.ts"

const text = Schema.optionalKey(Schema.String)
const Message = Schema.Struct({
  text,
  markdown: text,
  id: text,
  arguments: Schema.optionalKey(Schema.Array(Schema.String))
})
const SarifLevel = Schema.optionalKey(Schema.Literals(["none", "note", "warning", "error"]))
const Descriptor = Schema.Struct({
  id: Schema.String,
  defaultConfiguration: Schema.optionalKey(Schema.Struct({ level: SarifLevel })),
  messageStrings: Schema.optionalKey(Schema.Record(Schema.String, Schema.Struct({ text })))
})
const Notification = Schema.Struct({ level: SarifLevel, message: Schema.optionalKey(Message) })
const Component = Schema.Struct({ rules: Schema.optionalKey(Schema.Array(Descriptor)) })

/** As far as it is read. */
export const Sarif = Schema.Struct({
  runs: Schema.NonEmptyArray(
    Schema.Struct({
      tool: Schema.Struct({ driver: Component, extensions: Schema.optionalKey(Schema.Array(Component)) }),
      results: Schema.optionalKey(
        Schema.NullOr(
          Schema.Array(
            Schema.Struct({
              ruleId: text,
              ruleIndex: Schema.optionalKey(Schema.Int),
              rule: Schema.optionalKey(Schema.Struct({ id: text, index: Schema.optionalKey(Schema.Int) })),
              kind: text,
              level: SarifLevel,
              baselineState: text,
              message: Message,
              locations: Schema.optionalKey(
                Schema.Array(
                  Schema.Struct({
                    physicalLocation: Schema.optionalKey(
                      Schema.Struct({
                        artifactLocation: Schema.optionalKey(
                          Schema.Struct({ uri: text, index: Schema.optionalKey(Schema.Int) })
                        ),
                        region: Schema.optionalKey(Schema.Struct({ startLine: Schema.optionalKey(Schema.Natural) }))
                      })
                    )
                  })
                )
              ),
              suppressions: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.Struct({ status: text }))))
            })
          )
        )
      ),
      artifacts: Schema.optionalKey(
        Schema.Array(Schema.Struct({ location: Schema.optionalKey(Schema.Struct({ uri: text })) }))
      ),
      invocations: Schema.optionalKey(
        Schema.Array(
          Schema.Struct({
            executionSuccessful: Schema.optionalKey(Schema.Boolean),
            toolExecutionNotifications: Schema.optionalKey(Schema.Array(Notification)),
            toolConfigurationNotifications: Schema.optionalKey(Schema.Array(Notification))
          })
        )
      )
    })
  )
})

type Run = (typeof Sarif.Type)["runs"][number]
type Result = NonNullable<Run["results"]>[number]

const decoded = (uri: string): string => {
  try {
    return decodeURIComponent(uri.replace(/^file:\/\/(?:localhost)?(?=\/)/, ""))
  } catch {
    return uri
  }
}

const messageOf = ({ message }: Result, strings: Readonly<Record<string, { readonly text?: string }>>): string => {
  const template =
    message.text ?? (message.id === undefined ? undefined : strings[message.id]?.text) ?? message.markdown ?? ""
  return template.replaceAll(/\{(\d+)\}/g, (whole, index: string) => message.arguments?.[Number(index)] ?? whole)
}

/** Allowed by somebody: a suppression that was asked for and not granted is none. */
const isSuppressed = ({ suppressions }: Result): boolean =>
  (suppressions ?? []).some(({ status }) => status === undefined || status === "accepted")

const levelOf = (level: (typeof SarifLevel)["schema"]["Type"] | undefined): Level =>
  level === "error" || level === "warning" ? level : level === undefined ? "warning" : "note"

const readRun = (run: Run, place: ReportText.Place) => {
  const rules = [run.tool.driver, ...(run.tool.extensions ?? [])].flatMap(({ rules = [] }) => rules)
  const results = (run.results ?? []).filter(
    ({ baselineState, kind = "fail" }) => kind === "fail" && baselineState !== "absent"
  )
  const found = results
    .filter((result) => !isSuppressed(result))
    .map((result): Found => {
      const index = result.ruleIndex ?? result.rule?.index ?? -1
      const id = result.ruleId ?? result.rule?.id
      const rule = run.tool.driver.rules?.[index] ?? rules.find((one) => one.id === id)
      const where = result.locations?.[0]?.physicalLocation
      const artifact = where?.artifactLocation
      const uri = artifact?.uri ?? run.artifacts?.[artifact?.index ?? -1]?.location?.uri
      const line = where?.region?.startLine
      return {
        rule: ReportText.name(id ?? rule?.id ?? "", place) || "a rule without a name",
        message: ReportText.message(messageOf(result, rule?.messageStrings ?? {}), place),
        path: ReportText.path(uri === undefined ? undefined : decoded(uri), place),
        line: line === undefined || line === 0 ? null : line,
        level: levelOf(result.level ?? rule?.defaultConfiguration?.level)
      }
    })
  const troubles = (run.invocations ?? []).flatMap((invocation) => {
    const told = [
      ...(invocation.toolExecutionNotifications ?? []),
      ...(invocation.toolConfigurationNotifications ?? [])
    ].filter(({ level }) => level === "error")
    const texts = told.map(({ message }) => ReportText.message(message?.text ?? "an error without a text", place))
    return invocation.executionSuccessful === false && texts.length === 0
      ? ["it says that it did not run to its end"]
      : texts
  })
  // Left out and `null` say that it did not come to looking; nothing found is an empty list.
  if (run.results === undefined || run.results === null) troubles.push("a run has no results, as when it did not look")
  return { found, suppressed: results.filter(isSuppressed).length, troubles }
}

/** Reads a report. */
export const read = ({ runs }: typeof Sarif.Type, place: ReportText.Place): ProblemReport => {
  const all = runs.map((run) => readRun(run, place))
  return {
    format: "sarif",
    found: all.flatMap(({ found }) => found),
    suppressed: all.reduce((sum, { suppressed }) => sum + suppressed, 0),
    troubles: all.flatMap(({ troubles }) => troubles)
  }
}
