/** Texts from outside as people read them. */
import { stripVTControlCharacters } from "node:util"

// Controls but tab and line feed, what reorders a line, lone surrogates, other line ends, and invisible tag characters.
const steering = /(?![\t\n])[\p{Cc}\p{Bidi_Control}\p{Cs}\p{Zl}\p{Zp}\u{e0000}-\u{e007f}]+/gu

/** Takes out what could steer a terminal or hide text. */
export const harmless = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll(/\r+\n?/g, "\n")
    .replaceAll(steering, "\ufffd")

/** So many of something, in words: `1 test`, `2 tests`. */
export const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`

/** A text, such as a command, as it is shown to people: one line, bounded. `most` is in characters. */
export const line = (text: string, most = 300): string => {
  // Where it is much too long, the rest is not looked at.
  const line = [
    ...harmless(text.slice(0, most * 20))
      .replaceAll(/\s+/g, " ")
      .trim()
  ]
  return line.length > most ? `${line.slice(0, most).join("")}…` : line.join("")
}
