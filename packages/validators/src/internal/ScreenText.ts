/** What programs print, as people can read it safely. */
import * as Tainted from "@millwright/core/Tainted"
import { stripVTControlCharacters } from "node:util"

/** Takes out what could steer a terminal, and shows that something was there which hides text. */
export const plain = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll(/\r+\n?/g, "\n")
    .replace(Tainted.hidden, "\ufffd")
