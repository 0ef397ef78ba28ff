/**
 * A program for a POSIX shell as one line, to be read by `read -r` and run by `eval`. Values are words in single quotes, in
 * which the shell takes every character for itself; a line break is put in by a variable.
 */

/** What comes before the first word. */
export const start = `n=$(printf "\\012x"); n=\${n%x}; `

/** A value as a word. */
export const quote = (value: string): string => `'${value.replaceAll("'", `'\\''`).replaceAll("\n", `'"$n"'`)}'`

/** Words of a command. */
export const words = (values: ReadonlyArray<string>): string => values.map(quote).join(" ")
