/** Why a report is not read. */
import * as Fault from "@millwright/core/Fault"

/** A report can not be read. Nothing is judged by a part of one. */
export class ReportError extends Fault.Class<ReportError>()("ReportError", {
  /** It is larger than a report may be. */
  TooLarge: false,
  /** It is not what its format says it is. */
  Malformed: false,
  /** It brings a document type of its own, which no report needs. */
  DocumentType: false,
  /** It is in none of the known formats. */
  UnknownFormat: false
}) {}

/** What is not as the format has it, at its place. */
export const malformed = (format: string, what: string): ReportError =>
  new ReportError({
    reason: "Malformed",
    message: `The report is no ${format}: ${what}. Look whether the program ended before it was written, and whether something else writes to the same file.`
  })
