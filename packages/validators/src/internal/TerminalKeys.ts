/** Keys by their names in the DOM, as a terminal sends them. */

/** What a terminal sends for a key alone. */
const plain: Readonly<Record<string, string>> = {
  Enter: "\r",
  Tab: "\t",
  Escape: "\x1b",
  Backspace: "\x7f",
  Space: " "
}

/** Keys of the form `ESC [ letter`; where the program asked for it `ESC O letter`. */
const cursor: Readonly<Record<string, string>> = {
  ArrowUp: "A",
  ArrowDown: "B",
  ArrowRight: "C",
  ArrowLeft: "D",
  Home: "H",
  End: "F"
}

/** F1 to F4, of the form `ESC O letter`. */
const functions: Readonly<Record<string, string>> = { F1: "P", F2: "Q", F3: "R", F4: "S" }

/** Keys of the form `ESC [ number ~`. */
const numbered: Readonly<Record<string, number>> = {
  Insert: 2,
  Delete: 3,
  PageUp: 5,
  PageDown: 6,
  F5: 15,
  F6: 17,
  F7: 18,
  F8: 19,
  F9: 20,
  F10: 21,
  F11: 23,
  F12: 24
}

const own = <A>(table: Readonly<Record<string, A>>, key: string): A | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined

/** What a terminal sends for `key`, such as `Enter`, `Control+C` or `Shift+Tab`; `undefined` when there is no such key. */
export const sent = (key: string, isApplication: boolean): string | undefined => {
  // The last part may be a plus itself.
  const parts = /^((?:(?:Shift|Control|Alt|Meta)\+)*)([^]+)$/.exec(key)
  const modifiers = new Set((parts?.[1] ?? "").split("+").filter((part) => part !== ""))
  const name = parts?.[2] ?? ""
  const [isShift, isControl] = [modifiers.has("Shift"), modifiers.has("Control")]
  const isAlt = modifiers.has("Alt") || modifiers.has("Meta")
  const alone = (text: string) => `${isAlt ? "\x1b" : ""}${text}`
  if ([...name].length === 1) {
    if (!isControl) return alone(isShift ? name.toUpperCase() : name)
    const code = name.toUpperCase().charCodeAt(0)
    return code >= 0x40 && code <= 0x5f ? alone(String.fromCharCode(code & 0x1f)) : undefined
  }
  if (name === "Tab" && isShift) return "\x1b[Z"
  const simple = own(plain, name)
  if (simple !== undefined) return name === "Space" && isControl ? alone("\0") : alone(simple)
  const weight = 1 + (isShift ? 1 : 0) + (isAlt ? 2 : 0) + (isControl ? 4 : 0)
  const letter = own(cursor, name) ?? own(functions, name)
  if (letter !== undefined) {
    if (weight > 1) return `\x1b[1;${weight}${letter}`
    return isApplication || own(functions, name) !== undefined ? `\x1bO${letter}` : `\x1b[${letter}`
  }
  const number = own(numbered, name)
  if (number === undefined) return undefined
  return weight > 1 ? `\x1b[${number};${weight}~` : `\x1b[${number}~`
}
