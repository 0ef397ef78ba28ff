/** Which parts of a source text are code, and which are comments and texts, told from their signs alone. */

const hash = /\.(?:py|rb|sh|bash|ya?ml|toml|pl|r|ex|exs)$/i

/**
 * The text with every character of a comment, and of what stands between quotes, replaced by a space; line ends and quotes stay, so
 * every place is where it was.
 */
export const masked = (path: string, text: string): string => {
  const comments = hash.test(path) ? "#[^\\n]*" : "\\/\\/[^\\n]*|\\/\\*[\\s\\S]*?(?:\\*\\/|$)"
  const quoted = `"""[\\s\\S]*?(?:"""|$)|"(?:\\\\.|[^"\\\\\\n])*"?|'(?:\\\\.|[^'\\\\\\n])*'?|\`(?:\\\\[\\s\\S]|[^\`\\\\])*\`?`
  return text.replaceAll(new RegExp(`(${comments})|${quoted}`, "g"), (found: string, comment: string | undefined) => {
    const blank = (part: string) => part.replaceAll(/[^\n]/g, " ")
    if (comment !== undefined) return blank(found)
    const quote = found.startsWith('"""') ? 3 : 1
    return found.length < 2 * quote
      ? blank(found)
      : found.slice(0, quote) + blank(found.slice(quote, -quote)) + found.slice(-quote)
  })
}

/** Where each line begins. */
export const lineStarts = (text: string): ReadonlyArray<number> => [
  0,
  ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)
]

/** What stands between quotes on one line, but for the names of modules. `code` is the line masked. */
export const texts = (code: string, line: string): ReadonlyArray<{ readonly start: number; readonly end: number }> =>
  /^\s*(?:import|export|from|require|use|include)\b|\brequire\(|\bimport\(/.test(code)
    ? []
    : [...code.matchAll(/(["'`]) +\1/g)]
        .map(({ 0: found, index }) => ({ start: index + 1, end: index + found.length - 1 }))
        .filter(({ end, start }) => !line.slice(start, end).includes("${"))
