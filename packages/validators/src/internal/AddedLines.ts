/** The lines that a patch of git adds, by the path of their file after it. */

/** The lines that were added to a file, together as one text. */
export interface AddedLines {
  readonly path: string
  readonly text: string
  /** For each line of the text, which one of the file it is, from 1. */
  readonly numbers: ReadonlyArray<number>
}

const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  t: "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
  '"': '"',
  "\\": "\\"
}

/** A path as git writes it in a patch: in quotation marks, with its bytes in octal, where it has signs that steer. */
const unquote = (written: string): string => {
  if (!written.startsWith('"')) return written.replace(/\t$/, "")
  const inner = written.slice(1, written.lastIndexOf('"'))
  const bytes = Array.from(inner.matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs), ([, octal, sign, plain]) =>
    octal === undefined ? Buffer.from(plain ?? escapes[sign ?? ""] ?? "") : Buffer.of(Number.parseInt(octal, 8))
  )
  return Buffer.concat(bytes).toString()
}

/**
 * Reads a patch. The lines of a hunk are counted as its head says, so that no content is taken for a head.
 */
export const parse = (patch: string): ReadonlyArray<AddedLines> => {
  const files: Array<{ path: string; lines: Array<string>; numbers: Array<number> }> = []
  let [removed, added, number] = [0, 0, 0]
  for (const line of patch.split("\n")) {
    const file = files.at(-1)
    if ((removed > 0 || added > 0) && file !== undefined) {
      if (line.startsWith("-")) removed--
      else if (line.startsWith("+")) {
        added--
        file.lines.push(line.slice(1))
        file.numbers.push(number++)
      } else if (!line.startsWith("\\")) {
        removed--
        added--
        number++
      }
      continue
    }
    const hunk = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line)
    if (hunk !== null) {
      removed = Number(hunk[1] ?? 1)
      number = Number(hunk[2])
      added = Number(hunk[3] ?? 1)
    } else if (line.startsWith("+++ ")) {
      files.push({ path: unquote(line.slice(4)).replace(/^b\//, ""), lines: [], numbers: [] })
    }
  }
  return files.map(({ lines, numbers, path }) => ({ path, text: lines.join("\n"), numbers }))
}
