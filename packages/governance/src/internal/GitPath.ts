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

const escapes = /\\([0-3][0-7]{2}|[abtnvfr"\\])/g

/** What stands between the quotes, without escapes; as it is, where a backslash begins none. */
export const unquote = (inner: string): string => {
  if (!inner.includes("\\") || inner.replaceAll(escapes, "").includes("\\")) return inner
  // As latin1 each byte is one character.
  const bytes = Buffer.from(inner).toString("latin1")
  const plain = bytes.replaceAll(escapes, (_, told: string) =>
    String.fromCharCode(letters[told] ?? Number.parseInt(told, 8))
  )
  return Buffer.from(plain, "latin1").toString("utf8")
}
