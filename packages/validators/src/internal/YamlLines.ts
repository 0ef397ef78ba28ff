/** Where the keys of a YAML file stand, and the items of its list `assertions` in block style: its parser does not say. */

/** The lines of one file, counted from 1. What is not found stands where it would belong. */
export class YamlLines {
  readonly #lines: ReadonlyArray<string>
  /** The line of the dash of each item, from 0. */
  readonly #starts: ReadonlyArray<number>

  constructor(text: string) {
    this.#lines = text.split("\n")
    this.#starts = starts(this.#lines)
  }

  /** How many items there are. */
  get items(): number {
    return this.#starts.length
  }

  /** The line of a key of the file. */
  ofKey(key: string): number {
    return (
      Math.max(
        0,
        this.#lines.findIndex((line) => line.startsWith(`${key}:`))
      ) + 1
    )
  }

  /** The line of an item, or of a key of it. */
  ofItem(item: number, key?: string): number {
    const start = this.#starts[item] ?? 0
    const own = this.#lines.slice(start, this.#starts[item + 1])
    const found =
      key === undefined ? 0 : own.findIndex((line) => line.replace(/^\s*(?:- +)?/, "").startsWith(`${key}:`))
    return start + Math.max(0, found) + 1
  }
}

const isNothing = (line: string): boolean => /^\s*(?:#|$)/.test(line)

const starts = (lines: ReadonlyArray<string>): ReadonlyArray<number> => {
  const list = lines.findIndex((line) => /^assertions:\s*(?:#.*)?$/.test(line))
  const first = lines.findIndex((line, at) => list !== -1 && at > list && !isNothing(line))
  const dash = /^( *)-(?: |$)/.exec(lines[first] ?? "")
  if (dash === null) return []
  const indent = dash[1]?.length ?? 0
  const found: Array<number> = []
  for (let at = first; at < lines.length; at++) {
    const line = lines[at] ?? ""
    if (isNothing(line)) continue
    const own = line.length - line.trimStart().length
    if (own < indent) break
    if (own > indent) continue
    if (!/^ *-(?: |$)/.test(line)) break
    found.push(at)
  }
  return found
}
