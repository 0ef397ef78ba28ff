/** The texts of a report as a test report has them: without colours, without folders of this machine, bounded. */
import * as PlainText from "./PlainText.ts"

/** What is known of where a report comes from. */
export interface Place {
  /** The checkout that the program ran in: what the report says of it is made a path of the repository. */
  readonly directory?: string
}

// Also as references and as pytest writes it, since what stands for ESC is forbidden in XML.
const colours = /(?:(?![\t\n\r])\p{Cc}|&#x0*1b;|&#0*27;|#x1B)\[?[0-9;]*m/giu

/** Text without colours. */
export const plain = (text: string): string => text.replaceAll(colours, "")

/** Takes the folder of the checkout out of a text, wherever it stands. */
const without = (text: string, { directory }: Place): string =>
  directory === undefined || directory === "" || directory === "/"
    ? text
    : text.replaceAll(`file://${directory}/`, "").replaceAll(`${directory}/`, "").replaceAll(directory, ".")

/** A name, in one line. */
export const name = (text: string, place: Place): string => PlainText.line(without(plain(text), place), 500)

/** A message, of several lines. */
export const message = (text: string, place: Place): string => {
  const characters = PlainText.harmless(without(plain(text.slice(0, 20_000)), place)).trim()
  return characters.length > 2_000 ? `${characters.slice(0, 2_000).toWellFormed()}…` : characters
}

/** A path of the repository, or none where it leads elsewhere. */
export const path = (text: string | undefined, place: Place): string | null => {
  if (text === undefined || text === "") return null
  const inside = PlainText.harmless(without(text, place)).replace(/^(?:\.\/)+/, "")
  return inside === "" || inside.startsWith("/") || /(?:^|\/)\.\.(?:\/|$)/.test(inside) ? null : inside
}

/** Seconds as a program writes them, `1,234.5`, `0,12` and `1.234,5` too, as milliseconds. */
export const seconds = (text: string | undefined): number | null => {
  if (text === undefined) return null
  const comma = text.lastIndexOf(",")
  const point = text.lastIndexOf(".")
  const plain =
    comma > point && !/^\d{1,3}(?:,\d{3}){2,}$/.test(text)
      ? text.replaceAll(".", "").replace(",", ".")
      : text.replaceAll(",", "")
  return /^\s*\d*\.?\d+(?:e[+-]?\d+)?\s*$/i.test(plain) ? milliseconds(Number(plain) * 1_000) : null
}

/** A duration, when it is one. */
export const milliseconds = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null
