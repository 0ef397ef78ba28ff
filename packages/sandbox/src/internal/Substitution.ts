/** The variables of a `devcontainer.json`, in its values and in its scripts. Pure. */

/** A variable that can not be given, and why. */
export interface Unresolved {
  readonly why: string
}

/** What a variable stands for; `undefined` when it is none of ours. */
export type Lookup = (name: string, argument: string | undefined) => string | Unresolved | undefined

const variable = /\$\{(\w+)(?::([^{}]*))?\}/g

const fill = (template: string, lookup: Lookup, put: (value: string) => string): string | Unresolved => {
  let unresolved: Unresolved | undefined
  const filled = template.replace(variable, (whole: string, name: string, argument: string | undefined) => {
    const found = lookup(name, argument)
    if (typeof found === "object") unresolved ??= found
    return typeof found === "string" ? put(found) : whole
  })
  return unresolved ?? filled
}

/** Puts values in the place of variables. What is no variable of ours stays as it is. */
export const text = (template: string, lookup: Lookup): string | Unresolved => fill(template, lookup, (value) => value)

/** A text as one word of a shell. */
export const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** A script in which variables are those of the shell, set before: no value ever becomes a part of the program. */
export const script = (template: string, lookup: Lookup): string | Unresolved => {
  const values: Array<string> = []
  const body = fill(template, lookup, (value) => `\${devcontainer_${values.push(value)}}`)
  const before = values.map((value, index) => `devcontainer_${index + 1}=${quote(value)}`)
  return typeof body === "string" ? [...before, body].join("\n") : body
}

/** A command and its arguments, which no shell reads. */
export const command = (words: ReadonlyArray<string>, lookup: Lookup): string | Unresolved => {
  const filled = words.map((word) => text(word, lookup))
  return filled.find((word) => typeof word === "object") ?? filled.map((word) => quote(String(word))).join(" ")
}

/** Scripts that run beside one another; it ends when all have, and fails when one did. */
export const together = (scripts: ReadonlyArray<string>): string =>
  [
    ...scripts.map((script, index) => `sh -e -c ${quote(script)} & devcontainer_run_${index}=$!`),
    "devcontainer_code=0",
    ...scripts.map((_, index) => `wait "$devcontainer_run_${index}" || devcontainer_code=$?`),
    'exit "$devcontainer_code"'
  ].join("\n")
