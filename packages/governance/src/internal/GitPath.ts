/** Paths as git quotes them: a byte that could be mistaken is a backslash and a letter, or three octal digits. */

const letters: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  '"': 34,
  "\\": 92
}

/** What stands between the quotes, without escapes; as it is, where a backslash begins none. */
export const unquote = (inner: string): string => {
  if (!inner.includes("\\") || !/^(?:[^\\]|\\(?:[0-3][0-7]{2}|[abtnvfr"\\]))*$/.test(inner)) return inner
  const parts = inner.match(/\\(?:[0-3][0-7]{2}|.)|[^\\]+/g) ?? []
  const bytes = parts.map((part) => {
    if (!part.startsWith("\\")) return Buffer.from(part)
    return Buffer.of(letters[part.slice(1)] ?? Number.parseInt(part.slice(1), 8))
  })
  return Buffer.concat(bytes).toString("utf8")
}
